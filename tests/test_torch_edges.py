"""Promises at the edges of torch.nn: cells do what layers do, mistakes are said, what differs stands in one list."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch_oracle import B, D, H, T, data, everything, largest_difference, pair

from rnnbook import in_torch

LAYERS = ["RNN", "GRU", "LSTM"]
CELLS = ["RNNCell", "GRUCell", "LSTMCell"]
CHANGES = {
    "weight norm": lambda m, name: parametrizations.weight_norm(m, name),
    "orthogonal": lambda m, name: parametrizations.orthogonal(m, name),
    "pruned": lambda m, name: prune.l1_unstructured(m, name, amount=0.5),
    "spectral norm": lambda m, name: parametrizations.spectral_norm(m.eval(), name),
}


def both(name, seed=0):
    """The same cell or layer, ours and torch's."""
    made = []
    for library in (in_torch, nn):
        torch.manual_seed(seed)
        made.append(getattr(library, name)(D, H, dtype=torch.float64))
    return made


def stepped(module, x):
    """The first output and all gradients by name."""
    y = module(x)
    y = y[0] if isinstance(y, tuple) else y
    y.square().sum().backward()
    return y, {name: p.grad for name, p in module.named_parameters()}


@pytest.mark.parametrize("name", LAYERS + CELLS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_weight_that_is_computed_is_read_where_it_stands(name, change):
    found, x = [], torch.randn(B, D, dtype=torch.float64)
    for module in both(name):
        torch.manual_seed(1)
        change(module, "weight_hh" + ("" if "Cell" in name else "_l0"))
        found.append(stepped(module, x))
    (y, grads), (y_theirs, grads_theirs) = found
    torch.testing.assert_close(y, y_theirs, rtol=0, atol=1e-12)
    assert largest_difference(grads, grads_theirs) < 1e-12


@pytest.mark.parametrize("name", LAYERS + CELLS)
def test_tied_parameters_have_one_gradient_of_both(name):
    found, x = [], torch.randn(B, D, dtype=torch.float64)
    suffix = "" if "Cell" in name else "_l0"
    for module in both(name):
        setattr(module, "bias_hh" + suffix, getattr(module, "bias_ih" + suffix))
        found.append(stepped(module, x))
    (y, grads), (y_theirs, grads_theirs) = found
    torch.testing.assert_close(y, y_theirs, rtol=0, atol=1e-12)
    assert len(grads) == 3 and largest_difference(grads, grads_theirs) < 1e-12


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("given", [None, torch.float32, torch.bfloat16])
def test_a_cell_under_autocast_returns_the_dtype_of_torch(name, given):
    found = []
    for library in (in_torch, nn):
        cell, hx = getattr(library, name)(D, H), None
        if given is not None:
            h = torch.zeros(B, H, dtype=given)
            hx = (h, h) if name == "LSTMCell" else h
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = cell(torch.zeros(B, D), hx)
        found.append([s.dtype for s in (out if isinstance(out, tuple) else (out,))])
    assert found[0] == found[1]


NO_TENSORS = [
    (
        np.zeros((T, B, D), np.float32),
        r"input should be a tensor, but is an array of shape \(5, 3, 2\); torch.as_tensor",
    ),
    ([[0.0, 1.0]], "input should be a tensor, but is a list"),
    (None, "input should be a tensor, but is None"),
]


@pytest.mark.parametrize("name", LAYERS + CELLS)
@pytest.mark.parametrize("x, sentence", NO_TENSORS, ids=["array", "list", "None"])
def test_what_is_no_tensor_is_named(name, x, sentence):
    with pytest.raises(TypeError, match=sentence):
        getattr(in_torch, name)(D, H)(x)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    "changed, error, sentence",
    [
        ({"bidirectional": 2}, TypeError, "bidirectional should be True or False, but is 2"),
        ({"num_layers": 2.0}, TypeError, "num_layers should be of type int, but is 2.0"),
        ({"num_layers": np.True_}, TypeError, "num_layers should be of type int, but is np.True_"),
        ({"hidden_size": np.float64(3)}, TypeError, r"hidden_size should be of type int, but is np.float64\(3.0\)"),
    ],
)
def test_what_is_no_flag_and_no_whole_number_is_named(name, changed, error, sentence):
    with pytest.raises(error, match=sentence):
        getattr(in_torch, name)(**{"input_size": D, "hidden_size": H} | changed)


@pytest.mark.parametrize("proj_size", [1.5, True, "2"])
def test_a_projection_of_no_whole_number_is_named(proj_size):
    with pytest.raises(TypeError, match=f"proj_size should be of type int, but is {proj_size!r}"):
        in_torch.LSTM(D, H, proj_size=proj_size)


@pytest.mark.parametrize("name", LAYERS)
def test_numpys_whole_numbers_are_sizes(name):
    ours = getattr(in_torch, name)(np.int64(D), np.int32(H), np.int64(2), bidirectional=np.True_)
    theirs = getattr(nn, name)(D, H, np.int64(2), bidirectional=np.True_)
    assert repr(ours) == repr(theirs) and type(ours.num_layers) is int and ours.bidirectional is True


H0 = torch.zeros(B, H)


@pytest.mark.parametrize(
    "name, hx, error, sentence",
    [
        ("GRUCell", [H0], TypeError, "hx should be a tensor, but is a list"),
        ("RNNCell", (H0, H0), TypeError, "hx should be a tensor, but is a tuple"),
        ("GRUCell", H0.numpy(), TypeError, r"hx should be a tensor, but is an array of shape \(3, 7\)"),
        (
            "GRUCell",
            H0.double(),
            RuntimeError,
            "hx should have the input's dtype torch.float32, but has dtype torch.fl",
        ),
        ("LSTMCell", H0, RuntimeError, r"hx should be the pair \(h, c\), but is a Tensor"),
        ("LSTMCell", (H0,), RuntimeError, r"hx should be the pair \(h, c\), but has 1 parts"),
        ("LSTMCell", (H0, H0, H0), RuntimeError, r"hx should be the pair \(h, c\), but has 3 parts"),
        ("LSTMCell", (H0, None), TypeError, "c in hx should be a tensor, but is None"),
        ("LSTMCell", (H0, H0[:2]), RuntimeError, r"c in hx should have shape \(3, 7\), but has shape \(2, 7\)"),
        ("LSTM", (H0[None],), RuntimeError, r"hx should be the pair \(h, c\), but has 1 parts"),
    ],
)
def test_a_wrong_state_is_named_by_cells_as_by_layers(name, hx, error, sentence):
    x = torch.zeros(B, D) if "Cell" in name else torch.zeros(T, B, D)
    with pytest.raises(error, match=sentence):
        getattr(in_torch, name)(D, H)(x, hx)


@pytest.mark.parametrize("name", CELLS)
def test_an_input_of_another_dtype_is_named_by_cells_too(name):
    with pytest.raises(
        RuntimeError, match="input should have the weights' dtype torch.float32, but has dtype torch.flo"
    ):
        getattr(in_torch, name)(D, H)(torch.zeros(B, D).double())


@pytest.mark.parametrize("name", LAYERS)
def test_programs_that_know_rnnbase_know_our_layers(name):
    ours, theirs = pair(name, num_layers=2, bidirectional=True)
    assert isinstance(ours, nn.RNNBase)
    assert ours._flat_weights_names == theirs._flat_weights_names and ours._all_weights == theirs._all_weights
    assert [w.shape for w in ours._flat_weights] == [w.shape for w in theirs._flat_weights]
    x, hx = data(theirs)
    first = hx[0] if isinstance(hx, tuple) else hx
    assert ours.get_expected_hidden_size(x, None) == first.shape
    assert ours.float()._flat_weights[0].dtype == torch.float32


@pytest.mark.parametrize("name", LAYERS)
def test_torch_fx_takes_a_layer_as_one_node_as_torchs(name):
    class Model(nn.Module):
        def __init__(self, library):
            super().__init__()
            torch.manual_seed(0)
            self.layer, self.dense = getattr(library, name)(D, H, 2), nn.Linear(H, 1)

        def forward(self, x, hx=None):
            return self.dense(self.layer(x.relu(), hx)[0])

    ours, theirs = (torch.fx.symbolic_trace(Model(library)) for library in (in_torch, nn))
    assert [node.op for node in ours.graph.nodes] == [node.op for node in theirs.graph.nodes]
    x = torch.randn(T, B, D)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-6)


PAGE = Path(__file__).parents[1] / "book/text/frameworks.md"
ROWS = re.findall(r"^\| (`[^|]+) \| [^|]+ \| [^|]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def is_no_lstm():
    layer = in_torch.LSTM(D, H)
    assert not isinstance(layer, nn.LSTM) and isinstance(layer, nn.RNNBase)


def is_not_quantised():
    model = nn.Sequential(in_torch.LSTM(D, H))
    kept = torch.ao.quantization.quantize_dynamic(model, {nn.LSTM})
    assert type(kept[0]) is in_torch.LSTM and kept[0].weight_ih_l0.dtype == torch.float32
    theirs = nn.LSTM(D, H)
    theirs.load_state_dict(model[0].state_dict())
    assert type(torch.ao.quantization.quantize_dynamic(nn.Sequential(theirs), {nn.LSTM})[0]) is not nn.LSTM


def is_traced_not_scripted():
    layer, x = in_torch.GRU(D, H), torch.randn(T, B, D)
    with pytest.raises(Exception, match="generator|script"):
        torch.jit.script(layer)
    torch.testing.assert_close(torch.jit.trace(layer, (x,))(2 * x)[0], layer(2 * x)[0])


def is_a_copy():
    layer = in_torch.GRU(D, H)
    before = layer.weight_ih_l0
    layer._flat_weights[0] = nn.Parameter(torch.zeros_like(before))
    assert layer._flat_weights[0] is layer.weight_ih_l0 is before


def is_in_autocasts_dtype():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = [library.GRU(D, H)(torch.zeros(T, B, D))[0].dtype for library in (in_torch, nn)]
    assert found == [torch.bfloat16, torch.float32]


def is_a_break_in_the_graph():
    x = torch.zeros(2, B, D)
    for library in (in_torch, nn):
        torch._dynamo.reset()
        with pytest.raises(torch._dynamo.exc.Unsupported):
            torch.compile(library.GRU(D, H), backend="eager", fullgraph=True)(x)
    layer = in_torch.GRU(D, H, implementation="reference")
    torch.testing.assert_close(torch.compile(layer, backend="eager", fullgraph=True)(x)[0], layer(x)[0])


def is_the_reference():
    layer, x = in_torch.GRU(D, H), torch.zeros(2, T, B, D)
    torch.func.vmap(lambda x: layer(x)[0])(x)
    assert layer.ran == "reference"
    layer.implementation = "handwritten"
    with pytest.raises(RuntimeError, match="cannot run in a transformation"):
        torch.func.vmap(lambda x: layer(x)[0])(x)


def is_refused():
    with pytest.raises(TypeError, match="bidirectional should be True or False"):
        in_torch.GRU(D, H, bidirectional=2)
    assert nn.GRU(D, H, bidirectional=2).bidirectional == 2


CHECKS = {
    "`isinstance(layer, torch.nn.LSTM)`": is_no_lstm,
    "`torch.ao.quantization.quantize_dynamic`": is_not_quantised,
    "`torch.jit.script`": is_traced_not_scripted,
    "`layer._flat_weights[0] = w`": is_a_copy,
    "`torch.autocast`": is_in_autocasts_dtype,
    "`torch.compile`": is_a_break_in_the_graph,
    "`torch.func`, `torch.export`, `make_fx`": is_the_reference,
    "`bidirectional=2`": is_refused,
}


def test_the_page_lists_what_is_checked_here():
    assert ROWS == list(CHECKS)


@pytest.mark.parametrize("row", CHECKS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore::UserWarning")
def test_what_differs_from_torch_differs_as_the_page_says(row):
    CHECKS[row]()


@pytest.mark.parametrize("name", LAYERS)
def test_a_state_dict_and_a_copy_pass_through_as_before(name):
    """What RNNBase adds to a module's own ways does not stand between."""
    ours, theirs = pair(name, num_layers=2)
    x, hx = data(theirs)
    ours.load_state_dict(theirs.state_dict())
    replica = ours._replicate_for_data_parallel()
    assert largest_difference(everything(ours, x, hx), everything(theirs, x, hx)) < 1e-12
    assert replica.mode == ours.mode


MIXED = [  # dtypes of the input, the weights and the state
    (torch.float64, torch.float32, torch.float32),
    (torch.float32, torch.float64, torch.float32),
    (torch.float64, torch.float64, torch.float32),
    (torch.float32, torch.float32, torch.float64),
    (torch.bfloat16, torch.float32, torch.float32),
    (torch.float32, torch.bfloat16, torch.float16),
    (torch.int64, torch.float32, torch.float32),
]


@pytest.mark.parametrize("x, weight, state", MIXED, ids=str)
@pytest.mark.parametrize("name", [*LAYERS, *CELLS])
def test_autocast_mixes_the_dtypes_that_torch_mixes(name, x, weight, state):
    shape, first = ((B,), ()) if "Cell" in name else ((T, B), (1,))
    h = torch.zeros(*first, B, H, dtype=state)
    worked = []
    for library in (in_torch, nn):
        layer = getattr(library, name)(D, H, dtype=weight)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            try:
                layer(torch.ones(*shape, D).to(x), (h, h) if "LSTM" in name else h)
                worked.append(True)
            except (RuntimeError, ValueError) as error:
                worked.append(False)
                assert library is nn or "should have the" in str(error)
    assert worked[0] == worked[1]


@pytest.mark.parametrize("sizes, rows", [([2, 7, 3], 12), ([5, 5], 3), ([2, 2], 9), ([2, 0], 2)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_batch_sizes_that_do_not_fit_the_rows_are_refused(name, sizes, rows):
    packed = nn.utils.rnn.PackedSequence(torch.randn(rows, D), torch.tensor(sizes))
    with pytest.raises(RuntimeError, match=f"batch_sizes should never grow, and add up to the {rows} rows of the data"):
        getattr(in_torch, name)(D, H)(packed)


@pytest.mark.parametrize("implementation", ["auto", "compiled", "handwritten", "reference"])
@pytest.mark.parametrize("which", ["weight_ih", "weight_hh", "bias_ih", "bias_hh"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_parameter_of_another_dtype_device_or_shape_is_refused(name, which, implementation):
    layer, x = getattr(in_torch, name)(D, H, implementation=implementation), torch.zeros(T, B, D)
    whole = layer.get_parameter(f"{which}_l0").detach()
    others = [whole.double(), whole.to("meta")] + ([whole[:-1]] if implementation != "reference" else [])
    for other in others:
        setattr(layer, f"{which}_l0", nn.Parameter(other))
        with pytest.raises((RuntimeError, ValueError)):
            layer(x)


@pytest.mark.parametrize("name", LAYERS)
def test_a_view_that_negates_is_read_as_it_says(name):
    layer, x = getattr(in_torch, name)(D, H), torch.randn(T, B, D)
    torch.testing.assert_close(layer(torch._neg_view(x))[0], layer(-x)[0])
