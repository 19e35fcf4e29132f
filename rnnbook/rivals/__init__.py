"""What a network has to beat: forecasts without a network, and a language model that counts.

::

    forecasts   naive and linear forecasts of a series: persistence, the same month a year ago, autoregression
    ngram       Witten and Bell's n-gram model of a text
"""

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
    "WittenBell",
    "align",
    "fit_autoregression",
    "persistence",
    "root_mean_squared_error",
    "seasonal_naive",
]
