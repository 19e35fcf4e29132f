"""Weights in the layouts of Keras and ONNX, in both directions. Between ``torch.nn`` and the two versions there is
nothing to convert.

Everything here works on a state dict with the names of ``torch.nn`` (``layer.state_dict()`` of either version), and on
one layer and direction at a time: ``suffix`` is ``"_l0"``, ``"_l1"``, ``"_l0_reverse"``.

==========  ======================  ==========================  ==============================================
layer       ``torch.nn``, rnnbook   Keras                       ONNX
==========  ======================  ==========================  ==============================================
RNN         one block               ``SimpleRNN``, one block    ``RNN``, one block
GRU         r, z, n                 z, r, h                     z, r, h; ``linear_before_reset=1`` is ``reset_after``
LSTM        i, f, g, o              i, f, c, o                  i, o, f, c; peepholes i, o, f
weights     (G·H, D), (G·H, H)      (D, G·H), (H, G·H)          (directions, G·H, D), (directions, G·H, H)
biases      ``bias_ih, bias_hh``    their sum; both in (2, 3H)  both, one after another: (directions, 2·G·H)
                                    for ``reset_after=True``
==========  ======================  ==========================  ==============================================
"""

from collections.abc import Mapping, Sequence

import numpy as np

from rnnbook.errors import check_choice, check_shape
from rnnbook.weights.storage import as_array

# which of torch's blocks goes where
KERAS = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 1, 2, 3]}
ONNX = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}
ONNX_PEEPHOLE = [0, 2, 1]  # i, o, f out of i, f, o


def to_keras(state: Mapping, kind: str, *, reset_after=True, suffix="_l0") -> list[np.ndarray]:
    """Return what ``set_weights`` of Keras's layer takes: kernel (D, G·H), recurrent kernel (H, G·H), bias.

    ``kind`` is ``"RNN"``, ``"GRU"`` or ``"LSTM"``; a ``Bidirectional`` takes the two directions' lists, joined.
    Raises ValueError if the state dict lacks a parameter or has peepholes or a projection, which Keras does not have.
    """
    W_ih, W_hh, b_ih, b_hh = _parameters(state, kind, suffix, KERAS)
    for name in ("weight_peephole", "weight_hr"):
        if name + suffix in state:
            raise ValueError(f"the state dict should have no {name}{suffix}: Keras's {kind} has none")
    if b_ih is None:
        return [W_ih.T, W_hh.T]
    return [W_ih.T, W_hh.T, np.stack([b_ih, b_hh]) if kind == "GRU" and reset_after else b_ih + b_hh]


def from_keras(weights: Sequence, kind: str, *, suffix="_l0") -> dict[str, np.ndarray]:
    """Return the state dict for what ``get_weights`` of Keras's layer returned; if it has one bias, the other is zero.

    Raises ValueError, naming the array, if one is missing or too many, does not fit the others, or holds no real
    numbers.
    """
    check_choice("kind", kind, tuple(KERAS))
    if len(weights) not in (2, 3):
        raise ValueError(
            f"weights should be kernel, recurrent kernel and bias, or the first two, but are {len(weights)} arrays; "
            "those of a Bidirectional are two such lists, one after the other: convert each with its suffix"
        )
    order, kernel, recurrent = KERAS[kind], _numbers("kernel", weights[0]), _numbers("recurrent kernel", weights[1])
    H = len(recurrent) if recurrent.ndim else 0
    check_shape("kernel", kernel, ("D", len(order) * H))
    check_shape("recurrent kernel", recurrent, ("H", len(order) * H))
    found = {"weight_ih": _back(kernel.T, order), "weight_hh": _back(recurrent.T, order)}
    if len(weights) == 3:
        bias = _numbers("bias", weights[2])
        check_shape("bias", bias, (2, kernel.shape[1]) if bias.ndim == 2 and kind == "GRU" else (kernel.shape[1],))
        b_ih, b_hh = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
        found |= {"bias_ih": _back(b_ih, order), "bias_hh": _back(b_hh, order)}
    return {name + suffix: value for name, value in found.items()}


def to_onnx(state: Mapping, kind: str, *, layer=0) -> dict[str, np.ndarray]:
    """Return the inputs W, R, B, and P for peepholes, of ONNX's operator for one layer, its directions stacked.

    Raises ValueError if the state dict lacks a parameter, in one direction or both, or has a projection, which ONNX
    does not have.
    """
    suffixes = _directions(state, layer)
    found: dict[str, list] = {}
    for suffix in suffixes:
        if "weight_hr" + suffix in state:
            raise ValueError(f"the state dict should have no weight_hr{suffix}: ONNX's LSTM has no projection")
        W_ih, W_hh, b_ih, b_hh = _parameters(state, kind, suffix, ONNX)
        found.setdefault("W", []).append(W_ih)
        found.setdefault("R", []).append(W_hh)
        if b_ih is not None:
            found.setdefault("B", []).append(np.concatenate([b_ih, b_hh]))
        if "weight_peephole" + suffix in state:
            peephole = _numbers("weight_peephole" + suffix, state["weight_peephole" + suffix])
            found.setdefault("P", []).append(_blocks(peephole, ONNX_PEEPHOLE))
    return {name: np.stack(values) for name, values in found.items()}


def from_onnx(inputs: Mapping, kind: str, *, layer=0) -> dict[str, np.ndarray]:
    """Return the state dict for the inputs W, R and, if given, B and P of ONNX's operator.

    Raises ValueError, naming the array, if one does not fit the others.
    """
    check_choice("kind", kind, tuple(ONNX))
    if not {"W", "R"} <= inputs.keys() <= {"W", "R", "B", "P"}:
        raise ValueError(f"inputs should be W and R, with B and P if the layer has them, but are {', '.join(inputs)}")
    order, (W, R) = ONNX[kind], (_numbers(name, inputs[name]) for name in "WR")
    H = R.shape[-1] if R.ndim else 0
    directions, rows = 2 if len(R) == 2 else 1, len(order) * H
    check_shape("R", R, (directions, rows, H))
    check_shape("W", W, (directions, rows, "D"))
    state: dict[str, np.ndarray] = {}
    for k, suffix in enumerate([f"_l{layer}", f"_l{layer}_reverse"][:directions]):
        state |= {"weight_ih" + suffix: _back(W[k], order), "weight_hh" + suffix: _back(R[k], order)}
        if "B" in inputs:
            B = _numbers("B", inputs["B"])
            check_shape("B", B, (directions, 2 * rows))
            b_ih, b_hh = np.split(B[k], 2)
            state |= {"bias_ih" + suffix: _back(b_ih, order), "bias_hh" + suffix: _back(b_hh, order)}
        if "P" in inputs:
            P = _numbers("P", inputs["P"])
            check_shape("P", P, (directions, 3 * H))
            state["weight_peephole" + suffix] = _back(P[k], ONNX_PEEPHOLE)
    return state


def _directions(state, layer):
    """The suffixes of a layer's directions, one or two; ValueError if one has a parameter that the other lacks."""
    forward, reverse = f"_l{layer}", f"_l{layer}_reverse"
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_peephole")
    if not any(name + reverse in state for name in names):
        return [forward]
    for name in names:
        missing = [name + suffix for suffix in (forward, reverse) if name + suffix not in state]
        if len(missing) == 1:
            raise ValueError(f"the state dict should hold {missing[0]}, but does not")
    return [forward, reverse]


def _parameters(state, kind, suffix, orders):
    """The two weights and the two biases (None without) of one layer and direction, blocks in a different order."""
    check_choice("kind", kind, tuple(orders))
    biased = f"bias_ih{suffix}" in state or f"bias_hh{suffix}" in state
    names = ["weight_ih", "weight_hh"] + (["bias_ih", "bias_hh"] if biased else [])
    for name in names:
        if name + suffix not in state:
            raise ValueError(f"the state dict should hold {name}{suffix}, but does not")
    found = [_numbers(name + suffix, state[name + suffix]) for name in names]
    H = found[1].shape[-1] if found[1].ndim else 0
    for name, value in zip(names, found, strict=True):
        check_shape(name + suffix, value, (len(orders[kind]) * H, *value.shape[1:]))
    return [_blocks(value, orders[kind]) for value in found] + [None] * (4 - len(found))


def _numbers(name, value):
    """The array or tensor as an array; ValueError if it does not hold real numbers."""
    array = as_array(value)
    if array.dtype.kind != "f":
        raise ValueError(f"{name} should hold floating-point numbers, but has dtype {array.dtype}")
    return array


def _blocks(rows, order):
    """The blocks of rows in a different order."""
    return np.concatenate([np.split(rows, len(order))[k] for k in order])


def _back(rows, order):
    """Put the blocks of rows back into the order of ``torch.nn``."""
    return _blocks(rows, [order.index(k) for k in range(len(order))])
