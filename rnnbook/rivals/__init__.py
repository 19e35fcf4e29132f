"""What a network has to beat: forecasts without a network, models of a plant, and a language model that counts.

::

    forecasts   naive and linear forecasts of a series: persistence, the same month a year ago, autoregression
    narx        a plant's next output by least squares: linear (ARX), and over nonlinear features (NARX)
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
from rnnbook.rivals.narx import Narx, fit_narx
from rnnbook.rivals.ngram import WittenBell

__all__ = [
    "Autoregression",
    "Narx",
    "WittenBell",
    "align",
    "fit_autoregression",
    "fit_narx",
    "persistence",
    "root_mean_squared_error",
    "seasonal_naive",
]
