"""Promises of in_torch.RNN: it is torch.nn.RNN, and it is in_numpy.RNN."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from rnnbook import in_numpy, in_torch

T, B, D, H = 5, 3, 2, 7  # all different, so that no transposed axis can pass unseen
OPTIONS = list(itertools.product(("tanh", "relu"), (True, False), (1, 3), (False, True), (False, True)))


def pair(seed=0, **arguments):
    """The same layer twice, ours and torch's, in float64."""
    torch.manual_seed(seed)
    ours = in_torch.RNN(D, H, dtype=torch.float64, **arguments)
    torch.manual_seed(seed)
    theirs = nn.RNN(D, H, dtype=torch.float64, **arguments)
    return ours, theirs


def outputs_and_gradients(layer, x, hx, lengths=None, enforce_sorted=False):
    """Everything that a layer returns, and the gradient of one random weighting of all of it."""
    x, hx = x.clone().requires_grad_(), None if hx is None else hx.clone().requires_grad_()
    layer.zero_grad()
    read = x if lengths is None else pack_padded_sequence(x, lengths, layer.batch_first, enforce_sorted)
    y, h = layer(read, hx)
    y = y if lengths is None else y.data
    torch.manual_seed(1)
    torch.autograd.backward([y, h], [torch.randn(t.shape, dtype=t.dtype) for t in (y, h)])
    found = {"y": y, "h": h, "dx": x.grad} | ({} if hx is None else {"dhx": hx.grad})
    return found | {name: p.grad for name, p in layer.named_parameters()}


def assert_same(ours, theirs, atol=1e-12):
    assert list(ours) == list(theirs)
    for name in theirs:
        close = torch.testing.assert_close
        close(ours[name], theirs[name], rtol=0, atol=atol, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("nonlinearity, bias, num_layers, batch_first, bidirectional", OPTIONS)
@pytest.mark.parametrize("form", ["batched", "unbatched", "sorted", "unsorted"])
def test_outputs_and_gradients_equal_torch(nonlinearity, bias, num_layers, batch_first, bidirectional, form):
    arguments = {"nonlinearity": nonlinearity, "bias": bias, "num_layers": num_layers}
    ours, theirs = pair(batch_first=batch_first, bidirectional=bidirectional, **arguments)
    shape = (T, D) if form == "unbatched" else (B, T, D) if batch_first else (T, B, D)
    x = torch.randn(shape, dtype=torch.float64)
    shape = (num_layers * (2 if bidirectional else 1), B, H)
    hx = torch.randn(shape[::2] if form == "unbatched" else shape, dtype=torch.float64)
    lengths = {"sorted": [5, 3, 2], "unsorted": [2, 5, 3]}.get(form)
    for state in (None, hx):
        assert_same(
            outputs_and_gradients(ours, x, state, lengths, form == "sorted"),
            outputs_and_gradients(theirs, x, state, lengths, form == "sorted"),
        )


def test_a_packed_output_keeps_its_order():
    ours, theirs = pair(bidirectional=True)
    packed = pack_padded_sequence(torch.randn(T, B, D, dtype=torch.float64), [2, 5, 3], enforce_sorted=False)
    (mine, h), (other, h_other) = ours(packed), theirs(packed)
    torch.testing.assert_close(list(mine), list(other))
    torch.testing.assert_close(h, h_other)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lengths", [None, [5, 3, 2]])
def test_outputs_and_gradients_equal_the_numpy_wing(nonlinearity, bias, lengths):
    rng = np.random.default_rng(0)
    numpy_layer = in_numpy.RNN(D, H, nonlinearity=nonlinearity, bias=bias, dtype=np.float64, rng=rng)
    layer = in_torch.RNN(D, H, nonlinearity=nonlinearity, bias=bias, dtype=torch.float64)
    layer.load_state_dict({name: torch.from_numpy(value) for name, value in numpy_layer.state_dict().items()})
    x, h, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(B, H)), rng.normal(size=(T, B, H))
    hs, last, trace = numpy_layer.forward(x, h, lengths)
    dx, dh, grads = numpy_layer.backward(dhs, trace)

    x_torch, h_torch = torch.tensor(x, requires_grad=True), torch.tensor(h[None], requires_grad=True)
    read = x_torch if lengths is None else pack_padded_sequence(x_torch, lengths)
    y, last_torch = layer(read, h_torch)
    y = y if lengths is None else nn.utils.rnn.pad_packed_sequence(y)[0]
    y.backward(torch.from_numpy(dhs))
    found = {"hs": y, "last": last_torch[0], "dx": x_torch.grad, "dh": h_torch.grad[0]}
    found |= {name.removesuffix("_l0"): p.grad for name, p in layer.named_parameters()}
    expected = {"hs": hs, "last": last, "dx": dx, "dh": dh} | grads
    assert_same(found, {name: torch.from_numpy(value) for name, value in expected.items()})


@pytest.mark.parametrize("arguments", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_one_seed_draws_the_parameters_of_torch(arguments):
    ours, theirs = pair(**arguments)
    assert_same(ours.state_dict(), theirs.state_dict(), atol=0)
    assert repr(ours) == repr(theirs)


def test_one_seed_draws_the_dropout_of_torch():
    ours, theirs = pair(num_layers=3, dropout=0.4)
    x = torch.randn(T, B, D, dtype=torch.float64)
    found = []
    for layer in (ours, theirs):
        torch.manual_seed(2)
        found.append(layer(x)[0])
    torch.testing.assert_close(*found, rtol=0, atol=1e-12)
    assert (ours(x)[0] - ours(x)[0]).abs().max() > 1e-3
    torch.testing.assert_close(ours.eval()(x)[0], theirs.eval()(x)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_reads_as_the_original_does(copied):
    ours, _ = pair(num_layers=2)
    x = torch.randn(T, B, D, dtype=torch.float64)
    torch.testing.assert_close(copied(ours)(x)[0], ours(x)[0], rtol=0, atol=0)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"input_size": 0, "hidden_size": H}, "input_size should be at least 1, but is 0"),
        ({"input_size": D, "hidden_size": 0}, "hidden_size should be at least 1, but is 0"),
        ({"input_size": D, "hidden_size": 2.5}, "hidden_size should be of type int, but is 2.5"),
        ({"input_size": "2", "hidden_size": H}, "input_size should be of type int, but is '2'"),
        ({"input_size": D, "hidden_size": H, "num_layers": 0}, "num_layers should be at least 1, but is 0"),
        ({"input_size": D, "hidden_size": H, "bias": 1}, "bias should be of type bool, but is 1"),
        ({"input_size": D, "hidden_size": H, "batch_first": "no"}, "batch_first should be of type bool"),
        ({"input_size": D, "hidden_size": H, "dropout": 1.5}, "dropout should be a number"),
        ({"input_size": D, "hidden_size": H, "nonlinearity": "sin"}, "nonlinearity should be one of"),
    ],
)
def test_a_wrong_constructor_argument_raises_as_in_torch(arguments, sentence):
    with pytest.raises(Exception) as theirs:
        nn.RNN(**arguments)
    with pytest.raises(theirs.type, match=sentence):
        in_torch.RNN(**arguments)


@pytest.mark.parametrize(
    "x, hx, sentence",
    [
        (torch.zeros(T), None, r"input should have shape \(T, B, 2\) or \(T, 2\), but has shape \(5,\)"),
        (torch.zeros(1, T, B, D), None, r"but has shape \(1, 5, 3, 2\)"),
        (torch.zeros(T, B, 9), None, r"T, B, 2\) or \(T, 2\), but has shape \(5, 3, 9\)"),
        (torch.zeros(0, B, D), None, r"at least one step, but has shape \(0, 3, 2\)"),
        (torch.zeros(T, B, D).double(), None, "weights' dtype torch.float32, but has dtype torch.float64"),
        (
            torch.zeros(T, B, D),
            torch.zeros(1, B, 9),
            r"should have shape \(1, 3, 7\), but has shape \(1, 3, 9\)",
        ),
        (torch.zeros(T, B, D), torch.zeros(B, H), r"should have shape \(1, 3, 7\), but has shape \(3, 7\)"),
        (torch.zeros(T, D), torch.zeros(1, 1, H), r"should have shape \(1, 7\), but has shape \(1, 1, 7\)"),
        (torch.zeros(T, B, D), torch.zeros(1, B, H).double(), "hx should have the input's dtype"),
    ],
)
def test_a_wrong_forward_argument_raises_as_in_torch(x, hx, sentence):
    with pytest.raises(Exception) as theirs:
        nn.RNN(D, H)(x, hx)
    with pytest.raises(theirs.type, match=sentence):
        in_torch.RNN(D, H)(x, hx)


def test_dropout_in_a_single_layer_warns():
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        in_torch.RNN(D, H, dropout=0.5)


def test_an_empty_batch_gives_empty_outputs():
    ours, theirs = pair()
    x = torch.zeros(T, 0, D, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x))
