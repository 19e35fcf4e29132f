"""Exponential smoothing with a season, and its gradient: the part of an ES-RNN that is not a network.

::

    l_t      = α (y_t - s_t) + (1 - α) l_{t-1}
    s_{t+12} = γ (y_t - l_t) + (1 - γ) s_t

The level starts at the mean of the first year without its season. Sums replace the products of Smyl (2020), since a
sunspot number can be zero.
"""

import numpy as np

PERIOD = 12


def first_season(y):
    """How far each calendar month of y (P,) differs on average from the mean of the twelve months around it: (12,)."""
    around = np.convolve(y, np.full(PERIOD, 1 / PERIOD), mode="valid")
    off = y[PERIOD // 2 : PERIOD // 2 + len(around)] - around
    month = (np.arange(len(off)) + PERIOD // 2) % PERIOD
    return np.array([off[month == m].mean() for m in range(PERIOD)])


def smooth(y, alpha, gamma, season):
    """Return the levels (N + 1,), the initial one first, and the seasons (N + 12,) of a series y (N,).

    ``season`` (12,) is that of the first year; ``seasons[t]`` is known before month t, and ``seasons[t + 12]`` after.
    """
    level = float(np.mean(y[:PERIOD] - season))
    levels, seasons = [level], [float(s) for s in season]
    for t, value in enumerate(y.tolist()):
        level = alpha * (value - seasons[t]) + (1 - alpha) * level  # eq-series-level
        seasons.append(gamma * (value - level) + (1 - gamma) * seasons[t])  # eq-series-season
        levels.append(level)
    return np.array(levels), np.array(seasons)


def smooth_backward(dlevels, dseasons, y, alpha, gamma, levels, seasons):
    """Return the gradients with respect to alpha, gamma and the first season (12,), from those of ``smooth``'s
    results, dlevels (N + 1,) and dseasons (N + 12,).
    """
    dseasons, dlevels = dseasons.tolist(), dlevels.tolist()
    levels, seasons, y = levels.tolist(), seasons.tolist(), y.tolist()
    dalpha = dgamma = dlevel = 0.0
    for t in reversed(range(len(y))):
        dseason = dseasons[t + PERIOD]
        dlevel += dlevels[t + 1] - gamma * dseason
        dgamma += dseason * (y[t] - levels[t + 1] - seasons[t])
        dalpha += dlevel * (y[t] - seasons[t] - levels[t])
        dseasons[t] += (1 - gamma) * dseason - alpha * dlevel
        dlevel *= 1 - alpha
    dlevel += dlevels[0]
    return dalpha, dgamma, np.array(dseasons[:PERIOD]) - dlevel / PERIOD
