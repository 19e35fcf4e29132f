"""Stacked and bidirectional layers are those of ``torch.nn``, with and without lengths."""

import numpy as np
import pytest
import torch
from oracles import B, D, H, T, leaves
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnnbook.in_numpy import GRU, LSTM, RNN, Bidirectional, Stacked

CELLS = {"RNN": (RNN, torch.nn.RNN), "GRU": (GRU, torch.nn.GRU), "LSTM": (LSTM, torch.nn.LSTM)}
LENGTHS = [None, [3, 5, 1], [2, 2, 4]]


def network(cell, layers, both, bias=True, dtype=np.float64):
    rng = np.random.default_rng(0)

    def layer(size):
        single = [cell(size, H, bias=bias, dtype=dtype, rng=rng) for _ in range(2 if both else 1)]
        return Bidirectional(*single) if both else single[0]

    return Stacked([layer(D if k == 0 else H * (2 if both else 1)) for k in range(layers)])


def nested(flat, is_lstm, layers, both):
    """Torch's state, (layers · directions, B, H) or two of them, in our nesting."""
    parts = list(zip(*flat, strict=True)) if is_lstm else list(flat)
    return [tuple(parts[2 * k : 2 * k + 2]) if both else parts[k] for k in range(layers)]


def flattened(states, is_lstm, both):
    parts = [part for state in states for part in (state if both else [state])]
    return [np.stack(arrays) for arrays in zip(*parts, strict=True)] if is_lstm else [np.stack(parts)]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", CELLS)
def test_forward_and_backward_equal_torch_nn(name, layers, both, lengths):
    cell, module = CELLS[name]
    is_lstm = name == "LSTM"
    ours = network(cell, layers, both)
    theirs = module(D, H, num_layers=layers, bidirectional=both).double()
    theirs.load_state_dict({key: torch.from_numpy(value) for key, value in ours.state_dict().items()})

    rng = np.random.default_rng(1)
    directions, count = (2 if both else 1), (2 if is_lstm else 1)
    x, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, directions * H))
    states, dstates = ([rng.normal(size=(layers * directions, B, H)) for _ in range(count)] for _ in range(2))

    (tx,), hx = leaves([x]), leaves(states)
    sequence = tx if lengths is None else pack_padded_sequence(tx, torch.tensor(lengths), enforce_sorted=False)
    ths, tlast = theirs(sequence, tuple(hx) if is_lstm else hx[0])
    ths = ths if lengths is None else pad_packed_sequence(ths, total_length=T)[0]
    tlast = tlast if is_lstm else (tlast,)
    loss = (ths * torch.from_numpy(dhs)).sum()
    for part, dpart in zip(tlast, dstates, strict=True):
        loss = loss + (part * torch.from_numpy(dpart)).sum()
    loss.backward()

    def ours_of(flat):
        return nested(flat if is_lstm else flat[0], is_lstm, layers, both)

    hs, last, trace = ours.forward(x, ours_of(states), lengths)
    dx, dfirst, grads = ours.backward(dhs, trace, ours_of(dstates))
    close = {"rtol": 0, "atol": 1e-12}
    np.testing.assert_allclose(hs, ths.detach(), **close)
    np.testing.assert_allclose(dx, tx.grad, **close)
    for mine, its in zip(flattened(last, is_lstm, both), tlast, strict=True):
        np.testing.assert_allclose(mine, its.detach(), **close)
    for mine, its in zip(flattened(dfirst, is_lstm, both), hx, strict=True):
        np.testing.assert_allclose(mine, its.grad, **close)
    assert list(grads) == list(ours.params) == [key for key, _ in theirs.named_parameters()]
    for key, parameter in theirs.named_parameters():
        np.testing.assert_allclose(grads[key], parameter.grad, **close, err_msg=key)


@pytest.mark.parametrize("name", CELLS)
def test_a_stack_steps_as_it_reads(name):
    ours = network(CELLS[name][0], 3, both=False)
    x = np.random.default_rng(2).normal(size=(T, B, D))
    hs, last, _ = ours.forward(x)
    state = None
    for t in range(T):
        h, state = ours.step(x[t], state)
        np.testing.assert_allclose(h, hs[t], rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.array(state), np.array(last), rtol=0, atol=1e-14)


def test_params_are_the_layers_own_arrays():
    ours = network(GRU, 2, both=True)
    ours.params["weight_hh_l1_reverse"][...] = 3.0
    assert (ours.layers[1].b.params["weight_hh"] == 3.0).all()


def test_state_dicts_go_round():
    ours, other = network(LSTM, 2, both=True), network(LSTM, 2, both=True)
    for value in other.params.values():
        value[...] = 0
    other.load_state_dict(ours.state_dict())
    for name, value in ours.params.items():
        np.testing.assert_array_equal(other.params[name], value)
    for name, value in ours.layers[0].state_dict().items():
        np.testing.assert_array_equal(other.layers[0].state_dict()[name], value)


def test_a_wrong_state_dict_changes_nothing():
    ours = network(GRU, 2, both=True)
    before = ours.state_dict()
    wrong = {name: value + 1 for name, value in before.items()}
    wrong["bias_hh_l1_reverse"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"^bias_hh_l1_reverse should have shape \(21,\), but has shape \(3,\)$"):
        ours.load_state_dict(wrong)
    for name, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    "make, error, sentence",
    [
        (lambda: Stacked([]), ValueError, "layers should hold at least one layer, but is empty"),
        (
            lambda: Stacked([RNN(2, 3), RNN(4, 3)]),
            ValueError,
            "layers[1] should have input_size 3, the size of the outputs below, but has 4",
        ),
        (
            lambda: Bidirectional(RNN(2, 3), RNN(4, 3)),
            ValueError,
            "b should have input_size 2, as f has, but has 4",
        ),
        (
            lambda: network(RNN, 2, False).forward(np.zeros((T, B, D)), [None]),
            TypeError,
            "state should be a list of the layers' states, 2 in all, but has 1",
        ),
        (
            lambda: network(RNN, 1, True).forward(np.zeros((T, B, D)), [np.zeros((B, H))]),
            TypeError,
            "state[0] should be a pair of states, forward and backward, 2 in all, but is an array of shape (3, 7)",
        ),
        (
            lambda: network(RNN, 1, True).step(np.zeros((B, D))),
            TypeError,
            "a Bidirectional layer cannot read a stream step by step, because b starts at the end",
        ),
    ],
)
def test_mistakes_are_named(make, error, sentence):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == sentence


def test_a_gradient_of_the_wrong_width_is_named():
    ours = network(RNN, 1, True)
    _, _, trace = ours.forward(np.zeros((T, B, D)))
    with pytest.raises(ValueError, match=r"^dhs should have shape \(5, 3, 14\), but has shape \(5, 3, 7\)$"):
        ours.backward(np.zeros((T, B, H)), trace)


ONE_WAY = "should read in one direction, but is a {}, which reads in both"


@pytest.mark.parametrize("wrap", [lambda layer: layer, lambda layer: Stacked([layer])], ids=["alone", "in a stack"])
def test_two_directions_inside_one_are_refused(wrap):
    """The names of their parameters would be the same, and one of the two would never be trained."""
    both = wrap(Bidirectional(RNN(D, H), RNN(D, H)))
    for name, make in {
        "f": lambda: Bidirectional(both, RNN(D, H)),
        "b": lambda: Bidirectional(RNN(D, H), both),
    }.items():
        with pytest.raises(TypeError) as caught:
            make()
        assert str(caught.value) == f"{name} {ONE_WAY.format(type(both).__name__)}"


def test_no_two_parameters_of_nested_layers_have_one_name():
    def layers(size):
        return Stacked([GRU(size, H), GRU(H, H)])

    both = Bidirectional(layers(D), layers(D))
    nested = Stacked([both, Stacked([GRU(2 * H, H), Stacked([GRU(H, H)])])])
    assert len(both.params) == 16 and len(nested.params) == len(nested.state_dict()) == 24
    assert len({id(value) for value in nested.params.values()}) == 24


@pytest.mark.parametrize("dtype", [np.uint64, np.uint32, np.uint8, np.int8, list], ids=lambda dtype: dtype.__name__)
def test_lengths_may_be_whole_numbers_of_any_kind(dtype):
    ours, x = network(GRU, 2, both=True), np.random.default_rng(3).normal(size=(T, B, D))
    lengths = LENGTHS[1] if dtype is list else np.array(LENGTHS[1], dtype)
    expected, given = (ours.forward(x, lengths=ends) for ends in (np.array(LENGTHS[1]), lengths))
    np.testing.assert_array_equal(given[0], expected[0])
    np.testing.assert_array_equal(ours.backward(given[0], given[2])[0], ours.backward(expected[0], expected[2])[0])


def parts_of(states):
    """The arrays of nested states."""
    return [states] if isinstance(states, np.ndarray) else [part for state in states for part in parts_of(state)]


@pytest.mark.parametrize("lengths", LENGTHS[:2], ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_a_state_keeps_nothing_but_itself_alive(name, lengths):
    ours, x = network(CELLS[name][0], 2, both=True), np.zeros((T, B, D))
    hs, last, trace = ours.forward(x, lengths=lengths)
    for states in (last, ours.backward(hs, trace)[1]):
        for part in parts_of(states):
            assert part.base is None or part.base.nbytes == part.nbytes
