"""Oracles for the chapter *Why recurrence?*: the package's windows, slices of words, ``torch.nn``, a linear system."""

import json
import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rnnbook import data


def windows(series, length, horizon):
    return data.windows(series, length, horizon)


def count_parameters(T, D, H, V):
    dense, output = nn.Linear(T * D, H), nn.Linear(H, V)
    untied, recurrent = [nn.RNNCell(D, H) for _ in range(T)], nn.RNN(D, H)
    networks = [dense, output], [*untied, output], [recurrent, output]
    return tuple(sum(p.numel() for layer in network for p in layer.parameters()) for network in networks)


def shuffle_time(W, order):
    """Solve W_new P = W, where P is the matrix of the shuffle, P x = x[order]."""
    P = np.eye(len(order))[order]
    return np.linalg.solve(P.T, W.T).T


def _spelled(x):
    """The word of inputs (T, 2): o, n, s for both at once, and a dash for neither."""
    return "".join("-ons"[int(o + 2 * n)] for o, n in x)


def letters_known(states):
    """Unit 1 spells the o's; where the count of units 2 and 3 has just grown, the letter was an n."""
    count = states[:, 1] + states[:, 2]
    grown = count > np.append(0, count[:-1])
    return np.array([2 if g else 1 if o else 0 for g, o in zip(grown, states[:, 0], strict=True)])


def count_pairs(x):
    word = _spelled(x)
    return np.cumsum([bool(re.fullmatch("[os][ns]", word[max(t - 1, 0) : t + 1])) for t in range(len(word))])


def count_with_gap(x):
    word = _spelled(x)
    return np.array([len(re.findall("(?=o.n)", word[: t + 1])) for t in range(len(word))])


def faded_memory():
    layer = nn.RNN(1, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_hh_l0[:] = 1
        _, h = layer(torch.zeros(1000, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64))
    return h.item()


def one_row_late():
    """The mean of the seeds, from the record that the figure draws."""
    runs = json.loads((Path(__file__).parents[2] / "book/experiments/why_recurrence.json").read_text())["runs"]
    shown = [run["right"][1] for run in runs if (run["network"], run["trained"]) == ("RNN", "row 0")]
    return 100 * float(np.mean(shown))
