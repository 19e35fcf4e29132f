"""The oracles are worth something: every mistake planted in a copy of a layer's source is caught by them."""

import types
from functools import partial
from pathlib import Path

import numpy as np
import oracles
import pytest
import torch

import rnnbook.in_numpy

FOLDER = Path(rnnbook.in_numpy.__file__).parent
VARIANTS = {
    "rnn": [
        ("RNN", {}, oracles.rnn_cell(torch.tanh), 1),
        ("RNN", {"nonlinearity": "relu"}, oracles.rnn_cell(torch.relu), 1),
    ],
    "gru": [("GRU", {}, oracles.gru_cell, 1), ("GRU", {"reset_after": False}, oracles.gru_cell_before, 1)],
    "lstm": [("LSTM", {}, oracles.lstm_cell, 2), ("LSTM", {"peephole": True}, oracles.lstm_cell_peephole, 2)],
}
RNN = [
    ("(b_ih + b_hh)", "b_ih"),
    ("u[t] + h @ W_hh.T", "u[t] + h @ W_hh"),
    ("u[t] + h @ W_hh.T", "u[t]"),
    ("range(T):", "reversed(range(T)):"),
    ("h = phi(a)", "h = phi(a) + hs[t]"),
    ("np.where(inside[t], h, hs[t])", "np.where(inside[t], h, 0)"),
    ("np.where(inside[t], h, hs[t])", "h"),
    ("hs[0] = h", "hs[0] = 0"),
    ("dh = dhs[t] + dh_next", "dh = dhs[t]"),
    ("dh = dhs[t] + dh_next", "dh = dh_next"),
    ("1 - h**2", "1 - h"),
    ("np.sign(h)", "np.ones_like(h)"),
    ("phi_prime[t] * dh", "dh"),
    ("da[t] @ W_hh", "da[t] @ W_hh.T"),
    ("da[t] = np.where(inside[t], da[t], 0)", "pass"),
    ("np.where(inside[t], dh_prev, dh_next)", "dh_prev"),
    ("np.where(inside[t], dh_prev, dh_next)", "np.where(inside[t], dh_prev, 0)"),
    ("dh_next = parameters.check_state", "dh_next = 0 * parameters.check_state"),
    ("for t in reversed(range(T)):", "for t in range(T):"),
    ("hs[:-1].reshape(T * B, H)", "hs[1:].reshape(T * B, H)"),
    ("(da @ W_ih).reshape(x.shape)", "(da @ W_ih).reshape(x.shape)[::-1]"),
    ("da.sum(axis=0)", "da.mean(axis=0)"),
]
GRU = [
    ("x, W_ih, b_ih)", "x, W_ih, b_ih + b_hh)"),
    ("h @ W_hh.mT + b_hh ", "h @ W_hh + b_hh "),
    ("h @ W_hh.mT + b_hh ", "h @ W_hh.mT "),
    ("h @ W_hh[:2].mT + b_hh[:2]", "h @ W_hh[1:].mT + b_hh[1:]"),
    ("sigmoid(u_r + v_r)", "sigmoid(u_r)"),
    ("sigmoid(u_z + v_z)", "sigmoid(u_z + v_r)"),
    ("np.tanh(u_n + r * v_ns[t])", "np.tanh(r * (u_n + v_ns[t]))"),
    ("np.tanh(u_n + r * v_ns[t])", "u_n + r * v_ns[t]"),
    ("(r * h) @ W_hh[2].mT", "r * (h @ W_hh[2].mT)"),
    ("h = (1 - z) * n + z * h", "h = z * n + (1 - z) * h"),
    ("np.where(inside[t], h, hs[t])", "np.where(inside[t], h, 0)"),
    ("u_r, u_z, u_n = r, z, n = gates", "u_z, u_r, u_n = z, r, n = gates"),
    ("dh = dhs[t] + dh_next", "dh = dhs[t]"),
    ("* (1 - n**2)", ""),
    ("dh * (1 - z) * (1", "dh * z * (1"),
    ("(h_prev - n) * z", "(n - h_prev) * z"),
    ("(h_prev - n) * z", "h_prev * z"),
    ("da_n * v_n * r * (1 - r)", "da_n * v_n * r"),
    ("da_n * v_n * r * (1 - r)", "da_n * r * (1 - r)"),
    ("= da_r, da_z, r * da_n", "= da_r, da_z, da_n"),
    ("dh_prev = z * dh + dh_v", "dh_prev = dh_v"),
    ("z * dh + r * dmemory + dh_gates", "z * dh + dmemory + dh_gates"),
    ("z * dh + r * dmemory + dh_gates", "z * dh + r * dmemory"),
    ("dmemory * h_prev * r", "dmemory * r"),
    ("np.where(inside[t], dus[:, t], 0)", "dus[:, t]"),
    ("dh_prev = np.where(inside[t], dh_prev, dh_next)", "pass"),
    ("gates[0] * hs[:-1]", "hs[:-1]"),
    ("weights(dvs, hs[:-1])", "weights(dus, hs[:-1])"),
    ("bias(dvs)", "bias(dus)"),
]
LSTM = [
    ("x, W_ih, b_ih + b_hh)", "x, W_ih, b_ih)"),
    ("+= h @ W_hh.mT", "+= h @ W_hh"),
    ("a_i, a_f, a_g, a_o = i, f, g, o", "a_f, a_i, a_g, a_o = f, i, g, o"),
    ("a_i, a_f, a_g, a_o = i, f, g, o", "a_i, a_f, a_o, a_g = i, f, o, g"),
    ("a_i += p_i * c ", "a_i += p_f * c "),
    ("a_f += p_f * c ", "pass"),
    ("g[:] = np.tanh(a_g)", "g[:] = sigmoid(a_g)"),
    ("c = f * c + i * g", "c = f * c + (1 - f) * g"),
    ("c = f * c + i * g", "c = f * c + g"),
    ("a_o += p_o * c", "a_o += p_o * cs[t]"),
    ("h = o * tanh_c", "h = o * c"),
    ("np.where(inside[t], c, cs[t])", "c"),
    ("np.where(inside[t], h, hs[t])", "np.where(inside[t], h, 0)"),
    ("hs[0], cs[0] = h, c", "hs[0], cs[0] = h, 0"),
    ("dh = dhs[t] + dh_next", "dh = dhs[t]"),
    ("dh * tanh_cs[t] * o * (1 - o)", "dh * cs[t + 1] * o * (1 - o)"),
    ("dh * tanh_cs[t] * o * (1 - o)", "dh * tanh_cs[t] * o"),
    ("dc = dc_next + dh", "dc = dh"),
    ("(1 - tanh_cs[t] ** 2)", "(1 - tanh_cs[t])"),
    ("dc += p_o * da_o", "pass"),
    ("dc * g * i * (1 - i)", "dc * i * (1 - i)"),
    ("dc * cs[t] * f", "dc * cs[t + 1] * f"),
    ("dc * i * (1 - g**2)", "dc * i"),
    ("dc_prev = dc * f", "dc_prev = dc * i"),
    ("dc_prev = dc * f", "dc_prev = dc_next * f"),
    ("dc_prev += p_i * da_i + p_f * da_f", "dc_prev += p_i * da_i"),
    ("das[:, t] = np.where(inside[t], das[:, t], 0)", "pass"),
    ("np.where(inside[t], dc_prev, dc_next)", "dc_prev"),
    ("np.where(inside[t], dh_prev, dh_next)", "dh_prev"),
    ("weights(das, hs[:-1])", "weights(das, hs[1:])"),
    ("cs[:-1], cs[:-1], cs[1:]", "cs[:-1], cs[:-1], cs[:-1]"),
    ("das[[0, 1, 3]]", "das[[0, 0, 3]]"),
]
PRODUCTS = [
    ("u += b\n", "\n"),
    ("(da.reshape(G, -1, H) @ W).sum(axis=0)", "(da.reshape(G, -1, H) @ W).mean(axis=0)"),
    ("da.sum(axis=(1, 2))", "da.mean(axis=(1, 2))"),
    ("W_hh.mT).mT", "W_hh.mT)"),
]
MISTAKES = [("rnn", *m) for m in RNN] + [("gru", *m) for m in GRU] + [("lstm", *m) for m in LSTM]
MISTAKES += [(f"products of {layer}", *m) for m in PRODUCTS for layer in ("gru", "lstm")]


def executed(name, old="", new=""):
    """Run a file of the wing as a module of its own, with the first ``old`` in it replaced by ``new``."""
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert old in source, f"{name}.py has changed: {old!r} is not in it"
    module = types.ModuleType(f"planted_{name}")
    exec(compile(source.replace(old, new, 1), f"planted {name}.py", "exec"), module.__dict__)
    return module


@pytest.fixture(scope="module")
def expected():
    """For every layer: makers of the variants, with inputs, lengths and the right results."""
    found = {}
    for name, variants in VARIANTS.items():
        for layer, options, cell, parts in variants:
            make = partial(getattr(rnnbook.in_numpy, layer), oracles.D, oracles.H, dtype=np.float64, **options)
            given = oracles.case(11, parts)
            for lengths in [None, [3, 5, 1]]:
                right = oracles.run_autograd(cell, make(rng=np.random.default_rng(12)), given, lengths)
                found.setdefault(name, []).append((layer, options, given, lengths, right))
    return found


def is_caught(module, cases):
    for layer, options, given, lengths, right in cases:
        rng = np.random.default_rng(12)
        planted = getattr(module, layer)(oracles.D, oracles.H, dtype=np.float64, rng=rng, **options)
        try:
            oracles.assert_equal(oracles.run(planted, given, lengths), right)
        except AssertionError:
            return True
    return False


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # a planted mistake may overflow
@pytest.mark.parametrize("place, old, new", MISTAKES, ids=[f"{place}: {old} -> {new}" for place, old, new in MISTAKES])
def test_a_planted_mistake_is_caught(place, old, new, expected):
    if place.startswith("products of "):
        place = place.removeprefix("products of ")
        module = executed(place)
        module.products = executed("products", old, new)
    else:
        module = executed(place, old, new)
    assert is_caught(module, expected[place])


@pytest.mark.parametrize("place", VARIANTS)
def test_a_copy_without_mistakes_passes(place, expected):
    assert not is_caught(executed(place), expected[place])
