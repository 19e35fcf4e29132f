"""Oracles for the chapter *How far does the gradient reach?*: autograd, eigenvalues, one long vector."""

import numpy as np
import torch
from scipy.linalg import eigh
from sklearn.preprocessing import normalize

from exercise_oracles.ways import gradients, pinned, tensors


def jacobian(hs, W_hh):
    hs, W_hh = torch.from_numpy(hs), torch.from_numpy(W_hh)

    def last(h):
        for state in hs:
            h = torch.tanh(pinned(W_hh @ h, torch.atanh(state)))
        return h

    return torch.autograd.functional.jacobian(last, torch.zeros_like(hs[0])).numpy()


def bound(W_hh, k, slope):
    stretch = slope * np.sqrt(eigh(W_hh.T @ W_hh, eigvals_only=True)[-1])
    return np.prod(np.full(k, stretch))


def clip(dW, db, max_norm):
    long = np.concatenate([dW.ravel(), db])
    if long @ long > max_norm**2:
        long = max_norm * normalize([long])[0]
    return long[: dW.size].reshape(dW.shape), long[dW.size :]


def gradient_at_start(scale, Q, us, v):
    Q, us, v = (torch.from_numpy(a) for a in (Q, us, v))
    (start,) = tensors(0 * v)
    h = start
    for u in us:
        h = torch.tanh(u + torch.mv(Q, h) * scale)
    return np.linalg.norm(gradients(v @ h, (start,))[0])


def belt():
    """Autograd through 40 steps of c ← σ(3) c."""
    c = start = torch.ones((), dtype=torch.float64, requires_grad=True)
    for _ in range(40):
        c = torch.sigmoid(torch.tensor(3.0, dtype=torch.float64)) * c
    return gradients(c, (start,))[0].item()


def cliff():
    """The place where the unit of w = 1.6 no longer stays on its negative side, by halving."""
    low, high = 0.0, 1.0
    for _ in range(40):
        b, h = (low + high) / 2, -0.5
        for _ in range(50):
            h = np.tanh(1.6 * h + b)
        low, high = (low, b) if h > 0 else (b, high)
    return low
