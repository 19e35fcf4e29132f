"""Forecasts of a monthly series on the scale that suits it: transforms and their inverses, linear forecasts, errors.

A forecast made at month t for the k months after it is row t of an array (N, K): ``forecasts[t, k - 1]`` says what is
expected for month t + k. It is NaN where the past does not reach back far enough.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnbook import rivals

FORMS = ("level", "root", "anomalies", "change")
ORDERS = (1, 2, 3, 6, 12, 24, 48, 96, 132)


class Form(NamedTuple):
    """A series made easier to forecast: ``x`` (N,), known from index ``first`` on, and the inverse, ``back``.

    ``back(forecasts)`` turns forecasts of x (N, K) into forecasts of the series itself, in its unit.
    """

    x: np.ndarray
    first: int
    back: Callable


def in_form(value, past, form):
    """Return the monthly series ``value`` (N,) as a ``Form``; means are taken over the months ``past`` (P,).

    "level" leaves it as it is; "root" is √(x + 3/8); "anomalies" are what is left after subtracting the mean of each
    calendar month; "change" is the difference from a year earlier. Raises ValueError for any other form.
    """
    if form not in FORMS:
        raise ValueError(f"form should be one of {FORMS}, but is {form!r}")
    if form == "root":
        return Form(np.sqrt(value + 3 / 8), 0, lambda f: np.maximum(f, 0) ** 2 - 3 / 8)
    month = np.arange(len(value)) % 12
    if form == "anomalies":
        season = np.array([value[past][month[past] == m].mean() for m in range(12)])
        return Form(value - season[month], 0, lambda f: f + season[_targets(f) % 12])
    if form == "change":
        change = value[12:] - value[:-12]
        return Form(np.concatenate([np.full(12, change[0]), change]), 12, lambda f: _add_the_year_before(f, value))
    return Form(value, 0, lambda f: f)


def _targets(forecasts):
    """The month that each of the forecasts (N, K) is about: (N, K)."""
    return np.arange(len(forecasts))[:, None] + np.arange(1, forecasts.shape[1] + 1)


def _add_the_year_before(changes, value):
    """Add to each forecast change (N, K) the value a year before; more than a year ahead, its own forecast."""
    found = changes.copy()
    before = _targets(changes) - 12
    for k in range(changes.shape[1]):
        found[:, k] += value[np.maximum(before[:, k], 0)] if k < 12 else found[:, k - 12]
    return found


def direct_lines(form, past, order, horizons):
    """Forecast with one autoregression for each of the horizons 1 … K: (N, K), NaN at those not in ``horizons``."""
    x, found = form.x, np.full((len(form.x), max(horizons)), np.nan)
    for k in horizons:
        line = rivals.fit_autoregression(x[past][form.first :], order, k)
        found[:-k, k - 1] = line.forecast(x)[k:]
    return form.back(found)


def iterated_lines(form, past, order, steps):
    """Forecast by feeding the one-month autoregression its own forecasts: (N, steps)."""
    line = rivals.fit_autoregression(form.x[past][form.first :], order, 1)
    read, found = np.lib.stride_tricks.sliding_window_view(form.x, order), []
    for _ in range(steps):
        y = read @ line.weights + line.bias  # eq-series-iterate
        found.append(np.pad(y, (order - 1, 0), constant_values=np.nan))
        read = np.column_stack([read[:, 1:], y])
    return form.back(np.stack(found, axis=1))


def squared_errors(forecasts, value, part, k):
    """The squared errors (P,) for the months ``part`` (P,) of what was expected k months before them."""
    return (forecasts[part - k, k - 1] - value[part]) ** 2


def in_blocks(values, count):
    """The means of ``count`` consecutive blocks of values (…, P), as even as possible: (…, count)."""
    return np.stack([block.mean(axis=-1) for block in np.array_split(values, count, axis=-1)], axis=-1)


def crps_of_quantiles(quantiles, truth):
    """Return the CRPS (N,) of forecasts given by M quantiles (M, N), at the levels (m - ½) / M, in their unit.

    It is twice the mean pinball loss. Source: Gneiting & Raftery (2007).
    """
    level = (np.arange(len(quantiles))[:, None] + 0.5) / len(quantiles)
    above = truth < quantiles
    return 2 * np.mean((above - level) * (quantiles - truth), axis=0)  # eq-series-pinball
