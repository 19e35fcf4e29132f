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
    check_shape("series", series, ("N",))
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
    x, y = windows(np.asarray(train, dtype=np.float64), order, horizon)
    if len(x) < order + 1:
        raise ValueError(
            f"train should have {2 * order + horizon} values or more for order {order}, but has {len(train)}"
        )
    x_and_one = np.column_stack([x, np.ones(len(x))])
    solution, *_ = np.linalg.lstsq(x_and_one, y, rcond=None)
    return Autoregression(solution[:-1], float(solution[-1]), horizon)


def align(forecasts, series):
    """Return the forecasts (M,) for the last M times of a series (N,) as an array (N,), NaN before them.

    Raises ValueError if there are more forecasts than times.
    """
    forecasts = np.asarray(forecasts, dtype=np.float64)
    if forecasts.ndim != 1 or len(forecasts) > len(series):
        most = f"(M,) with M at most {len(series)}"
        raise ValueError(f"forecasts should have shape {most}, but has shape {forecasts.shape}")
    return np.concatenate([np.full(len(series) - len(forecasts), np.nan), forecasts])


def root_mean_squared_error(forecast, series):
    """Return √(mean of (forecast - series)²), both (N,) [unit of the series].

    A time without a forecast or a value (NaN) raises ValueError: errors may be compared only on the same times. So
    does an empty pair: it has no mean.
    """
    forecast, series = (np.asarray(array, dtype=np.float64) for array in (forecast, series))
    check_shape("forecast", forecast, series.shape)
    if not forecast.size:
        raise ValueError(f"forecast should hold at least one number, but has shape {forecast.shape}")
    for name, array in (("forecast", forecast), ("series", series)):
        missing = int(np.isnan(array).sum())
        if missing:
            raise ValueError(f"{name} should have a number for each of {array.size} times, but lacks {missing}")
    return float(np.sqrt(np.mean((forecast - series) ** 2)))
