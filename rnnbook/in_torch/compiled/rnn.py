"""The basic RNN in C: the twin of ``handwritten.rnn``."""

import torch

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled import backward_through, check, empty, forward_through, own, parameter_gradients


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    check(x)
    W_hh, (b_ih, b_hh), h = params["weight_hh"].contiguous(), biases(params), own(state[0])
    u, h_prevs, hs = (empty(x, len(x), len(W_hh)) for _ in range(3))  # u is written over with h
    torch.addmm(b_ih + b_hh, x, params["weight_ih"].T, out=u)
    forward_through(f"rnn_{nonlinearity}_forward", W_hh, sizes, (h, u, h_prevs, hs))
    return hs, (h,), (u, h_prevs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    hs, h_prevs = trace
    W_hh, dh, das = params["weight_hh"].contiguous(), own(dstate[0]), empty(x, *hs.shape)
    backward_through(f"rnn_{nonlinearity}_backward", W_hh, sizes, (dh, hs, dhs.contiguous(), das), das)
    dx = das @ params["weight_ih"] if with_dx else None
    return dx, (dh,), parameter_gradients(das, x, h_prevs, params)
