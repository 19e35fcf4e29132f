"""Exercises of the chapter *Deep, bidirectional, ragged*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def batch_sizes(lengths):
    """Return how many sequences are still running at each step, (T,), for lengths (B,);
    T is the longest.
    """
    steps = np.arange(1, lengths.max() + 1)
    return (lengths >= steps[:, None]).sum(axis=1)


def _lengths(rng):
    """Draw B different lengths, the longest T among them, in no order."""
    B, T = int(rng.integers(4, 7)), int(rng.integers(7, 10))
    return rng.permutation(np.append(rng.permutation(np.arange(1, T))[: B - 1], T))


def pack(x, lengths):
    """Return the rows (N, D) of the padded x (T, B, D) in the order of a packed
    sequence; N is the sum of lengths (B,).
    """
    order = np.argsort(-lengths, kind="stable")
    rows = [x[t, order[:size]] for t, size in enumerate(batch_sizes(lengths))]
    return np.concatenate(rows)


def _padded(rng, directions=1):
    lengths = _lengths(rng)
    x = rng.normal(size=(lengths.max(), len(lengths), directions * int(rng.integers(2, 5))))
    short = np.argmin(lengths)
    x[lengths[short] - 1, short] = 0  # a step of zeros is a step, also as the last one
    outside = np.arange(len(x))[:, None] >= lengths
    return {"x": np.where(outside[:, :, None], 0, x), "lengths": lengths}


def unpack(rows, batch_sizes, order):
    """Return the padded x (T, B, D), zero after each end, from packed rows (N, D),
    batch_sizes (T,) and order (B,): rank j is sequence order[j].
    """
    x = np.zeros((len(batch_sizes), len(order), rows.shape[1]))
    start = 0
    for t, size in enumerate(batch_sizes):
        x[t, order[:size]] = rows[start : start + size]
        start += size
    return x


def _packed(rng):
    arguments = _padded(rng)
    lengths = arguments["lengths"]
    order = np.argsort(-lengths, kind="stable")
    if np.array_equal(np.argsort(order), order):  # an order that is its own inverse would hide which way it is used
        return _packed(rng)
    return {"rows": pack(**arguments), "batch_sizes": batch_sizes(lengths), "order": order}


def _sequence_by_sequence(rows, batch_sizes, order):
    lengths = (batch_sizes[:, None] > np.arange(len(order))).sum(axis=0)  # by rank
    x = np.zeros((len(batch_sizes), len(order), rows.shape[1]))
    for rank, part in enumerate(np.split(rows, np.cumsum(lengths)[:-1])):
        x[: len(part), order[rank]] = part
    return x


def _same_rows(rows, batch_sizes, order):
    x = np.zeros((len(batch_sizes), len(order), rows.shape[1]))
    for t, size in enumerate(batch_sizes):
        x[t, order[:size]] = rows[:size]
    return x


def _in_columns(rows, batch_sizes, order):
    return unpack(rows, batch_sizes, np.arange(len(order)))


check_unpack = Exercise(
    unpack,
    _packed,
    returns=("x",),
    mistakes={
        "the sequences stay sorted: the order is not undone": _in_columns,
        "the order is applied a second time instead of undone": lambda rows, batch_sizes, order: _in_columns(
            rows, batch_sizes, order
        )[:, order],
        "the rows are assumed to hold one sequence after another": _sequence_by_sequence,
        "every step takes the first rows: the start never advances": _same_rows,
        "the order is read from the end, so that the shortest sequences are filled": lambda rows, batch_sizes, order: (
            unpack(rows, batch_sizes, order[::-1])
        ),
        "batch and time are swapped": lambda rows, batch_sizes, order: unpack(rows, batch_sizes, order).transpose(
            1, 0, 2
        ),
    },
    looks_at="Step t owns the next batch_sizes[t] rows; its row of rank j belongs to sequence order[j].",
    about=About("packing", "write", 2, 10),
)


def ends(hs, lengths):
    """Return (B, 2H): what each direction ended with, from the outputs hs (T, B,
    2H) of a bidirectional layer, the forward half first, zero after each end.
    """
    H = hs.shape[2] // 2
    forward = hs[lengths - 1, np.arange(hs.shape[1]), :H]
    backward = hs[0, :, H:]
    return np.hstack([forward, backward])


def _outputs(rng):
    arguments = _padded(rng, directions=2)
    return {"hs": arguments["x"], "lengths": arguments["lengths"]}


def _at(hs, forward, backward):
    """Read the two halves at two steps for each sequence."""
    b, H = np.arange(hs.shape[1]), hs.shape[2] // 2
    return np.hstack([hs[forward, b, :H], hs[backward, b, H:]])


check_ends = Exercise(
    ends,
    _outputs,
    returns=("ends",),
    mistakes={
        "both halves are read at outputs[-1], which is padding for all but the longest": lambda hs, lengths: hs[-1],
        "the backward half is read at each sequence's last step, where it has read one input": lambda hs, lengths: _at(
            hs, lengths - 1, lengths - 1
        ),
        "the halves are swapped: forward at the first step, backward at the last": lambda hs, lengths: _at(
            hs, 0 * lengths, lengths - 1
        ),
        "the forward half is read at outputs[-1], past the end of the shorter sequences": lambda hs, lengths: _at(
            hs, 0 * lengths - 1, 0 * lengths
        ),
        "the forward half is read one step early": lambda hs, lengths: _at(hs, np.maximum(lengths - 2, 0), 0 * lengths),
        "the backward half comes before the forward half": lambda hs, lengths: np.hstack(
            np.split(ends(hs, lengths), 2, axis=1)[::-1]
        ),
        "both halves are read at outputs[0]": lambda hs, lengths: hs[0],
    },
    looks_at="A direction has seen everything at the step where it stops, and the two stop at different ends.",
)


check_bug_in_ends = FindTheBug(
    check_ends,
    looks_at="Give it one direction at a time: set one half of hs to zero in the call.",
    about=About("two directions", "find the bug", 2, 10),
)


def loss_over_real_steps():
    """Average the losses over the real steps of two sequences, 3.0 at 1 step and
    0.5 at each of 9.
    """
    losses = np.zeros((9, 2))
    losses[0, 0], losses[:, 1] = 3.0, 0.5
    inside = np.arange(9)[:, None] < np.array([1, 9])
    return losses[inside].mean()


check_step_loss = Predict(
    "two sequences, one of 1 step with a loss of 3.0, one of 9 steps with a loss of 0.5 at each: what is the mean "
    "over the batch's real steps?",
    run=loss_over_real_steps,
    why="Ten real steps share a sum of 3.0 + 9 · 0.5 = 7.5.",
    misreadings={
        "the two sequences' means are averaged": 1.75,
        "the padding counts as steps with zero loss": 7.5 / 18,
        "the sum is not divided": 7.5,
        "the sum is divided by the number of sequences": 3.75,
    },
    tolerance=0.02,
    hint="Add up the losses of all real steps, and count those steps.",
    about=About("masked loss", "predict", 1, 5),
)

check_wasted_share = ReadAFigure(
    "fig-variable-waste",
    0.26,
    why="A quarter of the computed steps are padding in random batches of eight utterances.",
    misreadings={
        "the curve of batches of similar length is read": 0.02,
        "the curve of padding to the longest of all is read": 0.39,
        "the value at 32 utterances is read": 0.33,
        "the share that is not wasted is read": 0.74,
    },
    look="Of the three curves, find that of random batches, and read it at 8 on the logarithmic axis.",
    tolerance=0.08,
    about=About("padding", "read a figure", 1, 5),
)

check_does_order_count = Design(
    {
        "a": (True, "Without a rival that ignores order, a good score does not show that order was used."),
        "b": (True, "A network that reads shuffled frames can use everything but the order: it is the direct control."),
        "c": (False, "Padding read to the end changes what the last state has seen: two things change at once."),
        "d": (
            True,
            "Most of the means, 0.962 to 0.976, are closer than the seeds: without an interval nothing follows.",
        ),
        "e": (False, "The best epoch on the test speakers is chosen with the answers in hand."),
        "f": (True, "Give each network as many parameters, or the larger one may win by its size."),
    },
    looks_at="What would a network that cannot know the order answer? And what else differs between the two?",
    about=About("experiments", "design", 2, 10),
)
