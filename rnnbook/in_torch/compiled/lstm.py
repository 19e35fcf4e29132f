"""The LSTM in C: the twin of ``handwritten.lstm``, without peepholes."""

from rnnbook.in_torch.compiled import backward_through, empty, forward_through, own
from rnnbook.in_torch.compiled.memory import lend


def forward(x, state, params, sizes, *, keep=True, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward`` if it is kept."""
    h, c = own(state[0]), own(state[1])
    N, H = x.size(0), h.size(1)
    hs, trace = empty(x, N, H), {}
    if keep:
        trace = {"gates": lend(x, N, 4 * H), "h_prevs": lend(x, N, H), "c_prevs": lend(x, N, H)}
    forward_through("lstm_forward", params, sizes, x, h=h, c=c, hs=hs, **trace)
    return hs, (h, c), tuple(trace.values())


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, h_prevs, c_prevs = trace
    dh, dc = own(dstate[0]), own(dstate[1])
    dx, grads = backward_through(
        "lstm_backward", params, sizes, with_dx, x, dhs, dh, gates, h_prevs, c=dc, c_prevs=c_prevs
    )
    return dx, (dh, dc), grads
