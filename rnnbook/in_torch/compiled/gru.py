"""The GRU with compiled steps: the twin of ``handwritten.gru``, with the reset gate after the product."""

import numpy as np
import torch

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled import check, groups, input_gradient, step_of
from rnnbook.in_torch.compiled.products import empty, into_gates, out_of_gates, own


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    check(x, **{"reset_after=False": not reset_after})
    W_hh, (b_ih, b_hh), h = params["weight_hh"], biases(params), own(state[0])
    N, H = len(x), W_hh.size(1)
    gates, h_prevs, v_ns, hs = (empty(x, N, n) for n in (3 * H, H, H, H))
    torch.addmm(b_ih, x, params["weight_ih"].T, out=gates)  # first u, then written over with r, z, n
    v, b_hh = h.new_empty(len(h), 3 * H), b_hh.contiguous()
    for rows, b, steps in groups(sizes):
        product = into_gates(np, h[:b], W_hh, v[:b])
        traces = (array[rows] for array in (gates, h_prevs, v_ns, hs))
        between = step_of("gru_forward", b, H, b_hh, v[:b], h[:b], *traces)
        for t in range(steps):
            product()
            between(t)
    return hs, (h,), (gates, h_prevs, v_ns)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, h_prevs, v_ns = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    N, H = h_prevs.shape
    dh, dhs = own(dstate[0]), dhs.contiguous()  # dh: what comes back past the gates; back: through them
    back, dv = torch.zeros_like(dh), dh.new_empty(len(dh), 3 * H)
    dus, dv_ns = empty(x, N, 3 * H), empty(x, N, H)
    for rows, b, steps in reversed(groups(sizes)):
        traces = (array[rows] for array in (gates, h_prevs, v_ns, dhs, dus, dv_ns))
        between = step_of("gru_backward", b, H, back[:b], dh[:b], dv[:b], *traces)
        product = out_of_gates(np, dv[:b], W_hh, back[:b])
        for t in reversed(range(steps)):
            between(t)
            product()
    dW_rz, dW_n = dus[:, : 2 * H].T @ h_prevs, dv_ns.T @ h_prevs
    grads = {"weight_ih": dus.T @ x, "weight_hh": torch.cat([dW_rz, dW_n])}
    if "bias_ih" in params:
        db_ih = dus.sum(0)
        grads |= {"bias_ih": db_ih, "bias_hh": torch.cat([db_ih[: 2 * H], dv_ns.sum(0)])}
    return input_gradient(dus, W_ih) if with_dx else None, (dh + back,), grads
