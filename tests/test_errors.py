"""A user's mistake is answered by a sentence: the argument, what was expected, what came."""

import numpy as np
import pytest

from rnnbook.errors import check_choice, check_shape, check_size
from rnnbook.in_numpy import GRU, LSTM, RNN

T, B, D, H = 5, 3, 2, 7
LAYERS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


@pytest.mark.parametrize(
    "shape, given, sentence",
    [
        (("T", "B", 64), (100, 32), "x should have shape (T, B, 64), but has shape (100, 32)"),
        (("T", "B", 64), (9, 8, 63), "x should have shape (T, B, 64), but has shape (9, 8, 63)"),
        ((3,), (4,), "x should have shape (3,), but has shape (4,)"),
        ((), (1,), "x should have shape (), but has shape (1,)"),
        (("T", 2), (0, 2), "x should have shape (T, 2), with every letter at least 1, but has shape (0, 2)"),
    ],
)
def test_a_wrong_shape_is_told(shape, given, sentence):
    with pytest.raises(ValueError) as caught:
        check_shape("x", np.zeros(given), shape)
    assert str(caught.value) == sentence


def test_a_right_shape_passes():
    check_shape("x", np.zeros((4, 1, 64)), ("T", "B", 64))
    check_shape("x", np.zeros(()), ())
    check_shape("x", np.zeros((0, 2)), (0, 2))


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(3)])
def test_a_whole_number_passes(value):
    assert type(check_size("n", value)) is int and check_size("n", value) == value


@pytest.mark.parametrize(
    "value, error, sentence",
    [
        (0, ValueError, "n should be at least 1, but is 0"),
        (-3, ValueError, "n should be at least 1, but is -3"),
        (2.0, TypeError, "n should be a whole number, but is 2.0"),
        ("2", TypeError, "n should be a whole number, but is '2'"),
        (True, TypeError, "n should be a whole number, but is True"),
        (None, TypeError, "n should be a whole number, but is None"),
    ],
)
def test_a_size_that_is_none_is_told(value, error, sentence):
    with pytest.raises(error) as caught:
        check_size("n", value)
    assert str(caught.value) == sentence


def test_a_choice_that_is_none_is_told():
    check_choice("nonlinearity", "tanh", ("tanh", "relu"))
    with pytest.raises(ValueError, match="^nonlinearity should be one of 'tanh', 'relu', but is 'Tanh'$"):
        check_choice("nonlinearity", "Tanh", ("tanh", "relu"))


@every_layer
@pytest.mark.parametrize(
    "make, error, sentence",
    [
        (lambda layer: layer(0, H), ValueError, "input_size should be at least 1, but is 0"),
        (lambda layer: layer(D, 0), ValueError, "hidden_size should be at least 1, but is 0"),
        (lambda layer: layer(D, 7.0), TypeError, "hidden_size should be a whole number, but is 7.0"),
        (lambda layer: layer(D, H, dtype=int), TypeError, "dtype should be float32 or float64, but is int64"),
    ],
)
def test_a_layer_that_cannot_be_built_is_told(layer, make, error, sentence):
    with pytest.raises(error) as caught:
        make(layer)
    assert str(caught.value) == sentence


X = np.zeros((T, B, D))
REAL = "should hold floating-point numbers (float32, float64), but has dtype"
INPUTS = [
    ((np.zeros((T, D)),), {}, ValueError, "x should have shape (T, B, 2), but has shape (5, 2)"),
    ((np.zeros((T, B, 4)),), {}, ValueError, "x should have shape (T, B, 2), but has shape (5, 3, 4)"),
    (
        (np.zeros((0, B, D)),),
        {},
        ValueError,
        "x should have shape (T, B, 2), with every letter at least 1, but has shape (0, 3, 2)",
    ),
    (
        (np.zeros((T, 0, D)),),
        {},
        ValueError,
        "x should have shape (T, B, 2), with every letter at least 1, but has shape (5, 0, 2)",
    ),
    ((X.astype(int),), {}, TypeError, f"x {REAL} int64"),
    ((X.astype(complex),), {}, TypeError, f"x {REAL} complex128"),
    ((X.astype(np.float16),), {}, TypeError, f"x {REAL} float16"),
    (([[["a", "b"]]],), {}, TypeError, f"x {REAL} <U1"),
    ((X,), {"lengths": [5, 3]}, ValueError, "lengths should have shape (3,), but has shape (2,)"),
    ((X,), {"lengths": [5, 0, 3]}, ValueError, "lengths should lie between 1 and T = 5, but are [5, 0, 3]"),
    ((X,), {"lengths": [5, 6, 3]}, ValueError, "lengths should lie between 1 and T = 5, but are [5, 6, 3]"),
    ((X,), {"lengths": [5.0, 3.0, 1.0]}, TypeError, "lengths should hold whole numbers, but has dtype float64"),
]


@every_layer
@pytest.mark.parametrize("arguments, options, error, sentence", INPUTS)
def test_an_input_that_does_not_fit_is_told(layer, arguments, options, error, sentence):
    with pytest.raises(error) as caught:
        layer(D, H).forward(*arguments, **options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("layer", [RNN, GRU])
@pytest.mark.parametrize(
    "state, error, sentence",
    [
        (np.zeros((B, 6)), ValueError, "should have shape (3, 7), but has shape (3, 6)"),
        (np.zeros((1, B, H)), ValueError, "should have shape (3, 7), but has shape (1, 3, 7)"),
        (np.zeros((B, H), int), TypeError, f"{REAL} int64"),
        ((np.zeros((B, H)),) * 2, TypeError, "should be an array of shape (3, 7), but is a tuple"),
    ],
)
def test_a_state_that_does_not_fit_is_told(layer, state, error, sentence):
    layer = layer(D, H)
    with pytest.raises(error) as caught:
        layer.forward(X, state)
    assert str(caught.value) == f"state {sentence}"
    hs, _, trace = layer.forward(X)
    with pytest.raises(error) as caught:
        layer.backward(hs, trace, state)
    assert str(caught.value) == f"dstate {sentence}"


@pytest.mark.parametrize(
    "state, error, sentence",
    [
        (
            np.zeros((2, B, H)),
            TypeError,
            "{} should be a pair of arrays (h, c), each (3, 7), but is an array of shape (2, 3, 7)",
        ),
        ((np.zeros((B, H)),), TypeError, "{} should be a pair of arrays (h, c), each (3, 7), but is 1 of them"),
        ((np.zeros((B, H)), np.zeros((B, 6))), ValueError, "{}[1] should have shape (3, 7), but has shape (3, 6)"),
        ((np.zeros((2, H)), np.zeros((B, H))), ValueError, "{}[0] should have shape (3, 7), but has shape (2, 7)"),
    ],
)
def test_an_lstms_state_that_does_not_fit_is_told(state, error, sentence):
    layer = LSTM(D, H)
    with pytest.raises(error) as caught:
        layer.forward(X, state)
    assert str(caught.value) == sentence.format("state")
    hs, _, trace = layer.forward(X)
    with pytest.raises(error) as caught:
        layer.backward(hs, trace, state)
    assert str(caught.value) == sentence.format("dstate")


@every_layer
@pytest.mark.parametrize(
    "dhs, error, sentence",
    [
        (np.zeros((T, B, D)), ValueError, "dhs should have shape (5, 3, 7), but has shape (5, 3, 2)"),
        (np.zeros((B, H)), ValueError, "dhs should have shape (5, 3, 7), but has shape (3, 7)"),
        (np.zeros((T, B, H), int), TypeError, f"dhs {REAL} int64"),
    ],
)
def test_a_gradient_that_does_not_fit_is_told(layer, dhs, error, sentence):
    layer = layer(D, H)
    _, _, trace = layer.forward(X)
    with pytest.raises(error) as caught:
        layer.backward(dhs, trace)
    assert str(caught.value) == sentence


@every_layer
@pytest.mark.parametrize("how", ["missing", "unknown", "shape", "dtype"])
def test_a_state_dict_that_does_not_fit_is_told_and_nothing_changes(layer, how):
    layer = layer(D, H)
    before = layer.state_dict()
    state = {name: value + 1 for name, value in before.items()}
    G = len(before["bias_hh_l0"])
    if how == "missing":
        del state["bias_hh_l0"]
        error, sentence = ValueError, "bias_hh_l0 is missing from the state dict"
    elif how == "unknown":
        state["weight_hr_l0"] = np.zeros(3)
        error, sentence = ValueError, "the state dict holds weight_hr_l0, which the layer does not have"
    elif how == "shape":
        state["bias_hh_l0"] = np.zeros((G, 1))
        error, sentence = ValueError, f"bias_hh_l0 should have shape ({G},), but has shape ({G}, 1)"
    else:
        state["bias_hh_l0"] = np.zeros(G, int)
        error, sentence = TypeError, f"bias_hh_l0 {REAL} int64"
    with pytest.raises(error) as caught:
        layer.load_state_dict(state)
    assert str(caught.value) == sentence
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
