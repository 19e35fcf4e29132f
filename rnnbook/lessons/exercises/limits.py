"""Exercises of the chapter *Advantages and drawbacks, measured*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def block_differences(first, second, block):
    """Return for each whole block of ``block`` months the mean of first² - second²,
    errors (N,) of the same months; months that do not fill a block are left out.
    """
    whole = len(first) // block * block
    squares = first[:whole] ** 2 - second[:whole] ** 2
    return squares.reshape(-1, block).mean(axis=1)


def _two_errors(rng):
    block = int(rng.integers(3, 6))
    N = block * int(rng.integers(6, 9)) + int(rng.integers(1, block))
    return {"first": rng.normal(size=N), "second": rng.normal(size=N), "block": block}


def _by_block(difference):
    """A mistake that reduces each pair of blocks in a different way."""

    def wrong(first, second, block):
        whole = len(first) // block * block
        pairs = zip(first[:whole].reshape(-1, block), second[:whole].reshape(-1, block))
        return np.array([difference(a, b) for a, b in pairs])

    return wrong


check_block_differences = Exercise(
    block_differences,
    _two_errors,
    returns=("the differences",),
    mistakes={
        "the errors are not squared": _by_block(lambda a, b: np.mean(a - b)),
        "the difference is squared, not each error": _by_block(lambda a, b: np.mean((a - b) ** 2)),
        "the second is compared with the first, so the sign is wrong": _by_block(lambda a, b: np.mean(b**2 - a**2)),
        "the sum of a block is taken, not its mean": _by_block(lambda a, b: np.sum(a**2 - b**2)),
        "the root is taken in each block": _by_block(lambda a, b: np.sqrt(np.mean(a**2)) - np.sqrt(np.mean(b**2))),
        "every n-th month makes a block, so that neighbours are separated": lambda first, second, block: (
            (first**2 - second**2)[: len(first) // block * block].reshape(block, -1).mean(axis=0)
        ),
        "the blocks overlap": lambda first, second, block: np.lib.stride_tricks.sliding_window_view(
            first**2 - second**2, block
        ).mean(axis=1),
        "the first months are left out instead of the last": lambda first, second, block: block_differences(
            first[len(first) % block :], second[len(second) % block :], block
        ),
        "the months are dealt out to the blocks in turn": lambda first, second, block: block_differences(
            first, np.roll(second, 1), block
        ),
    },
    looks_at="Square first, subtract next, then cut into whole blocks of neighbours and take each one's mean.",
    about=About("uncertainty", "write", 2, 10),
)


def cells_per_wave(L, T):
    """Return how many of the cells of L layers and T steps each wave computes, the
    first wave first.
    """
    wave = np.add.outer(np.arange(L), np.arange(T))
    return np.bincount(wave.ravel())


check_cells_per_wave = Exercise(
    cells_per_wave,
    lambda rng: {"L": int(rng.integers(2, 5)), "T": int(rng.integers(6, 12))},
    returns=("the cells",),
    mistakes={
        "every wave is assumed to be full": lambda L, T: np.full(L + T - 1, L),
        "there is one wave too many": lambda L, T: np.append(cells_per_wave(L, T), 0),
        "the last waves are assumed to be full": lambda L, T: np.minimum(np.arange(1, L + T), L),
        "the waves are counted by step, without the layers' delay": lambda L, T: np.full(T, L),
        "the waves are counted by layer": lambda L, T: np.full(L, T),
        "the running total of cells is given": lambda L, T: np.cumsum(cells_per_wave(L, T)),
    },
    looks_at="Write m + t into a small table of layers and steps, and count how often each number occurs.",
    about=About("parallel computation", "write", 2, 10),
)


check_bug_in_block_differences = FindTheBug(
    check_block_differences,
    looks_at="Try program.difference(second=0) and block=1: where does the difference vanish?",
    about=About("uncertainty", "find the bug", 2, 10),
)


def rounds_of_a_thousand():
    """Double the reach of a scan until it covers 1,000 steps, and count."""
    reached, rounds = 1, 0
    while reached < 1000:
        reached, rounds = 2 * reached, rounds + 1
    return rounds


check_rounds = Predict(
    "how many rounds does the scan of this chapter take for 1,000 steps?",
    run=rounds_of_a_thousand,
    why="The reach doubles in each round: 2 to the 9 is 512, and 2 to the 10 is 1,024.",
    misreadings={
        "the last, partly filled round is left out": 9.0,
        "a round for every step is counted": 1000.0,
        "only the first pairing is counted": 500.0,
        "the square root of the number of steps is taken": 32.0,
        "the natural logarithm is taken": 7.0,
    },
    tolerance=0.01,
    hint="How far back does a step reach after one round, after two, after three?",
    about=About("scan", "predict", 1, 5),
)

check_regime = ReadAFigure(
    "fig-limits-lengths",
    8.2,
    why="At one month the solid line is at about 25, and the dashed line, for the network trained there, at 16.8.",
    misreadings={
        "the error itself is read, not how much larger it is": 25.0,
        "two months are read": 3.2,
        "the whole fall of the line is taken for the value of 24 months of history": 0.5,
    },
    look="At the left edge, compare the solid line with the dashed one.",
    tolerance=0.12,
    about=About("distribution shift", "read a figure", 1, 5),
)

check_order = Design(
    {
        "a": (True, "Only a network trained on windows that each have their own order shows what the order is worth."),
        "b": (False, "Shuffling in the test alone measures a change of regime, not the value of order."),
        "c": (True, "The last month is worth most: it keeps its place in both, so that only the order differs."),
        "d": (True, "A difference of a few tenths needs several seeds, and an interval over blocks of months."),
        "e": (False, "The shuffle that hurts most, picked afterwards, makes any series look ordered."),
        "f": (True, "A linear predictor of the same windows says how much there is to gain at all."),
    },
    looks_at="Which points leave the order as the only difference, and which answer the question in advance?",
    about=About("experiments", "design", 2, 10),
)
