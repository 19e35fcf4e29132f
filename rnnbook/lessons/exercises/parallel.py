"""Exercises of the chapter *Can the loop over time be broken?*"""

import numpy as np

from rnnbook.data import tasks
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.project import Project, Refused
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure
from rnnbook.lessons.exercises.results import plain


def _arrays(rng, shape, *names):
    return {name: rng.normal(size=shape) for name in names}


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
)


def many_in_one(a, b, starts, h_0):
    """Return a and b (T, H) of one scan, from a state of zeros, that goes through
    several sequences laid end to end: ``starts`` (T,) is true where one begins, and
    each begins with the state h_0 (H,).
    """
    begins = np.where(starts, 1.0, 0.0)[:, None]
    return (1 - begins) * a, b + begins * a * h_0


def _sequences_inputs(rng):
    T, H = sizes(rng, 2)
    starts = rng.random(T + 4) < 0.4
    starts[[0, 3]] = True
    return {
        "a": rng.uniform(0.3, 1.2, (T + 4, H)),
        "b": rng.normal(size=(T + 4, H)),
        "starts": starts,
        "h_0": rng.normal(size=H),
    }


check_many_in_one = Exercise(
    many_in_one,
    _sequences_inputs,
    returns=("a", "b"),
    mistakes={
        "nothing is cut: a sequence goes on from the end of the one before": lambda a, b, starts, h_0: (a, b),
        "the first state is put in without its factor": lambda a, b, starts, h_0: (
            np.where(starts[:, None], 0, a),
            b + np.where(starts[:, None], h_0, 0),
        ),
        "every sequence begins at zero": lambda a, b, starts, h_0: (np.where(starts[:, None], 0, a), b),
        "the first input of each sequence is lost": lambda a, b, starts, h_0: (
            np.where(starts[:, None], 0, a),
            np.where(starts[:, None], a * h_0, b),
        ),
        "the first state is added, and the past is kept": lambda a, b, starts, h_0: (
            a,
            b + np.where(starts[:, None], a * h_0, 0),
        ),
        "the factor is cut one step too late": lambda a, b, starts, h_0: (
            np.where(np.roll(starts, 1)[:, None], 0, a),
            b + np.where(starts[:, None], a * h_0, 0),
        ),
    },
    looks_at="At a start the step has to give a h_0 + b, whatever stands before it. Which factor forgets that?",
    about=About("scan", "write", 2, 15),
)

check_bug_in_one_round = FindTheBug(
    check_one_round,
    looks_at="Look at the first reach steps by themselves, then at one step behind them with b set to zero.",
    about=About("scan", "find the bug", 2, 10),
)

check_bug_in_gradient = FindTheBug(
    check_gradient,
    looks_at="Set one thing at a time to zero: program.difference(h_0=0), dhs=0, a=0. Which gradient is still wrong?",
    about=About("backward pass", "find the bug", 2, 10),
)


def rounds_for_a_thousand():
    """Count the rounds of Hillis and Steele until the last of 1,000 steps has heard
    of the first.
    """
    reach, rounds = 1, 0
    while reach < 1000:
        reach, rounds = 2 * reach, rounds + 1
    return rounds


check_rounds = Predict(
    "how many rounds does the scan in rounds take for 1,000 steps?",
    run=rounds_for_a_thousand,
    why="Every round doubles the reach: after 10 rounds it is 1,024, after 9 only 512.",
    misreadings={
        "it is rounded down": 9.0,
        "every round adds the same reach": 999.0,
        "a round is thought to halve the work once": 500.0,
        "it is the cost of chunks, about 3 √T": 95.0,
        "the square root is taken for the logarithm": 32.0,
    },
    tolerance=0.001,
    hint="How many steps are merged in one pair after the first round, the second, the third?",
    about=About("scan", "predict", 1, 5),
)

check_digits_lost = ReadAFigure(
    "fig-parallel-errors",
    0.14,
    why="A seventh of the gradient is wrong at 4,096 steps in log space, in float32.",
    misreadings={
        "the error of the states is read": 6e-5,
        "the curve of the chunked scan is read": 3e-7,
        "the left end of the curve is read, at 64 steps": 3e-5,
        "the axis is read as if it were linear": 0.9,
    },
    look="The axis is logarithmic. Follow the gradient in log space, the highest curve, to its right end.",
    tolerance=0.4,
    about=About("rounding", "read a figure", 2, 5),
)

check_cannot_or_did_not = Design(
    {
        "a": (True, "A network of the same size that can do it shows that the task and the budget are fair."),
        "b": (False, "At the trained lengths alone, a network that counts a few steps looks like one that toggles."),
        "c": (True, "“Did not learn” is no “cannot”: double the budget once."),
        "d": (True, "A theorem, or at least weights set by hand, tells what no training can: cannot, or can."),
        "e": (False, "The best seed shows what may happen, the mean what does: report all of them."),
        "f": (True, "Strings longer than in training show whether a rule was learned."),
    },
    looks_at="Which steps part “cannot” from “did not learn”?",
    about=About("experiments", "design", 2, 10),
)


def share_copied(model):
    """Return the share of symbols that a model says again after 20 steps, on 200 new sequences of 5 out of 4 symbols;
    raise Refused where an answer depends on later steps.
    """
    batch = tasks.copy(np.random.default_rng(20), 20, 200, length=5, symbols=4)
    answers = _answers(model, batch.x)
    changed = batch.x.copy()
    changed[-1] = np.eye(6)[5]
    if not np.array_equal(_answers(model, changed)[:-1], answers[:-1]):
        raise Refused("An answer changes with what is read later: the network must read from left to right.")
    return float(np.mean((answers == batch.target)[-5:]))


def _answers(model, x):
    scores = np.asarray(plain(model(x.copy())), dtype=np.float64)
    if scores.shape != x.shape:
        raise Refused(f"It should return scores of shape {x.shape}, one for each token, but has shape {scores.shape}.")
    return scores.argmax(axis=-1)


check_copy_task = Project(
    "Hand over a function that takes x (30, B, 6), float64 and one-hot as tasks.copy(rng, 20, B, length=5, symbols=4)"
    " draws it, and returns a score for every token at every step, (30, B, 6).",
    share_copied,
    bar=0.95,
    unit="of the symbols are right",
    how=[
        "A guess is right for one symbol in four. Begin with a shorter wait, and lengthen it once it is learned.",
        "Count the loss of the last five steps alone: the blanks before them are learned at once and drown it.",
        "A layer whose factors start near 1 keeps what it has read: biases of the gates, or a state with addresses.",
    ],
    about=About("memory", "project", 3, 90),
)
