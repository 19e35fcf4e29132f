"""Three series of monthly measurements, and what every forecast needs: a split, windows, a scale."""

from typing import NamedTuple

import numpy as np

from rnnbook.data.files import table


class Series(NamedTuple):
    """One number at each time: ``time`` (N,) and ``value`` (N,), with a name and a unit for the plot."""

    time: np.ndarray
    value: np.ndarray
    name: str
    unit: str


def _months(name):
    """The middle of each month in years, and its value, from a table with a line for each year."""
    rows = np.loadtxt(table(name).splitlines(), delimiter=",", skiprows=1)
    time = rows[:, :1] + (np.arange(12) + 0.5) / 12
    return time.ravel(), rows[:, 1:].ravel()


def sunspots_monthly():
    """Monthly mean sunspot number of the years 1749 to 2008: 3,120 months, in order, without gaps.

    ``time`` is the middle of the month in years (1749.04 is January 1749), ``value`` the relative sunspot
    number, which has no unit. February 1824 was interpolated by the source.
    Source: US National Geophysical Data Center, by way of statsmodels; public domain.
    """
    time, value = _months("sunspots_monthly")
    return Series(time, value, "sunspot number", "monthly mean")


def el_nino_monthly():
    """Monthly mean sea surface temperature [°C] off Peru and Ecuador, 1950 to 2010: 732 months without gaps.

    The region is Niño 1+2, 0° to 10° south and 80° to 90° west; ``time`` is the middle of the month in years.
    Source: US National Oceanic and Atmospheric Administration, by way of statsmodels; public domain.
    """
    time, value = _months("el_nino_monthly")
    return Series(time, value, "sea surface temperature", "°C")


def co2_monthly():
    """Carbon dioxide in the air at Mauna Loa [ppm by volume], April 1958 to December 2001: 525 months, in order.

    A month is the mean of those of its weeks that were measured (a week belongs to the month of its Saturday);
    the five months without any are interpolated linearly. ``time`` is the middle of the month in years.
    Source: Keeling & Whorf (2004), by way of statsmodels; public domain.
    """
    rows = [line.split(",") for line in table("co2_monthly").split()[1:]]
    weeks = [((int(date[:4]) - 1958) * 12 + int(date[4:6]) - 4, float(value)) for date, value in rows if value]
    month, value = np.array([week for week in weeks if week[0] >= 0]).T  # March 1958 has one week, left out
    month = month.astype(int)
    count = np.bincount(month)
    total = np.bincount(month, value)
    found, every = np.flatnonzero(count), np.arange(len(count))
    time = 1958 + (every + 3.5) / 12
    return Series(time, np.interp(every, found, total[found] / count[found]), "carbon dioxide", "ppm")


def split_by_time(series, fractions):
    """Cut an array (N, ...) into consecutive parts, the past first; the fractions of N sum to 1.

    Returns one array (N_part, ...) for each fraction. Nothing is shuffled: the test part comes after the training part.
    """
    series = np.asarray(series)
    if not (all(share > 0 for share in fractions) and abs(sum(fractions) - 1) <= 1e-9):  # NaN is neither
        raise ValueError(f"fractions should be positive and sum to 1, but are {tuple(fractions)}")
    ends = np.round(np.cumsum(fractions) * len(series)).astype(int)
    return np.split(series, ends[:-1])


def windows(series, length, horizon=1):
    """Every window of a series (N,) as x (M, length); as y (M,), the value ``horizon`` steps after its last.

    M = N - length - horizon + 1: row m is ``series[m : m + length]``, and ``y[m]`` is
    ``series[m + length + horizon - 1]``.
    """
    series = np.asarray(series)
    if series.ndim != 1:
        raise ValueError(f"series should have shape (N,), but has shape {series.shape}")
    if length < 1 or horizon < 1:
        raise ValueError(f"length and horizon should be 1 or more, but are {length} and {horizon}")
    if len(series) < length + horizon:
        raise ValueError(
            f"series should have length + horizon = {length + horizon} values or more, but has {len(series)}"
        )
    x = np.lib.stride_tricks.sliding_window_view(series, length)[: len(series) - length - horizon + 1]
    return x.copy(), series[length + horizon - 1 :].copy()


class Scale(NamedTuple):
    """``scale(x)`` is x measured in standard deviations from the mean; ``scale.undo(z)`` is its inverse."""

    mean: np.ndarray
    std: np.ndarray

    def __call__(self, x):
        return (x - self.mean) / self.std

    def undo(self, z):
        return z * self.std + self.mean


def standardise(train):
    """The scale on which the training data (N, ...) have mean 0 and standard deviation 1 in each feature.

    Returns a ``Scale``; call it on training, validation and test data alike, so that nothing leaks from later data into
    training. Raises ValueError unless they are finite and vary in each feature.
    """
    train = np.asarray(train, dtype=np.float64)
    if train.ndim == 0 or not train.size:
        raise ValueError(f"train should have shape (N, ...) and hold a number, but has shape {train.shape}")
    if not np.isfinite(train).all():
        raise ValueError("train should hold finite numbers, but holds NaN or infinity")
    std = train.std(axis=0)
    if np.any((np.ptp(train, axis=0) == 0) | (std == 0)):  # the std of a constant need not be 0: its mean is rounded
        raise ValueError("train should vary in every feature, but has a standard deviation of 0")
    return Scale(train.mean(axis=0), std)
