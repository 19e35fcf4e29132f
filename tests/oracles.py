"""What the NumPy layers are compared with: ``torch.nn``, autograd on the equations, finite differences.

Everything is float64. A state is a tuple here, ``(h,)`` or ``(h, c)``, so that one test serves every layer.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

T, B, D, H = 5, 3, 2, 7  # all different, so that no transposed axis can pass unseen


class Case(NamedTuple):
    """Random input to forward and backward, with its own numbers in every array."""

    x: np.ndarray
    state: tuple
    dhs: np.ndarray
    dstate: tuple


class Result(NamedTuple):
    """Everything that forward and backward return."""

    hs: np.ndarray
    state: tuple
    dx: np.ndarray
    dstate: tuple
    grads: dict


def case(seed, parts=1, sizes=(T, B, D, H)):
    T, B, D, H = sizes
    rng = np.random.default_rng(seed)
    state, dstate = ([rng.normal(size=(B, H)) for _ in range(parts)] for _ in range(2))
    return Case(rng.normal(size=(T, B, D)), tuple(state), rng.normal(size=(T, B, H)), tuple(dstate))


def run(layer, given, lengths=None):
    """Run one of our layers."""
    pack = (lambda parts: parts) if len(given.state) == 2 else (lambda parts: parts[0])
    unpack = (lambda state: state) if len(given.state) == 2 else (lambda state: (state,))
    hs, state, trace = layer.forward(given.x, pack(given.state), lengths)
    dx, dstate, grads = layer.backward(given.dhs, trace, pack(given.dstate))
    return Result(hs, unpack(state), dx, unpack(dstate), grads)


def assert_equal(ours, theirs, atol=1e-12):
    """Hold every array of one result against the other's."""
    for name, a, b in [("hs", ours.hs, theirs.hs), ("dx", ours.dx, theirs.dx)]:
        np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=name)
    for name in ["state", "dstate"]:
        pairs = zip(getattr(ours, name), getattr(theirs, name), strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=name)
    assert list(ours.grads) == list(theirs.grads)
    for name, grad in ours.grads.items():
        np.testing.assert_allclose(grad, theirs.grads[name], rtol=0, atol=atol, err_msg=name)


def weighted_sum(hs, state, given):
    """The loss whose gradients are ``dhs`` and ``dstate``: one random weighting tests all outputs."""
    loss = (hs * torch.from_numpy(given.dhs)).sum()
    return loss + sum((a * torch.from_numpy(da)).sum() for a, da in zip(state, given.dstate, strict=True))


def leaves(arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def run_torch_nn(module, layer, given, lengths=None):
    """Run ``torch.nn``'s layer with our parameters; ``lengths`` by packing."""
    module = module.double()
    module.load_state_dict({name: torch.from_numpy(array) for name, array in layer.state_dict().items()})
    (x,), state = leaves([given.x]), leaves(given.state)
    sequence = x if lengths is None else pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    hx = [part[None] for part in state]
    hs, last = module(sequence, tuple(hx) if len(hx) == 2 else hx[0])
    if lengths is not None:
        hs, _ = pad_packed_sequence(hs, total_length=len(given.x))
    last = [part[0] for part in (last if len(hx) == 2 else [last])]
    weighted_sum(hs, last, given).backward()
    grads = {name.removesuffix("_l0"): p.grad.numpy() for name, p in module.named_parameters()}
    return Result(
        hs.detach().numpy(),
        [a.detach().numpy() for a in last],
        x.grad.numpy(),
        [a.grad.numpy() for a in state],
        grads,
    )


def run_autograd(cell, layer, given, lengths=None):
    """Run ``cell(x_t, state, params) -> state`` step by step, every sequence alone and to its own end."""
    params = dict(zip(layer.params, leaves(layer.params.values()), strict=True))
    (x,), state = leaves([given.x]), leaves(given.state)
    lengths = [len(given.x)] * given.x.shape[1] if lengths is None else lengths
    columns, lasts = [], []
    for b, length in enumerate(lengths):
        now, outputs = [part[b : b + 1] for part in state], []
        for t in range(length):
            now = cell(x[t, b : b + 1], now, params)
            outputs.append(now[0])
        outputs += [torch.zeros_like(now[0])] * (len(given.x) - length)
        columns.append(torch.stack(outputs))
        lasts.append(now)
    hs = torch.cat(columns, dim=1)
    last = [torch.cat(parts) for parts in zip(*lasts, strict=True)]
    weighted_sum(hs, last, given).backward()
    grads = {name: p.grad.numpy() for name, p in params.items()}
    return Result(
        hs.detach().numpy(),
        [a.detach().numpy() for a in last],
        x.grad.numpy(),
        [a.grad.numpy() for a in state],
        grads,
    )


def finite_differences(loss, array, step=1e-6):
    """The gradient of ``loss()`` by ``array``, entry by entry, changing ``array`` in place and back."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = loss()
        array[index] = kept - step
        gradient[index] = (above - loss()) / (2 * step)
        array[index] = kept
    return gradient


def linear(p, name, x):
    """W x + b with the parameters of one side, ``ih`` or ``hh``; without bias where there is none."""
    y = x @ p[f"weight_{name}"].T
    return y + p[f"bias_{name}"] if f"bias_{name}" in p else y


def rnn_cell(phi):
    return lambda x, state, p: [phi(linear(p, "ih", x) + linear(p, "hh", state[0]))]


def gru_cell(x, state, p):
    """The GRU of PyTorch, cuDNN and Keras: the reset gate acts after the matrix product."""
    (h,) = state
    (u_r, u_z, u_n), (v_r, v_z, v_n) = linear(p, "ih", x).chunk(3, 1), linear(p, "hh", h).chunk(3, 1)
    r, z = torch.sigmoid(u_r + v_r), torch.sigmoid(u_z + v_z)
    n = torch.tanh(u_n + r * v_n)
    return [(1 - z) * n + z * h]


def gru_cell_before(x, state, p):
    """The GRU of Cho et al. (2014): the reset gate acts on the state, before the matrix product."""
    (h,) = state
    (u_r, u_z, u_n), (v_r, v_z, _) = linear(p, "ih", x).chunk(3, 1), linear(p, "hh", h).chunk(3, 1)
    r, z = torch.sigmoid(u_r + v_r), torch.sigmoid(u_z + v_z)
    n = torch.tanh(u_n + linear(p, "hh", r * h).chunk(3, 1)[2])
    return [(1 - z) * n + z * h]


def lstm_cell(x, state, p):
    h, c = state
    a_i, a_f, a_g, a_o = (linear(p, "ih", x) + linear(p, "hh", h)).chunk(4, 1)
    c = torch.sigmoid(a_f) * c + torch.sigmoid(a_i) * torch.tanh(a_g)
    return [torch.sigmoid(a_o) * torch.tanh(c), c]


def lstm_cell_peephole(x, state, p):
    """The LSTM of Gers & Schmidhuber (2000): i and f see the carry before the step, o sees it after."""
    h, c = state
    a_i, a_f, a_g, a_o = (linear(p, "ih", x) + linear(p, "hh", h)).chunk(4, 1)
    p_i, p_f, p_o = p["weight_peephole"].chunk(3)
    i, f = torch.sigmoid(a_i + p_i * c), torch.sigmoid(a_f + p_f * c)
    c = f * c + i * torch.tanh(a_g)
    return [torch.sigmoid(a_o + p_o * c) * torch.tanh(c), c]
