"""Exercises of the chapter *Why recurrence?*"""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise


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
    horizon = int(rng.choice(list({3, 4, 5, 6, 7} - {length - 1, length})))  # two mistakes give other targets, then
    return {"series": rng.normal(size=int(rng.integers(25, 35))), "length": length, "horizon": horizon}


def _with_targets_moved(by):
    """The function that moves the targets: by(length, horizon) steps from where they belong."""

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


def persistence_error(series, horizon):
    """Return the root mean squared error, a number, of expecting of every value of
    the series (N,) what was seen ``horizon`` before it; the first ones have none.
    """
    errors = series[horizon:] - series[:-horizon]
    return np.sqrt(np.mean(errors**2))


check_persistence_error = Exercise(
    persistence_error,
    lambda rng: {"series": rng.normal(size=int(rng.integers(15, 25))).cumsum(), "horizon": int(rng.integers(2, 5))},
    returns=("the error",),
    mistakes={
        "the square root is left out": lambda series, horizon: persistence_error(series, horizon) ** 2,
        "absolute errors are averaged instead of squared ones": lambda series, horizon: np.mean(
            np.abs(series[horizon:] - series[:-horizon])
        ),
        "the horizon is not used: each value is expected to equal the one before it": lambda series, horizon: (
            persistence_error(series, 1)
        ),
        "the mean of the errors is taken off first, as a standard deviation does": lambda series, horizon: np.std(
            series[horizon:] - series[:-horizon]
        ),
        "differences of differences are taken: np.diff(series, n) repeats np.diff n times": (
            lambda series, horizon: np.sqrt(np.mean(np.diff(series, horizon) ** 2))
        ),
        "errors are added up and not averaged": lambda series, horizon: np.sqrt(
            np.sum((series[horizon:] - series[:-horizon]) ** 2)
        ),
        "the sum is divided by the length of the series, which has more values than there are forecasts": (
            lambda series, horizon: np.sqrt(np.sum((series[horizon:] - series[:-horizon]) ** 2) / len(series))
        ),
        "the errors are averaged before they are squared, so that they cancel": lambda series, horizon: np.abs(
            np.mean(series[horizon:] - series[:-horizon])
        ),
        "the series is rolled, so that its first values are compared with its last": lambda series, horizon: np.sqrt(
            np.mean((series - np.roll(series, horizon)) ** 2)
        ),
    },
    looks_at="Root, mean, squared, error: read the name from its end.",
    about=About("baselines", "write", 1, 5),
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
        "the months are turned round instead of shuffled": lambda W, order: W[:, ::-1],
    },
    looks_at="Which column of W_new meets x[order][0], and which column of W met that month before?",
    also=[_more_months_than_units],
    about=About("shared weights", "write", 3, 15),
)
