"""Oracles for the chapter *The LSTM*: ``torch``'s cell, our layer with peepholes, autograd, a root that is searched."""

import re
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_expit

from exercise_oracles.ways import gradients, root, tensors
from rnnbook import in_numpy
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.weights.layouts import to_onnx


def coupled_step(a_f, a_g, a_o, c_prev):
    """``torch``'s cell with the input gate's pre-activation at -a_f, since 1 - σ(a) = σ(-a)."""
    x, c = torch.from_numpy(np.hstack([-a_f, a_f, a_g, a_o])), torch.from_numpy(c_prev)
    H = c.shape[1]
    h, c = torch.lstm_cell(x, (torch.zeros_like(c), c), torch.eye(4 * H).double(), torch.zeros(4 * H, H).double())
    return h.numpy(), c.numpy()


def carry_gradients(dh, dc_next, f, o, c):
    dh, dc_next, f, o, c, c_prev = tensors(dh, dc_next, f, o, c, 0 * c)
    carry = f * c_prev + c  # the input's part is whatever makes it c
    loss = (dh * o * torch.tanh(carry) + dc_next * carry).sum()
    return gradients(loss, (c, c_prev))


def to_onnx_order(weight):
    H = len(weight) // 4
    return to_onnx({"weight_ih_l0": weight, "weight_hh_l0": np.zeros((4 * H, H))}, "LSTM")["W"][0]


def bias_for_half_life(steps):
    return np.array([root(lambda b, k=k: k * log_expit(b) + np.log(2), -50, 50) for k in steps])


def peephole_step(a_i, a_f, a_g, a_o, c_prev, p_i, p_f, p_o):
    H = len(p_i)
    layer = in_numpy.LSTM(4 * H, H, peephole=True, bias=False, dtype=np.float64)
    layer.params |= {"weight_ih": np.eye(4 * H), "weight_peephole": np.concatenate([p_i, p_f, p_o])}
    return layer.step(np.hstack([a_i, a_f, a_g, a_o]), (0 * c_prev, c_prev))[1]


def half_open():
    return np.exp(10 * log_expit(0.0))


def open_at_the_end():
    """The chapter's network, trained by its own cells: the figure draws numbers that are printed nowhere."""
    chapter = (Path(__file__).parents[2] / "book/text/lstm.md").read_text(encoding="utf-8")
    cells = re.findall(r"```\{code-cell\}\n(.*?)\n```", chapter, re.S)
    scope = {"np": np} | {
        name: getattr(in_numpy, name) for name in ("LSTM", "Adam", "Linear", "clip_grad_norm", "join")
    }
    scope["cross_entropy"] = cross_entropy
    for cell in cells:
        if cell.startswith(("def draw_brackets", "def train_reader")):
            exec(cell, scope)
    sentence = "I said (as you know) no (never) again"
    kinds = [{"(": 1, ")": 2}.get(character, 0) for character in sentence]
    trace = scope["train_reader"](in_numpy.LSTM, 3, 1)[0].forward(np.eye(3)[kinds][:, None])[2]
    return f"unit {1 + trace.gates[1, sentence.index(')'), 0].argmax()}"
