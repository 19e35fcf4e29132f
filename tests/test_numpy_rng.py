"""``rng`` is a generator or a seed, wherever the package draws."""

import numpy as np
import pytest
from doors import V, told
from oracles import D, H

from rnnbook.data import tasks
from rnnbook.in_numpy import (
    GRU,
    LSTM,
    RNN,
    AdditiveAttention,
    Dropout,
    Embedding,
    LanguageModel,
    Linear,
    MixtureHead,
    MultiplicativeAttention,
    SequenceClassifier,
    hopfield,
    initialisers,
)

SIGNS = np.where(np.random.default_rng(0).random((4, 9)) < 0.5, -1.0, 1.0)
CROOKED = np.random.default_rng(1).normal(size=(9, 9))
DRAWS = {
    "RNN": lambda rng: RNN(D, H, rng=rng).params["weight_hh"],
    "GRU": lambda rng: GRU(D, H, rng=rng).params["weight_hh"],
    "LSTM": lambda rng: LSTM(D, H, rng=rng).params["weight_hh"],
    "Linear": lambda rng: Linear(D, H, rng=rng).params["bias"],
    "Embedding": lambda rng: Embedding(D, H, rng=rng).params["weight"],
    "MixtureHead": lambda rng: MixtureHead(H, 2, rng=rng).params["weight"],
    "AdditiveAttention": lambda rng: AdditiveAttention(D, H, 5, rng=rng).params["weight_score"],
    "MultiplicativeAttention": lambda rng: MultiplicativeAttention(D, H, rng=rng).params["weight_memory"],
    "Dropout": lambda rng: Dropout(rng=rng).forward(np.ones((9, 9)))[0],
    "LanguageModel embedding": lambda rng: LanguageModel(V, RNN(D, H), rng=rng).params["embedding.weight"],
    "LanguageModel head": lambda rng: LanguageModel(V, RNN(D, H), rng=rng).params["head.weight"],
    "SequenceClassifier": lambda rng: SequenceClassifier(V, RNN(D, H), rng=rng).params["head.weight"],
    "uniform": lambda rng: initialisers.uniform(RNN(D, H), rng).params["weight_hh"],
    "orthogonal": lambda rng: initialisers.orthogonal(RNN(D, H), rng).params["weight_hh"],
    "chrono": lambda rng: initialisers.chrono(LSTM(D, H), 99, rng).params["bias_ih"][:H],
    "settle": lambda rng: hopfield.settle(CROOKED, SIGNS, rng, 3).s,
    "adding": lambda rng: tasks.adding(rng, 8, 9).x,
    "copy": lambda rng: tasks.copy(rng, 8, 9).x,
    "temporal_order": lambda rng: tasks.temporal_order(rng, 20, 9).x,
    "counting": lambda rng: tasks.counting(rng, 99, 9).x,
    "fit": lambda rng: tasks.fit(
        RNN(2, 3, rng=0), Linear(3, 1, rng=0), lambda rng: tasks.adding(rng, 8, 9), rng, updates=2
    ),
}
every_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@every_draw
def test_a_seed_draws_what_its_generator_draws(draw):
    for seed in (0, 7, np.int64(7), 2**100):
        np.testing.assert_array_equal(draw(seed), draw(np.random.default_rng(seed)))
    np.testing.assert_array_equal(draw([1, 2]), draw(np.random.default_rng([1, 2])))


@every_draw
def test_a_generator_is_drawn_from_and_none_is_fresh(draw):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    draw(rng)
    assert rng.bit_generator.state != before
    first = draw(None)
    assert any(not np.array_equal(draw(None), first) for _ in range(20))  # nine signs may come out alike


@every_draw
@pytest.mark.parametrize("rng", [True, np.True_, 0.0, "0", "seed", [0.5], object], ids=str)
def test_an_rng_that_is_none_is_told(draw, rng):
    error, sentence = told(draw, rng)
    assert error is TypeError
    assert sentence == f"rng should be a np.random.Generator or a whole number that seeds one, but is {rng!r}"


@every_draw
def test_a_negative_seed_is_told(draw):
    assert told(draw, -1) == (ValueError, "rng should be at least 0 where it is a seed, but is -1")
