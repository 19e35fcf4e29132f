"""Exercises of the chapter *Who remembers?*."""

import numpy as np

from rnnbook.in_numpy.functions import sigmoid
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def copy_baseline(T, length, symbols):
    """Return the loss [nats per step] of a network that knows when to speak, but
    guesses what.
    """
    return length * np.log(symbols) / (T + 2 * length)


check_copy_baseline = Exercise(
    copy_baseline,
    lambda rng: {
        "T": int(rng.integers(5, 100)),
        "length": int(rng.integers(2, 12)),
        "symbols": int(rng.integers(3, 12)),
    },
    returns=("the loss",),
    mistakes={
        "the loss is averaged over the repeated symbols alone": lambda T, length, symbols: np.log(symbols),
        "the steps at the end, where the symbols are repeated, are not counted": (
            lambda T, length, symbols: length * np.log(symbols) / (T + length)
        ),
        "only the T steps of waiting are counted": lambda T, length, symbols: length * np.log(symbols) / T,
        "the logarithm is to base 2, giving bits instead of nats": (
            lambda T, length, symbols: copy_baseline(T, length, symbols) / np.log(2)
        ),
        "every step is guessed, the blanks too": lambda T, length, symbols: np.log(symbols + 1),
        "only one symbol is counted": lambda T, length, symbols: np.log(symbols) / (T + 2 * length),
    },
    looks_at="How many steps cost nothing, how many cost ln S, and over how many is the mean taken?",
    about=About("baselines", "write", 2, 10),
)


def count(x, a_f, a_i, a_g):
    """Return the carry c (T,) of one LSTM unit that starts at 0 and reads x (T, 2),
    one-hot for a and b.

    a_f is the forget gate's pre-activation, a_i the input gate's, numbers, the same
    at every step; a_g (2,) the candidate's, for a and for b.
    """
    c, carries = 0.0, []
    for x_t in x:
        c = sigmoid(a_f) * c + sigmoid(a_i) * np.tanh(x_t @ a_g)
        carries.append(c)
    return np.array(carries)


def _symbols(rng):
    x = np.eye(2)[rng.integers(0, 2, int(rng.integers(6, 12)))]
    return {"x": x, "a_f": rng.normal(), "a_i": rng.normal(), "a_g": rng.normal(size=2)}


def _count(x, a_f, a_i, a_g, gate=sigmoid, candidate=np.tanh, turn=lambda c: c):
    c, carries = 0.0, []
    for x_t in x:
        c = turn(gate(a_f) * c + gate(a_i) * candidate(x_t @ a_g))
        carries.append(c)
    return np.array(carries)


check_count = Exercise(
    count,
    _symbols,
    returns=("the carry",),
    mistakes={
        "the gates are used without their sigmoid": lambda **a: _count(**a, gate=lambda v: v),
        "the candidate is used without its tanh": lambda **a: _count(**a, candidate=lambda v: v),
        "the new carry goes through tanh before it is passed on": lambda **a: _count(**a, turn=np.tanh),
        "the gates f and i are swapped": lambda x, a_f, a_i, a_g: count(x, a_i, a_f, a_g),
        "the input gate is taken as 1 - f": lambda x, a_f, a_i, a_g: count(x, a_f, -a_f, a_g),
        "the forget gate is left out": lambda x, a_f, a_i, a_g: count(x, np.inf, a_i, a_g),
    },
    looks_at="The LSTM's equation for the carry: f times the old one, plus i times tanh of a_g.",
    about=About("counting", "write", 2, 10),
)


def hold(f, i, g):
    """Return the pre-activations a_f, a_i, a_g that give gates and candidate f,
    i, g, each (N,).
    """
    return np.log(f / (1 - f)), np.log(i / (1 - i)), np.arctanh(g)


def _gates(rng):
    (N,) = sizes(rng, 1)
    return {"f": rng.uniform(0.6, 0.99, N), "i": rng.uniform(0.1, 0.9, N), "g": rng.uniform(-0.9, 0.9, N)}


check_hold = Exercise(
    hold,
    _gates,
    returns=("a_f", "a_i", "a_g"),
    mistakes={
        "the functions themselves are used, not their inverses": lambda f, i, g: (sigmoid(f), sigmoid(i), np.tanh(g)),
        "the inverse of the sigmoid has the wrong sign": lambda f, i, g: hold(1 - f, 1 - i, g),
        "the sigmoid is inverted by the logarithm alone": lambda f, i, g: (np.log(f), np.log(i), np.arctanh(g)),
        "the candidate is treated like a gate": lambda f, i, g: (*hold(f, i, g)[:2], np.log((1 + g) / (1 - g))),
        "f and i are swapped": lambda f, i, g: hold(i, f, g),
        "i is taken as 1 - f": lambda f, i, g: hold(f, 1 - f, g),
        "the candidate is returned as it is, without the inverse of tanh": lambda f, i, g: (*hold(f, i, g)[:2], g),
    },
    looks_at="Solve σ(a) = f for a, and tanh(a) = g for a.",
    about=About("gates", "write", 2, 10),
)


def interval(values):
    """Return the mean and the half width of its 95 % interval for three values
    (3,), one per seed.

    The half width is t s / √3; s is the standard deviation with divisor 2, and t =
    4.303 (or as many more digits as you like) belongs to 2 degrees of freedom.
    """
    return values.mean(), 4.303 * values.std(ddof=1) / np.sqrt(3)


check_interval = Exercise(
    interval,
    lambda rng: {"values": rng.uniform(0.8, 1, size=3)},
    returns=("the mean", "the half width"),
    mistakes={
        "the standard deviation has the divisor 3, not 2": lambda values: (
            values.mean(),
            4.303 * values.std() / np.sqrt(3),
        ),
        "1.96 is taken for t, as if there were many seeds": lambda values: (
            values.mean(),
            1.96 * values.std(ddof=1) / np.sqrt(3),
        ),
        "1.96 is taken for t, and the standard deviation has the divisor 3": lambda values: (
            values.mean(),
            1.96 * values.std() / np.sqrt(3),
        ),
        "the square root of the number of seeds is missing": lambda values: (
            values.mean(),
            4.303 * values.std(ddof=1),
        ),
        "the standard deviation alone is given: the spread of the seeds, not of their mean": lambda values: (
            values.mean(),
            values.std(ddof=1),
        ),
        "half of the range is given": lambda values: (values.mean(), np.ptp(values) / 2),
        "the median is taken for the mean": lambda values: (np.median(values), interval(values)[1]),
    },
    looks_at="Three numbers: s with divisor 2, the square root of 3, and t for 2 degrees of freedom.",
    tolerance=1e-4,  # t is 4.302652729911275
    about=About("uncertainty", "write", 1, 10),
)


check_bug_in_count = FindTheBug(
    check_count,
    looks_at="Try program.difference(a_g=0): then nothing is ever written. And a_f=-40.0: then nothing is kept.",
    about=About("counting", "find the bug", 2, 10),
)


def count_five_and_three():
    """Run one unit with open gates over five a and three b."""
    x = np.repeat(np.eye(2), [5, 3], axis=0)
    return count(x, a_f=40.0, a_i=40.0, a_g=np.array([20.0, -20.0]))[-1]


check_carry = Predict(
    "what is the carry after five a and three b, from 0, with both gates open and candidates of 1 and -1?",
    run=count_five_and_three,
    why="Nothing is forgotten: each a adds 1 and each b takes 1 away, and no tanh holds the sum below 1.",
    misreadings={
        "the symbols are counted, not their difference": 8.0,
        "the b are assumed to add nothing": 5.0,
        "the carry is assumed to stay below 1, like a state": 0.96,
        "every step is assumed to halve the carry": -0.14,
        "only the last symbol is assumed to be left": -1.0,
    },
    tolerance=0.01,
    hint="The equation for the carry: f times the old one, plus i times the candidate.",
    about=About("counting", "predict", 1, 5),
)

check_average = ReadAFigure(
    "fig-memory-speech",
    0.0163,
    why="The dashed line is at 0.968, the full LSTM's diamond at 0.951.",
    misreadings={
        "the place of the dashed line is given, not its distance": 0.968,
        "the GRU's diamond is mistaken for the full LSTM's": 0.006,
        "the worst seed is taken for the mean": 0.028,
    },
    look="The first row's diamond, and the dashed line.",
    tolerance=0.25,
    about=About("baselines", "read a figure", 1, 5),
)

check_who_remembers = Design(
    {
        "a": (True, "Each cell gets its default start and its best one: otherwise a start is compared with a cell."),
        "b": (True, "A basic RNN with as many parameters as the LSTM tells gates from size."),
        "c": (
            False,
            "A cell that is trained until it succeeds, beside others with a fixed budget, wins by the budget.",
        ),
        "d": (True, "What failed gets twice the updates once: “not yet” and “cannot” look alike before."),
        "e": (True, "A skill means something only beside that of a network without memory."),
        "f": (False, "Lengths at which only one cell succeeds, picked afterwards, are no experiment."),
    },
    looks_at="Which points rule out another explanation, and which favour one side?",
    about=About("experiments", "design", 2, 10),
)
