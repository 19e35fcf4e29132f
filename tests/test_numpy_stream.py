"""A stream has no end: two hundred thousand steps need the memory of one."""

import gc
import tracemalloc

import numpy as np
import psutil
import pytest
from searches import LIBRARY, SLOW

from rnnbook.in_numpy import GRU, LSTM, RNN, Stacked

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt")

LAYERS = {
    "RNN": lambda rng: RNN(1, 4, rng=rng),
    "GRU": lambda rng: GRU(1, 4, rng=rng),
    "LSTM": lambda rng: LSTM(1, 4, rng=rng),
    "Stacked": lambda rng: Stacked([RNN(1, 4, rng=rng), GRU(4, 3, rng=rng)]),
}


def stream(layer, state, steps):
    x = np.ones((1, 1), np.float32)
    for _ in range(steps):
        h, state = layer.step(x, state)
    return h, state


@in_part
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_a_step_leaves_nothing_behind(make):
    layer = make(np.random.default_rng(0))
    _, state = stream(layer, None, 50)
    tracemalloc.start()
    try:
        _, state = stream(layer, state, 50)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        _, state = stream(layer, state, 500)
        gc.collect()
        assert abs(tracemalloc.get_traced_memory()[0] - before) < 2_000  # less than half a reference for each step
    finally:
        tracemalloc.stop()


@in_part
@pytest.mark.slow
def test_two_hundred_thousand_steps_run_at_constant_memory():
    layer = RNN(1, 4, rng=np.random.default_rng(0))
    memory = psutil.Process().memory_info
    _, state = stream(layer, None, 10_000)
    before = memory().rss
    h, _ = stream(layer, state, 200_000)
    assert memory().rss - before < 10e6  # one kept state (B, H) for each step would be over 20 MB
    assert np.isfinite(h).all()
