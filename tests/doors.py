"""What the tests of the NumPy version's doors share: every layer and model, and what a mistake is answered with."""

import numpy as np
import pytest
from oracles import B, D, H, T

from rnnbook.in_numpy import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dropout,
    Embedding,
    LanguageModel,
    Linear,
    SequenceClassifier,
    Stacked,
)

V = 6
LAYERS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
X, DHS, STATE = np.zeros((T, B, D)), np.zeros((T, B, H)), np.zeros((B, H))
TOKENS = np.zeros((T, B), int)
REAL = "should hold floating-point numbers (float32, float64), but has dtype"


def told(call, *arguments, **options):
    """The class and the sentence of the error that a call raises."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*arguments, **options)
    return caught.type, str(caught.value)


def a_model():
    return LanguageModel(V, RNN(D, H, rng=0), rng=0)


def a_stack(cell=RNN):
    return Stacked([cell(D, H, rng=0), cell(H, H, rng=1)])


def both_ways(cell=RNN):
    return Bidirectional(cell(D, H, rng=0), cell(D, H, rng=1))


# how each is made; what it reads; where forward puts the trace; a gradient by its outputs
MODULES = {
    **{name: (lambda layer=layer: layer(D, H, rng=0), X, 2, DHS) for name, layer in LAYERS.items()},
    "Bidirectional": (both_ways, X, 2, np.zeros((T, B, 2 * H))),
    "Stacked": (a_stack, X, 2, DHS),
    "LanguageModel": (a_model, TOKENS, 2, np.zeros((T, B, V))),
    "SequenceClassifier": (lambda: SequenceClassifier(V, RNN(D, H, rng=0), rng=0), X, 1, np.zeros((B, V))),
    "Linear": (lambda: Linear(D, H, rng=0), X, 1, DHS),
    "Embedding": (lambda: Embedding(V, D, rng=0), TOKENS, 1, np.zeros((T, B, D))),
    "Dropout": (lambda: Dropout(0.5, rng=0), X, 1, X),
}
