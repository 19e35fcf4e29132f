"""The GRU in C: the twin of ``handwritten.gru``, with the reset gate after the product."""

from rnnbook.in_torch.compiled import backward_through, empty, forward_through, own
from rnnbook.in_torch.compiled.memory import lend


def forward(x, state, params, sizes, *, keep=True, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward`` if it is kept."""
    h = own(state[0])
    N, H = x.size(0), h.size(1)
    hs, trace = empty(x, N, H), {}
    if keep:
        trace = {"gates": lend(x, N, 3 * H), "h_prevs": lend(x, N, H), "v_ns": lend(x, N, H)}
    forward_through("gru_forward", params, sizes, x, h=h, hs=hs, **trace)
    return hs, (h,), tuple(trace.values())


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    (gates, h_prevs, v_ns), dh = trace, own(dstate[0])
    dx, grads = backward_through("gru_backward", params, sizes, with_dx, x, dhs, dh, gates, h_prevs, v_ns=v_ns)
    return dx, (dh,), grads
