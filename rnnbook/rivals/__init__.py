"""What a network has to beat: naive and linear forecasts, counting models, models fitted by least squares.

::

    forecasts      naive and linear forecasts of a series: persistence, the same month a year ago, autoregression
    narx           a plant's next output by least squares: linear (ARX), and over nonlinear features (NARX)
    ngram          Witten and Bell's n-gram model of a text
    joint_ngram    spelling and sound as one n-gram, aligned by EM
    edits          edit distance, and the error rates computed from it
    discriminant   one Gaussian for each class, with a shared covariance
    hmm            a hidden Markov model: forward-backward and Viterbi, in log space
    codons         counts of a genome's codons, and of its next base given those before it
"""

from rnnbook.rivals.discriminant import LinearDiscriminant
from rnnbook.rivals.edits import ErrorRates, edit_distance, error_rates
from rnnbook.rivals.forecasts import (
    Autoregression,
    align,
    fit_autoregression,
    persistence,
    root_mean_squared_error,
    seasonal_naive,
)
from rnnbook.rivals.joint_ngram import JointNgram, align_letters
from rnnbook.rivals.narx import Narx, fit_narx
from rnnbook.rivals.ngram import WittenBell

__all__ = [
    "Autoregression",
    "Narx",
    "ErrorRates",
    "JointNgram",
    "LinearDiscriminant",
    "WittenBell",
    "align",
    "align_letters",
    "edit_distance",
    "error_rates",
    "fit_autoregression",
    "fit_narx",
    "persistence",
    "root_mean_squared_error",
    "seasonal_naive",
]
