"""Exercises of the chapter *Truncation: when the sequence is too long*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def equal_reach(dhs, hs, W_hh, k):
    """Return dW_hh (H, H) of a tanh RNN where every loss reaches back over exactly
    k steps, its own first; ``hs`` (T + 1, B, H) has the initial state first.
    """
    dW_hh = np.zeros_like(W_hh)
    for t in range(len(dhs)):
        dh = dhs[t]
        for s in range(t, max(t - k, -1), -1):
            da = dh * (1 - hs[s + 1] ** 2)
            dW_hh += da.T @ hs[s]
            dh = da @ W_hh
    return dW_hh


def _reach_inputs(rng):
    (T, k), (B, H) = rng.choice([[10, 3], [10, 4], [11, 3], [11, 4], [12, 5], [13, 5]]).tolist(), sizes(rng, 2)
    return {"dhs": rng.normal(size=(T, B, H)), "hs": np.tanh(rng.normal(size=(T + 1, B, H))),
            "W_hh": rng.normal(size=(H, H)), "k": k}  # fmt: skip


def _in_pieces(dhs, hs, W_hh, k, starts=None):
    """The chapter's cut: nothing passes from one piece into the piece before."""
    T = len(dhs)
    starts = list(range(0, T, k)) if starts is None else starts
    dW_hh, dh_next = np.zeros_like(W_hh), np.zeros_like(hs[0])
    for t in reversed(range(T)):
        da = (dhs[t] + dh_next) * (1 - hs[t + 1] ** 2)
        dW_hh += da.T @ hs[t]
        dh_next = (t not in starts) * (da @ W_hh)
    return dW_hh


def _with_a_change(slope=lambda h: 1 - h**2, before=0, turned=False):
    """Every loss reaches back over k steps, with one thing changed by an argument."""

    def wrong(dhs, hs, W_hh, k):
        dW_hh = np.zeros_like(W_hh)
        for t in range(len(dhs)):
            dh = dhs[t]
            for s in range(t, max(t - k, -1), -1):
                da = dh * slope(hs[s + 1])
                dW_hh += da.T @ hs[s + before]
                dh = da @ (W_hh.T if turned else W_hh)
        return dW_hh

    return wrong


check_equal_reach = Exercise(
    equal_reach,
    _reach_inputs,
    returns=("dW_hh",),
    mistakes={
        "the sequence is cut into pieces of k steps": _in_pieces,
        "the pieces are counted from the end": lambda dhs, hs, W_hh, k: _in_pieces(
            dhs, hs, W_hh, k, [0, *range(len(dhs) % k, len(dhs), k)]
        ),
        "nothing is cut": lambda dhs, hs, W_hh, k: equal_reach(dhs, hs, W_hh, len(dhs)),
        "every loss reaches its own step alone": lambda dhs, hs, W_hh, k: equal_reach(dhs, hs, W_hh, 1),
        "every loss reaches over k + 1 steps": lambda dhs, hs, W_hh, k: equal_reach(dhs, hs, W_hh, k + 1),
        "every loss reaches over k - 1 steps": lambda dhs, hs, W_hh, k: equal_reach(dhs, hs, W_hh, k - 1),
        "only the last loss is followed": lambda dhs, hs, W_hh, k: equal_reach(
            np.concatenate([0 * dhs[:-1], dhs[-1:]]), hs, W_hh, k
        ),
        "the losses that cannot reach over k steps are left out": lambda dhs, hs, W_hh, k: equal_reach(
            np.concatenate([0 * dhs[: k - 1], dhs[k - 1 :]]), hs, W_hh, k
        ),
        "the gradient is divided by k": lambda dhs, hs, W_hh, k: equal_reach(dhs, hs, W_hh, k) / k,
        "the slope of tanh is forgotten": _with_a_change(slope=np.ones_like),
        "the state after the step is taken, not the one before": _with_a_change(before=1),
        "W_hh is transposed in the backward pass": _with_a_change(turned=True),
    },
    looks_at="Follow one loss: at which steps may it still contribute to dW_hh?",
    about=About("truncation", "write", 3, 15),
)


def continued(series, B, k):
    """Return x and y, both (n, k, B), of a series (N,): batch i continues where
    batch i - 1 ended, in every column, and y is the value that follows. What does
    not fill n batches is left over.
    """
    n = (len(series) - 1) // (B * k)
    x = series[: n * k * B].reshape(B, n, k).transpose(1, 2, 0)
    y = series[1 : n * k * B + 1].reshape(B, n, k).transpose(1, 2, 0)
    return x, y


def _continued_inputs(rng, more=None):
    B, k, n = sizes(rng, 3)
    if more is None:  # without a target for the last value, with just this one, with some left over
        more = int(rng.choice([0, 1, k]))
    return {"series": rng.normal(size=n * k * B + more), "B": B, "k": k}


def _arranged(arrange, later=1):
    """Both results, given a way to arrange the first n k B values."""

    def wrong(series, B, k):
        n = (len(series) - 1) // (B * k)
        size = n * k * B
        at = np.arange(size)
        return tuple(arrange(series.take(at + start, mode="wrap"), n, k, B) for start in (0, later))

    return wrong


def _next_within(series, B, k):
    x, _ = continued(series, B, k)
    return x, np.concatenate([x[:, 1:], x[:, :1]], axis=1)


check_continued = Exercise(
    continued,
    _continued_inputs,
    returns=("x", "y"),
    mistakes={
        "neighbours in the series become neighbours in the batch": _arranged(lambda a, n, k, B: a.reshape(n, k, B)),
        "the columns of one batch continue each other, and the next batch starts elsewhere": _arranged(
            lambda a, n, k, B: a.reshape(n, B, k).transpose(0, 2, 1)
        ),
        "y is x itself": _arranged(lambda a, n, k, B: a.reshape(B, n, k).transpose(1, 2, 0), later=0),
        "y is the value after the next": _arranged(lambda a, n, k, B: a.reshape(B, n, k).transpose(1, 2, 0), later=2),
        "the last target of every piece is taken from the piece's own beginning": _next_within,
        "x and y have changed places": lambda series, B, k: continued(series, B, k)[::-1],
        "the batches come in the reverse order": lambda series, B, k: tuple(a[::-1] for a in continued(series, B, k)),
    },
    also=[lambda rng: _continued_inputs(rng, more=1)],  # the last target is there, and nothing is left over
    looks_at="Write down, for column 0, where batch 0 ends and where batch 1 begins.",
    about=About("stateful training", "write", 2, 10),
)


def kept_states(T, s):
    """Return how many states are kept at once, and how many steps the forward
    passes compute together, for checkpoints every s steps; s divides T.
    """
    return T // s + s, 2 * T


check_kept_states = Exercise(
    kept_states,
    lambda rng: dict(zip(("T", "s"), [(s := int(rng.integers(3, 30))) * int(rng.integers(31, 60)), s], strict=True)),
    returns=("the states", "the steps"),
    mistakes={
        "the states inside the segment are left out": lambda T, s: (T // s, 2 * T),
        "the checkpoints are left out": lambda T, s: (s, 2 * T),
        "all states are kept": lambda T, s: (T, 2 * T),
        "the second forward pass is left out": lambda T, s: (T // s + s, T),
        "one segment too many is counted in the steps": lambda T, s: (T // s + s, T + s),
    },
    looks_at="Just before the last segment goes backward: which states are in memory? How often was each computed?",
    about=About("checkpoints", "write", 1, 5),
)


check_bug_in_continued = FindTheBug(
    check_continued,
    looks_at="Give it numpy.arange(25), B=2 and k=3, and look at the first column of batch after batch.",
    about=About("stateful training", "find the bug", 2, 10),
)


def share_that_survives():
    """Count the pairs of a loss and a state not after it, and those that survive a
    cut every 12 of 36 steps.
    """
    pairs = [(t, s) for t in range(36) for s in range(t + 1)]
    return sum(t // 12 == s // 12 for t, s in pairs) / len(pairs)


check_survives = Predict(
    "what share of all pairs of a loss and a state that it reaches survives a cut every 12 of 36 steps?",
    run=share_that_survives,
    why="Three triangles of 12 · 13 / 2 = 78 pairs are left of one of 36 · 37 / 2 = 666.",
    misreadings={
        "three squares are compared with a square": 1 / 3,
        "the pairs that are lost are counted": 1 - 234 / 666,
        "one triangle is counted instead of three": 78 / 666,
        "the mean reach of a loss is divided by the length": 6.5 / 36,
        "nothing is assumed to be lost, since the state is carried": 1.0,
    },
    tolerance=0.02,
    hint="Count the cells of the triangles in the first figure of the chapter.",
    about=About("truncation", "predict", 1, 5),
)

check_shortest = ReadAFigure(
    "fig-truncation-echo",
    11.0,
    why="With k = 10 the share is close to chance; one step more, and the last loss of each piece reaches its input.",
    misreadings={
        "a gradient of k = 10 is assumed to reach ten steps back": 10.0,
        "the curve of five steps is read": 6.0,
        "the next point of the curve is read": 20.0,
        "the longest gradient is taken": 40.0,
        "the first point of the upper curve is read": 1.0,
    },
    look="Follow the curve of ten steps from the left: after which point does it leave the line of chance?",
    tolerance=0.03,
    about=About("truncation", "read a figure", 1, 5),
)

check_long_enough = Design(
    {
        "a": (True, "With other months or fewer updates you would compare amounts of training, not lengths."),
        "b": (False, "A learning rate chosen on the tested years has seen them: its error is too good."),
        "c": (True, "Without the full gradient, nobody knows what there was to gain."),
        "d": (True, "Judged on windows from zeros, a network trained with a carried state lacks its memory."),
        "e": (False, "The best of many lengths, picked on the tested years, flatters the winner."),
        "f": (True, "The differences are as large as those between seeds; only pairing by seed can separate them."),
    },
    looks_at="Which steps rule out another explanation, and which let the answer leak into the experiment?",
    about=About("experiments", "design", 2, 10),
)
