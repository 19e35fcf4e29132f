"""How far back the gradient of a layer reaches, measured by its own backward pass, and the small networks of a figure.

The page *How far does the gradient reach?* has sliders that move two networks of six units. ``small_networks`` draws
the same two here, number for number: ``book/_static/gradient-reach.js`` computes them in the reader's browser.
"""

import numpy as np

from rnnbook.in_numpy import LSTM, RNN

UNITS, FEATURES = 6, 2


def reach(layer, x, w):
    """Return the norm of the gradient at every lag k = 0 … T - 1, (T,).

    The loss is w · h_T / ‖w‖, so that lag 0 gives 1; the norm is that of
    ∂L/∂h at step T - k, for an LSTM that of h and c together. x is (T, B, D),
    w (H,); the mean over the B sequences is the geometric one.
    """
    state, traces, norms = None, [], []
    for x_t in x:  # one step at a time, so that backward can stop at each
        _, state, trace = layer.forward(x_t[None], state)
        traces.append(trace)
    dh = np.tile(w / np.linalg.norm(w), (x.shape[1], 1))
    dstate = (dh, 0 * dh) if isinstance(state, tuple) else dh
    for trace in reversed(traces):
        both = np.hstack(dstate) if isinstance(dstate, tuple) else dstate
        norms.append(np.linalg.norm(both, axis=1))
        _, dstate, _ = layer.backward(np.zeros((1, *dh.shape)), trace, dstate)
    return np.exp(np.log(np.maximum(norms, 1e-300)).mean(axis=1))


def uniform_numbers(seed, *shape):
    """Return numbers from U(-1, 1), the same in every language: s ← 16807 s mod (2³¹ - 1), Park & Miller (1988)."""
    s, drawn = seed, []
    for _ in range(int(np.prod(shape))):
        s = s * 16807 % 2147483647
        drawn.append(2 * s / 2147483647 - 1)
    return np.array(drawn).reshape(shape)


def small_networks(rho, bias, steps, noise):
    """Return the figure's basic RNN and LSTM, their input x (T, 1, D) and the direction w (H,) of the loss.

    The RNN's W_hh rotates three pairs of units by 0.7, 1.9 and 3.1 radians and stretches by ``rho``; the LSTM has the
    initial values of ``torch.nn``, with every forget bias ``bias``. The input has the standard deviation ``noise``.
    """
    H, D = UNITS, FEATURES
    rnn, lstm = RNN(D, H, dtype=np.float64), LSTM(D, H, dtype=np.float64)
    for params, seed in [(rnn.params, 11), (lstm.params, 23)]:
        for n, value in enumerate(params.values()):
            value[...] = uniform_numbers(seed + n, *value.shape) / np.sqrt(H)
    W = rnn.params["weight_hh"]
    W[...] = 0
    for pair, angle in enumerate([0.7, 1.9, 3.1]):
        c, s = np.cos(angle), np.sin(angle)
        W[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = rho * np.array([[c, -s], [s, c]])
    lstm.params["bias_ih"][H : 2 * H], lstm.params["bias_hh"][H : 2 * H] = bias, 0
    x = noise * np.sqrt(3) * uniform_numbers(5, steps, 1, D)
    return rnn, lstm, x, np.ones(H)
