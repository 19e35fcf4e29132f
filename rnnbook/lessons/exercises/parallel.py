"""Exercises of the chapter *Can the loop over time be broken?*"""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes


def combine(a_1, b_1, a_2, b_2):
    """Return the pair (a, b), each (B, H), of one step that does what step 1 and
    then step 2 do.
    """
    return a_2 * a_1, a_2 * b_1 + b_2


def _arrays(rng, shape, *names):
    return {name: rng.normal(size=shape) for name in names}


check_combine = Exercise(
    combine,
    lambda rng: _arrays(rng, sizes(rng, 2), "a_1", "b_1", "a_2", "b_2"),
    returns=("a", "b"),
    mistakes={
        "step 2 is taken first and then step 1": lambda a_1, b_1, a_2, b_2: combine(a_2, b_2, a_1, b_1),
        "b_1 is not multiplied by a_2, through which it has to go": lambda a_1, b_1, a_2, b_2: (a_2 * a_1, b_1 + b_2),
        "b_2 is multiplied by a_2, too": lambda a_1, b_1, a_2, b_2: (a_2 * a_1, a_2 * (b_1 + b_2)),
        "b_2 is left out": lambda a_1, b_1, a_2, b_2: (a_2 * a_1, a_2 * b_1),
        "the factors are added instead of multiplied": lambda a_1, b_1, a_2, b_2: (a_2 + a_1, a_2 * b_1 + b_2),
        "a is a_2 alone": lambda a_1, b_1, a_2, b_2: (a_2, a_2 * b_1 + b_2),
    },
    looks_at="Write h_1 = a_1 h_0 + b_1 into h_2 = a_2 h_1 + b_2 and sort by h_0.",
    about=About("scan", "write", 1, 10),
)


def one_round(a, b, reach):
    """Return a and b (T, H) after one round that merges every step with the one
    ``reach`` before it.
    """
    merged_b = np.concatenate([b[:reach], a[reach:] * b[:-reach] + b[reach:]])
    merged_a = np.concatenate([a[:reach], a[reach:] * a[:-reach]])
    return merged_a, merged_b


def _round_inputs(rng):
    shape = int(rng.integers(8, 12)), *sizes(rng, 1)
    return _arrays(rng, shape, "a", "b") | {"reach": int(rng.integers(2, 5))}


def _new_a_used(a, b, reach):
    new_a, _ = one_round(a, b, reach)
    return new_a, one_round(new_a, b, reach)[1]


def _in_place(a, b, reach):
    a, b = a.copy(), b.copy()
    for t in range(reach, len(a)):
        b[t] += a[t] * b[t - reach]
        a[t] *= a[t - reach]
    return a, b


def _first_cleared(a, b, reach):
    new_a, new_b = one_round(a, b, reach)
    new_a[:reach], new_b[:reach] = 0, 0
    return new_a, new_b


def _early_factor(a, b, reach):
    new_a, _ = one_round(a, b, reach)
    return new_a, np.concatenate([b[:reach], a[:-reach] * b[:-reach] + b[reach:]])


check_one_round = Exercise(
    one_round,
    _round_inputs,
    returns=("a", "b"),
    mistakes={
        "a is merged before b, so that b meets the new a": _new_a_used,
        "the steps are merged one after another, so that a step meets one that this round has changed": _in_place,
        "the step before is taken instead of the one that is `reach` before": lambda a, b, reach: one_round(a, b, 1),
        "the first `reach` steps, which have no partner, are cleared": _first_cleared,
        "b_1 is multiplied by its own factor instead of the later step's": _early_factor,
        "the end of the sequence is wrapped round to its beginning, as np.roll does": lambda a, b, reach: (
            a * np.roll(a, reach, axis=0),
            a * np.roll(b, reach, axis=0) + b,
        ),
        "a stays as it was": lambda a, b, reach: (a, one_round(a, b, reach)[1]),
    },
    looks_at="Every step t from reach on becomes the merging of step t - reach with step t, all from the old a and b.",
    about=About("scan", "write", 2, 10),
)


def gradient(a, hs, h_0, dhs):
    """Return da, db (T, B, H) and dh_0 (B, H) of the recurrence, from its states hs
    and the gradient dhs that comes to each of them from outside.
    """
    db = np.empty_like(dhs)
    d = np.zeros_like(h_0)
    for t in reversed(range(len(a))):
        d = dhs[t] + d
        db[t] = d
        d = a[t] * d
    return db * np.concatenate([h_0[None], hs[:-1]]), db, d


def _gradient_inputs(rng):
    T, B, H = sizes(rng, 3)
    inputs = _arrays(rng, (T, B, H), "a", "hs", "dhs") | _arrays(rng, (B, H), "h_0")
    b, h = rng.normal(size=(T, B, H)), inputs["h_0"]
    for t in range(T):
        h = inputs["hs"][t] = inputs["a"][t] * h + b[t]
    return inputs


def _own_factor(a, hs, h_0, dhs, to_h_0=True):
    d, db = np.zeros_like(h_0), np.empty_like(dhs)
    for t in reversed(range(len(a))):
        d = db[t] = dhs[t] + a[t] * d
    return db * np.concatenate([h_0[None], hs[:-1]]), db, a[0] * d if to_h_0 else d


def _from_the_beginning(a, hs, h_0, dhs):
    da, db, dh_0 = gradient(a[::-1], hs, h_0, dhs[::-1])
    return db[::-1] * np.concatenate([h_0[None], hs[:-1]]), db[::-1], dh_0


def _nothing_from_later(a, hs, h_0, dhs):
    return dhs * np.concatenate([h_0[None], hs[:-1]]), dhs, a[0] * dhs[0]


check_gradient = Exercise(
    gradient,
    _gradient_inputs,
    returns=("da", "db", "dh_0"),
    mistakes={
        "what comes from step t + 1 is multiplied by a_t instead of by a_{t+1}": _own_factor,
        "what comes from step t + 1 is multiplied by a_t instead of by a_{t+1}, and dh_0 not at all": (
            lambda a, hs, h_0, dhs: _own_factor(a, hs, h_0, dhs, to_h_0=False)
        ),
        "da meets the new state h_t instead of the old one, h_{t-1}": lambda a, hs, h_0, dhs: (
            gradient(a, hs, h_0, dhs)[1] * hs,
            *gradient(a, hs, h_0, dhs)[1:],
        ),
        "nothing comes from later steps": _nothing_from_later,
        "it runs from the first step to the last": _from_the_beginning,
        "dh_0 is not multiplied by a_1": lambda a, hs, h_0, dhs: (
            *gradient(a, hs, h_0, dhs)[:2],
            gradient(a, hs, h_0, dhs)[1][0],
        ),
        "the first state before da is zero instead of h_0": lambda a, hs, h_0, dhs: (
            gradient(a, hs, 0 * h_0, dhs)[0],
            *gradient(a, hs, h_0, dhs)[1:],
        ),
    },
    looks_at="The state h_t is used twice: outside, and in step t + 1 with the factor a_{t+1}.",
    about=About("backward pass", "write", 3, 20),
)


def parity_pairs(bits):
    """Return a and b (T,) with which h_t = a_t h_{t-1} + b_t, from h_0 = 0, is the
    parity, 0 or 1, of the bits (T,) so far.
    """
    return 1 - 2 * bits, bits


check_parity_pairs = Exercise(
    parity_pairs,
    lambda rng: {"bits": rng.permutation(np.arange(rng.integers(10, 15)) % 2).astype(float)},
    returns=("a", "b"),
    mistakes={
        "all ones are counted: nothing ever goes back to 0": lambda bits: (np.ones_like(bits), bits),
        "the sign is turned, but from h_0 = 0 there is nothing to turn": lambda bits: (1 - 2 * bits, 0 * bits),
        "a one sets the state to 1, whatever it was": lambda bits: (1 - bits, bits),
        "the zeros are counted instead of the ones": lambda bits: (2 * bits - 1, 1 - bits),
        "every step turns the state round, also at a zero": lambda bits: (-np.ones_like(bits), bits),
    },
    looks_at="A zero has to keep the state: 0 to 0, 1 to 1. A one has to turn it round: 0 to 1, 1 to 0.",
    about=About("state tracking", "write", 2, 10),
)
