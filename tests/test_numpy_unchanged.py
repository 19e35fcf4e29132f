"""After an error nothing is half changed: no parameter, no gradient, no optimiser."""

import math

import numpy as np
import pytest
from doors import MODULES, REAL, STATE, a_model, told
from oracles import B, D, H, T

from rnnbook.in_numpy import LSTM, SGD, Adam, clip_grad_norm, initialisers, language_model_step


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300], ids=str)
@pytest.mark.parametrize("name", [n for n in MODULES if n != "Dropout"])
def test_a_state_dict_with_a_number_that_is_not_finite_changes_nothing(name, bad):
    module = MODULES[name][0]()
    before = module.state_dict()
    state = {key: value.astype(np.float64) + 1 for key, value in before.items()}
    last = list(state)[-1]
    state[last].flat[-1] = bad
    error, sentence = told(module.load_state_dict, state)
    assert (error, sentence) == (ValueError, f"{last} should hold finite numbers, but holds NaN or infinity in float32")
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


OPTIMISERS = {"SGD": lambda p: SGD(p, momentum=0.9), "Adam": Adam}
every_optimiser = pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)


@every_optimiser
def test_an_optimisers_state_with_nan_changes_nothing(make):
    optimiser = make({"a": np.ones(2)})
    optimiser.step({"a": np.ones(2)})
    before = optimiser.state_dict()
    wrong = {name: value + 1 for name, value in before.items()} | {"v.a": np.array([1, np.nan])}
    sentence = "v.a should hold finite numbers, but holds NaN or infinity in float64"
    assert told(optimiser.load_state_dict, wrong) == (ValueError, sentence)
    for name, value in optimiser.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@every_optimiser
@pytest.mark.parametrize(
    "grad, error, sentence",
    [
        (np.ones(1), ValueError, "grads['b'] should have shape (3,), but has shape (1,)"),
        (np.ones((2, 3)), ValueError, "grads['b'] should have shape (3,), but has shape (2, 3)"),
        (np.ones(3, int), TypeError, f"grads['b'] {REAL} int64"),
        ([1.0, 1.0, 1.0], TypeError, "grads['b'] should be an array, but is a list"),
        (None, TypeError, "grads['b'] should be an array, but is None"),
    ],
)
def test_a_gradient_that_does_not_fit_moves_nothing(make, grad, error, sentence):
    params = {"a": np.ones(2), "b": np.ones(3)}
    optimiser = make(params)
    before = optimiser.state_dict()
    assert told(optimiser.step, {"a": np.ones(2), "b": grad}) == (error, sentence)
    for name, value in {**optimiser.state_dict(), **params}.items():
        np.testing.assert_array_equal(value, before.get(name, np.ones_like(value)))


def test_a_gradient_that_cannot_be_clipped_scales_none():
    for wrong, sentence in [
        (np.ones(2, int), f"grads['b'] {REAL} int64"),
        ([1.0], "grads['b'] should be an array, but"),
    ]:
        grads = {"a": np.array([3.0, 4.0]), "b": wrong}
        error, given = told(clip_grad_norm, grads, 1)
        assert error is TypeError and given.startswith(sentence)
        assert grads["a"].tolist() == [3, 4]


def test_an_update_that_fails_changes_neither_the_model_nor_the_optimiser():
    model = a_model()
    optimiser = Adam(model.params)
    before = {**model.state_dict(), **optimiser.state_dict()}
    tokens = np.zeros((T + 1, B), int)
    for wrong in (
        {"max_norm": 0},
        {"mask": np.full((T, B), 0.5)},
        {"state": np.zeros((B, 9))},
        {"state": (STATE, STATE)},
    ):
        told(language_model_step, model, optimiser, tokens, **wrong)
    told(language_model_step, model, Adam({"a": np.ones(2)}), tokens)
    for name, value in {**model.state_dict(), **optimiser.state_dict()}.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    "act",
    [
        lambda layer: initialisers.uniform(layer, 0.5),
        lambda layer: initialisers.uniform(layer, 0, "wide"),
        lambda layer: initialisers.orthogonal(layer, 0, math.nan),
        lambda layer: initialisers.orthogonal(layer, True),
        lambda layer: initialisers.identity(layer, "1"),
        lambda layer: initialisers.forget_bias(layer, math.nan),
        lambda layer: initialisers.chrono(layer, 9, "seed"),
        lambda layer: initialisers.chrono(layer, 1, 0),
    ],
)
def test_a_start_that_cannot_be_made_leaves_the_layer_as_it_was(act):
    layer = LSTM(D, H, rng=0)
    before = layer.state_dict()
    told(act, layer)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
