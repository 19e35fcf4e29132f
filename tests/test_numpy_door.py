"""Every door of the NumPy version answers a mistake with a sentence that names the argument."""

import math

import numpy as np
import pytest
import torch
from doors import DHS, LAYERS, REAL, STATE, TOKENS, V, X, a_model, a_stack, both_ways, told
from oracles import B, D, H, T

from rnnbook.errors import check_flag, check_number
from rnnbook.in_numpy import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adam,
    AdditiveAttention,
    Bidirectional,
    Dropout,
    Embedding,
    LanguageModel,
    Linear,
    MixtureHead,
    MultiplicativeAttention,
    SequenceClassifier,
    Stacked,
    clip_grad_norm,
    functions,
    hopfield,
    initialisers,
    join,
    language_model_step,
    mixture,
)

every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
RAGGED = [[1.0, 2.0], [3.0]]
A_RAGGED = "should be an array, but is a ragged list, whose parts differ in length"
FINITE = "be finite and at least 0"
SIGNED = np.array([[1.0, -1, 1, 1], [-1, -1, 1, -1]])
FLAGS = {
    "RNN": ("bias", lambda value: RNN(D, H, bias=value)),
    "GRU": ("bias", lambda value: GRU(D, H, bias=value)),
    "LSTM": ("bias", lambda value: LSTM(D, H, bias=value)),
    "Linear": ("bias", lambda value: Linear(D, H, bias=value)),
    "GRU reset_after": ("reset_after", lambda value: GRU(D, H, reset_after=value)),
    "LSTM peephole": ("peephole", lambda value: LSTM(D, H, peephole=value)),
    "Dropout training": ("training", lambda value: Dropout().forward(X, training=value)),
}


@pytest.mark.parametrize("name, call", FLAGS.values(), ids=FLAGS)
def test_a_flag_is_true_or_false(name, call):
    for value in ("yes", "False", 1, 0, None):
        assert told(call, value) == (TypeError, f"{name} should be True or False, but is {value!r}")
    for value in (True, False, np.True_, np.False_):
        call(value)
    assert check_flag("bias", np.False_) is False and check_flag("bias", True) is True


DTYPES = {
    **{name: lambda dtype, layer=layer: layer(D, H, dtype=dtype) for name, layer in LAYERS.items()},
    "Linear": lambda dtype: Linear(D, H, dtype=dtype),
    "Embedding": lambda dtype: Embedding(V, D, dtype=dtype),
    "MixtureHead": lambda dtype: MixtureHead(H, dtype=dtype),
    "AdditiveAttention": lambda dtype: AdditiveAttention(D, H, 5, dtype=dtype),
    "MultiplicativeAttention": lambda dtype: MultiplicativeAttention(H, H, score="dot", dtype=dtype),
}


@pytest.mark.parametrize("make", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize(
    "dtype, given",
    [
        ("flaot32", "'flaot32'"),
        (int, "int64"),
        ("float16", "float16"),
        (None, "None"),
        (torch.float32, "torch.float32"),
        (3, "3"),
    ],
    ids=str,
)
def test_an_unknown_dtype_is_told(make, dtype, given):
    assert told(make, dtype) == (TypeError, f"dtype should be float32 or float64, but is {given}")


RAGGED_DOORS = {
    **{f"{name} x": ("x", lambda layer=layer: layer(D, H).forward(RAGGED)) for name, layer in LAYERS.items()},
    **{f"{name} x_t": ("x_t", lambda layer=layer: layer(D, H).step(RAGGED)) for name, layer in LAYERS.items()},
    "lengths": ("lengths", lambda: RNN(D, H).forward(X, lengths=RAGGED)),
    "dhs": ("dhs", lambda: RNN(D, H).backward(RAGGED, RNN(D, H).forward(X)[2])),
    "state in the LSTM's pair": ("state[1]", lambda: LSTM(D, H).forward(X, (STATE, np.array(RAGGED, object)))),
    "Stacked": ("x", lambda: a_stack().forward(RAGGED)),
    "Stacked step": ("x_t", lambda: a_stack().step(RAGGED)),
    "Bidirectional": ("x", lambda: both_ways().forward(RAGGED)),
    "Linear": ("x", lambda: Linear(D, H).forward(RAGGED)),
    "Linear dy": ("dy", lambda: Linear(D, H).backward(RAGGED, X)),
    "Embedding": ("tokens", lambda: Embedding(V, D).forward([[1], [1, 2]])),
    "Dropout": ("x", lambda: Dropout().forward(RAGGED)),
    "LanguageModel": ("tokens", lambda: a_model().forward([[1], [1, 2]])),
    "LanguageModel step": ("tokens", lambda: a_model().step([[1], [1, 2]])),
    "language_model_step": ("tokens", lambda: language_model_step(None, None, [[1], [1, 2]])),
    "SequenceClassifier": ("x", lambda: SequenceClassifier(V, RNN(D, H)).forward(RAGGED)),
    "attention query": ("query", lambda: AdditiveAttention(D, H, 5).forward(RAGGED, DHS)),
    "attention memory": ("memory", lambda: MultiplicativeAttention(D, H).forward(X, RAGGED)),
    "relu": ("a", lambda: functions.relu(RAGGED)),
    "sigmoid": ("a", lambda: functions.sigmoid(RAGGED)),
    "softmax": ("a", lambda: functions.softmax(RAGGED)),
    "log_softmax": ("a", lambda: functions.log_softmax(RAGGED)),
    "mean_squared_error": ("y", lambda: functions.mean_squared_error(RAGGED, X)),
    "mean_squared_error target": ("target", lambda: functions.mean_squared_error(X, RAGGED)),
    "cross_entropy": ("logits", lambda: functions.cross_entropy(RAGGED, TOKENS)),
    "cross_entropy target": ("target", lambda: functions.cross_entropy(X, [[1], [1, 0]])),
    "cross_entropy mask": ("mask", lambda: functions.cross_entropy(X, TOKENS, [[True], [True, False]])),
    "gaussian_mixture": ("y", lambda: functions.gaussian_mixture(RAGGED, X)),
    "gaussian_mixture target": ("target", lambda: functions.gaussian_mixture(np.zeros((2, 3)), RAGGED)),
    "mixture_parts": ("y", lambda: mixture.mixture_parts(RAGGED)),
    "mixture_cdf": ("x", lambda: mixture.mixture_cdf(np.zeros((2, 3)), RAGGED)),
    "hebbian": ("patterns", lambda: hopfield.hebbian(RAGGED)),
    "energy W": ("W", lambda: hopfield.energy(RAGGED, SIGNED)),
    "energy s": ("s", lambda: hopfield.energy(np.zeros((4, 4)), RAGGED)),
    "visit_units": ("order", lambda: hopfield.visit_units(np.zeros((4, 4)), SIGNED, [[1], [1, 2]])),
    "softmax_step": ("patterns", lambda: hopfield.softmax_step(RAGGED, SIGNED, 1)),
    "load_state_dict": (
        "weight_hh_l0",
        lambda: RNN(D, H).load_state_dict(RNN(D, H).state_dict() | {"weight_hh_l0": RAGGED}),
    ),
}


@pytest.mark.parametrize("name, call", RAGGED_DOORS.values(), ids=RAGGED_DOORS)
def test_a_ragged_list_is_told(name, call):
    error, sentence = told(call)
    assert error is TypeError and sentence.startswith(f"{name} should ")
    assert sentence == f"{name} {A_RAGGED}" or sentence == f"{name} {REAL} object"


NUMBERS = {
    "Adam lr": (lambda v: Adam({}, lr=v), "lr", FINITE, [-1, math.nan, math.inf]),
    "Adam eps": (lambda v: Adam({}, eps=v), "eps", FINITE, [-1e-8, math.nan, math.inf]),
    "Adam beta_1": (lambda v: Adam({}, betas=(v, 0.9)), "betas[0]", "be at least 0 and below 1", [-0.1, 1, math.nan]),
    "Adam beta_2": (lambda v: Adam({}, betas=(0.9, v)), "betas[1]", "be at least 0 and below 1", [-0.1, 1.0]),
    "SGD lr": (lambda v: SGD({}, lr=v), "lr", FINITE, [-1, math.nan, math.inf]),
    "SGD momentum": (lambda v: SGD({}, momentum=v), "momentum", FINITE, [-0.9, math.nan, math.inf]),
    "clip": (lambda v: clip_grad_norm({"a": np.ones(2)}, v), "max_norm", "be positive", [0, -1, math.nan]),
    "Dropout": (Dropout, "p", "lie between 0 and 1", [-0.1, 1.5, math.nan]),
    "quantile": (lambda v: mixture.mixture_quantile(np.zeros(3), v), "p", "lie between 0 and 1", [0, 1, math.nan]),
    "beta": (lambda v: hopfield.softmax_step(SIGNED, SIGNED, v), "beta", "be greater than 0", [0, -1, math.inf]),
    "bound": (lambda v: initialisers.uniform(RNN(D, H), 0, v), "bound", "be at least 0", [-1, math.nan, math.inf]),
    "gain": (lambda v: initialisers.orthogonal(RNN(D, H), 0, v), "gain", "be a finite number", [math.nan, math.inf]),
    "identity": (lambda v: initialisers.identity(RNN(D, H), v), "gain", "be a finite number", [math.nan, -math.inf]),
    "forget_bias": (lambda v: initialisers.forget_bias(LSTM(D, H), v), "value", "be a finite number", [math.inf]),
}


@pytest.mark.parametrize("call, name, rule, wrong", NUMBERS.values(), ids=NUMBERS)
def test_a_number_out_of_its_range_is_told_and_so_is_what_is_none(call, name, rule, wrong):
    for value in wrong:
        assert told(call, value) == (ValueError, f"{name} should {rule}, but is {value!r}")
    for value in ("fast", True, [0.1], 1j):
        assert told(call, value) == (TypeError, f"{name} should {rule}, but is {value!r}")


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.25), np.int64(1)])
def test_a_number_in_its_range_passes(value):
    assert check_number("n", value, "be positive", lambda n: n > 0) is value
    assert Adam({}, lr=value, eps=value).lr is value


SENTENCES = {
    "a stack of one array as a pair": (
        lambda: LSTM(D, H).step(X[0], np.zeros((2, B, H))),
        TypeError,
        "state should be a pair of arrays (h, c), each (3, 7), but is an array of shape (2, 3, 7)",
    ),
    "the wrong state above": (
        lambda: a_stack().forward(X, [STATE, STATE[:, :2]]),
        ValueError,
        "state[1] should have shape (3, 7), but has shape (3, 2)",
    ),
    "the wrong state above, step": (
        lambda: a_stack().step(X[0], [STATE, (STATE, STATE)]),
        TypeError,
        "state[1] should be an array of shape (3, 7), but is a tuple",
    ),
    "half a state above": (
        lambda: a_stack(LSTM).forward(X, [(STATE, STATE), (STATE, None)]),
        TypeError,
        "state[1][1] should be an array of shape (3, 7), but is None",
    ),
    "half a state backwards": (
        lambda: both_ways(LSTM).forward(X, ((STATE, STATE), (None, STATE))),
        TypeError,
        "state[1][0] should be an array of shape (3, 7), but is None",
    ),
    "the wrong gradient backwards": (
        lambda: both_ways().backward(np.zeros((T, B, 2 * H)), both_ways().forward(X)[2], (STATE, STATE[0])),
        ValueError,
        "dstate[1] should have shape (3, 7), but has shape (7,)",
    ),
    "x in a stack": (
        lambda: a_stack().forward(X[0]),
        ValueError,
        "x should have shape (T, B, 2), but has shape (3, 2)",
    ),
    "x_t in a stack": (lambda: a_stack().step(X[0, 0]), ValueError, "x_t should have shape (B, 2), but has shape (2,)"),
    "a layer in a list": (
        lambda: Stacked([RNN(D, H), "GRU"]),
        TypeError,
        "layers[1] should be a recurrent layer, but is a str",
    ),
    "a layer's class": (
        lambda: Stacked([RNN]),
        TypeError,
        "layers[0] should be a recurrent layer, but is the class RNN",
    ),
    "no list of layers": (
        lambda: Stacked(3),
        TypeError,
        "layers should be a list of recurrent layers, but is an int",
    ),
    "one direction": (
        lambda: Bidirectional(RNN(D, H), None),
        TypeError,
        "b should be a recurrent layer, but is None",
    ),
    "a model of a dense layer": (
        lambda: LanguageModel(V, Linear(D, H)),
        TypeError,
        "layer should be a recurrent layer, but is a Linear",
    ),
    "a classifier of none": (
        lambda: SequenceClassifier(V, None),
        TypeError,
        "layer should be a recurrent layer, but is None",
    ),
    "tokens of one axis": (
        lambda: a_model().forward(TOKENS[0]),
        ValueError,
        "tokens should have shape (T, B), but has shape (3,)",
    ),
    "tokens of two axes in step": (
        lambda: a_model().step(TOKENS),
        ValueError,
        "tokens should have shape (B,), but has shape (5, 3)",
    ),
    "dlogits": (
        lambda: a_model().backward(DHS, a_model().forward(TOKENS)[2]),
        ValueError,
        "dlogits should have shape (5, 3, 6), but has shape (5, 3, 7)",
    ),
    "dlogits of a classifier": (
        lambda: SequenceClassifier(V, RNN(D, H)).backward(STATE, SequenceClassifier(V, RNN(D, H)).forward(X)[1]),
        ValueError,
        "dlogits should have shape (3, 6), but has shape (3, 7)",
    ),
    "betas as one number": (
        lambda: Adam({}, betas=0.9),
        TypeError,
        "betas should be a pair of numbers, but is a float",
    ),
    "three betas": (
        lambda: Adam({}, betas=(0.9, 0.9, 0.9)),
        TypeError,
        "betas should be a pair of numbers, but is 3 of them",
    ),
    "params as a list": (
        lambda: Adam([np.ones(2)]),
        TypeError,
        "params should be a dict of arrays, but is a list",
    ),
    "params as a layer": (lambda: SGD(RNN(D, H)), TypeError, "params should be a dict of arrays, but is an RNN"),
    "whole numbers as params": (lambda: SGD({"a": np.ones(2, int)}), TypeError, f"params['a'] {REAL} int64"),
    "a list in params": (lambda: Adam({"a": [1.0]}), TypeError, "params['a'] should be an array, but is a list"),
    "a layer among joined parts": (
        lambda: join(layer=RNN(D, H).params, head=RNN(D, H)),
        TypeError,
        "head should be a dict of arrays, but is an RNN",
    ),
    "grads as a list": (
        lambda: clip_grad_norm([np.ones(2)], 1),
        TypeError,
        "grads should be a dict of arrays, but is a list",
    ),
    "no state dict": (
        lambda: RNN(D, H).load_state_dict(None),
        TypeError,
        "state should be a dict of arrays, but is None",
    ),
    "a number as a layer's table": (
        lambda: functions.softmax(1.0),
        ValueError,
        "a should have shape (V,), but has shape ()",
    ),
    "an empty softmax": (
        lambda: functions.log_softmax(np.zeros((2, 0))),
        ValueError,
        "a should have shape (2, V), with every letter at least 1, but has shape (2, 0)",
    ),
    "words": (lambda: functions.sigmoid(["a"]), TypeError, "a should hold real numbers, but has dtype <U1"),
    "nothing to average": (
        lambda: functions.mean_squared_error(np.zeros((0, 2)), np.zeros((0, 2))),
        ValueError,
        "y should hold at least one number, but has shape (0, 2)",
    ),
    "a mask of weights": (
        lambda: functions.cross_entropy(np.zeros((2, 3)), [0, 1], [1, 0.5]),
        ValueError,
        "mask should hold True and False only, but holds 0.5",
    ),
    "a mixture without an axis": (
        lambda: functions.gaussian_mixture(np.float64(1), 1.0),
        ValueError,
        "y should have shape (3,), but has shape ()",
    ),
    "NaN in Hopfield's weights": (
        lambda: hopfield.energy(np.full((4, 4), np.nan), SIGNED),
        ValueError,
        "W should hold finite numbers, but holds NaN or infinity",
    ),
    "a unit that is none": (
        lambda: hopfield.visit_units(np.zeros((4, 4)), SIGNED, [4]),
        ValueError,
        "order should lie between 0 and 3, but holds 4",
    ),
    "half a unit": (
        lambda: hopfield.visit_units(np.zeros((4, 4)), SIGNED, [0.5]),
        TypeError,
        "order should hold whole numbers, but has dtype float64",
    ),
    "a table of units": (
        lambda: hopfield.visit_units(np.zeros((4, 4)), SIGNED, [[1]]),
        ValueError,
        "order should have one axis, but has shape (1, 1)",
    ),
    "a start for a stack": (
        lambda: initialisers.identity(a_stack()),
        TypeError,
        "layer should be an RNN, GRU or LSTM, but is a Stacked",
    ),
    "a tensor that autograd follows": (
        lambda: RNN(D, H).forward(torch.zeros(T, B, D, requires_grad=True)),
        TypeError,
        "x should be an array, but is an array of shape (5, 3, 2) (Can't call numpy() on Tensor that requires grad. "
        "Use tensor.detach().numpy() instead.)",
    ),
}


@pytest.mark.parametrize("call, error, sentence", SENTENCES.values(), ids=SENTENCES)
def test_a_mistake_is_told_in_a_sentence(call, error, sentence):
    assert told(call) == (error, sentence)


def test_no_units_and_units_in_any_form_are_an_order():
    W = hopfield.hebbian(SIGNED)
    np.testing.assert_array_equal(hopfield.visit_units(W, SIGNED, []), SIGNED)
    expected = hopfield.visit_units(W, SIGNED, [0, 1, 2])
    for order in (range(3), (0, 1, 2), np.arange(3, dtype=np.uint8)):
        np.testing.assert_array_equal(hopfield.visit_units(W, SIGNED, order), expected)


@pytest.mark.parametrize("state", [(STATE, None), (None, STATE), (None, None)], ids=["c", "h", "both"])
def test_half_a_state_is_told(state):
    layer = LSTM(D, H)
    k = 0 if state[0] is None else 1
    sentence = f"[{k}] should be an array of shape (3, 7), but is None"
    assert told(layer.forward, X, state) == (TypeError, f"state{sentence}")
    assert told(layer.step, X[0], state) == (TypeError, f"state{sentence}")
    trace = layer.forward(X)[2]
    assert told(layer.backward, DHS, trace, state) == (TypeError, f"dstate{sentence}")


@every_layer
@pytest.mark.parametrize(
    "x_t, error, sentence",
    [
        (np.zeros(D), ValueError, "x_t should have shape (B, 2), but has shape (2,)"),
        (np.zeros((B, 4)), ValueError, "x_t should have shape (B, 2), but has shape (3, 4)"),
        (X, ValueError, "x_t should have shape (B, 2), but has shape (5, 3, 2)"),
        (np.zeros((B, D), int), TypeError, f"x_t {REAL} int64"),
        (None, TypeError, f"x_t {REAL} object"),
    ],
)
def test_a_step_that_does_not_fit_is_told(layer, x_t, error, sentence):
    assert told(layer(D, H).step, x_t) == (error, sentence)
