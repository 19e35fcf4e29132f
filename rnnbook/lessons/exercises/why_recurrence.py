"""Exercises of the chapter *Why recurrence?*"""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def windows(series, length, horizon):
    """Return x (M, length), every window of the series, and y (M,), the value
    ``horizon`` after its last.
    """
    M = len(series) - length - horizon + 1
    x = np.array([series[m : m + length] for m in range(M)])
    y = series[length + horizon - 1 :]
    return x, y


def _windows_inputs(rng):
    length = int(rng.integers(4, 7))
    horizon = int(
        rng.choice(list({3, 4, 5, 6, 7} - {length - 1, length}))
    )  # so that two mistakes give different targets
    return {"series": rng.normal(size=int(rng.integers(25, 35))), "length": length, "horizon": horizon}


def _with_targets_moved(by):
    """The function that moves the targets by(length, horizon) steps from where they belong."""

    def wrong(series, length, horizon):
        x, _ = windows(series, length, horizon)
        first = length + horizon - 1 + by(length, horizon)
        return x, series[first : first + len(x)]

    return wrong


check_windows = Exercise(
    windows,
    _windows_inputs,
    returns=("x", "y"),
    mistakes={
        "the target is the next value, whatever the horizon": _with_targets_moved(lambda k, n: 1 - n),
        "the horizon is ignored, as if it were 1": lambda series, length, horizon: windows(series, length, 1),
        "the target comes one step too early": _with_targets_moved(lambda k, n: -1),
        "the target is the window's own last value": _with_targets_moved(lambda k, n: -n),
        "the horizon is counted from the window's first value": _with_targets_moved(lambda k, n: 1 - k),
        "the newest value comes first in each window": lambda series, length, horizon: (
            windows(series, length, horizon)[0][:, ::-1],
            windows(series, length, horizon)[1],
        ),
    },
    looks_at="Write down the first window and its target for length 2 and horizon 3.",
    about=About("windows", "write", 1, 10),
)


def count_parameters(T, D, H, V):
    """Return three numbers of parameters for T steps: dense on the flattened steps,
    untied, recurrent.
    """
    output = V * H + V
    dense = H * T * D + H
    step = H * D + H * H + 2 * H
    return dense + output, T * step + output, step + output


def _miscount(dense=0, untied=0, recurrent=0):
    """The function that is off by these amounts, each a number or a function of (T, D, H, V)."""
    amounts = [a if callable(a) else (lambda T, D, H, V, a=a: a) for a in (dense, untied, recurrent)]
    return lambda T, D, H, V: tuple(
        right + amount(T, D, H, V) for right, amount in zip(count_parameters(T, D, H, V), amounts, strict=True)
    )


check_count_parameters = Exercise(
    count_parameters,
    lambda rng: dict(zip("TDHV", rng.permutation(np.arange(2, 40))[:4].tolist(), strict=True)),
    returns=("dense", "untied", "recurrent"),
    mistakes={
        "the dense layer sees one step instead of T": _miscount(dense=lambda T, D, H, V: H * D - H * T * D),
        "the untied network is counted with shared weights": _miscount(
            untied=lambda T, D, H, V: -(T - 1) * (H * D + H * H + 2 * H)
        ),
        "the recurrent layer is counted with a weight matrix for every step": _miscount(
            recurrent=lambda T, D, H, V: (T - 1) * (H * D + H * H + 2 * H)
        ),
        "the output layer is left out": _miscount(*3 * [lambda T, D, H, V: -(V * H + V)]),
        "the output layer of the untied network is repeated at every step": _miscount(
            untied=lambda T, D, H, V: (T - 1) * (V * H + V)
        ),
        "all biases are left out": _miscount(
            dense=lambda T, D, H, V: -(H + V),
            untied=lambda T, D, H, V: -(T * 2 * H + V),
            recurrent=lambda T, D, H, V: -(2 * H + V),
        ),
        "a step has one bias instead of two": _miscount(
            untied=lambda T, D, H, V: -T * H, recurrent=lambda T, D, H, V: -H
        ),
    },
    looks_at="Write the shape of every array on paper first, then multiply.",
    about=About("parameters", "write", 2, 10),
)


def shuffle_time(W, order):
    """Return the weights for which ``W_new @ x[order]`` equals ``W @ x`` for every
    window x (k,).
    """
    return W[:, order]


def _shuffle_inputs(rng):
    k = int(rng.integers(5, 9))  # W is square on purpose: moving its rows must show in the numbers, not in an error
    order = np.arange(k)
    while (order == np.argsort(order)).all() or (order[::-1] == np.argsort(order)).all():
        order = rng.permutation(k)
    return {"W": rng.normal(size=(k, k)), "order": order}


def _more_months_than_units(rng):
    inputs = _shuffle_inputs(rng)
    return inputs | {"W": inputs["W"][: int(rng.integers(2, 5))]}


check_shuffle_time = Exercise(
    shuffle_time,
    _shuffle_inputs,
    returns=("W_new",),
    mistakes={
        "nothing moves": lambda W, order: W,
        "the rows move, which are the units, and not the columns, which are the months": lambda W, order: W[order],
        "the columns move the other way: that undoes the shuffle instead of following it": lambda W, order: W[
            :, np.argsort(order)
        ],
        "rows and columns both move": lambda W, order: W[order][:, order],
        "the months are reversed instead of shuffled": lambda W, order: W[:, ::-1],
    },
    looks_at="Which column of W_new meets x[order][0], and which column of W met that month before?",
    also=[_more_months_than_units],
    about=About("shared weights", "write", 3, 15),
)


def letters_known(states):
    """Return what the states (T, 3) of the three units say about each letter (T,): 1
    where it was an o, 2 where it was certainly an n, 0 everywhere else.
    """
    return states[:, 0] + 2 * states[:, 1]


def _word(rng, length=None):
    """Draw a word of o, n and another letter, as inputs (T, 2), that ends in "on" and has an n that ends none."""
    length = int(rng.integers(9, 14)) if length is None else length
    x = np.zeros((length, 2))
    drawn = rng.integers(3, size=length)
    place = int(rng.integers(3, length - 5))
    drawn[place - 1 : place + 4] = [2, 0, 1, 1, 0]  # other, o, n, n, o
    drawn[-2:] = [0, 1]
    x[drawn == 0, 0], x[drawn == 1, 1] = 1, 1
    return x


def _states(x):
    """Return the states (T, 3) of the chapter's three units."""
    h, states = np.zeros(3), []
    for o, n in x:
        h = np.array([o, max(n + h[0] - 1, 0), h[1] + h[2]])
        states.append(h)
    return np.array(states)


check_letters_known = Exercise(
    letters_known,
    lambda rng: {"states": _states(_word(rng))},
    returns=("letters",),
    mistakes={
        "every letter that is not an o is taken to be an n": lambda states: np.where(states[:, 0] > 0, 1, 2),
        "the n is reported when unit 3 grows, one letter late": lambda states: (
            states[:, 0] + 2 * np.diff(states[:, 2], prepend=0)
        ),
        "the n is read from the growth of unit 3 one letter later, so that an n at the end is missed": lambda states: (
            np.where(states[:, 0] > 0, 1, 2 * np.append(np.diff(states[:, 2]), 0))
        ),
        "the letter after every o is taken to be an n": lambda states: states[:, 0] + 2 * np.append(0, states[:-1, 0]),
        'only the o is reported; an n that ends an "on" is also certain': lambda states: states[:, 0],
        "o and n are swapped": lambda states: 2 * states[:, 0] + states[:, 1],
        "the count is reported, not the letter": lambda states: states[:, 1] + states[:, 2],
    },
    looks_at="Unit 1 is on at every o. When is unit 2 on, and which letter has just been read then?",
    about=About("hidden state", "write", 1, 5),
)


def count_pairs(x):
    """Return y (T,), the count of the pair after each letter, from the inputs
    x (T, 2): is the letter the first of the pair, is it the second?
    """
    h, y = np.zeros(3), []
    for first, second in x:
        h = np.array([first, max(second + h[0] - 1, 0), h[1] + h[2]])
        y.append(h[1] + h[2])
    return np.array(y)


def _counted(step, start=(0, 0, 0), w=(0, 1, 1)):
    """The function that counts with a different step(h, first, second) -> h."""

    def wrong(x):
        h, y = np.array(start, float), []
        for first, second in x:
            h = np.array(step(h, first, second), float)
            y.append(h @ np.array(w, float))
        return np.array(y)

    return wrong


def _updated_in_place(h, first, second):
    h = h.copy()
    h[0] = first
    h[1] = max(second + h[0] - 1, 0)
    h[2] = h[1] + h[2]
    return h


def _double_letters(rng):
    """A pair of equal letters, as in mississippi: both questions have the same answer."""
    return {"x": np.repeat((rng.random(int(rng.integers(9, 14))) < 0.7)[:, None], 2, axis=1).astype(float)}


check_count_pairs = Exercise(
    count_pairs,
    lambda rng: {"x": _word(rng)},
    returns=("y",),
    mistakes={
        "the units are updated one after another, so that unit 2 reads the new unit 1": _counted(_updated_in_place),
        "unit 3 reads the new unit 2, so that the last pair is counted twice": _counted(
            lambda h, o, n: (o, max(n + h[0] - 1, 0), max(n + h[0] - 1, 0) + h[2])
        ),
        "the bias of unit 2 is left out: a single o or n is enough": _counted(
            lambda h, o, n: (o, n + h[0], h[1] + h[2])
        ),
        "relu is left out: unit 2 goes below zero": _counted(lambda h, o, n: (o, n + h[0] - 1, h[1] + h[2])),
        "unit 3 forgets: it copies unit 2 and does not add to itself": _counted(
            lambda h, o, n: (o, max(n + h[0] - 1, 0), h[1])
        ),
        "the count leaves out the pair that has just ended": _counted(
            lambda h, o, n: (o, max(n + h[0] - 1, 0), h[1] + h[2]), w=(0, 0, 1)
        ),
        "the pair is counted in the wrong order, the second letter first": lambda x: count_pairs(x[:, ::-1]),
    },
    looks_at="Each unit is computed from the old state. Which units of h are old, line by line?",
    also=[_double_letters],
    about=About("the loop", "find the bug", 1, 10),
)


def count_with_gap(x):
    """Return y (T,), how often "o, any letter, n" has come after each letter, from the
    inputs x (T, 2): is the letter an o, is it an n?
    """
    h, y = np.zeros(4), []
    for o, n in x:
        h = np.array([o, h[0], max(n + h[1] - 1, 0), h[2] + h[3]])
        y.append(h[2] + h[3])
    return np.array(y)


def _gap_word(rng):
    x = _word(rng, int(rng.integers(12, 18)))
    place = int(rng.integers(0, len(x) - 7))  # o, other, n, other, o, n, n
    x[place : place + 7] = [[1, 0], [0, 0], [0, 1], [0, 0], [1, 0], [0, 1], [0, 1]]
    return {"x": x}


check_count_with_gap = Exercise(
    count_with_gap,
    _gap_word,
    returns=("y",),
    mistakes={
        'it counts "on", with nothing between': count_pairs,
        'the letter between may be missing: "on" counts too': lambda x: count_with_gap(x) + count_pairs(x),
        "the count comes one letter late": lambda x: np.append(0, count_with_gap(x)[:-1]),
        "n comes first and o last": lambda x: count_with_gap(x[:, ::-1]),
        "every letter two places after an o counts, whether it is an n or not": lambda x: np.cumsum(
            np.append([0, 0], x[:-2, 0])
        ),
        "there are two letters in between, not one": lambda x: np.cumsum(np.append([0, 0, 0], x[:-3, 0]) * x[:, 1]),
        "it says where one ends, but does not add them up": lambda x: np.diff(count_with_gap(x), prepend=0),
    },
    looks_at="A fourth unit can pass on what unit 1 held: then unit 3 sees the o from two letters ago.",
    about=About("design by hand", "write", 3, 20),
)


def run_for_a_thousand_letters():
    """Run one tanh unit from h = 1; no letter means anything to it, and its weight
    to itself is 1.
    """
    h = 1.0
    for _ in range(1000):
        h = np.tanh(1.0 * h)
    return h


check_faded_memory = Predict(
    "what is left of h = 1 after 1,000 letters that mean nothing, if the unit's weight to itself is 1?",
    run=run_for_a_thousand_letters,
    why="At weight 1 the only resting place is 0, but the closer h comes, the less tanh takes away: h falls like "
    "the square root of 3/(2n), slower than any exponential.",
    misreadings={
        "a weight of 1 is assumed to keep the number as it is": 1.0,
        "ten letters are read, not 1,000": 0.356,
        "h is assumed to fall like 1/n, one divided by the number of letters": 0.001,
    },
    tolerance=0.3,
    hint="tanh(h) is a little less than h: about h - h³/3. How much does one letter take away when h is small?",
    about=About("memory", "predict", 2, 5),
)

check_one_row_late = ReadAFigure(
    "fig-why-shift",
    32.0,
    why="The RNN that reads all twelve rows falls from more than 90 digits in 100 to about a third when they start one "
    "row later.",
    misreadings={
        "the dense network's curve is read": 42.0,
        "it is read at row 2": 10.0,
        "it is read at row 0, where the network was trained": 93.0,
        "a share is given, but the question asks for digits in 100": 0.32,
    },
    look="Find the curve of the RNN that is not told where a digit ends, and its value above row 1.",
    tolerance=0.15,
    about=About("shift", "read a figure", 1, 3),
)
