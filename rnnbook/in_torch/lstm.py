"""The LSTM in PyTorch, a drop-in for ``torch.nn.LSTM``.

::

    u_t = W_ih x_t + b_ih + b_hh       the input's part; for all steps at once
    a_t = u_t + W_hh h_{t-1}           plus the memory's part; four blocks: i, f, g, o
    i_t = σ(a_i)   f_t = σ(a_f)   g_t = tanh(a_g)   o_t = σ(a_o)
    c_t = f_t * c_{t-1} + i_t * g_t    the carry: f keeps, i writes
    h_t = o_t * tanh(c_t)              o shows

Source: Hochreiter & Schmidhuber (1997); forget gate: Gers, Schmidhuber & Cummins (2000); peepholes: Gers &
Schmidhuber (2000); projection: Sak, Senior & Beaufays (2014); names and blocks' order of ``torch.nn.LSTM``.
"""

import torch

from rnnbook.errors import check_flag
from rnnbook.in_torch.by_hand import Pair, biases
from rnnbook.in_torch.compiled import lstm as compiled
from rnnbook.in_torch.handwritten import lstm as handwritten
from rnnbook.in_torch.recurrent import Recurrent


def reference(x, state, params, sizes, *, peephole=False):
    """Read the rows x (N, D) from state (h, c), each (B, H), step by step; autograd
    finds the gradient.

    ``sizes[t]`` sequences are still running at step t. Returns h after every step,
    (N, H), and each sequence's final state. With ``weight_hr (P, H)`` in
    ``params``, h is projected to P numbers.
    """
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    b_ih, b_hh = biases(params)
    h, c = state
    H = c.size(1)
    if peephole:
        p_i, p_f, p_o = params["weight_peephole"].split(H)
    hs, ended = [], []
    u = x @ W_ih.T + (b_ih + b_hh)  # eq-lstm-from-input
    for u_t in u.split(sizes):
        b = u_t.size(0)  # the shortest sequences come last, and end first
        h, c, ended = h[:b], c[:b], [(h[b:], c[b:]), *ended]
        a = u_t + h @ W_hh.T  # eq-lstm-preactivation
        a_i, a_f, a_g, a_o = a.split(H, dim=1)
        if peephole:
            a_i = a_i + p_i * c  # eq-lstm-peephole-input
            a_f = a_f + p_f * c  # eq-lstm-peephole-forget
        i = torch.sigmoid(a_i)  # eq-lstm-input
        f = torch.sigmoid(a_f)  # eq-lstm-forget
        g = torch.tanh(a_g)  # eq-lstm-candidate
        c = f * c + i * g  # eq-lstm-carry
        if peephole:
            a_o = a_o + p_o * c  # eq-lstm-peephole-output
        o = torch.sigmoid(a_o)  # eq-lstm-output
        h = o * torch.tanh(c)  # eq-lstm-hidden
        if "weight_hr" in params:
            h = h @ params["weight_hr"].T
        hs.append(h)
    last = tuple(torch.cat(s) for s in zip((h, c), *ended, strict=True))
    return torch.cat(hs), last


PAIRS = {
    "handwritten": Pair(handwritten.forward, handwritten.backward, direct=False),
    "compiled": Pair(compiled.forward, compiled.backward, direct=True, can_forget=True),
}


class LSTM(Recurrent):
    """Long short-term memory with the arguments, returns and ``state_dict`` of ``torch.nn.LSTM``.

    ``LSTM(input_size, hidden_size)`` reads (T, B, D) and returns h after every step (T, B, H) and the last (h, c), each
    (layers · directions, B, H). ``proj_size`` projects h; ``peephole=True`` lets the gates see the carry, through
    ``weight_peephole (3H,)``, blocks i, f, o; ``implementation`` selects one recurrence, see ``rnnbook.in_torch``.
    Raises what ``torch.nn.LSTM`` raises, naming the argument. Source: Hochreiter & Schmidhuber (1997), Gers et al.
    (2000); the equations of ``torch.nn.LSTM``.
    """

    gates = 4
    state_names = ("h", "c")
    reference = staticmethod(reference)

    def __init__(
        self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, proj_size=0, device=None, dtype=None, *, peephole=False, implementation="auto",
    ):  # fmt: skip
        self.peephole = check_flag("peephole", peephole)
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
            device, dtype, implementation=implementation,
        )  # fmt: skip

    def _shapes(self, layer):
        return super()._shapes(layer) | ({"weight_peephole": (3 * self.hidden_size,)} if self.peephole else {})

    @staticmethod
    def by_hand(name):
        """Return the functions of "handwritten", "compiled" or "triton"."""
        if name in PAIRS:
            return PAIRS[name]
        from rnnbook.in_torch.kernels import lstm as kernels  # not earlier: Triton is optional, and slow to import

        return Pair(kernels.forward, kernels.backward, direct=True)

    def _options(self):
        return {"peephole": self.peephole}

    def extra_repr(self):
        """Return what ``torch.nn`` prints, and the variant if it is not ``torch.nn``'s."""
        return super().extra_repr() + (", peephole=True" if self.peephole else "")
