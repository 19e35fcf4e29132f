"""The basic RNN in C: the twin of ``handwritten.rnn``."""

from rnnbook.in_torch.compiled import backward_through, empty, forward_through, own
from rnnbook.in_torch.compiled.memory import lend


def forward(x, state, params, sizes, *, keep=True, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward`` if it is kept."""
    h = own(state[0])
    N, H = x.size(0), h.size(1)
    hs, trace = empty(x, N, H), {}
    if keep:
        trace = {"gates": lend(x, N, H), "h_prevs": state[0].contiguous()}
    forward_through(f"rnn_{nonlinearity}_forward", params, sizes, x, h=h, hs=hs, **trace)
    return hs, (h,), tuple(trace.values())


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    (kept, h_0), dh = trace, own(dstate[0])
    dx, grads = backward_through(f"rnn_{nonlinearity}_backward", params, sizes, with_dx, x, dhs, dh, kept, h_0)
    return dx, (dh,), grads
