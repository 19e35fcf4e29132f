"""Oracles for the chapter *Why recurrence?*: the package's windows, scikit-learn, ``torch.nn``, a linear system."""

import numpy as np
from sklearn.metrics import root_mean_squared_error
from torch import nn

from rnnbook import data
from rnnbook.rivals.forecasts import persistence


def windows(series, length, horizon):
    return data.windows(series, length, horizon)


def persistence_error(series, horizon):
    forecast = persistence(series, horizon)
    known = np.isfinite(forecast)
    return root_mean_squared_error(series[known], forecast[known])


def count_parameters(T, D, H, V):
    dense, output = nn.Linear(T * D, H), nn.Linear(H, V)
    untied, recurrent = [nn.RNNCell(D, H) for _ in range(T)], nn.RNN(D, H)
    networks = [dense, output], [*untied, output], [recurrent, output]
    return tuple(sum(p.numel() for layer in network for p in layer.parameters()) for network in networks)


def shuffle_time(W, order):
    """Solve W_new P = W, where P is the matrix of the shuffle, P x = x[order]."""
    P = np.eye(len(order))[order]
    return np.linalg.solve(P.T, W.T).T
