"""Exercises of the chapter *What came before?*."""

import numpy as np

from rnnbook.in_numpy.functions import softmax
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.attempt import numbers
from rnnbook.lessons.exercises.checking import Exercise, sizes


def _signs(rng, *shape):
    return rng.choice([-1.0, 1.0], size=shape)


def weights(patterns):
    """Return the Hebbian weights (N, N) of the patterns (M, N): sums, not means,
    with zeros on the diagonal.
    """
    W = patterns.T @ patterns
    np.fill_diagonal(W, 0)
    return W


check_weights = Exercise(
    weights,
    lambda rng: {"patterns": _signs(rng, int(rng.integers(3, 5)), int(rng.integers(5, 9)))},
    returns=("W",),
    mistakes={
        "the diagonal is left in": lambda patterns: patterns.T @ patterns,
        "the sum is divided by the number of patterns": lambda patterns: weights(patterns) / len(patterns),
        "the sum is divided by the number of units": lambda patterns: weights(patterns) / patterns.shape[1],
        "only the last pattern is stored: the sum over patterns is overwritten": lambda patterns: weights(
            patterns[-1:]
        ),
        "every pattern but the first is left out": lambda patterns: weights(patterns[:1]),
        "the diagonal is set to one": lambda patterns: weights(patterns) + np.eye(patterns.shape[1]),
        "the sign is turned: units that agree push each other apart": lambda patterns: -weights(patterns),
    },
    looks_at="Sum ξ ξᵀ over the patterns; then no unit listens to itself.",
    about=About("Hebbian storage", "write", 1, 5),
)


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
        "the unit turns against its field": lambda W, s, i: _put(
            s, i, np.where(s @ W[i] == 0, s[:, i], -np.sign(s @ W[i]))
        ),
        "nothing is updated: a copy of s comes back": lambda W, s, i: s,
    },
    looks_at="One unit, the sign of its field; where the field is zero it stays.",
    about=About("updates", "write", 1, 10),
)


def flip_energy(W, s, i):
    """Return by how much the energies (B,) would change if unit i of s (B, N) were
    flipped, for symmetric W with a zero diagonal. No energy is to be computed.
    """
    return 2 * s[:, i] * (s @ W[i])


def _computes_an_energy(yours):
    """The change needs what unit i hears; an energy needs what every other unit hears, too."""
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
        "the sign is turned: that is by how much the energy would fall": lambda W, s, i: -flip_energy(W, s, i),
        "the factor is 4: each pair is in the sum twice, and the ½ takes that back": lambda W, s, i: (
            2 * flip_energy(W, s, i)
        ),
        "its size is returned: a turn may cost energy or gain it": lambda W, s, i: abs(flip_energy(W, s, i)),
        "s_i is left out": lambda W, s, i: 2 * (s @ W[i]),
        "the energy after the flip is returned, not the change": lambda W, s, i: (
            -0.5 * np.sum(s * (s @ W), axis=1) + flip_energy(W, s, i)
        ),
        "the energy of the whole state is returned": lambda W, s, i: -0.5 * np.sum(s * (s @ W), axis=1),
    },
    looks_at="Collect the terms of E that contain s_i: they are -s_i a_i. What becomes of them when s_i turns?",
    forbids={"it computes an energy, and the change alone is asked for": _computes_an_energy},
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
        "only the likest pattern is taken: beta is infinite": lambda patterns, s, beta: patterns[
            np.argmax(s @ patterns.T, axis=1)
        ],
        "the old state is added": lambda patterns, s, beta: s + softmax_update(patterns, s, beta),
    },
    looks_at="How alike is each pattern, β ξᵀs; softmax over the patterns; their mean with these weights.",
    also=[_far_away],
    about=About("modern Hopfield networks", "write", 2, 10),
)


def jordan_as_elman(W_yh, W_hy, b_h, b_y):
    """Return weight_hh (H, H) and one bias (H,) with which an Elman network computes
    the hidden states of a Jordan network with linear outputs.
    """
    return W_yh @ W_hy, b_h + W_yh @ b_y


def _jordan(rng):
    H, V = sizes(rng, 2)
    shapes = {"W_yh": (H, V), "W_hy": (V, H), "b_h": H, "b_y": V}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


check_jordan_as_elman = Exercise(
    jordan_as_elman,
    _jordan,
    returns=("weight_hh", "bias"),
    mistakes={
        "the output's bias is forgotten": lambda W_yh, W_hy, b_h, b_y: (W_yh @ W_hy, b_h),
        "the product is transposed": lambda W_yh, W_hy, b_h, b_y: ((W_yh @ W_hy).T, b_h + W_yh @ b_y),
        "the output's bias takes the wrong way back, through W_hy transposed": lambda W_yh, W_hy, b_h, b_y: (
            W_yh @ W_hy,
            b_h + W_hy.T @ b_y,
        ),
        "the hidden units' own bias is lost": lambda W_yh, W_hy, b_h, b_y: (W_yh @ W_hy, W_yh @ b_y),
        "both at once: the product is transposed and the output's bias forgotten": lambda W_yh, W_hy, b_h, b_y: (
            (W_yh @ W_hy).T,
            b_h,
        ),
    },
    looks_at="Put y = W_hy h + b_y of the step before into the hidden equation and collect what multiplies h.",
    about=About("Jordan networks", "write", 3, 20),
)
