"""The large matrix products before and after the loop over time, gate by gate.

A layer with G gates keeps its weights as (G, H, D) and (G, H, H) here, and everything per step as (G, T, B, H): the
gates come first, so that ``r, z, n = gates`` unpacks them, and each is one block of memory.
"""

import numpy as np

from rnnbook.in_numpy.parameters import bias_of


def by_gate(params, G):
    """Return the parameters as W_ih (G, H, D), W_hh (G, H, H), b_ih and b_hh (G, 1, H), zeros if none."""
    W_ih, W_hh = (params[name].reshape(G, -1, params[name].shape[1]) for name in ("weight_ih", "weight_hh"))
    b_ih, b_hh = (b.reshape(G, 1, -1) for b in bias_of(params))
    return W_ih, W_hh, b_ih, b_hh


def from_input(x, W_ih, b):
    """Return W_ih x_t + b for all steps at once, (G, T, B, H); only h has to wait for the previous step."""
    T, B, D = x.shape
    u = x.reshape(T * B, D) @ W_ih.mT
    u += b
    return u.reshape(len(W_ih), T, B, -1)


def laid_out(W_hh, T):
    """Return W_hh in a memory layout in which ``h @ W_hh.mT``, computed T times, is fast.

    Changing the layout costs more than one product gains, so for a single step W_hh is returned as it is.
    """
    return np.ascontiguousarray(W_hh.mT).mT if T > 1 else W_hh


def back_through(da, W):
    """Return the sum over the gates of W_kᵀ da_k: (G, …, B, H) and (G, H, D) give (…, B, D)."""
    G, *steps, H = da.shape
    return (da.reshape(G, -1, H) @ W).sum(axis=0).reshape(*steps, -1)


def gradient_of_weights(da, x):
    """Return the sum over steps and sequences of da_t x_tᵀ: (G, T, B, H) and (T, B, D) give (G·H, D)."""
    G, T, B, H = da.shape
    return (da.reshape(G, T * B, H).mT @ x.reshape(T * B, -1)).reshape(G * H, -1)


def gradient_of_bias(da):
    """Return the sum over steps and sequences of da_t: (G, T, B, H) gives (G·H,)."""
    return da.sum(axis=(1, 2)).reshape(-1)
