"""Promises of the cells: one step, as torch.nn's."""

import pytest
import torch
from torch import nn
from torch_oracle import B, D, H

from rnnbook import in_torch

CELLS = [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("GRUCell", {}), ("LSTMCell", {})]


@pytest.mark.parametrize("name, variant", CELLS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(B,), ()])
@pytest.mark.parametrize("given", [True, False])
def test_a_step_and_its_gradients_equal_torch(name, variant, bias, batch, given):
    found = []
    for wing in (in_torch, nn):
        torch.manual_seed(0)
        cell = getattr(wing, name)(D, H, bias=bias, dtype=torch.float64, **variant)
        x = torch.randn(*batch, D, dtype=torch.float64, requires_grad=True)
        states = [torch.randn(*batch, H, dtype=torch.float64, requires_grad=True) for _ in range(2)]
        hx = None if not given else tuple(states) if name == "LSTMCell" else states[0]
        out = cell(x, hx)
        out = out if isinstance(out, tuple) else (out,)
        torch.autograd.backward(out, [torch.randn_like(o) for o in out])
        found.append(
            [*out, x.grad, *[s.grad for s in states], *[p.grad for p in cell.parameters()], *cell.state_dict().values()]
        )
        found[-1].append(repr(cell))
    for ours, theirs in zip(*found, strict=True):
        if isinstance(theirs, torch.Tensor):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
        else:
            assert ours == theirs


@pytest.mark.parametrize(
    "name, variant",
    [
        ("GRU", {"reset_after": False}),
        ("RNN", {"nonlinearity": "relu"}),
        ("LSTM", {}),
        ("LSTM", {"peephole": True}),
        ("LSTM", {"peephole": True, "bias": False}),
    ],
)
def test_steps_in_a_loop_equal_the_layer(name, variant):
    layer = getattr(in_torch, name)(D, H, dtype=torch.float64, **variant)
    cell = getattr(in_torch, name + "Cell")(D, H, dtype=torch.float64, **variant)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    x, state, read = torch.randn(5, B, D, dtype=torch.float64), None, []
    for x_t in x:
        state = cell(x_t, state)
        read.append(state[0] if name == "LSTM" else state)
    torch.testing.assert_close(torch.stack(read), layer(x)[0], rtol=0, atol=1e-12)
