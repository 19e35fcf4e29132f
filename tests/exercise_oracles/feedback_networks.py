"""Oracles for the chapter *What came before?*: counting, trying both signs, attention, powers of the decay."""

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from exercise_oracles.ways import said_in
from rnnbook.in_numpy.hopfield import energy


def visit(W, s, i):
    """Of the two signs the one that the other units pull to; where they pull to neither, the old one."""
    s = s.copy()
    for state in s:
        pull = sum(float(W[i, j]) * float(state[j]) for j in range(len(W)))
        if state[i] * pull < 0:
            state[i] = -state[i]
    return s


def flip_energy(W, s, i):
    turned = s.copy()
    turned[:, i] *= -1
    return energy(W, turned) - energy(W, s)


def softmax_update(patterns, s, beta):
    patterns, s = torch.from_numpy(patterns), torch.from_numpy(s)
    return scaled_dot_product_attention(s, patterns, patterns, scale=beta).numpy()


def fading_trace(outputs, decay):
    """The closed form: at step t the output of step k counts decay^(t - 1 - k), and nothing from step t on."""
    T = len(outputs)
    weights = np.array([[decay ** (t - 1 - k) if k < t else 0.0 for k in range(T)] for t in range(T)])
    return np.einsum("tk,kbv->tbv", weights, outputs)


def turn_all():
    """All states of five units, for a symmetric matrix with a zero diagonal, each against its opposite."""
    W = np.array([[0, 3, -1, 2, 1], [3, 0, 4, -2, 1], [-1, 4, 0, 1, -5], [2, -2, 1, 0, 3], [1, 1, -5, 3, 0]])
    for bits in range(32):
        s = [1 if bits >> k & 1 else -1 for k in range(5)]
        energies = [-sum(W[i][j] * sign * s[i] * sign * s[j] for i in range(5) for j in range(i)) for sign in (1, -1)]
        assert energies[0] == energies[1]
    return "stays"


def beyond_capacity():
    return said_in("feedback_networks", r"steeply from 0.98 at 0.13 to ([\d.]+) at 0.2")
