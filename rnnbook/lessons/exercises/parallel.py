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


def gradient(a, hs, h_0, dhs):
    """Return da, db (T, B, H) and dh_0 (B, H) of the recurrence, from its states hs
    and the gradient dhs that reaches each of them from outside.
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
        "da is multiplied by the new state h_t instead of the old one, h_{t-1}": lambda a, hs, h_0, dhs: (
            gradient(a, hs, h_0, dhs)[1] * hs,
            *gradient(a, hs, h_0, dhs)[1:],
        ),
        "nothing comes from later steps": _nothing_from_later,
        "it runs from the first step to the last": _from_the_beginning,
        "dh_0 is not multiplied by a_1": lambda a, hs, h_0, dhs: (
            *gradient(a, hs, h_0, dhs)[:2],
            gradient(a, hs, h_0, dhs)[1][0],
        ),
        "da uses zero instead of h_0 as the state before the first step": lambda a, hs, h_0, dhs: (
            gradient(a, hs, 0 * h_0, dhs)[0],
            *gradient(a, hs, h_0, dhs)[1:],
        ),
    },
    looks_at="The state h_t is used twice: outside, and in step t + 1 with the factor a_{t+1}.",
)


def many_in_one(a, b, starts, h_0):
    """Return a and b (T, H) of one scan, from a state of zeros, that goes through
    several sequences laid end to end: ``starts`` (T,) is true where one starts, and
    each starts from the state h_0 (H,).
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
        "nothing is reset: a sequence goes on from the end of the one before": lambda a, b, starts, h_0: (a, b),
        "the initial state enters without its factor": lambda a, b, starts, h_0: (
            np.where(starts[:, None], 0, a),
            b + np.where(starts[:, None], h_0, 0),
        ),
        "every sequence starts at zero": lambda a, b, starts, h_0: (np.where(starts[:, None], 0, a), b),
        "the first input of each sequence is lost": lambda a, b, starts, h_0: (
            np.where(starts[:, None], 0, a),
            np.where(starts[:, None], a * h_0, b),
        ),
        "the initial state is added, and the past is kept": lambda a, b, starts, h_0: (
            a,
            b + np.where(starts[:, None], a * h_0, 0),
        ),
        "the factor is set to zero one step too late": lambda a, b, starts, h_0: (
            np.where(np.roll(starts, 1)[:, None], 0, a),
            b + np.where(starts[:, None], a * h_0, 0),
        ),
    },
    looks_at="At a start the step has to give a h_0 + b, whatever came before it. Which factor forgets the past?",
    about=About("scan", "write", 2, 15),
)

check_bug_in_gradient = FindTheBug(
    check_gradient,
    looks_at="Set one thing at a time to zero: program.difference(h_0=0), dhs=0, a=0. Which gradient is still wrong?",
    about=About("backward pass", "find the bug", 2, 10),
)


def ticks_of_a_hundred():
    """Count the ticks of 100 processors that scan 1,000 pairs in rounds, each
    processor making one combination per tick.
    """
    ticks, reach = 0, 1
    while reach < 1000:
        combinations = 1000 - reach
        ticks += -(-combinations // 100)  # a tick even if some processors idle
        reach *= 2
    return ticks


check_few_processors = Predict(
    "how many ticks do 100 processors take to scan 1,000 pairs in rounds?",
    run=ticks_of_a_hundred,
    why="Ten rounds make 999, 998, 996 … 744 and 488 combinations: seven take 10 ticks, the others 9, 8 and 5.",
    misreadings={
        "every round takes one tick, as if there were a processor for each combination": 10.0,
        "the work is divided by 100, as if no processor ever idled": 89.77,
        "the work is divided by 100 and rounded, as if no processor ever idled": 90.0,
        "every round combines all 1,000 pairs": 100.0,
        "the loop of one processor is counted": 999.0,
    },
    tolerance=0.001,
    hint="How many combinations does each of the ten rounds make? How many hundreds is that, rounded up?",
    about=About("scan", "predict", 2, 10),
)

check_last_pass = ReadAFigure(
    "fig-parallel-newton",
    20.0,
    why="The longest icicle of the middle panel, near step 175, ends at pass 19: from pass 20 on all states are right.",
    misreadings={
        "the right panel is read": 49.0,
        "the left panel is read": 4.0,
        "the shorter icicles are read, not the longest": 9.0,
        "the guarantee is taken for the answer: pass 200": 200.0,
    },
    look="Take the middle panel and follow its longest icicle down to where it turns white.",
    tolerance=0.15,
    about=About("Newton's method", "read a figure", 1, 5),
)

check_cannot_or_did_not = Design(
    {
        "a": (True, "A network of the same size that can do it shows that the task and the budget are fair."),
        "b": (False, "At the trained lengths alone, a network that counts a few steps looks like one that toggles."),
        "c": (True, "“Did not learn” is not yet “cannot”: double the budget once."),
        "d": (True, "A theorem, or weights set by hand, can show what no training run can."),
        "e": (False, "The best seed shows what may happen, the mean what does: report all of them."),
        "f": (True, "Strings longer than those in training show whether a rule was learned."),
    },
    looks_at="Which points tell “cannot” from “did not learn”?",
    about=About("experiments", "design", 2, 10),
)


def share_copied(model):
    """Return the share of symbols that a model repeats correctly after 20 steps, on 200 new sequences of 5 out of 4
    symbols; raise Refused where an answer depends on later steps.
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
        raise Refused(
            f"It should return scores of shape {x.shape}, one for each token, but returns shape {scores.shape}."
        )
    return scores.argmax(axis=-1)


check_copy_task = Project(
    "Hand over a function that takes x (30, B, 6), float64 and one-hot as tasks.copy(rng, 20, B, length=5, symbols=4)"
    " draws it, and returns a score for every token at every step, (30, B, 6).",
    share_copied,
    bar=0.95,
    unit="of the symbols are right",
    how=[
        "Guessing gets one symbol in four right. Start with a shorter wait, and lengthen it once that is learned.",
        "Count only the loss of the last five steps: the blanks before them are learned at once and swamp it.",
        "A layer whose factors start near 1 keeps what it has read: biases of the gates, or a state with addresses.",
    ],
    about=About("memory", "project", 3, 90),
)
