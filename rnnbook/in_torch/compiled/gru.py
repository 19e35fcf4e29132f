"""The GRU in C: the twin of ``handwritten.gru``, with the reset gate after the product."""

import torch

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled import backward_through, check, empty, forward_through, own


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    check(x, **{"reset_after=False": not reset_after})
    W_hh, (b_ih, b_hh), h = params["weight_hh"].contiguous(), biases(params), own(state[0])
    N, H = len(x), W_hh.size(1)
    gates, h_prevs, v_ns, hs = (empty(x, N, n) for n in (3 * H, H, H, H))
    torch.addmm(b_ih, x, params["weight_ih"].T, out=gates)  # first u, then written over with r, z, n
    forward_through("gru_forward", W_hh, sizes, (h, gates, h_prevs, v_ns, hs, b_hh.contiguous()))
    return hs, (h,), (gates, h_prevs, v_ns)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, h_prevs, v_ns = trace
    W_hh, dh, (N, H) = params["weight_hh"].contiguous(), own(dstate[0]), h_prevs.shape
    dus, dv_ns, dv = empty(x, N, 3 * H), empty(x, N, H), dh.new_empty(len(dh), 3 * H)
    backward_through("gru_backward", W_hh, sizes, (dh, gates, h_prevs, v_ns, dhs.contiguous(), dus, dv_ns), dv)
    dW_rz, dW_n = dus[:, : 2 * H].T @ h_prevs, dv_ns.T @ h_prevs
    grads = {"weight_ih": dus.T @ x, "weight_hh": torch.cat([dW_rz, dW_n])}
    if "bias_ih" in params:
        db_ih = dus.sum(0)
        grads |= {"bias_ih": db_ih, "bias_hh": torch.cat([db_ih[: 2 * H], dv_ns.sum(0)])}
    return dus @ params["weight_ih"] if with_dx else None, (dh,), grads
