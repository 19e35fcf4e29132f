"""How good a density is: loss, CRPS, place of the truth, width and mean, in the unit of the series."""

from typing import NamedTuple

import numpy as np

from rnnbook.data import standardise
from rnnbook.in_numpy.mixture import mixture_cdf, mixture_moments, mixture_parts, mixture_quantile
from rnnbook.lessons.forecasting import crps_of_quantiles, in_form

LEVELS = 50


class Scores(NamedTuple):
    """How good each month's density (P,) was: ``nats``, ``crps`` [unit], ``pit`` from 0 to 1, ``width`` of the 90 %
    interval [unit], and the ``mean`` of the density [unit].
    """

    nats: np.ndarray
    crps: np.ndarray
    pit: np.ndarray
    width: np.ndarray
    mean: np.ndarray


def score(y, value, past, form, months):
    """Judge densities y (P, 3K) of the months (P,) of a series ``value`` (N,), given in a form of ``in_form``.

    y are mixtures of normals, standardised by the form's mean and deviation over the months ``past``. The loss is that
    of the series itself: for the root, the density is divided by the 2 √(x + 3/8) by which a root is narrower.
    """
    series = in_form(value, past, form)
    scale = standardise(series.x[past][series.first :])
    x, truth = series.x[months], value[months]
    nats = minus_log_density(y, scale(x)) + np.log(scale.std)
    mean, std = mixture_moments(y)
    if form == "root":
        nats = nats + np.log(2 * x)
        mean = scale.undo(mean) ** 2 + (scale.std * std) ** 2 - 3 / 8
    else:
        mean = scale.undo(mean) + truth - x
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    quantiles = np.array([in_unit(mixture_quantile(y, p), scale, form, truth - x) for p in levels])
    low, high = (in_unit(mixture_quantile(y, p), scale, form, truth - x) for p in (0.05, 0.95))
    return Scores(nats, crps_of_quantiles(quantiles, truth), mixture_cdf(y, scale(x)), high - low, mean)


def in_unit(z, scale, form, base):
    """Return standardised values z (…) of a form in the unit of the series; ``base`` (…) is what the form took away."""
    x = scale.undo(z)
    return np.maximum(x, 0) ** 2 - 3 / 8 if form == "root" else x + base


def minus_log_density(y, x):
    """Return -log p(x) [nats] of each mixture y (P, 3K) at x (P,)."""
    pi, mu, sigma = mixture_parts(y)
    log_joint = np.log(pi) - 0.5 * ((x[:, None] - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    return -np.logaddexp.reduce(log_joint, axis=-1)


def inside(pit, share):
    """Return for each month's place (P,) whether the truth was in the central interval of this share."""
    return np.abs(pit - 0.5) <= share / 2
