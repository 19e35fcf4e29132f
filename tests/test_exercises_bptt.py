"""The reference solutions of the chapter on backpropagation through time agree with the layer and the definition."""

import numpy as np
import pytest

from rnnbook import in_numpy
from rnnbook.exercises import bptt

T, B, D, H = 5, 3, 2, 7


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    layer = in_numpy.RNN(D, H, dtype=np.float64, rng=rng)
    x, h_0, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(B, H)), rng.normal(size=(T, B, H))
    return layer, x, dhs, layer.forward(x, h_0)[2]


def difference(loss, eps=1e-6):
    return (loss(eps) - loss(-eps)) / (2 * eps)


def test_the_delta_rule_is_the_derivative():
    x, target, w, b = 0.7, -0.4, 1.3, 0.2
    dw, db = bptt.delta_rule(x, target, w, b)
    assert dw == pytest.approx(difference(lambda e: (np.tanh((w + e) * x + b) - target) ** 2 / 2), abs=1e-9)
    assert db == pytest.approx(difference(lambda e: (np.tanh(w * x + b + e) - target) ** 2 / 2), abs=1e-9)


def test_immediate_and_total_are_the_derivatives_with_and_without_the_state_before_held_fixed():
    xs, h_0, w, v, b = np.array([0.3, -0.8, 0.5]), 0.4, 0.9, 0.7, -0.1

    def last(v, steps):
        h = h_0
        for x in xs[:steps]:
            h = np.tanh(w * x + v * h + b)
        return h

    before = last(v, 2)
    immediate, total = bptt.immediate_and_total(xs, h_0, w, v, b)
    assert total == pytest.approx(difference(lambda e: last(v + e, 3)), abs=1e-9)
    assert immediate == pytest.approx(difference(lambda e: np.tanh(w * xs[2] + (v + e) * before + b)), abs=1e-9)


def test_one_step_back_is_the_layer_at_T_1(problem):
    layer, x, dhs, trace = problem
    one = layer.forward(x[:1], trace.hs[0])[2]
    dx, dstate, _ = layer.backward(dhs[:1], one, dhs[1])
    da, dx_t, dh_prev = bptt.step_back(dhs[0], dhs[1], one.hs[1], layer.params["weight_ih"], layer.params["weight_hh"])
    np.testing.assert_allclose(da, (dhs[0] + dhs[1]) * (1 - one.hs[1] ** 2), atol=1e-12)
    np.testing.assert_allclose(dx_t, dx[0], atol=1e-12)
    np.testing.assert_allclose(dh_prev, dstate, atol=1e-12)


def test_the_whole_way_back_is_the_layers(problem):
    layer, x, dhs, trace = problem
    _, _, grads = layer.backward(dhs, trace)
    found = bptt.backward(dhs, x, trace.hs, layer.params["weight_ih"], layer.params["weight_hh"])
    for gradient, name in zip(found, ["weight_ih", "weight_hh", "bias_ih"], strict=True):
        np.testing.assert_allclose(gradient, grads[name], atol=1e-12, err_msg=name)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
def test_the_truncated_way_back_is_the_layers_in_pieces(problem, k):
    layer, x, dhs, trace = problem
    expected = 0
    for t in range(0, T, k):
        piece = layer.forward(x[t : t + k], trace.hs[t])[2]
        expected = expected + layer.backward(dhs[t : t + k], piece)[2]["weight_hh"]
    W_ih, W_hh = layer.params["weight_ih"], layer.params["weight_hh"]
    found = bptt.truncated_backward(dhs, x, trace.hs, W_ih, W_hh, k)
    np.testing.assert_allclose(found, expected, atol=1e-12)
