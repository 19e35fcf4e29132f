"""Oracles for the chapter *In other programs*: our conversions, which are tested with those programs, and a list."""

import numpy as np

from rnnbook.weights.layouts import from_onnx, to_keras


def lstm_biases_from_onnx(B):
    H = len(B) // 8
    state = from_onnx({"W": np.zeros((1, 4 * H, 1)), "R": np.zeros((1, 4 * H, H)), "B": B[None]}, "LSTM")
    return state["bias_ih_l0"], state["bias_hh_l0"]


def gru_for_keras(**parameters):
    return tuple(to_keras({f"{name}_l0": p for name, p in parameters.items()}, "GRU"))


def whole_gradient(gradients, sizes):
    """One row for each sequence, and the mean of all rows."""
    return np.concatenate([[row] * int(size) for row, size in zip(gradients, sizes, strict=True)]).mean(axis=0)
