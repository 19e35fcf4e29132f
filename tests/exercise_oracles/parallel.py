"""Oracles for the chapter *Can the loop over time be broken?*: steps that are tried out, autograd, plain loops."""

import numpy as np
import torch

from exercise_oracles.ways import gradients, tensors


def _as_pair(step):
    """The a and b of a step h → a h + b, from what it does to 0 and to 1."""
    b = step(0.0)
    return step(1.0) - b, b


def gradient(a, hs, h_0, dhs):
    b = hs - a * np.concatenate([h_0[None], hs[:-1]])  # what the states say that it was
    a, b, h_0 = leaves = tensors(a, b, h_0)
    h, loss = h_0, 0
    for a_t, b_t, dh in zip(a, b, torch.tensor(dhs), strict=True):
        h = a_t * h + b_t
        loss = loss + (dh * h).sum()
    return gradients(loss, leaves)


def many_in_one(a, b, starts, h_0):
    """Every step, tried out on the states 0 and 1 that the sequence before may have left."""

    def step(t):
        return lambda h: a[t] * (h_0 if starts[t] else h) + b[t]

    pairs = [_as_pair(step(t)) for t in range(len(a))]
    return np.array([p for p, _ in pairs]), np.array([q for _, q in pairs])


def few_processors():
    """Every place of every round in turn, a hundred a tick: a place works while it does not reach back to the first."""
    ticks, first = 0, np.arange(1000)  # the first step that each place has combined
    while first.any():
        held = np.arange(1000) - first + 1  # how many steps each place has combined
        working = np.flatnonzero(np.arange(1000) >= held.max())
        ticks += len(np.array_split(working, range(100, len(working), 100)))
        first = np.where(np.arange(1000) >= held.max(), np.roll(first, held.max()), 0)
    return ticks


def last_pass():
    """Newton's passes by the loop over linear steps, until the loop over nonlinear ones is met."""
    rng = np.random.default_rng(2)
    w, u = rng.uniform(-2.5, 2.5, 8), rng.normal(size=(200, 8))
    true, h = [], np.zeros(8)
    for u_t in u:
        true.append(h := np.tanh(w * h + u_t))
    guess, passes = np.zeros((201, 8)), 0
    while np.abs(guess[1:] - true).max() > 1e-9:
        h, improved = np.zeros(8), [np.zeros(8)]
        for u_t, old in zip(u, guess, strict=False):
            new = np.tanh(w * old + u_t)
            improved.append(h := new + w * (1 - new) * (1 + new) * (h - old))
        guess, passes = np.array(improved), passes + 1
    return passes
