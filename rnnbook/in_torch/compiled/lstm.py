"""The LSTM with compiled steps: the twin of ``handwritten.lstm``, without peepholes."""

import numpy as np
import torch

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled import check, groups, input_gradient, parameter_gradients, step_of
from rnnbook.in_torch.compiled.products import empty, into_gates, out_of_gates, own


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    check(x, peephole=peephole)
    W_hh, (b_ih, b_hh), h, c = params["weight_hh"], biases(params), own(state[0]), own(state[1])
    N, H = len(x), W_hh.size(1)
    gates, h_prevs, c_prevs, hs = (empty(x, N, n) for n in (4 * H, H, H, H))
    torch.addmm(b_ih + b_hh, x, params["weight_ih"].T, out=gates)  # first u, then written over with i, f, g, o
    a = h.new_empty(len(h), 4 * H)
    for rows, b, steps in groups(sizes):
        product = into_gates(np, h[:b], W_hh, a[:b])
        traces = (array[rows] for array in (gates, h_prevs, c_prevs, hs))
        between = step_of("lstm_forward", b, H, a[:b], h[:b], c[:b], *traces)
        for t in range(steps):
            product()
            between(t)
    return hs, (h, c), (gates, h_prevs, c_prevs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, h_prevs, c_prevs = trace
    (N, H), W_hh = h_prevs.shape, params["weight_hh"]
    dh, dc, dhs, das = own(dstate[0]), own(dstate[1]), dhs.contiguous(), empty(x, N, 4 * H)
    da = dh.new_empty(len(dh), 4 * H)
    for rows, b, steps in reversed(groups(sizes)):
        traces = (array[rows] for array in (gates, c_prevs, dhs, das))
        between = step_of("lstm_backward", b, H, dh[:b], dc[:b], da[:b], *traces)
        product = out_of_gates(np, da[:b], W_hh, dh[:b])
        for t in reversed(range(steps)):
            between(t)
            product()
    dx = input_gradient(das, params["weight_ih"]) if with_dx else None
    return dx, (dh, dc), parameter_gradients(das, x, h_prevs, params)
