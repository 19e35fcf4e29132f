"""Activation functions and losses; a loss returns its value together with its gradient."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.in_numpy.checks import as_array, as_numbers, as_real, check_tokens


def relu(a):
    """Return max(a, 0), of any shape; NaN stays NaN."""
    return np.maximum(as_numbers("a", a), 0)


def sigmoid(a):
    """Return 1 / (1 + exp(-a)), of any shape, without overflow: σ(a) = (1 + tanh(a / 2)) / 2."""
    return 0.5 * np.tanh(0.5 * as_numbers("a", a)) + 0.5


def log_softmax(a):
    """Return a - log Σ exp(a) over the last axis, without overflow."""
    a = as_numbers("a", a)
    check_shape("a", a, (*a.shape[:-1], "V"))
    a = a - a.max(axis=-1, keepdims=True)
    return a - np.log(np.exp(a).sum(axis=-1, keepdims=True))


def softmax(a):
    """Return exp(a) / Σ exp(a) over the last axis, without overflow: positive numbers with the sum 1."""
    return np.exp(log_softmax(a))


def mean_squared_error(y, target):
    """Return the mean of (y - target)², both of one shape [squared units of y], and its gradient with respect to y."""
    y = as_real("y", y)
    target = as_numbers("target", target, y.dtype)
    check_shape("target", target, y.shape)
    if not y.size:
        raise ValueError(f"y should hold at least one number, but has shape {y.shape}")
    error = y - target
    return float(np.mean(error**2)), 2 * error / error.size


def cross_entropy(logits, target, mask=None):
    """Return the mean of -log p(target) [nats per token], where p = softmax(logits), and its gradient with respect to
    the logits.

    logits are (…, V); target (…) holds whole numbers from 0 to V - 1; where mask (…) is given, tokens at which it
    is False do not count, whatever is there. Raises TypeError or ValueError, naming the array.
    """
    logits = as_real("logits", logits)
    check_shape("logits", logits, (*logits.shape[:-1], "V"))
    mask = np.ones(logits.shape[:-1], bool) if mask is None else _check_mask(mask)
    check_shape("mask", mask, logits.shape[:-1])
    if not mask.any():
        raise ValueError("mask should be True for at least one token, but is False for all")
    check_shape("target", as_array("target", target), logits.shape[:-1])
    target = check_tokens("target", target, logits.shape[-1], mask)
    log_p = np.where(mask[..., None], log_softmax(logits), 0)
    chosen = np.take_along_axis(log_p, target[..., None], axis=-1)
    dlogits = np.exp(log_p)
    np.put_along_axis(dlogits, target[..., None], np.exp(chosen) - 1, axis=-1)
    dlogits *= mask[..., None] / np.count_nonzero(mask)
    return float(-chosen.sum() / np.count_nonzero(mask)), dlogits.astype(logits.dtype, copy=False)


def gaussian_mixture(y, target):
    """Return the mean of -log p(target) [nats], for a mixture p of K normal densities,
    and its gradient with respect to y.

    y (…, 3K) holds, K of each, the logits of the weights π, the means μ and the
    logarithms of the standard deviations σ; target is (…).
    Source: Bishop (1994), mixture density networks.
    """
    logits, mu, log_sigma = split_mixture(y)
    target = as_numbers("target", target, mu.dtype)
    check_shape("target", target, mu.shape[:-1])
    precision = np.exp(-log_sigma)
    error = (target[..., None] - mu) * precision  # in standard deviations
    log_pi = log_softmax(logits)
    log_density = -0.5 * error**2 - log_sigma - 0.5 * np.log(2 * np.pi)
    log_joint = log_pi + log_density
    log_share = log_softmax(log_joint)  # eq-series-share, the responsibilities
    share = np.exp(log_share)
    dlogits = np.exp(log_pi) - share
    dmu, dlog_sigma = -share * error * precision, share * (1 - error**2)
    dy = np.concatenate([dlogits, dmu, dlog_sigma], axis=-1)  # eq-series-gradient
    loss = np.mean((log_share - log_joint)[..., 0])  # eq-series-mixture
    return float(loss), (dy / target.size).astype(mu.dtype, copy=False)


def split_mixture(y):
    """Cut y (…, 3K) into the logits of π, the means μ and the logarithms of σ, each (…, K).

    Raises TypeError or ValueError unless y holds real numbers and K is whole and at least one.
    """
    y = as_real("y", y)
    K = y.shape[-1] // 3 if y.ndim else 0
    check_shape("y", y, (*y.shape[:-1], 3 * max(K, 1)))
    logits, mu, log_sigma = np.split(y, 3, axis=-1)
    return logits, mu, log_sigma


def _check_mask(mask):
    mask = as_numbers("mask", mask)
    others = mask[(mask != 0) & (mask != 1)]
    if others.size:
        raise ValueError(f"mask should hold True and False only, but holds {others[0]}")
    return mask.astype(bool)
