"""What holds for every shape, length and dtype, asked of random ones (the same at every run)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbook.in_numpy import GRU, LSTM, RNN, Bidirectional

# Once in many runs OpenBLAS sets the processor's flag in a product of tiny finite float32 matrices, and NumPy
# warns, though no number is wrong (numpy issue 24067 was the like); a NaN in a result still fails below.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in matmul:RuntimeWarning")

LAYERS = {
    "RNN": RNN,
    "RNN relu": lambda *sizes, **options: RNN(*sizes, nonlinearity="relu", **options),
    "GRU": GRU,
    "GRU reset before": lambda *sizes, **options: GRU(*sizes, reset_after=False, **options),
    "LSTM": LSTM,
    "LSTM peephole": lambda *sizes, **options: LSTM(*sizes, peephole=True, **options),
    "Bidirectional GRU": lambda *sizes, **options: Bidirectional(GRU(*sizes, **options), GRU(*sizes, **options)),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
a_few_times = settings(derandomize=True, max_examples=12, deadline=None, database=None)
sizes = st.tuples(*[st.integers(1, 6)] * 4)
dtypes = st.sampled_from([np.float32, np.float64])


def leaves(nest):
    return [leaf for part in nest for leaf in leaves(part)] if isinstance(nest, (tuple, list)) else [nest]


def draw_lengths(data, T, B):
    return data.draw(st.none() | st.lists(st.integers(1, T), min_size=B, max_size=B))


@every_layer
@a_few_times
@given(sizes=sizes, dtype=dtypes, bias=st.booleans(), data=st.data())
def test_shapes_and_dtypes_follow_the_input(make, sizes, dtype, bias, data):
    T, B, D, H = sizes
    rng = np.random.default_rng(0)
    layer = make(D, H, bias=bias, dtype=dtype, rng=rng)
    x = rng.normal(size=(T, B, D)).astype(data.draw(dtypes))
    hs, state, trace = layer.forward(x, lengths=draw_lengths(data, T, B))
    dx, dstate, grads = layer.backward(np.ones_like(hs), trace)
    assert hs.shape[:2] == (T, B) and hs.shape[2] % H == 0
    assert all(np.isfinite(array).all() for array in [hs, dx, *leaves(state), *grads.values()])
    assert dx.shape == x.shape
    assert [leaf.shape for leaf in leaves(state)] == [leaf.shape for leaf in leaves(dstate)]
    assert {name: grad.shape for name, grad in grads.items()} == {n: p.shape for n, p in layer.params.items()}
    assert {array.dtype for array in [hs, dx, *leaves(state), *leaves(dstate), *grads.values()]} == {np.dtype(dtype)}


@every_layer
@a_few_times
@given(sizes=sizes, data=st.data())
def test_a_sequence_does_not_hear_its_neighbours_nor_its_padding(make, sizes, data):
    T, B, D, H = sizes
    rng = np.random.default_rng(1)
    layer = make(D, H, dtype=np.float64, rng=rng)
    x, lengths = rng.normal(size=(T, B, D)), draw_lengths(data, T, B)
    b = data.draw(st.integers(0, B - 1))
    length = T if lengths is None else lengths[b]
    padded = x.copy()
    padded[length:, b] = np.nan
    hs, state, trace = layer.forward(padded, lengths=lengths)
    dx, _, _ = layer.backward(np.ones_like(hs), trace)
    alone, last, alone_trace = layer.forward(x[:length, b : b + 1])
    dalone, _, _ = layer.backward(np.ones_like(alone), alone_trace)
    np.testing.assert_allclose(hs[:length, b], alone[:, 0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(dx[:length, b], dalone[:, 0], rtol=0, atol=1e-12)
    assert not hs[length:, b].any() and not dx[length:, b].any()
    for mine, its in zip(leaves(state), leaves(last), strict=True):
        np.testing.assert_allclose(mine[b], its[0], rtol=0, atol=1e-13)


@every_layer
@a_few_times
@given(sizes=sizes, data=st.data())
def test_nan_in_the_input_reaches_the_output_and_only_its_own(make, sizes, data):
    T, B, D, H = sizes
    rng = np.random.default_rng(2)
    layer = make(D, H, dtype=np.float64, rng=rng)
    x = rng.normal(size=(T, B, D))
    t, b = data.draw(st.integers(0, T - 1)), data.draw(st.integers(0, B - 1))
    x[t, b, data.draw(st.integers(0, D - 1))] = np.nan
    hs, _, trace = layer.forward(x)
    assert np.isnan(hs[t:, b, :H]).all()
    assert np.isfinite(np.delete(hs, b, axis=1)).all() and np.isfinite(hs[:t, b, :H]).all()
    _, _, grads = layer.backward(np.ones_like(hs), trace)
    assert all(np.isnan(grad).any() for grad in grads.values())


@every_layer
@a_few_times
@given(sizes=sizes, scale=st.sampled_from([1e-30, 1.0, 1e3, 1e30]), dtype=dtypes)
def test_large_and_small_inputs_raise_no_warning(make, sizes, scale, dtype):
    T, B, D, H = sizes
    rng = np.random.default_rng(3)
    layer = make(D, H, dtype=dtype, rng=rng)
    hs, _, trace = layer.forward((scale * rng.normal(size=(T, B, D))).astype(dtype))
    dx, _, _ = layer.backward(np.ones_like(hs), trace)
    assert np.isfinite(hs).all() and np.isfinite(dx).all()


@every_layer
@a_few_times
@given(sizes=sizes)
def test_backward_is_linear_in_what_it_is_given(make, sizes):
    T, B, D, H = sizes
    rng = np.random.default_rng(4)
    layer = make(D, H, dtype=np.float64, rng=rng)
    hs, _, trace = layer.forward(rng.normal(size=(T, B, D)))
    one, two = rng.normal(size=(2, *hs.shape))
    sums = layer.backward(2 * one - two, trace)
    parts = [layer.backward(given, trace) for given in (one, two)]
    np.testing.assert_allclose(sums[0], 2 * parts[0][0] - parts[1][0], rtol=0, atol=1e-12)
    for name, grad in sums[2].items():
        np.testing.assert_allclose(grad, 2 * parts[0][2][name] - parts[1][2][name], rtol=0, atol=1e-11)
