"""The product of options: every combination of arguments and input forms equals torch.nn, in float64."""

import itertools
import math

import pytest
import torch
from searches import LIBRARY, SLOW
from torch_oracle import AUTO, FORMS, IMPLEMENTATIONS, B, D, H, T, data, everything, largest_difference, pair

from rnnbook import in_torch

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt", "tests/torch_oracle.py")

LAYERS = [
    ("RNN", {"nonlinearity": "tanh"}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": 4}),
]
CHOICES = [LAYERS, (True, False), (1, 2), (False, True), (False, True), FORMS]  # bias, layers, batch first, both ways


def is_quick(places):
    """An eighth of the product, in which every three of the options still meet in every combination of theirs."""
    layer, bias, num_layers, batch_first, bidirectional, form = places
    kind = layer // 2 + form // 2
    sums = (kind + form + num_layers + batch_first, layer + kind + batch_first + bidirectional,
            kind + form + bias + bidirectional)  # fmt: skip
    return all(number % 2 == 0 for number in sums)


def products():
    for places in itertools.product(*(range(len(choice)) for choice in CHOICES)):
        (name, variant), *options = (choice[k] for choice, k in zip(CHOICES, places, strict=True))
        said = "-".join(map(str, [name, *variant.values(), *options]))
        yield pytest.param(name, variant, *options, id=said, marks=[] if is_quick(places) else pytest.mark.slow)


@pytest.mark.parametrize("count", [2, 3])
def test_the_quick_part_of_the_product_holds_every_combination_of_so_many_options(count):
    quick = [places for places in itertools.product(*(range(len(choice)) for choice in CHOICES)) if is_quick(places)]
    for which in itertools.combinations(range(len(CHOICES)), count):
        met = {tuple(places[k] for k in which) for places in quick}
        assert len(met) == math.prod(len(CHOICES[k]) for k in which), which


@in_part
@pytest.mark.parametrize("name, variant, bias, num_layers, batch_first, bidirectional, form", list(products()))
def test_outputs_and_gradients_equal_torch(name, variant, bias, num_layers, batch_first, bidirectional, form):
    arguments = {"bias": bias, "num_layers": num_layers, "batch_first": batch_first, "bidirectional": bidirectional}
    expected_to_run = {"auto": AUTO} | {name: name for name in IMPLEMENTATIONS if name != AUTO}
    if "proj_size" in variant:
        expected_to_run = {"reference": "reference", "auto": "reference"}
    for implementation, runs in expected_to_run.items():
        ours, theirs = pair(name, own={"implementation": implementation}, **variant, **arguments)
        x, state = data(theirs, form)
        for hx in (None, state):
            expected, found = everything(theirs, x, hx, form), everything(ours, x, hx, form)
            assert largest_difference(found, expected) < 1e-12
            assert ours.ran == runs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name, own", [("GRU", {"reset_after": False}), ("LSTM", {"peephole": True})])
def test_variants_that_torch_lacks_agree_between_implementations(name, own, form):
    ours, _ = pair(name, own=own | {"implementation": "reference"}, num_layers=2, bidirectional=True)
    x, hx = data(ours, form)
    expected = everything(ours, x, hx, form)
    ours.implementation = "handwritten"
    assert largest_difference(everything(ours, x, hx, form), expected) < 1e-12


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_leaves_float64_alone(name, implementation, dtype):
    """As it does in all of PyTorch: who asks for float64 wants its digits."""
    ours, theirs = pair(name, own={"implementation": implementation}, num_layers=2, bidirectional=True)
    x, hx = data(theirs)
    expected = everything(theirs, x, hx)
    with torch.autocast("cpu", dtype=dtype):
        assert largest_difference(everything(ours, x, hx), expected) < 1e-12
        assert ours.ran == implementation


@pytest.mark.parametrize("make", [in_torch.RNNCell, in_torch.GRUCell, in_torch.LSTMCell])
def test_autocast_leaves_cells_in_float64_alone(make):
    cell, x = make(D, H, dtype=torch.float64), torch.randn(B, D, dtype=torch.float64)
    expected = cell(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(cell(x), expected, rtol=0, atol=0)


@pytest.mark.parametrize("make", [in_torch.MinGRU, in_torch.MinLSTM])
@pytest.mark.parametrize("how", in_torch.scan.SCANS)
def test_autocast_leaves_scans_in_float64_alone(make, how):
    layer, x = make(D, H, dtype=torch.float64, scan=how), torch.randn(T, B, D, dtype=torch.float64)
    expected = layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_dropout_draws_the_masks_of_torch(name):
    ours, theirs = pair(name, num_layers=3, dropout=0.4)
    x, _ = data(theirs)
    found = []
    for layer in (ours, theirs):
        torch.manual_seed(2)
        found.append(everything(layer, x))
    assert largest_difference(*found) < 1e-12
    assert (ours(x)[0] - ours(x)[0]).abs().max() > 1e-3
    assert largest_difference(everything(ours.eval(), x), everything(theirs.eval(), x)) < 1e-12


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_arrays_in_any_layout_of_memory_give_the_same(name, implementation):
    ours, theirs = pair(name, own={"implementation": implementation}, batch_first=True)
    x = torch.randn(D, T, B, dtype=torch.float64).permute(2, 1, 0)
    hx = [torch.randn(H, B, 1, dtype=torch.float64).permute(2, 1, 0) for _ in ours.state_names]
    hx[-1] = hx[-1][:, :1].expand(1, B, H)
    found = []
    for layer in (ours, theirs):
        for key, parameter in list(layer.named_parameters()):
            turned = parameter.detach().clone().T.contiguous().T if parameter.dim() == 2 else parameter.detach()
            setattr(layer, key, torch.nn.Parameter(turned))
        leaf, states = x.clone().requires_grad_(), [s.clone().requires_grad_() for s in hx]
        y, last = layer(leaf, states[0] if len(states) == 1 else tuple(states))
        last = last if isinstance(last, tuple) else (last,)
        (y.sum() + sum(s.mT.square().sum() for s in last)).backward()  # gradients that stand still, and turned
        grads = [p.grad for p in layer.parameters()]
        found.append(dict(enumerate([y, *last, leaf.grad, *[s.grad for s in states], *grads])))
    assert largest_difference(*found) < 1e-12
