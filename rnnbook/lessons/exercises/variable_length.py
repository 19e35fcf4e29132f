"""Exercises of the chapter *Deep, bidirectional, ragged*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise


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


check_batch_sizes = Exercise(
    batch_sizes,
    lambda rng: {"lengths": _lengths(rng)},
    returns=("batch_sizes",),
    mistakes={
        "a sequence leaves one step early, so that its own last step is not counted": lambda lengths: (
            lengths > np.arange(1, lengths.max() + 1)[:, None]
        ).sum(axis=1),
        "steps are counted from 0 and >= is kept, so that every sequence stays one step too long": lambda lengths: (
            lengths >= np.arange(lengths.max())[:, None]
        ).sum(axis=1),
        "the sequences that end at each step are counted, not those that are still there": lambda lengths: (
            lengths == np.arange(1, lengths.max() + 1)[:, None]
        ).sum(axis=1),
        "the sequences that have ended are counted, not those that are still there": lambda lengths: (
            lengths < np.arange(1, lengths.max() + 1)[:, None]
        ).sum(axis=1),
        "the sequences that end at this step or before it are counted": lambda lengths: (
            lengths <= np.arange(1, lengths.max() + 1)[:, None]
        ).sum(axis=1),
        "the sizes are added up: these are the rows at which the next step begins": lambda lengths: np.cumsum(
            batch_sizes(lengths)
        ),
        "the sizes stand in reverse order, the last step first": lambda lengths: batch_sizes(lengths)[::-1],
    },
    looks_at="At step t, counted from 1, a sequence of length L is there where L >= t.",
    about=About("packing", "write", 1, 10),
)


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
    about=About("packing", "write", 2, 15),
)


def ends(hs, lengths):
    """Return (B, 2H): what each direction ended with, from the outputs hs (T, B, 2H)
    of a bidirectional layer, the forward half first, zero behind each end.
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
    about=About("two directions", "write", 2, 10),
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
