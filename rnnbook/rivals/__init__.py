"""What a network has to beat: forecasts without a network, models that count, a discriminant.

::

    forecasts      naive and linear forecasts of a series: persistence, the same month a year ago, autoregression
    ngram          Witten and Bell's n-gram model of a text
    discriminant   one Gaussian a class, with a covariance that all share
    hmm            a hidden Markov model: forward-backward and Viterbi, in log space
    codons         counts of a genome's codons, and of its next base given those before it
"""

from rnnbook.rivals.discriminant import LinearDiscriminant
from rnnbook.rivals.forecasts import (
    Autoregression,
    align,
    fit_autoregression,
    persistence,
    root_mean_squared_error,
    seasonal_naive,
)
from rnnbook.rivals.ngram import WittenBell

__all__ = [
    "Autoregression",
    "LinearDiscriminant",
    "WittenBell",
    "align",
    "fit_autoregression",
    "persistence",
    "root_mean_squared_error",
    "seasonal_naive",
]
