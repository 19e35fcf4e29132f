"""Oracles for the chapter *Who remembers?*: the tasks themselves, a digital filter, SciPy's statistics."""

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
