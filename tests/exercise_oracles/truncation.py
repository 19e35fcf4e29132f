"""Oracles for *Truncation: when the sequence is too long*: autograd with detached states, and plain bookkeeping."""

import json
from pathlib import Path

import numpy as np
import torch

from exercise_oracles.ways import gradients, pinned, tensors


def equal_reach(dhs, hs, W_hh, k):
    (W_hh,) = tensors(W_hh)
    dhs, hs = torch.tensor(dhs), torch.tensor(hs)
    loss = 0
    for t in range(len(dhs)):
        h = hs[max(t + 1 - k, 0)]  # where the graph of this loss begins
        for s in range(max(t + 1 - k, 0), t + 1):
            h = torch.tanh(pinned(h @ W_hh.T, torch.atanh(hs[s + 1])))
        loss = loss + (h * dhs[t]).sum()
    return gradients(loss, (W_hh,))


def continued(series, B, k):
    n = (len(series) - 1) // (B * k)
    x, y = np.empty((n, k, B)), np.empty((n, k, B))
    for b in range(B):
        at = b * n * k
        for i in range(n):
            for step in range(k):
                x[i, step, b], y[i, step, b] = series[at], series[at + 1]
                at += 1
    return x, y


def kept_states(T, s):
    checkpoints, computed, most = [], 0, 0
    for t in range(T):
        checkpoints += [t] * (t % s == 0)
        computed += 1
    for start in reversed(checkpoints):
        inside = [start + step for step in range(s)]
        computed += len(inside)
        most = max(most, len(checkpoints) + len(inside))
    return most, computed


def survives():
    """The cells of a triangular matrix, all of them and those of its blocks on the diagonal."""
    blocks = np.kron(np.eye(3), np.ones((12, 12)))
    return np.tril(blocks).sum() / np.tril(np.ones((36, 36))).sum()


def shortest():
    """The first k at which every seed of the record has nearly all bits right."""
    runs = json.loads((Path(__file__).parents[2] / "book/experiments/truncation_networks.json").read_text())["echo"]
    ten = [run for run in runs if (run["layer"], run["delay"]) == ("RNN", 10)]
    learned = [k for k in {run["k"] for run in ten} if min(r["right"][-1] for r in ten if r["k"] == k) > 0.95]
    return float(min(learned))
