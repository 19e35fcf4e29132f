"""Exercises of the chapter *What came before?*."""

import numpy as np

from rnnbook.in_numpy.functions import softmax
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.attempt import numbers
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def _signs(rng, *shape):
    return rng.choice([-1.0, 1.0], size=shape)


def visit(W, s, i):
    """Return the states (B, N), a new array, after unit i of s (B, N) was updated;
    at a tie it stays.
    """
    a_i = s @ W[i]
    s = s.copy()
    s[:, i] = np.where(a_i == 0, s[:, i], np.sign(a_i))
    return s


def _network_with_a_tie(rng):
    B, N = int(rng.integers(6, 10)), int(rng.choice([5, 7]))  # N is odd: an even number of votes can be a tie
    while True:
        W = _signs(rng, N, N) * (1 - np.eye(N))  # not symmetric on purpose: W[i] is what unit i hears
        s, i = _signs(rng, B, N), int(rng.integers(N))
        a_i = s @ W[i]
        if np.any((a_i == 0) & (s[:, i] < 0)) and np.any(a_i * s[:, i] < 0):
            return {"W": W, "s": s, "i": i}


def _put(s, i, values):
    s = s.copy()
    s[:, i] = values
    return s


check_visit = Exercise(
    visit,
    _network_with_a_tie,
    returns=("s",),
    mistakes={
        "a tie becomes +1 instead of leaving the unit as it is": lambda W, s, i: _put(
            s, i, np.where(s @ W[i] >= 0, 1, -1)
        ),
        "a tie becomes 0, which is no state": lambda W, s, i: _put(s, i, np.sign(s @ W[i])),
        "all units are updated at once": lambda W, s, i: np.where(s @ W.T == 0, s, np.sign(s @ W.T)),
        "all units are updated at once, and a tie becomes 0": lambda W, s, i: np.sign(s @ W.T),
        "the sign is left out: the field itself is written": lambda W, s, i: _put(s, i, s @ W[i]),
        "the unit flips against its field": lambda W, s, i: _put(
            s, i, np.where(s @ W[i] == 0, s[:, i], -np.sign(s @ W[i]))
        ),
        "nothing is updated: a copy of s comes back": lambda W, s, i: s,
    },
    looks_at="One unit, the sign of its field; where the field is zero it stays.",
)


def flip_energy(W, s, i):
    """Return by how much the energies (B,) would change if unit i of s (B, N) were
    flipped, for symmetric W with a zero diagonal. Do not compute an energy.
    """
    return 2 * s[:, i] * (s @ W[i])


def _computes_an_energy(yours):
    """The change needs only the input of unit i; an energy needs that of every unit."""
    inputs = _symmetric_network(np.random.default_rng(0))
    W, i = np.full_like(inputs["W"], np.nan), inputs["i"]
    W[i], W[:, i] = inputs["W"][i], inputs["W"][:, i]
    found = numbers(yours, inputs | {"W": W})
    return found is not None and not np.isfinite(found[0]).all()


def _symmetric_network(rng):
    B, N = sizes(rng, 2)
    W = np.triu(rng.normal(size=(N, N)), 1)
    return {"W": W + W.T, "s": _signs(rng, B, N), "i": int(rng.integers(N))}


check_flip_energy = Exercise(
    flip_energy,
    _symmetric_network,
    returns=("the change",),
    mistakes={
        "the factor 2 is missing: s_i moves by 2, from +1 to -1 or back": lambda W, s, i: flip_energy(W, s, i) / 2,
        "the sign is reversed: that is by how much the energy would fall": lambda W, s, i: -flip_energy(W, s, i),
        "the factor is 4: each pair is in the sum twice, and the ½ undoes that": lambda W, s, i: (
            2 * flip_energy(W, s, i)
        ),
        "the unit is assumed to follow its field, as in a visit; here it is flipped whatever the field says": (
            lambda W, s, i: -abs(flip_energy(W, s, i))
        ),
        "its absolute value is returned: a flip may cost energy or release it": lambda W, s, i: abs(
            flip_energy(W, s, i)
        ),
        "s_i is left out": lambda W, s, i: 2 * (s @ W[i]),
        "the energy after the flip is returned, not the change": lambda W, s, i: (
            -0.5 * np.sum(s * (s @ W), axis=1) + flip_energy(W, s, i)
        ),
        "the energy of the whole state is returned": lambda W, s, i: -0.5 * np.sum(s * (s @ W), axis=1),
    },
    looks_at="Collect the terms of E that contain s_i: they are -s_i a_i. What happens to them when s_i flips?",
    forbids={"it computes an energy, where only the change is asked for": _computes_an_energy},
    about=About("energy", "write", 2, 10),
)


def softmax_update(patterns, s, beta):
    """Return the states (B, N) after one softmax update of s (B, N) with the
    patterns (M, N).
    """
    return softmax(beta * s @ patterns.T) @ patterns


def _memory(rng):
    M, N, B = sizes(rng, 3)
    return {"patterns": rng.normal(size=(M, N)), "s": rng.normal(size=(B, N)), "beta": rng.uniform(0.2, 2)}


def _far_away(rng):
    inputs = _memory(rng)
    return inputs | {"s": 800 * inputs["s"]}  # exp of such scores is more than a float64 holds


def _softmax_over_states(patterns, s, beta):
    return softmax((beta * s @ patterns.T).T).T @ patterns


check_softmax_update = Exercise(
    softmax_update,
    _memory,
    returns=("s",),
    mistakes={
        "beta is left out": lambda patterns, s, beta: softmax_update(patterns, s, 1.0),
        "the scores are divided by beta": lambda patterns, s, beta: softmax_update(patterns, s, 1 / beta),
        "beta is multiplied after the softmax, not before": lambda patterns, s, beta: (
            beta * softmax_update(patterns, s, 1.0)
        ),
        "the softmax is left out: the scores themselves weight the patterns": lambda patterns, s, beta: (
            beta * s @ patterns.T @ patterns
        ),
        "the softmax runs over the states, not over the patterns": _softmax_over_states,
        "only the most similar pattern is taken: beta is infinite": lambda patterns, s, beta: patterns[
            np.argmax(s @ patterns.T, axis=1)
        ],
        "the old state is added": lambda patterns, s, beta: s + softmax_update(patterns, s, beta),
    },
    looks_at="Score each pattern by β ξᵀs, take the softmax over the patterns, and average them with these weights.",
    also=[_far_away],
)


def fading_trace(outputs, decay):
    """Return the trace (T, B, V) of the outputs (T, B, V) before each step, zero before the first."""
    trace = np.zeros_like(outputs)
    for t in range(1, len(outputs)):
        trace[t] = decay * trace[t - 1] + outputs[t - 1]
    return trace


def _outputs(rng):
    T, B, V = sizes(rng, 3)
    return {"outputs": rng.normal(size=(T + 2, B, V)), "decay": rng.uniform(0.2, 0.8)}


def _one_step(outputs):
    return np.concatenate([np.zeros_like(outputs[:1]), outputs[:-1]])


def _after_each_step(outputs, decay):
    """The trace after each step: before it, and the step's output added."""
    return decay * fading_trace(outputs, decay) + outputs


check_fading_trace = Exercise(
    fading_trace,
    _outputs,
    returns=("the trace",),
    mistakes={
        "the step's own output is in its trace: that is the trace after the step": _after_each_step,
        "only the last output is given, without a trace": lambda outputs, decay: _one_step(outputs),
        "nothing fades: the outputs are added up": lambda outputs, decay: fading_trace(outputs, 1.0),
        "the last output is faded once as well": lambda outputs, decay: decay * fading_trace(outputs, decay),
        "it is a mean: the last output has the weight 1 - decay": lambda outputs, decay: (
            (1 - decay) * fading_trace(outputs, decay)
        ),
        "the decay is the weight of the output instead of the old trace's": lambda outputs, decay: (
            decay * fading_trace(outputs, 1.0)
        ),
    },
    looks_at="What is known before the first step, and what does each step add to it?",
    about=About("Jordan networks", "write", 1, 10),
)

check_bug_in_visit = FindTheBug(
    check_visit,
    looks_at="Look at the tie, at the other units, and at a state whose unit already agrees with its field.",
    about=About("updates", "find the bug", 1, 10),
)

check_bug_in_softmax = FindTheBug(
    check_softmax_update,
    looks_at="A very large beta returns one pattern, beta=0 the mean of all: program.difference(beta=0).",
    about=About("modern Hopfield networks", "find the bug", 2, 10),
)


def turn_all_units():
    """Compare the energy of a state with that of its opposite."""
    rng = np.random.default_rng(0)
    patterns, s = np.sign(rng.normal(size=(3, 20))), np.sign(rng.normal(size=20))
    W = patterns.T @ patterns - 3 * np.eye(20)
    change = s @ W @ s / 2 - (-1 * s) @ W @ (-1 * s) / 2
    return "rises" if change > 1e-9 else "falls" if change < -1e-9 else "stays"


check_turn_all = Predict(
    "what does the energy of a state do when all its units are flipped at once: rise, fall or stay?",
    run=turn_all_units,
    why="The energy is a sum of products of two units, and both change sign: it stays the same. The opposite of every"
    " stored pattern is therefore a resting state too.",
    misreadings={
        "the opposite of a pattern is assumed to be far from every resting state": "rises",
        "the energy is taken for a sum over single units": "falls",
    },
    choices=("rises", "falls", "stays"),
    hint="Put -s into the energy, and look at one product of two units.",
    about=About("energy", "predict", 1, 5),
)

check_beyond_capacity = ReadAFigure(
    "fig-feedback-capacity",
    0.36,
    why="Beyond the load 0.138 the large network loses almost everything, more abruptly than the small ones.",
    misreadings={
        "the curve of 200 units is read": 0.79,
        "the curve of 100 units is read": 0.87,
        "the point before the fall is read, a load of 0.13": 0.98,
        "the overlap that was lost is read": 0.64,
    },
    look="Find the steepest of the three curves, and follow it to the right edge.",
    tolerance=0.1,
    about=About("capacity", "read a figure", 1, 5),
)

check_measure_basin = Design(
    {
        "a": (True, "A boundary shows only if there are starts on both sides of it."),
        "b": (False, "A start without wrong units tests whether a pattern is kept, not whether it is repaired."),
        "c": (True, "One draw may be lucky: average over several."),
        "d": (True, "The overlap says whether the network came back to the pattern that was meant."),
        "e": (False, "Other resting states also have low energies: an energy does not say which one was reached."),
        "f": (False, "The claim is about random patterns, and similar patterns interfere with each other more."),
    },
    looks_at="The claim: random patterns are repaired up to a share of wrong units. What is varied, what measured?",
    about=About("experiments", "design", 2, 10),
)
