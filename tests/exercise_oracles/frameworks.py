"""Oracles for the chapter *In other programs*: our conversions, which are tested with those programs, and a list."""

import re

import numpy as np
import torch

from exercise_oracles.ways import BOOK, gradients, tensors
from rnnbook.weights.layouts import from_onnx, to_keras


def lstm_biases_from_onnx(B):
    H = len(B) // 8
    state = from_onnx({"W": np.zeros((1, 4 * H, 1)), "R": np.zeros((1, 4 * H, H)), "B": B[None]}, "LSTM")
    return state["bias_ih_l0"], state["bias_hh_l0"]


def gru_for_keras(**parameters):
    return tuple(to_keras({f"{name}_l0": p for name, p in parameters.items()}, "GRU"))


def whole_gradient(gradients, sizes, max_norm):
    """One row for each sequence, and the mean of all rows; a mean that is too long is cut at a sphere."""
    mean = np.concatenate([[row] * int(size) for row, size in zip(gradients, sizes, strict=True)]).mean(axis=0)
    length = np.sqrt(sum(number**2 for number in mean))
    return mean if length <= max_norm else mean / length * max_norm


def keras_shape():
    """Keras's own rule: the input's size, then the units times the blocks r, z and h."""
    features, units = 4, 6
    return features, units * len("zrh")


def third_in_onnx():
    text = " ".join((BOOK / "frameworks.md").read_text(encoding="utf-8").split())
    return re.search(r"LSTM: ours and PyTorch i, f, g, o; Keras i, f, c, o; ONNX (\w), (\w), (\w), (\w)", text)[3]


def by_autograd(x, W, target):
    (W_t,) = tensors(W)
    loss = torch.nn.functional.mse_loss(torch.tanh(torch.tensor(x) @ W_t.T), torch.tensor(target))
    return gradients(loss, (W_t,))[0]
