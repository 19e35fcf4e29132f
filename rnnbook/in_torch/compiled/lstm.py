"""The LSTM in C: the twin of ``handwritten.lstm``, without peepholes."""

import torch

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled import backward_through, check, empty, forward_through, own, parameter_gradients


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    check(x, peephole=peephole)
    W_hh, (b_ih, b_hh), h, c = params["weight_hh"].contiguous(), biases(params), own(state[0]), own(state[1])
    N, H = len(x), W_hh.size(1)
    gates, h_prevs, c_prevs, hs = (empty(x, N, n) for n in (4 * H, H, H, H))
    torch.addmm(b_ih + b_hh, x, params["weight_ih"].T, out=gates)  # first u, then written over with i, f, g, o
    forward_through("lstm_forward", W_hh, sizes, (h, c, gates, h_prevs, c_prevs, hs))
    return hs, (h, c), (gates, h_prevs, c_prevs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, h_prevs, c_prevs = trace
    W_hh, dh, dc, das = params["weight_hh"].contiguous(), own(dstate[0]), own(dstate[1]), empty(x, *gates.shape)
    backward_through("lstm_backward", W_hh, sizes, (dh, dc, gates, c_prevs, dhs.contiguous(), das), das)
    dx = das @ params["weight_ih"] if with_dx else None
    return dx, (dh, dc), parameter_gradients(das, x, h_prevs, params)
