"""Oracles for the chapter *Can the loop over time be broken?*: steps that are tried out, autograd, truth tables."""

import numpy as np
import torch

from exercise_oracles.ways import gradients, tensors


def _as_pair(step):
    """The a and b of a step h → a h + b, from what it does to 0 and to 1."""
    b = step(0.0)
    return step(1.0) - b, b


def combine(a_1, b_1, a_2, b_2):
    return _as_pair(lambda h: a_2 * (a_1 * h + b_1) + b_2)


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


def parity_pairs(bits):
    """The parity after a bit, exclusive or, from the parity 0 and from the parity 1."""
    return _as_pair(lambda h: np.logical_xor(h, bits).astype(float))
