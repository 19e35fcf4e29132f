"""Exercises of the chapter *The GRU*."""

import numpy as np

from rnnbook.in_numpy import GRU
from rnnbook.in_numpy.functions import sigmoid
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def _arrays(*names):
    """Draw arrays of one shape (B, H)."""

    def draw(rng):
        shape = sizes(rng, 2)
        return {name: rng.normal(size=shape) for name in names}

    return draw


def gate_gradients(dh, z, n, h_prev):
    """Return da_n and da_z (B, H), the gradients of the two pre-activations, from
    dh (B, H).
    """
    da_n = dh * (1 - z) * (1 - n**2)
    da_z = dh * (h_prev - n) * z * (1 - z)
    return da_n, da_z


def _gate_inputs(rng):
    inputs = _arrays("dh", "z", "n", "h_prev")(rng)
    return inputs | {"z": sigmoid(inputs["z"]), "n": np.tanh(inputs["n"])}


check_gate_gradients = Exercise(
    gate_gradients,
    _gate_inputs,
    returns=("da_n", "da_z"),
    mistakes={
        "the derivative of tanh, 1 - n², is forgotten": lambda dh, z, n, h_prev: (
            dh * (1 - z),
            gate_gradients(dh, z, n, h_prev)[1],
        ),
        "the derivative of the sigmoid, z (1 - z), is forgotten": lambda dh, z, n, h_prev: (
            gate_gradients(dh, z, n, h_prev)[0],
            dh * (h_prev - n),
        ),
        "both derivatives of the activation functions are forgotten": lambda dh, z, n, h_prev: (
            dh * (1 - z),
            dh * (h_prev - n),
        ),
        "h_prev and n are swapped in da_z": lambda dh, z, n, h_prev: (
            gate_gradients(dh, z, n, h_prev)[0],
            -gate_gradients(dh, z, n, h_prev)[1],
        ),
        "the candidate is weighted with z instead of 1 - z": lambda dh, z, n, h_prev: (
            dh * z * (1 - n**2),
            gate_gradients(dh, z, n, h_prev)[1],
        ),
        "da_z forgets that z also weights the candidate": lambda dh, z, n, h_prev: (
            gate_gradients(dh, z, n, h_prev)[0],
            dh * h_prev * z * (1 - z),
        ),
    },
    looks_at="Differentiate the mixture h = (1 - z) n + z h_prev, once with respect to n and once to z.",
    about=About("backward pass", "write", 2, 15),
)


check_bug_in_gate_gradients = FindTheBug(
    check_gate_gradients,
    looks_at="Try program.difference(dh=0), n=0, h_prev=0 and z=0.5: where does the difference vanish, and where not?",
    about=About("backward pass", "find the bug", 2, 10),
)


def turn_z(weight_ih, weight_hh, bias_ih, bias_hh):
    """Return the four parameters of the same GRU written with z' = 1 - z; blocks r,
    z, n of H rows.
    """
    H = weight_hh.shape[1]
    turned = []
    for p in (weight_ih, weight_hh, bias_ih, bias_hh):
        p = p.copy()
        p[H : 2 * H] *= -1
        turned.append(p)
    return tuple(turned)


def _gru_parameters(rng):
    D, H = sizes(rng, 2)
    shapes = {"weight_ih": (3 * H, D), "weight_hh": (3 * H, H), "bias_ih": (3 * H,), "bias_hh": (3 * H,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def _turn_block(block, weight_ih, weight_hh, bias_ih, bias_hh):
    H = weight_hh.shape[1]
    sign = np.ones(3 * H)
    sign[block * H : (block + 1) * H] = -1
    return sign[:, None] * weight_ih, sign[:, None] * weight_hh, sign * bias_ih, sign * bias_hh


check_turn_z = Exercise(
    turn_z,
    _gru_parameters,
    returns=("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    mistakes={
        "the biases keep their sign": lambda weight_ih, weight_hh, bias_ih, bias_hh: (
            *turn_z(weight_ih, weight_hh, bias_ih, bias_hh)[:2],
            bias_ih,
            bias_hh,
        ),
        "only weight_hh and bias_hh change their sign": lambda weight_ih, weight_hh, bias_ih, bias_hh: (
            weight_ih,
            turn_z(weight_ih, weight_hh, bias_ih, bias_hh)[1],
            bias_ih,
            turn_z(weight_ih, weight_hh, bias_ih, bias_hh)[3],
        ),
        "the first block, r, changes its sign": lambda weight_ih, weight_hh, bias_ih, bias_hh: _turn_block(
            0, weight_ih, weight_hh, bias_ih, bias_hh
        ),
        "the last block, n, changes its sign": lambda weight_ih, weight_hh, bias_ih, bias_hh: _turn_block(
            2, weight_ih, weight_hh, bias_ih, bias_hh
        ),
        "every block changes its sign": lambda weight_ih, weight_hh, bias_ih, bias_hh: (
            -weight_ih,
            -weight_hh,
            -bias_ih,
            -bias_hh,
        ),
        "1 - w is taken where the sign should change": lambda weight_ih, weight_hh, bias_ih, bias_hh: tuple(
            np.where(p == t, p, 1 - p)
            for p, t in zip((weight_ih, weight_hh, bias_ih, bias_hh), turn_z(weight_ih, weight_hh, bias_ih, bias_hh))
        ),
    },
    looks_at="1 - σ(a) = σ(-a), and a is linear in weights and biases. Which rows compute the a of z?",
    about=About("conventions", "write", 2, 10),
)


def minimal_step(u_f, u_n, h_prev, W_hf, W_hn, b_hf, b_hn):
    """Return h_t (B, H) of the minimal gated unit: one gate f that resets and
    updates at once.
    """
    f = sigmoid(u_f + h_prev @ W_hf.T + b_hf)
    n = np.tanh(u_n + (f * h_prev) @ W_hn.T + b_hn)
    return (1 - f) * h_prev + f * n


def _minimal_inputs(rng):
    B, H = sizes(rng, 2)
    shapes = {"u_f": (B, H), "u_n": (B, H), "h_prev": (B, H), "W_hf": (H, H), "W_hn": (H, H), "b_hf": (H,)}
    return {name: rng.normal(size=shape) for name, shape in (shapes | {"b_hn": (H,)}).items()}


def _minimal(u_f, u_n, h_prev, W_hf, W_hn, b_hf, b_hn, reset=True, after=False, keep_with_f=False):
    f = sigmoid(u_f + h_prev @ W_hf.T + b_hf)
    if after:
        n = np.tanh(u_n + f * (h_prev @ W_hn.T + b_hn))
    else:
        n = np.tanh(u_n + ((f if reset else 1) * h_prev) @ W_hn.T + b_hn)
    return f * h_prev + (1 - f) * n if keep_with_f else (1 - f) * h_prev + f * n


check_minimal_step = Exercise(
    minimal_step,
    _minimal_inputs,
    returns=("h_t",),
    mistakes={
        "f keeps the old state, as z does in our GRU; here it takes the candidate": (
            lambda **a: _minimal(**a, keep_with_f=True)
        ),
        "the gate is applied after the product instead of before": lambda **a: _minimal(**a, after=True),
        "the gate is applied after the product instead of before, and not to b_hn": lambda **a: _minimal(
            **(a | {"u_n": a["u_n"] + a["b_hn"], "b_hn": 0 * a["b_hn"]}), after=True
        ),
        "the gate does not act on the candidate's memory": lambda **a: _minimal(**a, reset=False),
        "W_hf and W_hn are not transposed": lambda **a: minimal_step(
            **(a | {"W_hf": a["W_hf"].T, "W_hn": a["W_hn"].T})
        ),
    },
    looks_at="Read the three equations in the exercise again: one gate, two uses.",
    about=About("gates", "write", 2, 10),
)


def half_life(z):
    """Return after how many steps a constant update gate z (N,) has let half of the
    old state fade.
    """
    return np.log(0.5) / np.log(z)


check_half_life = Exercise(
    half_life,
    lambda rng: {"z": rng.uniform(0.05, 0.99, size=sizes(rng, 1))},
    returns=("steps",),
    mistakes={
        "1 - z is mistaken for z: the share that is written, not the share that is kept": (
            lambda z: np.log(0.5) / np.log(1 - z)
        ),
        "the time constant 1 / (1 - z) is given instead of the half-life": lambda z: 1 / (1 - z),
        "every step is assumed to take away the same amount, 1 - z": lambda z: 0.5 / (1 - z),
        "the fraction is upside down": lambda z: np.log(z) / np.log(0.5),
        "the sign is lost": lambda z: np.log(2) / np.log(z),
        "it is rounded up to whole steps: here a fraction of a step counts": lambda z: np.ceil(half_life(z)),
    },
    looks_at="After k steps a share of z to the power k is left; set it to one half.",
    about=About("memory", "write", 2, 10),
)


def ten_steps_towards_one():
    """Run one unit for ten steps: z stays at 0.9, the candidate at 1, and the state
    starts at 0.
    """
    layer = GRU(1, 1, dtype=np.float64)
    for value in layer.params.values():
        value[...] = 0
    layer.params["bias_ih"][1:] = np.log(0.9 / 0.1), 50  # z and n
    return layer.forward(np.zeros((10, 1, 1)))[1].item()


check_towards_one = Predict(
    "what is the state after ten steps with z = 0.9 and a candidate of 1, from 0?",
    run=ten_steps_towards_one,
    why="Every step leaves nine tenths of the distance to the candidate, so the state is 1 - 0.9 to the power of ten.",
    misreadings={
        "the share that is left of the old state is given": 0.9**10,
        "a tenth is added at every step, or z is mistaken for the share of the candidate": 1.0,
        "one step is counted": 0.1,
        "one step is counted and z is mistaken for the share of the candidate": 0.9,
        "nine steps are counted": 1 - 0.9**9,
    },
    tolerance=0.005,
    hint="How far is the state from the candidate, and what does one step do to that distance?",
    about=About("update gate", "predict", 1, 5),
)

check_most_gradient = ReadAFigure(
    "fig-gru-small",
    "unit 6",
    why="Its update gate is the most open one at nearly every letter, so the path through z passes most of it on.",
    misreadings={
        "the last column is read, where the gradient enters": "unit 5",
        "the largest state is mistaken for the largest gradient": "unit 2",
        "the reset gate is read instead of the gradient": "unit 3",
    },
    look="Last panel: which row is dark from the first letter to the last but one? Compare it with the panel of z.",
    choices=("unit 2", "unit 3", "unit 5", "unit 6"),
    about=About("backward pass", "read a figure", 1, 5),
)

check_does_the_gate_pay = Design(
    {
        "a": (True, "A GRU has three times the parameters of an RNN with as many units: one RNN has to have as many."),
        "b": (True, "Networks that were trained with the same seed and order are compared in pairs."),
        "c": (False, "The test names may choose nothing: an epoch picked on them makes the share too good."),
        "d": (True, "Twice the epochs, once: what looks like a worse layer may only be a slower one."),
        "e": (True, "Counting letters takes a second; a network that does not beat it is not worth its time."),
        "f": (False, "The best seed of each layer compares luck with luck."),
    },
    looks_at="Which steps rule out another explanation, and which let the answer leak into the experiment?",
    about=About("experiments", "design", 2, 10),
)
