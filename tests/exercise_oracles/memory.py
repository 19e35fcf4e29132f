"""Oracles for the chapter *Who remembers?*: the tasks themselves, a digital filter, SciPy's statistics."""

import json
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.signal import lfilter
from scipy.special import expit, logit

from rnnbook.data import tasks


def copy_baseline(T, length, symbols):
    """Answer a drawn batch: a blank with certainty, and every symbol with the same probability."""
    target = tasks.copy(np.random.default_rng(0), T, 2, length, symbols).target
    probability = np.where(target == 0, 1, 1 / symbols)
    return -np.log(probability).mean()


def count(x, a_f, a_i, a_g):
    """A recursive filter of the first order, fed with the candidates."""
    return lfilter([expit(a_i)], [1, -expit(a_f)], np.tanh(np.where(x[:, 0] == 1, a_g[0], a_g[1])))


def hold(f, i, g):
    return logit(f), logit(i), logit((1 + g) / 2) / 2


def interval(values):
    t = round(stats.t.ppf(0.975, df=len(values) - 1), 3)
    return np.sum(values) / len(values), t * stats.sem(values)


def carry():
    return float(np.sum([1] * 5 + [-1] * 3))


def average():
    """A pooled linear discriminant of each utterance's mean, by scikit-learn, less the recorded LSTM's."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    from rnnbook import data

    vowels = data.japanese_vowels()
    train, test = (np.array([frames.mean(axis=0) for frames in part]) for part in (vowels.train, vowels.test))
    right = LinearDiscriminantAnalysis().fit(train, vowels.train_labels).score(test, vowels.test_labels)
    record = json.loads((Path(__file__).parents[2] / "book/experiments/ablations.json").read_text())
    return right - np.mean(record["speech"]["test"]["full LSTM"])
