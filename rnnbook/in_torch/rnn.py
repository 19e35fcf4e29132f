"""The basic recurrent network in PyTorch, a drop-in for ``torch.nn.RNN``.

::

    u_t = W_ih x_t + b_ih + b_hh        the input's part; for all steps at once
    a_t = u_t + W_hh h_{t-1}            plus the memory's part; has to wait for h_{t-1}
    h_t = φ(a_t)                        φ is tanh or relu

Source: Elman (1990), in the form and with the parameter names of ``torch.nn.RNN``.
"""

import torch

from rnnbook.in_torch.by_hand import Pair
from rnnbook.in_torch.compiled import rnn as compiled
from rnnbook.in_torch.handwritten import rnn as handwritten
from rnnbook.in_torch.recurrent import Recurrent


def reference(x, state, params, sizes, *, nonlinearity="tanh"):
    """Read the rows x (N, D) from state (h,), h of shape (B, H), step by step;
    autograd finds the gradient.

    ``sizes[t]`` sequences are still running at step t. Returns h after every
    step, (N, H), and each sequence's final state.
    """
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    b_ih, b_hh = params.get("bias_ih", 0), params.get("bias_hh", 0)
    phi = torch.tanh if nonlinearity == "tanh" else torch.relu
    (h,) = state
    hs, ended = [], []
    u = x @ W_ih.T + (b_ih + b_hh)  # eq-rnn-input
    for u_t in u.split(sizes):
        b = u_t.size(0)  # the shortest sequences come last, and end first
        h, ended = h[:b], [h[b:], *ended]
        a = u_t + h @ W_hh.T  # eq-rnn-preactivation
        h = phi(a)  # eq-rnn-hidden
        hs.append(h)
    return torch.cat(hs), (torch.cat([h, *ended]),)


PAIRS = {
    "handwritten": Pair(handwritten.forward, handwritten.backward, direct=False),
    "compiled": Pair(compiled.forward, compiled.backward, direct=True, can_forget=True),
}


class RNN(Recurrent):
    """A basic recurrent network with the arguments, returns and ``state_dict`` of ``torch.nn.RNN``.

    ``RNN(input_size, hidden_size)`` reads (T, B, D) and returns h after every step (T, B, H) and the last h
    (layers · directions, B, H). ``implementation`` selects one recurrence, see ``rnnbook.in_torch``.
    Raises what ``torch.nn.RNN`` raises, naming the argument.
    Source: Elman (1990); the equations of ``torch.nn.RNN``.
    """

    reference = staticmethod(reference)

    def __init__(
        self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False,
        dropout=0.0, bidirectional=False, device=None, dtype=None, *, implementation="auto",
    ):  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity should be one of 'tanh', 'relu', but is {nonlinearity!r}")
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, device=device, dtype=dtype, implementation=implementation,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    @staticmethod
    def by_hand(name):
        """Return the functions of "handwritten", "compiled" or "triton"."""
        if name in PAIRS:
            return PAIRS[name]
        from rnnbook.in_torch.kernels import rnn as kernels  # not earlier: Triton is optional, and slow to import

        return Pair(kernels.forward, kernels.backward, direct=True)

    def _options(self):
        return {"nonlinearity": self.nonlinearity}
