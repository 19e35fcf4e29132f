"""Oracles for the chapter *Where did recurrence go?*: the equation as a matrix, an integrator, counting by hand."""

import json
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

from exercise_oracles.ways import gradients, tensors


def delta_step(S, k, v, beta):
    """One step of gradient descent on |v - Sᵀk|² / 2, with the learning rate beta (Schlag et al., 2021)."""
    S_t, k_t, v_t = tensors(S, k, v)
    return S - beta * gradients(((v_t - S_t.T @ k_t) ** 2).sum() / 2, [S_t])[0]


def sample_held_input(A, delta, u, h):
    found = solve_ivp(lambda t, h: A * h + u, (0, delta), h, method="DOP853", rtol=1e-13, atol=1e-14)
    return found.y[:, -1]


def left_after(beta, writes):
    """Erased with matrices: a key, another direction, and what stands under the key."""
    k = np.array([0.6, 0.8])
    return np.array(
        [
            k @ np.linalg.matrix_power(np.eye(2) - b * np.outer(k, k), int(n)) @ np.outer(k, [1.0])
            for b, n in zip(beta, writes, strict=True)
        ]
    )[:, 0]


def fading_attention(q, k, v, decay):
    S, z, ys = np.zeros((q.shape[1], v.shape[1])), np.zeros(q.shape[1]), []
    for q_t, k_t, v_t in zip(q, k, v, strict=True):
        S, z = decay * S + np.outer(k_t, v_t), decay * z + k_t
        ys.append(q_t @ S / (q_t @ z))
    return np.array(ys)


def most_pairs(floats, bits, values):
    """Whole numbers alone: the largest n with values^n at most 2^(floats bits)."""
    found = []
    for f, b, V in zip(floats, bits, values, strict=True):
        n, tables, states = 0, int(V), 2 ** int(f * b)
        while tables <= states:
            n, tables = n + 1, tables * int(V)
        found.append(n)
    return np.array(found)


def toggle():
    """The matrices multiplied, from the equation of the delta rule."""
    k = np.array([0.6, 0.8])
    return k @ np.linalg.matrix_power(np.eye(2) - 2 * np.outer(k, k), 3) @ k


def room():
    """From the measurements that the figure draws, and 16 values, the first of 32, the next of 31 and so on."""
    runs = json.loads((Path(__file__).parents[2] / "book/experiments/state_space.json").read_text())
    return next(r["state"] for r in runs["recall"] if r["layer"] == "LSTM") / (np.log2(np.arange(17, 33)).sum() / 32)
