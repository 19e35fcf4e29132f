"""A last layer that returns a density instead of a number: a mixture of K normal densities.

::

    π = softmax(a)    μ    σ = exp(s)           a, μ and s: K numbers each, linear in the state
    p(x) = Σ_k π_k N(x; μ_k, σ_k²)

With one component it is a normal density with its own mean and standard deviation at every step. The loss is
``functions.gaussian_mixture``. Source: Bishop (1994); after a recurrent layer, Graves (2013).
"""

import math

import numpy as np

from rnnbook.errors import check_number, check_shape, check_size
from rnnbook.in_numpy.checks import as_numbers, as_real
from rnnbook.in_numpy.functions import softmax, split_mixture
from rnnbook.in_numpy.layers import Linear


class MixtureHead(Linear):
    """A dense layer from H features to a mixture's 3K numbers: logits a, means μ, s.

    ``params``, ``forward`` and ``backward`` are those of ``Linear``, with
    ``weight (3K, H)`` and ``bias (3K,)``; s are the logarithms of σ.
    """

    def __init__(self, in_features, components=1, *, dtype=np.float32, rng=None):
        self.components = check_size("components", components)
        super().__init__(in_features, 3 * self.components, dtype=dtype, rng=rng)


def mixture_parts(y):
    """Return the weights π, the means μ and the standard deviations σ, each (…, K), of y (…, 3K)."""
    logits, mu, log_sigma = split_mixture(y)
    return softmax(logits), mu, np.exp(log_sigma)  # eq-series-head


def mixture_moments(y):
    """Return the mean and the standard deviation of each mixture y (…, 3K), both (…)."""
    pi, mu, sigma = mixture_parts(y)
    mean = (pi * mu).sum(axis=-1)
    variance = (pi * (sigma**2 + (mu - mean[..., None]) ** 2)).sum(axis=-1)  # eq-series-moments
    return mean, np.sqrt(variance)


def mixture_cdf(y, x):
    """Return the probability (…) of a value below x (…) under each mixture y (…, 3K)."""
    pi, mu, sigma = mixture_parts(y)
    x = as_numbers("x", x, pi.dtype)
    check_shape("x", x, pi.shape[:-1])
    below = 0.5 * _erfc((mu - x[..., None]) / (sigma * math.sqrt(2)))
    return (pi * below).sum(axis=-1)  # eq-series-cdf


def mixture_quantile(y, p):
    """Return the value (…) below which each mixture y (…, 3K) puts the probability p, 0 < p < 1.

    Found by bisection in float64, since a mixture's distribution function has no inverse in closed form. For p > 1/2 it
    is minus the (1 - p)-quantile of -x: only a lower tail, a probability near 0, keeps its digits.
    """
    check_number("p", p, "lie between 0 and 1", lambda p: 0 < p < 1)
    y = as_real("y", y)
    logits, mu, log_sigma = split_mixture(y.astype(np.float64))
    tail, sign = (p, 1) if p <= 0.5 else (1 - p, -1)
    mirrored = np.concatenate([logits, sign * mu, log_sigma], axis=-1)
    reach = np.exp(log_sigma) * math.sqrt(-2 * math.log(tail))  # wide enough: a normal tail is below exp(-reach²/2σ²)
    low, high = (sign * mu - reach).min(axis=-1), (sign * mu).max(axis=-1)
    for _ in range(60):
        middle = (low + high) / 2
        below = mixture_cdf(mirrored, middle) < tail
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (sign * (low + high) / 2).astype(y.dtype)


def _erfc(x):
    """Return 1 minus the error function of x, of any shape: NumPy has neither."""
    return np.frompyfunc(math.erfc, 1, 1)(x).astype(x.dtype)
