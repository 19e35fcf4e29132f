"""The GRU in PyTorch, a drop-in for ``torch.nn.GRU``.

::

    u_t = W_ih x_t + b_ih                   the input's part; for all steps at once
    v_t = W_hh h_{t-1} + b_hh               the memory's part; like u_t in three blocks: r, z, n
    r_t = σ(u_r + v_r)   z_t = σ(u_z + v_z)
    n_t = tanh(u_n + r_t * v_n)             the candidate: r decides how much of the memory it sees
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}   z keeps, 1 - z writes

Source: Cho et al. (2014), whose reset gate acts on h_{t-1} before the product (``reset_after=False``); after it,
as above, in cuDNN, Keras and ``torch.nn.GRU``, whose parameters' names and blocks' order these are.
"""

import torch

from rnnbook.errors import check_flag
from rnnbook.in_torch.by_hand import Pair, biases
from rnnbook.in_torch.compiled import gru as compiled
from rnnbook.in_torch.handwritten import gru as handwritten
from rnnbook.in_torch.recurrent import Recurrent


def reference(x, state, params, sizes, *, reset_after=True):
    """Read the rows x (N, D) from state (h,), h of shape (B, H), step by step;
    autograd finds the gradient.

    ``sizes[t]`` sequences are still running at step t. Returns h after every
    step, (N, H), and each sequence's final state.
    """
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    b_ih, b_hh = biases(params)
    (h,) = state
    H = h.size(1)
    hs, ended = [], []
    u = x @ W_ih.T + b_ih  # eq-gru-from-input
    for u_t in u.split(sizes):
        b = u_t.size(0)  # the shortest sequences come last, and end first
        h, ended = h[:b], [h[b:], *ended]
        u_r, u_z, u_n = u_t.split(H, dim=1)
        if reset_after:
            v = h @ W_hh.T + b_hh  # eq-gru-from-hidden
        else:
            v = h @ W_hh[: 2 * H].T + b_hh[: 2 * H]
        v_r, v_z = v[:, :H], v[:, H : 2 * H]
        r = torch.sigmoid(u_r + v_r)  # eq-gru-reset
        z = torch.sigmoid(u_z + v_z)  # eq-gru-update
        if reset_after:
            n = torch.tanh(u_n + r * v[:, 2 * H :])  # eq-gru-candidate
        else:
            v_n = (r * h) @ W_hh[2 * H :].T + b_hh[2 * H :]
            n = torch.tanh(u_n + v_n)  # eq-gru-candidate-before
        h = (1 - z) * n + z * h  # eq-gru-hidden
        hs.append(h)
    return torch.cat(hs), (torch.cat([h, *ended]),)


PAIRS = {
    "handwritten": Pair(handwritten.forward, handwritten.backward, direct=False),
    "compiled": Pair(compiled.forward, compiled.backward, direct=True, can_forget=True),
}


class GRU(Recurrent):
    """Gated recurrent units with the arguments, returns and ``state_dict`` of ``torch.nn.GRU``.

    ``GRU(input_size, hidden_size)`` reads (T, B, D) and returns h after every step (T, B, H) and the last h
    (layers · directions, B, H). ``reset_after=False`` is the paper's GRU instead of cuDNN's; ``implementation``
    selects one recurrence, see ``rnnbook.in_torch``. Raises what ``torch.nn.GRU`` raises, naming the
    argument. Source: Cho et al. (2014); the equations of ``torch.nn.GRU``.
    """

    gates = 3
    reference = staticmethod(reference)

    def __init__(
        self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, device=None, dtype=None, *, reset_after=True, implementation="auto",
    ):  # fmt: skip
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device=device, dtype=dtype, implementation=implementation,
        )  # fmt: skip
        self.reset_after = check_flag("reset_after", reset_after)

    @staticmethod
    def by_hand(name):
        """Return the functions of "handwritten", "compiled" or "triton"."""
        if name in PAIRS:
            return PAIRS[name]
        from rnnbook.in_torch.kernels import gru as kernels  # not earlier: Triton is optional, and slow to import

        return Pair(kernels.forward, kernels.backward, direct=True)

    def _options(self):
        return {"reset_after": self.reset_after}

    def extra_repr(self):
        """Return what ``torch.nn`` prints, and the variant if it is not ``torch.nn``'s."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")
