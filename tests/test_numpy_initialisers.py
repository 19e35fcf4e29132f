"""Each initialiser makes the start that its paper describes."""

import numpy as np
import pytest

from rnnbook.in_numpy import GRU, LSTM, RNN
from rnnbook.in_numpy.initialisers import chrono, forget_bias, identity, orthogonal, uniform

H = 64


def lstm(bias=True):
    return LSTM(3, H, bias=bias, dtype=np.float64, rng=np.random.default_rng(0))


@pytest.mark.parametrize("cell", [RNN, GRU, LSTM])
def test_layers_start_from_the_uniform_distribution_of_torch(cell):
    layer = cell(3, H, dtype=np.float64, rng=np.random.default_rng(0))
    values = np.concatenate([value.reshape(-1) for value in layer.params.values()])
    assert np.abs(values).max() <= 1 / 8
    quarters = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    assert quarters == pytest.approx([-1 / 8, -1 / 16, 0, 1 / 16, 1 / 8], abs=0.005)


def test_uniform_draws_every_parameter_anew_within_the_bound():
    layer = lstm()
    before = layer.state_dict()
    assert uniform(layer, np.random.default_rng(1), bound=2.0) is layer
    for name, value in layer.state_dict().items():
        assert not (value == before[name]).any()
        assert 1.9 < np.abs(value).max() < 2
    uniform(layer, np.random.default_rng(1))
    assert np.abs(layer.params["weight_hh"]).max() == pytest.approx(1 / 8, rel=1e-3)


@pytest.mark.parametrize("cell", [RNN, GRU, LSTM])
def test_orthogonal_makes_every_block_keep_lengths(cell):
    layer = orthogonal(cell(3, H, dtype=np.float64), np.random.default_rng(2), gain=0.5)
    blocks = layer.params["weight_hh"].reshape(-1, H, H)
    np.testing.assert_allclose(blocks @ blocks.mT, np.broadcast_to(0.25 * np.eye(H), blocks.shape), atol=1e-14)
    if len(blocks) > 1:
        assert abs(blocks[0] - blocks[1]).max() > 0.1


def test_orthogonal_draws_evenly_from_all_of_them():
    """QR without the signs would make the first entry of every matrix negative."""
    rng = np.random.default_rng(3)
    first = [orthogonal(RNN(1, 4, dtype=np.float64), rng).params["weight_hh"][0, 0] for _ in range(200)]
    assert 80 < np.sum(np.array(first) > 0) < 120


def test_identity_makes_an_irnn_that_keeps_what_it_has_read():
    layer = identity(RNN(3, H, nonlinearity="relu", dtype=np.float64))
    h = np.random.default_rng(4).random((2, H))
    hs, _, _ = layer.forward(np.zeros((50, 2, 3)), h)
    np.testing.assert_array_equal(hs[-1], h)
    np.testing.assert_array_equal(identity(layer, gain=0.5).params["weight_hh"], 0.5 * np.eye(H))


def test_forget_bias_sets_block_f_alone():
    before, layer = lstm(), forget_bias(lstm(), 3.0)
    total = layer.params["bias_ih"] + layer.params["bias_hh"]
    assert (total[H : 2 * H] == 3).all()
    for name in ("bias_ih", "bias_hh"):
        for block in (slice(0, H), slice(2 * H, None)):
            np.testing.assert_array_equal(layer.params[name][block], before.params[name][block])


def test_chrono_spreads_the_memory_over_all_times():
    layer = chrono(lstm(), 1000, np.random.default_rng(5))
    b_i, b_f, *_ = (layer.params["bias_ih"] + layer.params["bias_hh"]).reshape(4, H)
    times = np.exp(b_f)
    assert 1 <= times.min() < 60 and 940 < times.max() <= 999
    np.testing.assert_array_equal(b_i, -b_f)


@pytest.mark.parametrize(
    "layer, given", [(GRU(3, H), "GRU"), (lstm(bias=False), "LSTM without bias"), (RNN(3, H), "RNN")]
)
@pytest.mark.parametrize(
    "name, act", [("forget_bias", forget_bias), ("chrono", lambda layer: chrono(layer, 9, np.random.default_rng(0)))]
)
def test_a_layer_without_a_forget_gates_bias_is_refused(name, act, layer, given):
    with pytest.raises(ValueError, match=f"^{name} needs an LSTM with bias, but was given a layer {given}$"):
        act(layer)


@pytest.mark.parametrize(
    "name, act",
    [
        ("bound", lambda layer: uniform(layer, 0, 1e39)),
        ("gain", lambda layer: orthogonal(layer, 0, 1e39)),
        ("gain", lambda layer: identity(layer, 1e39)),
        ("value", lambda layer: forget_bias(layer, 1e39)),
    ],
)
def test_what_is_too_large_for_the_layers_dtype_is_refused_and_nothing_changes(name, act):
    layer = LSTM(3, H, rng=0)
    before = layer.state_dict()
    with pytest.raises(ValueError, match=rf"^{name} should fit in float32, but is 1e\+39$"):
        act(layer)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    act(lstm())  # in float64 it fits


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="^bound should be at least 0, but is -1$"):
        uniform(lstm(), np.random.default_rng(0), bound=-1)
    with pytest.raises(ValueError, match="^longest should be at least 2, but is 1$"):
        chrono(lstm(), 1, np.random.default_rng(0))
    with pytest.raises(TypeError, match="^longest should be a whole number, but is 2.5$"):
        chrono(lstm(), 2.5, np.random.default_rng(0))
