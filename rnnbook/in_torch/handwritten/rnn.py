"""The basic RNN, forward and backward by hand: the mirror of ``rnnbook.in_numpy.RNN``'s two methods."""

import torch

from rnnbook.in_torch.by_hand import biases


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    W_hh_T, (b_ih, b_hh) = params["weight_hh"].T, biases(params)
    us = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)  # each row is u at first; becomes a, then h
    (h,), h_prevs, ended = state, [], []
    for a in us.split(sizes):
        h, ended = h[: len(a)], [h[len(a) :], *ended]  # the shortest sequences come last, and end first
        h_prevs.append(h)
        a.addmm_(h, W_hh_T)
        h = a.tanh_() if nonlinearity == "tanh" else a.relu_()
    return us.clone(), (torch.cat([h, *ended]),), (us, torch.cat(h_prevs))


def backward(
    dhs,
    dstate,
    x,
    trace,
    params,
    sizes,
    with_dx=True,
    *,
    nonlinearity="tanh",
):
    """Carry dhs (N, H) and the last state's gradient back through time.

    Returns dx, dstate and grads by name.
    """
    hs, h_prevs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    # φ'(a) at first; of relu it is 1 at NaN, as in torch.nn
    das = 1 - hs**2 if nonlinearity == "tanh" else 1 - (hs <= 0).to(hs.dtype)
    # (B, H); a sequence that ended earlier keeps its row until its last step
    dh_next = dstate[0].clone()
    steps = das.split(sizes), dhs.split(sizes)
    for da, dh_out in zip(*map(reversed, steps), strict=True):
        dh = dh_out + dh_next[: len(da)]  # eq-rnn-back-hidden
        da *= dh  # eq-rnn-back-preactivation
        dh_next[: len(da)] = da @ W_hh  # eq-rnn-back-state
    dx = das @ W_ih if with_dx else None  # eq-rnn-back-x
    dW_ih, dW_hh = das.T @ x, das.T @ h_prevs  # eq-rnn-back-weights
    grads = {"weight_ih": dW_ih, "weight_hh": dW_hh}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)  # eq-rnn-back-bias
        grads["bias_hh"] = grads["bias_ih"].clone()
    return dx, (dh_next,), grads
