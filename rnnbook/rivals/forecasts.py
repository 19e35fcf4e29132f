"""Forecasts that a network has to beat: the naive ones, and the linear autoregression.

A forecast is an array (N,) aligned with its series (N,) and in its unit: ``forecast[t]`` is what was expected
for ``series[t]`` from the values up to ``series[t - horizon]``, NaN where these do not reach back far enough.
"""

from typing import NamedTuple

import numpy as np

from rnnbook.data import windows
from rnnbook.errors import check_shape, check_size


def persistence(series, horizon=1):
    """Expect at every time what was seen ``horizon`` steps before it."""
    return seasonal_naive(series, 1, horizon)


def seasonal_naive(series, period, horizon=1):
    """Expect what was seen one ``period`` [steps] earlier; where that is unknown, two periods; and so on.

    Source: Hyndman & Athanasopoulos (2018), section 3.1.
    """
    period, horizon = check_size("period", period), check_size("horizon", horizon)
    lag = -(-horizon // period) * period  # the smallest multiple of the period that is at least the horizon
    series = np.asarray(series, dtype=np.float64)
    return align(series[:-lag], series)


class Autoregression(NamedTuple):
    """A linear forecast from the last p values: ``weights (p,)``, the oldest value's first, and ``bias``."""

    weights: np.ndarray
    bias: float
    horizon: int

    def forecast(self, series):
        """Return the forecasts (N,) for a series (N,) with at least p + horizon values."""
        x, _ = windows(series, len(self.weights), self.horizon)
        return align(x @ self.weights + self.bias, series)


def fit_autoregression(train, order, horizon=1):
    """Fit an ``Autoregression`` to a series (N,) by least squares, directly for one ``horizon`` [steps].

    Raises ValueError if the series has fewer windows than the model has parameters, ``order`` + 1.
    """
    order = check_size("order", order)
    x, y = windows(train, order, horizon)
    if len(x) < order + 1:
        raise ValueError(
            f"train should have {2 * order + horizon} values or more for order {order}, but has {len(train)}"
        )
    x_and_one = np.column_stack([x, np.ones(len(x))])
    solution, *_ = np.linalg.lstsq(x_and_one, y, rcond=None)
    return Autoregression(solution[:-1], float(solution[-1]), horizon)


def align(forecasts, series):
    """Return the forecasts (M,) for the last M times of a series (N,) as an array (N,), NaN before them."""
    forecasts = np.asarray(forecasts, dtype=np.float64)
    return np.concatenate([np.full(len(series) - len(forecasts), np.nan), forecasts])


def root_mean_squared_error(forecast, series):
    """Return √(mean of (forecast - series)²), both (N,) [unit of the series].

    A time without a forecast (NaN) raises ValueError: errors may be compared only on the same times.
    """
    forecast, series = np.asarray(forecast), np.asarray(series)
    check_shape("forecast", forecast, series.shape)
    missing = int(np.isnan(forecast).sum())
    if missing:
        raise ValueError(f"forecast should have a number for each of {forecast.size} times, but lacks {missing}")
    return float(np.sqrt(np.mean((forecast - series) ** 2)))
