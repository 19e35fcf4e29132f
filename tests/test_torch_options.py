"""The product of options: every combination of arguments and input forms equals torch.nn, in float64."""

import itertools

import pytest
import torch
from torch_oracle import FORMS, data, everything, largest_difference, pair

LAYERS = [
    ("RNN", {"nonlinearity": "tanh"}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": 4}),
]
OPTIONS = list(itertools.product((True, False), (1, 2), (False, True), (False, True)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bias, num_layers, batch_first, bidirectional", OPTIONS)
@pytest.mark.parametrize(
    "name, variant", LAYERS, ids=lambda v: v if isinstance(v, str) else "".join(map(str, v.values()))
)
def test_outputs_and_gradients_equal_torch(name, variant, bias, num_layers, batch_first, bidirectional, form):
    arguments = {"bias": bias, "num_layers": num_layers, "batch_first": batch_first, "bidirectional": bidirectional}
    expected_to_run = {"reference": "reference", "auto": "reference" if "proj_size" in variant else "handwritten"}
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
@pytest.mark.parametrize("implementation", ["reference", "handwritten"])
def test_a_batch_that_fills_many_blocks_equals_torch(name, implementation, monkeypatch):
    monkeypatch.setattr("rnnbook.in_torch.handwritten.BLOCK", 50)  # two steps of the full batch, or one
    ours, theirs = pair(name, own={"implementation": implementation}, bidirectional=True)
    for form in FORMS:
        x, hx = data(theirs, form)
        assert largest_difference(everything(ours, x, hx, form), everything(theirs, x, hx, form)) < 1e-12


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
