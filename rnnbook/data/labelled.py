"""Three sets with a label for each sequence: handwritten digits, spoken vowels, recorded motions."""

from typing import NamedTuple

import numpy as np

from rnnbook.data.files import read, table


class Images(NamedTuple):
    """Grey-scale images (N, rows, columns) and what each shows, ``labels`` (N,)."""

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


class Motions(NamedTuple):
    """Recordings of one length (N, T, D), and the index of each one's activity in ``activities``."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    activities: list[str]
    name: str
    unit: str


def digits():
    """Handwritten digits: ``images`` (1797, 8, 8) with ink from 0 to 16, ``labels`` (1797,) from 0 to 9.

    Row 0 is the top of the image, so a recurrent layer can read an image as 8 steps of 8 features.
    Source: Alpaydin & Kaynak (1998), the test part of the UCI set, by way of scikit-learn; CC BY 4.0.
    """
    rows = np.loadtxt(table("digits").splitlines(), delimiter=",", skiprows=1)
    return Images(rows[:, :64].reshape(-1, 8, 8), rows[:, 64].astype(np.int64), "ink", "black dots of 16")


def japanese_vowels():
    """The vowels /ae/ spoken by nine men: 270 utterances to train and 370 to test, (T, 12) each, T = 7 to 29.

    A step is a frame of 25.6 ms, every 6.4 ms; its 12 features are LPC cepstrum coefficients, which have no unit.
    Labels 0 to 8 are the speakers 1 to 9. The test part was recorded in other sessions.
    Source: Kudo, Toyama & Shimbo (1999), UCI set, by way of sktime; CC BY 4.0 (commercial use: see the data card).
    """
    rows = np.loadtxt(table("japanese_vowels").splitlines(), delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(rows[:, 0], prepend=-1))  # column 0 counts the utterances, a row is one frame
    # a coefficient's frames lie side by side, as in the source: sums over them round as they always did
    x = [np.asfortranarray(frames) for frames in np.split(rows[:, 2:], starts[1:])]
    labels = rows[starts, 1].astype(np.int64) - 1
    return Utterances(x[:270], labels[:270], x[270:], labels[270:], "LPC cepstrum coefficient", "none")


def basic_motions():
    """Four activities recorded by a watch: 40 recordings to train and 40 to test, (100, 6) each, 10 steps a second.

    The features are three axes of the acceleration and three of the rate of rotation; the source gives no units.
    ``labels`` are indices of ``activities``: standing, running, walking, badminton, 10 recordings of each in each part.
    Source: Bagnall and others (2018), the UEA archive, read from the files of sktime; no licence is stated.
    """
    activities = ["Standing", "Running", "Walking", "Badminton"]

    def parse(content):
        rows = [line.split(":") for line in content.decode("ascii").split("@data\n")[1].split()]
        x = np.array([[series.split(",") for series in row[:-1]] for row in rows], dtype=np.float64)
        return np.ascontiguousarray(x.swapaxes(1, 2)), np.array([activities.index(row[-1]) for row in rows])

    (train, train_labels), (test, test_labels) = map(parse, read("basic_motions"))
    return Motions(train, train_labels, test, test_labels, activities, "acceleration and rotation", "not stated")
