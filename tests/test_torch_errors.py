"""A user's mistake raises what torch.nn raises, in a sentence that names the argument, what was expected, what came."""

import pytest
import torch
from torch import nn
from torch_oracle import B, D, H, T

from rnnbook import in_torch

NAMES = ["RNN", "GRU", "LSTM"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"input_size": 0}, "input_size should be at least 1, but is 0"),
        ({"hidden_size": 0}, "hidden_size should be at least 1, but is 0"),
        ({"hidden_size": 2.5}, "hidden_size should be of type int, but is 2.5"),
        ({"input_size": "2"}, "input_size should be of type int, but is '2'"),
        ({"num_layers": 0}, "num_layers should be at least 1, but is 0"),
        ({"bias": 1}, "bias should be of type bool, but is 1"),
        ({"batch_first": "no"}, "batch_first should be of type bool, but is 'no'"),
        ({"dropout": 1.5}, r"dropout should be a number in range \[0, 1\], but is 1.5"),
        ({"dropout": True}, r"dropout should be a number in range \[0, 1\], but is True"),
    ],
)
def test_a_wrong_constructor_argument(name, changed, sentence):
    arguments = {"input_size": D, "hidden_size": H} | changed
    with pytest.raises(Exception) as theirs:
        getattr(nn, name)(**arguments)
    with pytest.raises(theirs.type, match=sentence):
        getattr(in_torch, name)(**arguments)


@pytest.mark.parametrize("proj_size", [-1, H])
def test_a_projection_that_does_not_fit(proj_size):
    with pytest.raises(ValueError, match=f"proj_size should lie between 0 and 6, but is {proj_size}"):
        in_torch.LSTM(D, H, proj_size=proj_size)


def test_an_unknown_nonlinearity():
    for layer in (in_torch.RNN, in_torch.RNNCell):
        with pytest.raises(ValueError, match="nonlinearity should be one of 'tanh', 'relu', but is 'sin'"):
            layer(D, H, nonlinearity="sin")


def test_an_implementation_that_does_not_exist_or_cannot_run():
    with pytest.raises(ValueError, match="implementation should be one of 'auto', 'reference', .*, but is 'fast'"):
        in_torch.GRU(D, H, implementation="fast")
    with pytest.raises(ValueError, match="implementation should be 'reference' where proj_size is not 0"):
        in_torch.LSTM(D, H, proj_size=2, implementation="handwritten")


@pytest.mark.parametrize("name", NAMES)
def test_dropout_in_a_single_layer_warns(name):
    with pytest.warns(UserWarning, match="num_layers greater than 1, but got dropout=0.5"):
        getattr(in_torch, name)(D, H, dropout=0.5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "x, hx, sentence",
    [
        (torch.zeros(T), None, r"input should have shape \(T, B, 2\) or \(T, 2\), but has shape \(5,\)"),
        (torch.zeros(1, T, B, D), None, r"but has shape \(1, 5, 3, 2\)"),
        (torch.zeros(T, B, 9), None, r"T, B, 2\) or \(T, 2\), but has shape \(5, 3, 9\)"),
        (torch.zeros(0, B, D), None, r"at least one step, but has shape \(0, 3, 2\)"),
        (torch.zeros(T, B, D).double(), None, "weights' dtype torch.float32, but has dtype torch.float64"),
        (torch.zeros(T, B, D), torch.zeros(1, B, 9), r"should have shape \(1, 3, 7\), but has shape \(1, 3, 9\)"),
        (torch.zeros(T, B, D), torch.zeros(B, H), r"should have shape \(1, 3, 7\), but has shape \(3, 7\)"),
        (torch.zeros(T, D), torch.zeros(1, 1, H), r"should have shape \(1, 7\), but has shape \(1, 1, 7\)"),
        (torch.zeros(T, B, D), torch.zeros(1, B, H).double(), "should have the input's dtype torch.float32"),
    ],
)
def test_a_wrong_forward_argument(name, x, hx, sentence):
    if name == "LSTM" and hx is not None:
        hx = (hx, hx)
    with pytest.raises(Exception) as theirs:
        getattr(nn, name)(D, H)(x, hx)
    with pytest.raises(theirs.type, match=sentence):
        getattr(in_torch, name)(D, H)(x, hx)


def test_an_lstm_wants_a_pair_of_states_and_says_which_is_wrong():
    x, h = torch.zeros(T, B, D), torch.zeros(1, B, H)
    with pytest.raises(RuntimeError, match=r"hx should be the pair \(h, c\), but is a Tensor"):
        in_torch.LSTM(D, H)(x, h)
    with pytest.raises(RuntimeError, match=r"c in hx should have shape \(1, 3, 7\), but has shape \(1, 3, 4\)"):
        in_torch.LSTM(D, H)(x, (h, h[..., :4]))
    with pytest.raises(TypeError, match="hx should be a tensor, but is a list"):
        in_torch.GRU(D, H)(x, [h])


@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell"])
@pytest.mark.parametrize(
    "x, hx, sentence",
    [
        (torch.zeros(1, B, D), None, r"input should have shape \(B, 2\) or \(2,\), but has shape \(1, 3, 2\)"),
        (torch.zeros(B, 9), None, r"but has shape \(3, 9\)"),
        (torch.zeros(B, D), torch.zeros(B, 9), r"should have shape \(3, 7\), but has shape \(3, 9\)"),
        (torch.zeros(B, D), torch.zeros(1, B, H), r"should have shape \(3, 7\), but has shape \(1, 3, 7\)"),
    ],
)
def test_a_wrong_argument_of_a_cell(name, x, hx, sentence):
    if name == "LSTMCell" and hx is not None:
        hx = (hx, hx)
    with pytest.raises(Exception) as theirs:
        getattr(nn, name)(D, H)(x, hx)
    with pytest.raises(theirs.type, match=sentence):
        getattr(in_torch, name)(D, H)(x, hx)
