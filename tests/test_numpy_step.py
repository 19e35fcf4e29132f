"""One step of a stream copies no weights, and is a step of the whole sequence."""

import tracemalloc

import numpy as np
import oracles
import pytest
from doors import LAYERS
from oracles import B, T

from rnnbook.in_numpy import GRU, LSTM, RNN, LanguageModel, Stacked

every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
WIDE = 256
STREAMS = {
    "RNN": lambda: RNN(WIDE, WIDE, rng=0),
    "GRU": lambda: GRU(WIDE, WIDE, rng=0),
    "GRU reset before": lambda: GRU(WIDE, WIDE, reset_after=False, rng=0),
    "LSTM": lambda: LSTM(WIDE, WIDE, rng=0),
    "LSTM peephole": lambda: LSTM(WIDE, WIDE, peephole=True, bias=False, rng=0),
    "Stacked": lambda: Stacked([RNN(WIDE, WIDE, rng=0), LSTM(WIDE, WIDE, rng=0)]),
    "LanguageModel": lambda: LanguageModel(WIDE, GRU(WIDE, WIDE, rng=0), rng=0),
}


def peak_of(call):
    """The most bytes that were allocated at once while a call ran."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_step_copies_no_weights(make, rows):
    layer = make()
    x = np.zeros(rows, int) if isinstance(layer, LanguageModel) else np.ones((rows, WIDE), np.float32)
    _, state = layer.step(x)
    a_matrix = 4 * WIDE**2  # bytes of the smallest W_hh
    assert peak_of(lambda: layer.step(x, state)) < a_matrix / 2
    assert peak_of(lambda: np.ascontiguousarray(np.zeros((WIDE, WIDE), np.float32).T)) >= a_matrix  # a copy is seen


@every_layer
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_step_of_a_wide_layer_is_a_step_of_the_whole_sequence(layer, dtype):
    layer = layer(WIDE, WIDE, dtype=dtype, rng=0)
    x = oracles.case(0, sizes=(T, B, WIDE, WIDE)).x.astype(dtype) / 4
    hs, _, _ = layer.forward(x)
    state = None
    for t in range(T):
        h, state = layer.step(x[t], state)
        # sums of WIDE terms in another order: at most one rounding of a number near 1 for each
        np.testing.assert_allclose(h, hs[t], rtol=0, atol=WIDE * np.finfo(dtype).eps)
