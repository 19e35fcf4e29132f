"""The basic RNN with compiled steps: the twin of ``handwritten.rnn``."""

import numpy as np
import torch

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled import check, groups, input_gradient, parameter_gradients, step_of
from rnnbook.in_torch.compiled.products import empty, into_gates, out_of_gates, own


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    check(x)
    W_hh, (b_ih, b_hh), h = params["weight_hh"], biases(params), own(state[0])
    N, H = len(x), len(W_hh)
    u, h_prevs, hs = (empty(x, N, H) for _ in range(3))  # u is written over with h
    torch.addmm(b_ih + b_hh, x, params["weight_ih"].T, out=u)
    a = torch.empty_like(h)
    for rows, b, steps in groups(sizes):
        product = into_gates(np, h[:b], W_hh, a[:b])
        between = step_of(f"rnn_{nonlinearity}_forward", b, H, a[:b], h[:b], u[rows], h_prevs[rows], hs[rows])
        for t in range(steps):
            product()
            between(t)
    return hs, (h,), (u, h_prevs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    hs, h_prevs = trace
    (N, H), W_hh = h_prevs.shape, params["weight_hh"]
    dh, dhs, das = own(dstate[0]), dhs.contiguous(), empty(x, N, H)
    da = torch.empty_like(dh)
    for rows, b, steps in reversed(groups(sizes)):
        between = step_of(f"rnn_{nonlinearity}_backward", b, H, dh[:b], da[:b], hs[rows], dhs[rows], das[rows])
        product = out_of_gates(np, da[:b], W_hh, dh[:b])
        for t in reversed(range(steps)):
            between(t)
            product()
    dx = input_gradient(das, params["weight_ih"]) if with_dx else None
    return dx, (dh,), parameter_gradients(das, x, h_prevs, params)
