"""The basic RNN, forward and backward by hand: the mirror of ``rnnbook.in_numpy.RNN``'s two methods."""

import torch

from rnnbook.in_torch.handwritten import biases
from rnnbook.in_torch.handwritten.arrays import blocks, by_step, empty, faces, library, own
from rnnbook.in_torch.handwritten.products import add_product, add_sum, into_gates, out_of_gates, transposed


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    xp, (b_ih, b_hh) = library(x), biases(params)
    W_hh = params["weight_hh"]
    hs, h_prevs = (empty(xp, x, len(x), len(W_hh)) for _ in range(2))
    torch.addmm(b_ih + b_hh, x, params["weight_ih"].T, out=hs)  # first u, then written over with h
    h_all = own(state[0])  # a sequence that has ended keeps its row
    for rows, b in blocks(sizes, len(W_hh)):
        h_, a_ = h_all[:b], hs.new_empty(b, len(W_hh))
        h, a, zero, *arrays = faces(xp, h_, a_, hs.new_zeros(()), hs[rows], h_prevs[rows])
        u, h_prev = by_step(b, *arrays)
        recurrent = into_gates(xp, h_, W_hh, a_)
        for t in range(len(u)):
            h_prev[t] = h
            recurrent()
            a += u[t]
            xp.tanh(a, out=h) if nonlinearity == "tanh" else xp.maximum(a, zero, out=h)
            u[t] = h
    return hs.clone(), (h_all,), (x, hs, h_prevs)


def backward(
    dhs, dstate, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"
):  # fmt: skip
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx,
    dstate and grads by name.
    """
    x, hs, h_prevs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    xp, grads = library(x), {}
    dx = empty(xp, x, *x.shape) if with_dx else None
    dh_all = own(dstate[0])
    for rows, b in reversed(blocks(sizes, hs.size(1))):
        das = torch.empty_like(hs[rows])
        dh_, da_ = dh_all[:b], hs.new_empty(b, hs.size(1))
        dh, da, h, *arrays = faces(xp, dh_, da_, hs[rows], dhs[rows], das)
        slope = 1 - h * h if nonlinearity == "tanh" else 1.0 * (h > 0)
        dh_out, da_t, phi_prime = by_step(b, *arrays, slope)
        dh_from_da = out_of_gates(xp, da_, W_hh, dh_)
        for t in reversed(range(len(da_t))):
            dh += dh_out[t]  # eq-rnn-back-hidden
            xp.multiply(dh, phi_prime[t], out=da)  # eq-rnn-back-preactivation
            dh_from_da()  # eq-rnn-back-state
            da_t[t] = da
        if with_dx:
            torch.mm(das, W_ih, out=dx[rows])  # eq-rnn-back-x
        for name, read in (("weight_ih", x), ("weight_hh", h_prevs)):
            total = grads.get(name)
            grads[name] = add_product(total, das, read[rows])  # eq-rnn-back-weights
        if "bias_ih" in params:
            db = add_sum(grads.get("bias_ih"), das)  # eq-rnn-back-bias
            grads["bias_ih"] = grads["bias_hh"] = db
    return dx, (dh_all,), transposed(grads)
