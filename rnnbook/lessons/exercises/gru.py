"""Exercises of the chapter *The GRU*."""

import numpy as np

from rnnbook.in_numpy.functions import sigmoid
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes


def step(u_r, u_z, u_n, v_r, v_z, v_n, h_prev):
    """Return h_t (B, H) from what the input says, u, and what the memory says, v,
    each (B, H), and h_prev.
    """
    r = sigmoid(u_r + v_r)
    z = sigmoid(u_z + v_z)
    n = np.tanh(u_n + r * v_n)
    return (1 - z) * n + z * h_prev


def _arrays(*names):
    """Draw arrays of one shape (B, H)."""

    def draw(rng):
        shape = sizes(rng, 2)
        return {name: rng.normal(size=shape) for name in names}

    return draw


def _no_tanh(u_r, u_z, u_n, v_r, v_z, v_n, h_prev):
    r, z = sigmoid(u_r + v_r), sigmoid(u_z + v_z)
    return (1 - z) * (u_n + r * v_n) + z * h_prev


def _reset_on_everything(u_r, u_z, u_n, v_r, v_z, v_n, h_prev):
    r, z = sigmoid(u_r + v_r), sigmoid(u_z + v_z)
    return (1 - z) * np.tanh(r * (u_n + v_n)) + z * h_prev


check_step = Exercise(
    step,
    _arrays("u_r", "u_z", "u_n", "v_r", "v_z", "v_n", "h_prev"),
    returns=("h_t",),
    mistakes={
        "the gates r and z are swapped": lambda u_r, u_z, u_n, v_r, v_z, v_n, h_prev: step(
            u_z, u_r, u_n, v_z, v_r, v_n, h_prev
        ),
        "z points the other way: z takes the candidate and 1 - z keeps": (
            lambda u_r, u_z, u_n, v_r, v_z, v_n, h_prev: step(u_r, -u_z, u_n, v_r, -v_z, v_n, h_prev)
        ),
        "the reset gate is left out": lambda u_r, u_z, u_n, v_r, v_z, v_n, h_prev: step(
            u_r + 1e9, u_z, u_n, v_r, v_z, v_n, h_prev
        ),
        "the reset gate also multiplies the input's part": _reset_on_everything,
        "tanh is missing on the candidate": _no_tanh,
        "the old state is left out of the mixture": lambda u_r, u_z, u_n, v_r, v_z, v_n, h_prev: step(
            u_r, u_z, u_n, v_r, v_z, v_n, 0 * h_prev
        ),
    },
    looks_at="Look again at the four equations from the reset gate to the new state.",
    about=About("update gate", "write", 1, 10),
)


def gate_gradients(dh, z, n, h_prev):
    """Return da_n and da_z (B, H), the gradients by the two pre-activations, from
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
        "h_prev and n are exchanged in da_z": lambda dh, z, n, h_prev: (
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
    looks_at="Differentiate the mixture h = (1 - z) n + z h_prev, once by n and once by z.",
    about=About("backward pass", "write", 2, 15),
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
        "the first block changes its sign, which is r": lambda weight_ih, weight_hh, bias_ih, bias_hh: _turn_block(
            0, weight_ih, weight_hh, bias_ih, bias_hh
        ),
        "the last block changes its sign, which is n": lambda weight_ih, weight_hh, bias_ih, bias_hh: _turn_block(
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
        "the gate does not act on the candidate's memory": lambda **a: _minimal(**a, reset=False),
        "W_hf and W_hn are not transposed": lambda **a: minimal_step(
            **(a | {"W_hf": a["W_hf"].T, "W_hn": a["W_hn"].T})
        ),
    },
    looks_at="Read the three equations in the exercise once more, one gate, two uses.",
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
        "1 - z is taken for z: the share that is written, not the share that is kept": (
            lambda z: np.log(0.5) / np.log(1 - z)
        ),
        "the time constant 1 / (1 - z) is given instead of the half-life": lambda z: 1 / (1 - z),
        "the fraction is upside down": lambda z: np.log(z) / np.log(0.5),
        "the sign is lost": lambda z: np.log(2) / np.log(z),
    },
    looks_at="After k steps the share z to the power k is left; set it to one half.",
    about=About("memory", "write", 2, 10),
)
