"""The peers that ``layers.py`` times: this package's layers, ``torch.nn``, and other ways to write the same layer.

``PEERS[name](layer, sizes, x, dhs, weights)`` makes a peer and returns two functions without arguments: one computes
the outputs, the other makes a training step and returns the input's gradient; the second is None for a peer that cannot
train. All compute the same numbers from the same weights, which ``layers.py`` checks before it measures.
"""

import importlib
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path


def numpy_peer(layer, sizes, x, dhs, weights):
    """``rnnbook.in_numpy``."""
    from rnnbook import in_numpy

    ours = getattr(in_numpy, layer)(*sizes[2:])
    ours.load_state_dict(weights)

    def train():
        _, _, trace = ours.forward(x)
        dx, _, _ = ours.backward(dhs, trace)
        return dx

    return lambda: ours.forward(x)[0], train


def torch_functions(module, outputs, x, dhs):
    """The two functions of a PyTorch module, whose ``outputs(x)`` are (T, B, H)."""
    import torch

    x, dhs = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dhs)

    def forward():
        with torch.no_grad():
            return outputs(x).numpy()

    def train():
        module.zero_grad(set_to_none=True)
        x.grad = None
        outputs(x).backward(dhs)
        return x.grad.numpy()

    return forward, train


def in_torch(weights):
    import torch

    return {name: torch.from_numpy(value) for name, value in weights.items()}


def torch_peer(module, **arguments):
    """A class with ``torch.nn``'s interface: ``torch.nn`` itself, or ``rnnbook.in_torch`` with these arguments."""

    def make(layer, sizes, x, dhs, weights):
        theirs = getattr(importlib.import_module(module), layer)(*sizes[2:], **arguments)
        theirs.load_state_dict(in_torch(weights))
        return torch_functions(theirs, lambda x: theirs(x)[0], x, dhs)

    return make


def cells_peer(layer, sizes, x, dhs, weights):
    """A loop over ``torch.nn``'s cell."""
    import torch

    cell = getattr(torch.nn, f"{layer}Cell")(*sizes[2:])
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in in_torch(weights).items()})

    def outputs(x):
        state, hs = None, []
        for x_t in x:
            state = cell(x_t, state)
            hs.append(state[0] if layer == "LSTM" else state)
        return torch.stack(hs)

    return torch_functions(cell, outputs, x, dhs)


def by_gate_peer(layer, sizes, x, dhs, weights):
    """A loop in which every gate has two products of its own, as lecture notes and d2l.ai's first versions write it."""
    import torch

    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[layer]
    module = torch.nn.Module()
    for name, value in in_torch(weights).items():
        for k, block in enumerate(value.chunk(gates)):
            block = block.t() if block.dim() == 2 else block
            module.register_parameter(f"{name}_{k}", torch.nn.Parameter(block.contiguous()))

    def given(x_t, h, k):
        p = module._parameters
        return x_t @ p[f"weight_ih_l0_{k}"] + p[f"bias_ih_l0_{k}"], h @ p[f"weight_hh_l0_{k}"] + p[f"bias_hh_l0_{k}"]

    def outputs(x):
        h = c = x.new_zeros(x.shape[1], sizes[3])
        hs = []
        for x_t in x:
            parts = [given(x_t, h, k) for k in range(gates)]
            if layer == "RNN":
                h = torch.tanh(sum(parts[0]))
            elif layer == "GRU":
                r, z = (torch.sigmoid(sum(part)) for part in parts[:2])
                n = torch.tanh(parts[2][0] + r * parts[2][1])
                h = (1 - z) * n + z * h
            else:
                i, f, o = (torch.sigmoid(sum(parts[k])) for k in (0, 1, 3))
                c = f * c + i * torch.tanh(sum(parts[2]))
                h = o * torch.tanh(c)
            hs.append(h)
        return torch.stack(hs)

    return torch_functions(module, outputs, x, dhs)


def two_linears_peer(layer, sizes, x, dhs, weights):
    """A loop of two ``torch.nn.Linear`` whose outputs are cut into gates, as labml.ai's annotated cells are written."""
    import torch

    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[layer]
    given = in_torch(weights)
    module = torch.nn.ModuleDict()
    for name, features in zip(("ih", "hh"), sizes[2:], strict=True):
        module[name] = torch.nn.Linear(features, gates * sizes[3])
        module[name].load_state_dict({"weight": given[f"weight_{name}_l0"], "bias": given[f"bias_{name}_l0"]})

    def outputs(x):
        h = c = x.new_zeros(x.shape[1], sizes[3])
        hs = []
        for x_t in x:
            a, b = module["ih"](x_t), module["hh"](h)
            if layer == "RNN":
                h = torch.tanh(a + b)
            elif layer == "GRU":
                (a_r, a_z, a_n), (b_r, b_z, b_n) = a.chunk(3, dim=-1), b.chunk(3, dim=-1)
                z = torch.sigmoid(a_z + b_z)
                h = (1 - z) * torch.tanh(a_n + torch.sigmoid(a_r + b_r) * b_n) + z * h
            else:
                i, f, g, o = (a + b).chunk(4, dim=-1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
            hs.append(h)
        return torch.stack(hs)

    return torch_functions(module, outputs, x, dhs)


def jax_peer(layer, sizes, x, dhs, weights):
    """``jax.lax.scan`` over the steps, the input's product before it, all of it compiled by XLA."""
    import jax
    from jax import numpy as jnp

    def outputs(weights, x):
        W_ih, W_hh, b_ih, b_hh = (weights[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        W_hh = W_hh.T
        zeros = jnp.zeros((x.shape[1], sizes[3]), x.dtype)

        def rnn(h, a):
            h = jnp.tanh(a + h @ W_hh)
            return h, h

        def gru(h, a):
            (a_r, a_z, a_n), (b_r, b_z, b_n) = jnp.split(a, 3, -1), jnp.split(h @ W_hh + b_hh, 3, -1)
            z = jax.nn.sigmoid(a_z + b_z)
            h = (1 - z) * jnp.tanh(a_n + jax.nn.sigmoid(a_r + b_r) * b_n) + z * h
            return h, h

        def lstm(state, a):
            h, c = state
            i, f, g, o = jnp.split(a + h @ W_hh, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        step = {"RNN": rnn, "GRU": gru, "LSTM": lstm}[layer]
        start = (zeros, zeros) if layer == "LSTM" else zeros
        bias = b_ih if layer == "GRU" else b_ih + b_hh
        return jax.lax.scan(step, start, x @ W_ih.T + bias)[1]

    weights, x, dhs = jax.device_put((weights, x, dhs))
    forward = jax.jit(outputs)
    step = jax.jit(lambda weights, x, dhs: jax.vjp(outputs, weights, x)[1](dhs))
    return (lambda: forward(weights, x).block_until_ready()), lambda: jax.block_until_ready(step(weights, x, dhs))[1]


def keras_peer(layer, sizes, x, dhs, weights):
    """Keras's layer on TensorFlow, in a ``tf.function``."""
    import tensorflow as tf

    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    import keras

    from rnnbook import weights as files

    kind = {"RNN": "SimpleRNN"}.get(layer, layer)
    theirs = getattr(keras.layers, kind)(sizes[3], return_sequences=True)
    x, dhs = (tf.constant(a.swapaxes(0, 1)) for a in (x, dhs))  # Keras has the batch first
    theirs(x)
    theirs.set_weights(files.to_keras(weights, layer))
    outputs = tf.function(lambda x: theirs(x))

    @tf.function
    def step(x, dhs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            hs = theirs(x)
        return tape.gradient(hs, [x, *theirs.trainable_variables], output_gradients=dhs)  # one left out is not computed

    return lambda: outputs(x).numpy().swapaxes(0, 1), lambda: step(x, dhs)[0].numpy().swapaxes(0, 1)


def onnx_peer(layer, sizes, x, dhs, weights):
    """onnxruntime on the file that ``rnnbook.weights.export_onnx`` writes; it cannot train."""
    import onnxruntime

    from rnnbook import in_numpy
    from rnnbook import weights as files

    ours = getattr(in_numpy, layer)(*sizes[2:])
    ours.load_state_dict(weights)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    with tempfile.TemporaryDirectory() as folder:
        files.export_onnx(ours, Path(folder) / "layer.onnx")
        session = onnxruntime.InferenceSession(Path(folder) / "layer.onnx", options)
    (name, *states), (output, *_) = session.get_inputs(), session.get_outputs()
    feed = {name.name: x} | {s.name: x[:1, :, :1].repeat(sizes[3], 2) * 0 for s in states}
    return lambda: session.run([output.name], feed)[0], None


PEERS = {
    "torch.nn": torch_peer("torch.nn"),
    "in_numpy": numpy_peer,
    "in_torch": torch_peer("rnnbook.in_torch"),
    "handwritten": torch_peer("rnnbook.in_torch", implementation="handwritten"),
    "reference": torch_peer("rnnbook.in_torch", implementation="reference"),
    "cells": cells_peer,
    "by_gate": by_gate_peer,
    "two_linears": two_linears_peer,
    "jax": jax_peer,
    "keras": keras_peer,
    "onnxruntime": onnx_peer,
}
NEEDS = {"jax": ["jax"], "keras": ["keras", "tensorflow"], "onnxruntime": ["onnx", "onnxruntime"]}


def missing(peer):
    """Return the packages that a peer needs and this environment has not."""
    return [name for name in NEEDS.get(peer, []) if find_spec(name) is None]
