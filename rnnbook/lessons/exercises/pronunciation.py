"""Exercises of the chapter *How is it pronounced?*"""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def steps_needed(target):
    """Return the least number of steps T in which CTC can write the target (U,), whole numbers without blanks."""
    return len(target) + np.sum(target[1:] == target[:-1])


def _target(rng):
    target = rng.integers(1, 4, size=int(rng.integers(6, 12)))
    target[1] = target[0]  # repeated next to each other, at least once
    target[-1], target[-2] = 4, 5
    target[2] = 6 - target[1]
    return {"target": np.append(target, target[0])}


check_steps_needed = Exercise(
    steps_needed,
    _target,
    returns=("T",),
    mistakes={
        "no blank is counted between two equal symbols": lambda target: len(target),
        "equal symbols that are not adjacent are counted as repeats": lambda target: (
            2 * len(target) - len(np.unique(target))
        ),
        "a blank is counted between all symbols": lambda target: 2 * len(target) - 1,
        "all 2U + 1 states are counted": lambda target: 2 * len(target) + 1,
        "a repeated symbol is assumed to save a step": lambda target: 2 * len(target) - steps_needed(target),
    },
    looks_at="Every symbol takes a step. Which blanks cannot be left out?",
    about=About("CTC", "write", 1, 10),
)


def alpha_step(alpha, y, extended):
    """Return alpha (S,) after one more step, from the probabilities y (V,) of that
    step; the blank is 0.
    """
    ways = alpha.copy()
    ways[1:] += alpha[:-1]
    skips = extended[2:] != extended[:-2]  # never where both are blanks
    ways[2:] += np.where(skips, alpha[:-2], 0)
    return y[extended] * ways


def _alpha_inputs(rng):
    V = int(rng.integers(4, 7))
    target = rng.integers(1, V, size=int(rng.integers(4, 9)))
    target[1] = target[0]
    target[2] = target[0] % (V - 1) + 1
    extended = np.zeros(2 * len(target) + 1, int)
    extended[1::2] = target
    y = rng.uniform(0.1, 1, size=V)
    return {"alpha": rng.uniform(0.1, 1, size=len(extended)), "y": y / y.sum(), "extended": extended}


def _alpha_with(alpha, y, extended, skips, stay=True):
    ways = alpha.copy() if stay else np.zeros_like(alpha)
    ways[1:] += alpha[:-1]
    ways[2:] += np.where(skips, alpha[:-2], 0)
    return y[extended] * ways


def _in_place(alpha, y, extended):
    alpha = alpha.copy()
    for s in range(len(alpha)):
        ways = alpha[s] + (alpha[s - 1] if s else 0)
        if s > 1 and extended[s] not in (0, extended[s - 2]):
            ways += alpha[s - 2]
        alpha[s] = y[extended[s]] * ways
    return alpha


check_alpha_step = Exercise(
    alpha_step,
    _alpha_inputs,
    returns=("alpha",),
    mistakes={
        "the blank between two equal symbols may be skipped": lambda alpha, y, extended: _alpha_with(
            alpha, y, extended, extended[2:] != 0
        ),
        "every state may be reached from two states before it": lambda alpha, y, extended: _alpha_with(
            alpha, y, extended, True
        ),
        "nothing may be skipped": lambda alpha, y, extended: _alpha_with(alpha, y, extended, False),
        "a path cannot stay where it is": lambda alpha, y, extended: _alpha_with(
            alpha, y, extended, extended[2:] != extended[:-2], stay=False
        ),
        "the states are changed one after another, so that a path makes two moves in one step": _in_place,
        "the probability of the step is left out": lambda alpha, y, extended: alpha_step(
            alpha, np.ones_like(y), extended
        ),
    },
    looks_at="State s is reached from s, from s - 1, and from s - 2 where that skips a blank between two symbols.",
)


def written(path):
    """Return what a path (T,) of CTC writes, followed by zeros, (T,); the blank is 0."""
    new = np.concatenate([[True], path[1:] != path[:-1]])
    symbols = path[new & (path != 0)]
    return np.concatenate([symbols, np.zeros(len(path) - len(symbols), int)])


def _fill(symbols, T):
    return np.concatenate([symbols, np.zeros(T - len(symbols), int)]).astype(int)


def _blanks_first(path):
    symbols = path[path != 0]
    return _fill(symbols[np.concatenate([[True], symbols[1:] != symbols[:-1]])], len(path))


def _path(rng):
    a, b, c = rng.permutation(np.arange(1, 7))[:3]
    pieces = [[a, a], [0], [a], [b, b, b], [0, 0], [b], [c], [a]]
    path = np.concatenate([*pieces, [0] * rng.integers(1, 5)])
    return {"path": path.astype(int)}


check_written = Exercise(
    written,
    _path,
    returns=("symbols",),
    mistakes={
        "blanks are dropped first, so that they no longer separate two equal symbols": _blanks_first,
        "repeats are not merged": lambda path: _fill(path[path != 0], len(path)),
        "the zeros after what is written are missing": lambda path: written(path)[: np.sum(written(path) != 0)],
        "blanks are kept": lambda path: _fill(path[np.concatenate([[True], path[1:] != path[:-1]])], len(path)),
        "every symbol is written only once, wherever it occurs": lambda path: _fill(
            np.array(list(dict.fromkeys(path[path != 0].tolist()))), len(path)
        ),
        "the gaps are left where the blanks and repeats were": lambda path: np.where(
            path != np.concatenate([[0], path[:-1]]), path, 0
        ),
    },
    looks_at="Two equal symbols with a blank between them are two symbols: what has to happen first?",
    about=About("CTC", "find the bug", 2, 10),
)


def turning_point(short_log_p, short_length, long_log_p, long_length):
    """Return the alpha [no unit] above which the longer, less likely sequence is ranked first by log p / lp."""
    return np.log(long_log_p / short_log_p) / np.log((5 + long_length) / (5 + short_length))


def _pair(rng):
    short, length = -rng.uniform(1, 3), int(rng.integers(2, 5))
    return {
        "short_log_p": short,
        "short_length": length,
        "long_log_p": short * rng.uniform(1.2, 2),
        "long_length": length + int(rng.integers(2, 6)),
    }


check_turning_point = Exercise(
    turning_point,
    _pair,
    returns=("alpha",),
    mistakes={
        "the 5 of lp is left out": lambda short_log_p, short_length, long_log_p, long_length: (
            np.log(long_log_p / short_log_p) / np.log(long_length / short_length)
        ),
        "the log probabilities are subtracted instead of divided": (
            lambda short_log_p, short_length, long_log_p, long_length: (
                (short_log_p - long_log_p) / np.log((5 + long_length) / (5 + short_length))
            )
        ),
        "the logarithms of both sides are left out": lambda short_log_p, short_length, long_log_p, long_length: (
            (long_log_p / short_log_p) / ((5 + long_length) / (5 + short_length))
        ),
        "the sign is reversed": lambda **pair: -turning_point(**pair),
        "6 is added to the lengths instead of 5": lambda short_log_p, short_length, long_log_p, long_length: (
            np.log(long_log_p / short_log_p) / np.log((6 + long_length) / (6 + short_length))
        ),
    },
    looks_at="Set the two scores log p / ((5 + U) / 6)^alpha equal and solve for alpha; the 6 cancels.",
    about=About("beam search", "write", 2, 10),
)


def paired(first, second):
    """Return the difference of two systems' shares of wrong words, first - second, and its standard error.

    ``first`` and ``second`` (N,) are 1 where the system got that word wrong, else 0.
    """
    difference = first - second
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))


def _answers(rng):
    n = int(rng.integers(40, 60))
    hard = rng.uniform(size=n)
    return {
        name: (hard + 0.3 * rng.normal(size=n) < share).astype(float)
        for name, share in [("first", 0.5), ("second", 0.4)]
    }


check_paired = Exercise(
    paired,
    _answers,
    returns=("difference", "standard error"),
    mistakes={
        "the two systems are treated as if each had been given different words": lambda first, second: (
            first.mean() - second.mean(),
            np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / len(first)),
        ),
        "each system's binomial error is taken, as if each had been given different words": lambda first, second: (
            first.mean() - second.mean(),
            np.sqrt((first.var() + second.var()) / len(first)),
        ),
        "the standard deviation is not divided by the root of N": lambda first, second: (
            (first - second).mean(),
            (first - second).std(ddof=1),
        ),
        "the standard deviation is divided by N instead of by its root": lambda first, second: (
            (first - second).mean(),
            (first - second).std(ddof=1) / len(first),
        ),
        "the difference is taken in the wrong order": lambda first, second: paired(second, first),
        "only the words that one of them got wrong are counted": lambda first, second: (
            (first - second)[first != second].mean(),
            (first - second)[first != second].std(ddof=1) / np.sqrt((first != second).sum()),
        ),
        "N is used where N - 1 belongs": lambda first, second: (
            (first - second).mean(),
            (first - second).std() / np.sqrt(len(first)),
        ),
    },
    looks_at="Subtract word by word first; then it is the mean of N numbers, with the standard error of a mean.",
    about=About("uncertainty", "write", 2, 10),
)


check_bug_in_alpha_step = FindTheBug(
    check_alpha_step,
    looks_at="Which states lead to a state: itself, the one before, and sometimes the one before that. Test each.",
    about=About("CTC", "find the bug", 2, 10),
)


def ranked_first():
    """Rank log p = -2.0 with 3 symbols against log p = -2.6 with 6, each divided by
    its penalty, at alpha = 1.
    """
    answers = (-2.0, 3), (-2.6, 6)
    short, long = (log_p / ((5 + length) / 6) for log_p, length in answers)
    return "the short one" if short > long else "the long one"


check_which_first = Predict(
    "log p is -2.0 for 3 symbols and -2.6 for 6. Which is ranked first with alpha = 1: the short one or the long one?",
    run=ranked_first,
    why="-2.0 / (8/6) = -1.50 and -2.6 / (11/6) = -1.42: with alpha = 1 the penalty makes up for the length.",
    misreadings={
        "the log probabilities are compared as they are, alpha = 0": "the short one",
        "the penalty is assumed to be zero for both": "neither",
    },
    choices=("the short one", "the long one", "neither"),
    hint="A log probability is negative: dividing it by a larger number brings it nearer to zero.",
    about=About("beam search", "predict", 1, 5),
)

check_long_words = ReadAFigure(
    "fig-pronunciation-length",
    0.59,
    why="On the longest words the joint n-gram has the lowest error of all, and is still wrong on three in five.",
    misreadings={
        "the curves of attention and CTC are read": 0.75,
        "the left end of the n-gram's curve is read": 0.34,
        "the encoder-decoder's curve is read": 0.97,
        "the share of right words is read": 0.41,
    },
    look="Find the joint n-gram's curve, flat after 8 letters, and read it at 10 letters or more.",
    tolerance=0.08,
    about=About("errors", "read a figure", 1, 5),
)

check_does_search_help = Design(
    {
        "a": (True, "Use the same network and the same words, or you compare the models and not the searches."),
        "b": (True, "The words are the same: compare them one by one; two separate error bars are too wide."),
        "c": (False, "An alpha chosen on the test words has seen their answers."),
        "d": (True, "A search error is a word for which a likelier answer than the one found exists: count these."),
        "e": (True, "One seed is one network: repeat with others."),
        "f": (False, "On the words that greedy search gets wrong, beam search can only win."),
    },
    looks_at="What is due to the model, what to the search, and which words are tested?",
    about=About("experiments", "design", 2, 10),
)
