"""Oracles for the chapter *What came before?*: counting, trying both signs, attention, a measured linear map."""

import numpy as np
import torch
from torch.nn.functional import linear, scaled_dot_product_attention

from rnnbook.in_numpy.hopfield import energy


def weights(patterns):
    """How many patterns two units agree in, less those in which they do not."""
    N = patterns.shape[1]
    W = np.zeros((N, N))
    for i in range(N):
        for j in set(range(N)) - {i}:
            agree = patterns[:, i] == patterns[:, j]
            W[i, j] = np.count_nonzero(agree) - np.count_nonzero(~agree)
    return W


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


def jordan_as_elman(**arrays):
    W_yh, W_hy, b_h, b_y = (torch.from_numpy(arrays[name]) for name in ("W_yh", "W_hy", "b_h", "b_y"))

    def pre_activation(h):
        return linear(linear(h, W_hy, b_y), W_yh, b_h)

    nothing = torch.zeros_like(b_h)
    return torch.autograd.functional.jacobian(pre_activation, nothing).numpy(), pre_activation(nothing).numpy()
