"""Oracles for the chapter *Can the loop over time be broken?*: steps that are tried out, autograd, truth tables."""

import numpy as np
import torch

from exercise_oracles.ways import gradients, said_in, tensors


def _as_pair(step):
    """The a and b of a step h → a h + b, from what it does to 0 and to 1."""
    b = step(0.0)
    return step(1.0) - b, b


def one_round(a, b, reach):
    pairs = []
    for t in range(len(a)):
        earlier = [t - reach] if t >= reach else []

        def both(h, steps=(*earlier, t)):
            for k in steps:
                h = a[k] * h + b[k]
            return h

        pairs.append(_as_pair(both))
    return tuple(np.array(part) for part in zip(*pairs, strict=True))


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


def rounds():
    return np.ceil(np.log2(1000))


def digits_lost():
    return said_in("parallel", r"The gradient in log space rises from 3e-5 to ([\d.]+),")
