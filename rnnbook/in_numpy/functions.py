"""Activation functions and losses; a loss returns its value together with its gradient."""

import numpy as np

from rnnbook.errors import check_shape


def relu(a):
    """Return max(a, 0), of any shape; NaN stays NaN."""
    return np.maximum(a, 0)


def sigmoid(a):
    """Return 1 / (1 + exp(-a)), of any shape, without overflow: σ(a) = (1 + tanh(a / 2)) / 2."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


def mean_squared_error(y, target):
    """Return the mean of (y - target)², both of one shape [squared units of y], and its gradient by y."""
    y = np.asarray(y)
    target = np.asarray(target, y.dtype)
    check_shape("target", target, y.shape)
    error = y - target
    return float(np.mean(error**2)), 2 * error / error.size
