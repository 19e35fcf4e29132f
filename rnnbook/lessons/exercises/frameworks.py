"""Exercises of the chapter *In other programs*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def lstm_biases_from_onnx(B):
    """Return bias_ih and bias_hh (4H,), blocks i, f, g, o, from ONNX's one B (8H,):
    the input's bias, then the state's, each with the blocks i, o, f, c.
    """

    def turned(bias):
        i, o, f, c = np.split(bias, 4)
        return np.concatenate([i, f, c, o])

    b_ih, b_hh = np.split(B, 2)
    return turned(b_ih), turned(b_hh)


def _reordered(order):
    return lambda B: tuple(np.concatenate([np.split(half, 4)[k] for k in order]) for half in np.split(B, 2))


def _taken_in_turns(B):
    return lstm_biases_from_onnx(np.concatenate([*np.split(B, 8)[::2], *np.split(B, 8)[1::2]]))


check_lstm_biases_from_onnx = Exercise(
    lstm_biases_from_onnx,
    lambda rng: {"B": rng.normal(size=8 * int(rng.integers(2, 6)))},
    returns=("bias_ih", "bias_hh"),
    mistakes={
        "the blocks stay in the order i, o, f, c": _reordered([0, 1, 2, 3]),
        "the blocks are reordered for the other direction, to ONNX": _reordered([0, 3, 1, 2]),
        "o and f swap places, and c stays last": _reordered([0, 2, 1, 3]),
        "the two biases are swapped": lambda B: lstm_biases_from_onnx(B)[::-1],
        "the two biases are taken alternately, block by block": _taken_in_turns,
        "the first holds their sum and the second zeros": lambda B: (
            sum(lstm_biases_from_onnx(B)), 0 * B[: len(B) // 2]
        ),
    },
    looks_at="Halve B first. Then write down which gate each of the four blocks of a half is, and where it has to go.",
    about=About("gate order", "write", 2, 10),
)  # fmt: skip


def gru_for_keras(weight_ih, weight_hh, bias_ih, bias_hh):
    """Return what Keras's GRU takes: kernel (D, 3H), recurrent kernel (H, 3H) and
    bias (2, 3H), with the blocks z, r, n, from our (3H, D), (3H, H) and two (3H,)
    with the blocks r, z, n.
    """

    def turned(rows):
        r, z, n = np.split(rows, 3)
        return np.concatenate([z, r, n])

    bias = np.stack([turned(bias_ih), turned(bias_hh)])
    return turned(weight_ih).T, turned(weight_hh).T, bias


def _only_the_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, _ = gru_for_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, np.stack([bias_ih, bias_hh])


def _one_bias(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, bias = gru_for_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, np.stack([bias.sum(axis=0), 0 * bias[1]])


def _sign_of_z(**arrays):
    blocks = {name: np.split(rows, 3) for name, rows in arrays.items()}
    return gru_for_keras(**{name: np.concatenate([r, -z, n]) for name, (r, z, n) in blocks.items()})


def _gru_arrays(rng):
    D, H = sizes(rng, 2)
    return {"weight_ih": rng.normal(size=(3 * H, D)), "weight_hh": rng.normal(size=(3 * H, H)),
            "bias_ih": rng.normal(size=3 * H), "bias_hh": rng.normal(size=3 * H)}  # fmt: skip


check_gru_for_keras = Exercise(
    gru_for_keras,
    _gru_arrays,
    returns=("kernel", "recurrent kernel", "bias"),
    mistakes={
        "the blocks stay in the order r, z, n": lambda weight_ih, weight_hh, bias_ih, bias_hh: (
            weight_ih.T, weight_hh.T, np.stack([bias_ih, bias_hh])
        ),
        "only the weights are reordered, not the biases": _only_the_weights,
        "the two biases are swapped": lambda weight_ih, weight_hh, bias_ih, bias_hh: (
            gru_for_keras(weight_ih, weight_hh, bias_hh, bias_ih)
        ),
        "the two biases are summed, which is right for every gate but the candidate": _one_bias,
        "z also gets a minus sign": _sign_of_z,
    },
    looks_at="Three blocks, four arrays: each array is reordered in the same way, and only the weights are transposed.",
    about=About("gate order", "write", 3, 15),
)  # fmt: skip


def whole_gradient(gradients, sizes, max_norm):
    """Return the gradient (N,) of the mean loss over all sequences, clipped to the
    norm max_norm, from those of P processes, gradients (P, N): each is that of the
    mean over its own sequences, of which it has sizes (P,).
    """
    gradient = sizes @ gradients / sizes.sum()
    return gradient * min(1, max_norm / np.linalg.norm(gradient))


def _unclipped(gradients, sizes):
    return sizes @ gradients / sizes.sum()


def _clipped(gradient, max_norm):
    return gradient * np.minimum(1, max_norm / np.linalg.norm(gradient, axis=-1, keepdims=True))


def _shares(rng, parts=(0.2, 1000.0)):
    """A gradient that is too long, or by far not long enough to be clipped."""
    P, N = sizes(rng, 2)
    shares = {"gradients": rng.normal(size=(P, N)), "sizes": rng.choice(np.arange(1.0, 20), P, replace=False)}
    return shares | {"max_norm": float(rng.choice(parts) * np.linalg.norm(_unclipped(**shares)))}


def _too_long(rng):
    return _shares(rng, parts=(0.2,))


def _short(rng):
    return _shares(rng, parts=(1000.0,))


check_whole_gradient = Exercise(
    whole_gradient,
    _shares,
    returns=("gradient",),
    mistakes={
        "every process counts the same, however few sequences it has": lambda gradients, sizes, max_norm: _clipped(
            gradients.mean(axis=0), max_norm
        ),
        "each process clips its own gradient, before the mean": lambda gradients, sizes, max_norm: _unclipped(
            _clipped(gradients, max_norm), sizes
        ),
        "nothing is clipped": lambda gradients, sizes, max_norm: _unclipped(gradients, sizes),
        "the weighted sum is not divided by the number of sequences": lambda gradients, sizes, max_norm: _clipped(
            sizes @ gradients, max_norm
        ),
        "a gradient that is short enough is made longer": lambda gradients, sizes, max_norm: (
            _unclipped(gradients, sizes) * max_norm / np.linalg.norm(_unclipped(gradients, sizes))
        ),
        "each number is clipped by itself, which changes the gradient's direction": lambda gradients, sizes, max_norm: (
            np.clip(_unclipped(gradients, sizes), -max_norm, max_norm)
        ),
        "the weighted sum is divided by the number of processes": lambda gradients, sizes, max_norm: _clipped(
            sizes @ gradients / len(sizes), max_norm
        ),
        "a process with fewer sequences counts more": lambda gradients, sizes, max_norm: _clipped(
            (1 / sizes) @ gradients / (1 / sizes).sum(), max_norm
        ),
    },
    looks_at="Write the mean over all sequences as a sum, and group its terms by process. What has to wait for it?",
    also=[_too_long, _short],
    about=About("data parallelism", "write", 2, 10),
)


check_bug_in_gru_for_keras = FindTheBug(
    check_gru_for_keras,
    looks_at="Pass biases of zero: program.difference(bias_ih=0, bias_hh=0). And the weights, one at a time?",
    about=About("gate order", "find the bug", 2, 10),
)


def keras_kernel_shape():
    """Convert a GRU with 4 features and 6 units for Keras; return the shape of its
    kernel.
    """
    weights, biases = [np.zeros((18, 4)), np.zeros((18, 6))], np.zeros((2, 18))
    kernel, _, _ = gru_for_keras(*weights, *biases)
    return kernel.shape


check_keras_shape = Predict(
    "what shape does Keras's kernel have for a GRU with 4 features and 6 units?",
    run=keras_kernel_shape,
    why="Keras multiplies the input from the left, x W: features first, and then three blocks of 6.",
    misreadings={
        "PyTorch's layout is kept: the blocks come first": (18, 4),
        "the recurrent kernel is mistaken for the kernel": (6, 18),
        "the blocks are forgotten": (4, 6),
        "the blocks of an LSTM are counted": (4, 24),
    },
    hint="Is it x W or W x? And how many blocks does a GRU have?",
    about=About("shapes", "predict", 1, 5),
)

check_third_in_onnx = ReadAFigure(
    "fig-frameworks-orders",
    "f",
    why="ONNX stacks i, o, f, c: the forget gate comes third.",
    misreadings={
        "PyTorch's column is read, or Keras's": "g",
        "the last block is read": "c",
        "the second block is read": "o",
        "the first block is read": "i",
    },
    look="Find the LSTM's three columns, and in ONNX's the third block from the top.",
    choices=("i", "f", "g", "o", "c"),
    about=About("gate order", "read a figure", 1, 5),
)

check_test_a_conversion = Design(
    {
        "a": (True, "Equal shapes hide swapped blocks: only the outputs show them."),
        "b": (True, "With T, B, D and H all different no axis can stand in for another."),
        "c": (False, "With biases of zero, swapped or summed biases cannot be seen."),
        "d": (True, "Only a first state that is not zero shows whether h and c are handed over in their order."),
        "e": (False, "A tolerance that is loosened until it passes tests nothing: derive it from float32."),
        "f": (True, "Only the way there and back, compared bit for bit, shows that no number was rounded or left out."),
    },
    looks_at="Which mistake would each of these miss?",
    about=About("conversions", "design", 2, 10),
)


def by_autograd(x, W, target):
    """Return the gradient (H, D) of the mean squared error of tanh(x Wᵀ) against
    ``target`` (B, H) with respect to W (H, D), for x (B, D).
    """
    y = np.tanh(x @ W.T)
    return (2 * (y - target) * (1 - y**2) / target.size).T @ x


def _regression_inputs(rng):
    B, D, H = sizes(rng, 3)
    return {"x": rng.normal(size=(B, D)), "W": rng.normal(size=(H, D)), "target": rng.normal(size=(B, H))}


check_by_autograd = Exercise(
    by_autograd,
    _regression_inputs,
    returns=("dW",),
    mistakes={
        "the sum of the squares is taken, not their mean": lambda x, W, target: by_autograd(x, W, target) * target.size,
        "the mean is taken only over the batch": lambda x, W, target: by_autograd(x, W, target) * target.shape[1],
        "the tanh is left out of the graph, by detach() or a copy": lambda x, W, target: (
            (2 * (np.tanh(x @ W.T) - target) / target.size).T @ x
        ),
        "a gradient from an earlier call is still in .grad, and the two add up": lambda x, W, target: (
            2 * by_autograd(x, W, target)
        ),
        "the gradient is that of the absolute error": lambda x, W, target: (
            (np.sign(np.tanh(x @ W.T) - target) * (1 - np.tanh(x @ W.T) ** 2) / target.size).T @ x
        ),
        "a descent step is returned, with its minus sign": lambda x, W, target: -by_autograd(x, W, target),
    },
    looks_at="Make W a tensor that requires a gradient, the loss one number; call backward() once, and take W.grad.",
    about=About("autograd", "PyTorch", 1, 10),
)
