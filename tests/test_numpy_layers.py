"""Each NumPy layer computes what ``torch.nn`` computes, and its gradients by hand are the right ones."""

from functools import partial
from typing import NamedTuple

import numpy as np
import oracles
import pytest
import torch
from oracles import B, D, H, T

from rnnbook import in_numpy


class Variant(NamedTuple):
    layer: callable  # (D, H, ...) -> our layer
    cell: callable  # the same equations for autograd, one step
    module: callable = None  # torch.nn's layer, where it has this variant
    parts: int = 1  # arrays in the state


RNN = in_numpy.RNN
VARIANTS = {
    "RNN tanh": Variant(RNN, oracles.rnn_cell(torch.tanh), torch.nn.RNN),
    "RNN relu": Variant(
        partial(RNN, nonlinearity="relu"),
        oracles.rnn_cell(torch.relu),
        partial(torch.nn.RNN, nonlinearity="relu"),
    ),
    "GRU": Variant(in_numpy.GRU, oracles.gru_cell, torch.nn.GRU),
    "GRU reset before": Variant(partial(in_numpy.GRU, reset_after=False), oracles.gru_cell_before),
    "LSTM": Variant(in_numpy.LSTM, oracles.lstm_cell, torch.nn.LSTM, parts=2),
    "LSTM peephole": Variant(partial(in_numpy.LSTM, peephole=True), oracles.lstm_cell_peephole, parts=2),
}
IN_TORCH_NN = {name: variant for name, variant in VARIANTS.items() if variant.module is not None}
LENGTHS = [None, [3, 5, 1], [2, 2, 4]]

every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
every_length = pytest.mark.parametrize("lengths", LENGTHS, ids=str)
with_and_without_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])


def layer_of(variant, bias=True, seed=0):
    return variant.layer(D, H, bias=bias, dtype=np.float64, rng=np.random.default_rng(seed))


def state_of(variant, parts):
    return tuple(parts) if variant.parts == 2 else parts[0]


@pytest.mark.parametrize("variant", IN_TORCH_NN.values(), ids=IN_TORCH_NN)
@with_and_without_bias
@every_length
def test_forward_and_backward_equal_torch_nn(variant, bias, lengths):
    layer, given = layer_of(variant, bias), oracles.case(1, variant.parts)
    theirs = oracles.run_torch_nn(variant.module(D, H, bias=bias), layer, given, lengths)
    oracles.assert_equal(oracles.run(layer, given, lengths), theirs)


@every_variant
@with_and_without_bias
@every_length
def test_forward_and_backward_equal_autograd_on_the_equations(variant, bias, lengths):
    layer, given = layer_of(variant, bias), oracles.case(2, variant.parts)
    theirs = oracles.run_autograd(variant.cell, layer, given, lengths)
    oracles.assert_equal(oracles.run(layer, given, lengths), theirs)


@every_variant
def test_gradients_equal_finite_differences(variant):
    layer, given = layer_of(variant), oracles.case(3, variant.parts)

    def loss():
        hs, state, _ = layer.forward(given.x, state_of(variant, given.state))
        state = state if variant.parts == 2 else (state,)
        return np.vdot(hs, given.dhs) + sum(map(np.vdot, state, given.dstate))

    ours = oracles.run(layer, given)
    arrays = {"dx": given.x, "dh": given.state[0], "dc": given.state[-1]} | layer.params
    gradients = {"dx": ours.dx, "dh": ours.dstate[0], "dc": ours.dstate[-1]} | ours.grads
    for name, array in arrays.items():
        numerical = oracles.finite_differences(loss, array)
        np.testing.assert_allclose(gradients[name], numerical, rtol=0, atol=1e-7, err_msg=name)


@every_variant
def test_state_and_gradients_default_to_zeros(variant):
    layer, given = layer_of(variant), oracles.case(4, variant.parts)
    zeros = tuple(np.zeros((B, H)) for _ in range(variant.parts))
    expected = oracles.run(layer, given._replace(state=zeros, dstate=zeros))
    hs, state, trace = layer.forward(given.x)
    dx, dstate, grads = layer.backward(given.dhs, trace)
    state, dstate = (s if variant.parts == 2 else (s,) for s in (state, dstate))
    oracles.assert_equal(oracles.Result(hs, state, dx, dstate, grads), expected, atol=0)


@every_variant
def test_a_trace_serves_its_own_forward_whatever_came_between(variant):
    layer = layer_of(variant)
    first, second = oracles.case(5, variant.parts), oracles.case(6, variant.parts)
    expected = oracles.run(layer, first)
    hs, state, trace = layer.forward(first.x, state_of(variant, first.state))
    oracles.run(layer, second)
    for _ in range(2):  # and serves twice
        dx, dstate, grads = layer.backward(first.dhs, trace, state_of(variant, first.dstate))
        state_parts, dstate = (s if variant.parts == 2 else (s,) for s in (state, dstate))
        oracles.assert_equal(oracles.Result(hs, state_parts, dx, dstate, grads), expected, atol=0)


@every_variant
def test_nothing_that_is_given_is_changed(variant):
    layer, given = layer_of(variant), oracles.case(7, variant.parts)
    copies = [array.copy() for array in [given.x, given.dhs, *given.state, *given.dstate, *layer.params.values()]]
    oracles.run(layer, given, [3, 5, 1])
    for before, after in zip(
        copies, [given.x, given.dhs, *given.state, *given.dstate, *layer.params.values()], strict=True
    ):
        np.testing.assert_array_equal(before, after)


@every_variant
def test_two_halves_of_a_sequence_equal_the_whole(variant):
    layer, given = layer_of(variant), oracles.case(8, variant.parts)
    whole, last, _ = layer.forward(given.x, state_of(variant, given.state))
    first, state, _ = layer.forward(given.x[:2], state_of(variant, given.state))
    second, state, _ = layer.forward(given.x[2:], state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=0, atol=1e-15)
    np.testing.assert_allclose(np.asarray(state), np.asarray(last), rtol=0, atol=1e-15)


@every_variant
@with_and_without_bias
def test_step_by_step_equals_forward(variant, bias):
    layer, given = layer_of(variant, bias), oracles.case(9, variant.parts)
    hs, last, _ = layer.forward(given.x, state_of(variant, given.state))
    state = state_of(variant, given.state)
    for t in range(T):
        h, state = layer.step(given.x[t], state)
        np.testing.assert_allclose(h, hs[t], rtol=0, atol=1e-15)
    np.testing.assert_allclose(np.asarray(state), np.asarray(last), rtol=0, atol=1e-15)


@every_variant
def test_float32_stays_float32_and_agrees(variant):
    double, given = layer_of(variant), oracles.case(10, variant.parts)
    single = variant.layer(D, H, rng=np.random.default_rng(0))
    single.load_state_dict(double.state_dict())
    ours, expected = oracles.run(single, given), oracles.run(double, given)
    for array in [ours.hs, ours.dx, *ours.state, *ours.dstate, *ours.grads.values()]:
        assert array.dtype == np.float32
    oracles.assert_equal(ours, expected, atol=2e-5)
