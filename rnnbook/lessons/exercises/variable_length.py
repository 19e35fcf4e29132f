"""Exercises of the chapter *Deep, bidirectional, ragged*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def batch_sizes(lengths):
    """Return how many sequences are still there at each step, (T,), for lengths
    (B,); T is the longest.
    """
    steps = np.arange(1, lengths.max() + 1)
    return (lengths >= steps[:, None]).sum(axis=1)


def _lengths(rng):
    """Draw B different lengths, the longest T among them, in no order."""
    B, T = int(rng.integers(4, 7)), int(rng.integers(7, 10))
    return rng.permutation(np.append(rng.permutation(np.arange(1, T))[: B - 1], T))


def pack(x, lengths):
    """Return the rows (N, D) of the padded x (T, B, D) as a packed sequence holds
    them; N is the sum of lengths (B,).
    """
    order = np.argsort(-lengths, kind="stable")
    rows = [x[t, order[:size]] for t, size in enumerate(batch_sizes(lengths))]
    return np.concatenate(rows)


def _padded(rng, directions=1, padding=0.0):
    lengths = _lengths(rng)
    x = rng.normal(size=(lengths.max(), len(lengths), directions * int(rng.integers(2, 5))))
    short = np.argmin(lengths)
    x[lengths[short] - 1, short] = 0  # a step of zeros is a step, and the last one, too
    outside = np.arange(len(x))[:, None] >= lengths
    return {"x": np.where(outside[:, :, None], padding, x), "lengths": lengths}


def _pack(x, lengths, order):
    return np.concatenate([x[t, [b for b in order if lengths[b] > t]] for t in range(len(x))])


check_pack = Exercise(
    pack,
    _padded,
    returns=("rows",),
    mistakes={
        "the sequences are not sorted": lambda x, lengths: _pack(x, lengths, range(len(lengths))),
        "the shortest sequence stands first": lambda x, lengths: _pack(x, lengths, np.argsort(lengths)),
        "the lengths are sorted upwards and the first sequences are taken, which are the first to end": (
            lambda x, lengths: np.concatenate(
                [x[t, np.argsort(lengths)[:size]] for t, size in enumerate(batch_sizes(lengths))]
            )
        ),
        "one sequence stands behind the other instead of one step behind the other": lambda x, lengths: np.concatenate(
            [x[: lengths[b], b] for b in np.argsort(-lengths)]
        ),
        "the sequences are not sorted, and one stands behind the other": lambda x, lengths: np.concatenate(
            [x[:length, b] for b, length in enumerate(lengths)]
        ),
        "the first columns of x are taken, whichever sequences they are": lambda x, lengths: np.concatenate(
            [x[t, :size] for t, size in enumerate(batch_sizes(lengths))]
        ),
    },
    looks_at="Sort by falling length; then step after step, take the rows of the sequences that are there.",
)


def ends(hs, lengths):
    """Return (B, 2H): what each direction ended with, from the outputs hs (T, B,
    2H) of a bidirectional layer, the forward half first, zero behind each end.
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
        "both halves are read at outputs[-1], which is padding but for the longest": lambda hs, lengths: hs[-1],
        "the backward half is read at each sequence's own last step, its first one": lambda hs, lengths: _at(
            hs, lengths - 1, lengths - 1
        ),
        "the halves are exchanged: forward at the first step, backward at the last": lambda hs, lengths: _at(
            hs, 0 * lengths, lengths - 1
        ),
        "the forward half is read at outputs[-1], behind the end of the shorter sequences": lambda hs, lengths: _at(
            hs, 0 * lengths - 1, 0 * lengths
        ),
        "the forward half is read one step early": lambda hs, lengths: _at(hs, np.maximum(lengths - 2, 0), 0 * lengths),
        "the backward half stands before the forward half": lambda hs, lengths: np.hstack(
            np.split(ends(hs, lengths), 2, axis=1)[::-1]
        ),
        "both halves are read at outputs[0]": lambda hs, lengths: hs[0],
    },
    looks_at="A direction has seen everything at the step where it stops, and the two stop at different ends.",
)


def masked_mean(hs, lengths):
    """Return the mean over each sequence's own steps (B, H) of hs (T, B, H), whatever
    stands behind its end.
    """
    inside = np.arange(len(hs))[:, None] < lengths
    return np.where(inside[:, :, None], hs, 0).sum(axis=0) / lengths[:, None]


def _with_rubbish(rng):
    arguments = _padded(rng, padding=7.0)
    return {"hs": arguments["x"], "lengths": arguments["lengths"]}


def _sum(hs, lengths, more=0):
    return (hs * (np.arange(len(hs))[:, None] < lengths + more)[:, :, None]).sum(axis=0)


check_masked_mean = Exercise(
    masked_mean,
    _with_rubbish,
    returns=("mean",),
    mistakes={
        "the padding is averaged in": lambda hs, lengths: hs.mean(axis=0),
        "the padding is zeroed, but the sum is divided by T": lambda hs, lengths: _sum(hs, lengths) / len(hs),
        "the padding is added up, and the sum divided by the lengths": lambda hs, lengths: (
            hs.sum(axis=0) / lengths[:, None]
        ),
        "the sum is not divided": _sum,
        "one step of padding is counted, because the mask has <= where steps count from 0": lambda hs, lengths: (
            _sum(hs, lengths, more=1) / lengths[:, None]
        ),
        "the sum is divided by the mean length": lambda hs, lengths: _sum(hs, lengths) / lengths.mean(),
    },
    looks_at="Zero what stands behind the end, add up over time, and divide by the sequence's own length.",
    about=About("padding", "write", 2, 10),
)


check_bug_in_pack = FindTheBug(
    check_pack,
    looks_at="Look at small lengths by hand: are the steps, the sequences and all rows in order?",
    about=About("packing", "find the bug", 2, 10),
)

check_bug_in_ends = FindTheBug(
    check_ends,
    looks_at="Give it one direction at a time: set one half of hs to zero in what you call it with.",
    about=About("two directions", "find the bug", 2, 10),
)


def pack_four():
    """Pack four sequences of 4, 2, 5 and 2 steps with three features."""
    lengths = np.array([4, 2, 5, 2])
    return pack(np.zeros((5, 4, 3)), lengths).shape


check_packed_shape = Predict(
    "which shape have the rows of four sequences of 4, 2, 5 and 2 steps with 3 features, packed?",
    run=pack_four,
    why="One row for every step that is there, 4 + 2 + 5 + 2 = 13, and no axis for the batch.",
    misreadings={
        "the padding is kept": (20, 3),
        "the padded batch is taken for the packed one": (5, 4, 3),
        "the features come first": (3, 13),
        "the longest sequence sets the number of rows": (5, 3),
    },
    hint="A packed sequence has a row for each step of each sequence, and nothing else.",
    about=About("packing", "predict", 1, 5),
)

check_wasted_share = ReadAFigure(
    "fig-variable-waste",
    0.33,
    why="A third of the steps that are computed are padding, where 32 utterances are drawn at random.",
    misreadings={
        "the curve of batches of similar length is read": 0.06,
        "the curve of padding to the longest of all is read": 0.39,
        "the place of 8 utterances is read": 0.26,
        "what is not wasted is read": 0.67,
    },
    look="Three curves: find the one of random batches, then 32 on the logarithmic axis below.",
    tolerance=0.08,
    about=About("padding", "read a figure", 1, 5),
)

check_does_order_count = Design(
    {
        "a": (True, "Without a rival that knows no order, a good score does not show that order was used."),
        "b": (True, "A network that reads shuffled frames can use everything but the order: it is the direct control."),
        "c": (False, "Padding read to the end changes what the last state has seen: two things change at once."),
        "d": (True, "Five seeds of 0.965 to 0.976 overlap: without an interval nothing follows from their means."),
        "e": (False, "The test speakers' best epoch is chosen with the answers in hand."),
        "f": (True, "As many parameters in each network, or the larger one may win by its size."),
    },
    looks_at="What would a network answer that cannot know the order? And what else differs between the two?",
    about=About("experiments", "design", 2, 10),
)
