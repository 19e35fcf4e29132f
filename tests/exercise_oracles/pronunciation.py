"""Oracles for the chapter *How is it pronounced?*: paths tried out, text replaced, bisection, SciPy."""

from itertools import product

import numpy as np
import torch
from scipy import stats

from exercise_oracles.ways import said_in
from rnnbook.in_numpy.search import length_penalty


def steps_needed(target):
    """The first T whose loss is finite in PyTorch."""
    for T in range(1, 2 * len(target) + 2):
        log_p = torch.full((T, 1, int(max(target)) + 1), -1.0, dtype=torch.float64)
        loss = torch.nn.functional.ctc_loss(
            log_p, torch.tensor(target)[None], [T], [len(target)], reduction="none", zero_infinity=False
        )
        if torch.isfinite(loss).all():
            return T
    raise AssertionError("2U + 1 steps are always enough")


def alpha_step(alpha, y, extended):
    """State by state, over all places that a path may come from, as the paper lists them."""
    new = np.zeros(len(alpha))
    for before, s in product(range(len(alpha)), repeat=2):
        between = extended[before + 1 : s]
        allowed = s - before in (0, 1) or (
            s - before == 2 and between[0] == 0 and extended[s] != 0 and extended[s] != extended[before]
        )
        new[s] += alpha[before] * y[extended[s]] if allowed else 0
    return new


def written(path):
    text = "".join(map(str, path))
    for k in map(str, range(10)):
        while k + k in text:
            text = text.replace(k + k, k)
    return np.array([int(k) for k in text.replace("0", "").ljust(len(path), "0")])


def turning_point(short_log_p, short_length, long_log_p, long_length):
    low, high = 0.0, 100.0
    for _ in range(200):
        middle = (low + high) / 2
        longer_wins = long_log_p / length_penalty(long_length, middle) > short_log_p / length_penalty(
            short_length, middle
        )
        low, high = (low, middle) if longer_wins else (middle, high)
    return middle


def paired(first, second):
    difference = np.mean(first) - np.mean(second)
    return difference, difference / stats.ttest_rel(first, second).statistic


def which_first():
    """Cross-multiplied in whole numbers: -20/8 against -26/11."""
    return "the short one" if -20 * 11 > -26 * 8 else "the long one"


def long_words():
    return said_in("pronunciation", r"Joint n-gram: from \.34 to (\.\d+), flat after 8 letters")
