"""Exercises of the chapter *In other programs*."""

import numpy as np

from rnnbook.exercises.checking import Exercise


def lstm_for_onnx(weight):
    """Return the rows of an LSTM's weight (4H, N), which stand in the order
    i, f, g, o, in ONNX's order i, o, f, g.
    """
    i, f, g, o = np.split(weight, 4)
    return np.concatenate([i, o, f, g])


def _reordered(order):
    return lambda weight: np.concatenate([np.split(weight, 4)[k] for k in order])


check_lstm_for_onnx = Exercise(
    lstm_for_onnx,
    lambda rng: {"weight": rng.normal(size=(4 * 3, 5))},
    returns=("weight",),
    mistakes={
        "nothing is moved": _reordered([0, 1, 2, 3]),
        "the blocks are moved as on the way back, from ONNX": _reordered([0, 2, 3, 1]),
        "o changes places with f": _reordered([0, 3, 2, 1]),
        "o changes places with g": _reordered([0, 1, 3, 2]),
        "single rows are moved instead of blocks of H": lambda weight: (
            weight.reshape(-1, 4, weight.shape[1])[:, [0, 3, 1, 2]].reshape(weight.shape)
        ),
    },
    looks_at="Split the rows into four blocks of H and write down which gate each one is.",
)


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
    D, H = 3, 4
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
        "only the weights are turned, the biases are not": _only_the_weights,
        "the two biases are exchanged": lambda weight_ih, weight_hh, bias_ih, bias_hh: (
            gru_for_keras(weight_ih, weight_hh, bias_hh, bias_ih)
        ),
        "the two biases are added up, which is right for every gate but the candidate": _one_bias,
        "z also gets a minus sign": _sign_of_z,
    },
    looks_at="Three blocks, four arrays: each array is turned in the same way, and only the weights are transposed.",
)  # fmt: skip


def whole_gradient(gradients, sizes):
    """Return the gradient (N,) of the mean loss over all sequences, from those of P
    processes, gradients (P, N): each is that of the mean over its own sequences, of
    which it has sizes (P,).
    """
    return sizes @ gradients / sizes.sum()


check_whole_gradient = Exercise(
    whole_gradient,
    lambda rng: {"gradients": rng.normal(size=(3, 5)), "sizes": rng.permutation([2.0, 3.0, 7.0])},
    returns=("gradient",),
    mistakes={
        "every process counts the same, however few sequences it has": lambda gradients, sizes: gradients.mean(axis=0),
        "the gradients are added up": lambda gradients, sizes: gradients.sum(axis=0),
        "the weighted sum is not divided by the number of sequences": lambda gradients, sizes: sizes @ gradients,
        "the weighted sum is divided by the number of processes": lambda gradients, sizes: (
            sizes @ gradients / len(sizes)
        ),
        "a process with fewer sequences counts more": lambda gradients, sizes: (
            (1 / sizes) @ gradients / (1 / sizes).sum()
        ),
    },
    looks_at="Write the mean over all sequences as a sum, and sort its terms by process.",
)
