"""Promises of the conversions: the same weights give the same outputs in torch.nn, Keras and onnxruntime."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rnnbook import in_numpy, in_torch, weights

T, B, D, H = 5, 3, 2, 7  # all different, so that no transposed axis can pass unseen
CLOSE = {"rtol": 0, "atol": 1e-6}  # float32

KERAS_LAYERS = {  # our layer, our arguments, Keras's layer, Keras's arguments
    "rnn": ("RNN", {}, "SimpleRNN", {}),
    "rnn relu": ("RNN", {"nonlinearity": "relu"}, "SimpleRNN", {"activation": "relu"}),
    "rnn no bias": ("RNN", {"bias": False}, "SimpleRNN", {"use_bias": False}),
    "gru": ("GRU", {}, "GRU", {}),
    "gru no bias": ("GRU", {"bias": False}, "GRU", {"use_bias": False}),
    "gru before": ("GRU", {"reset_after": False}, "GRU", {"reset_after": False}),
    "lstm": ("LSTM", {}, "LSTM", {}),
    "lstm no bias": ("LSTM", {"bias": False}, "LSTM", {"use_bias": False}),
    "lstm both": ("LSTM", {"bidirectional": True}, "LSTM", {"bidirectional": True}),
    "gru both": ("GRU", {"bidirectional": True}, "GRU", {"bidirectional": True}),
}


def ours(name):
    kind, arguments, *_ = KERAS_LAYERS[name]
    torch.manual_seed(0)
    return getattr(in_torch, kind)(D, H, batch_first=True, **arguments)


def keras_weights(name):
    """Our layer's weights for Keras's ``set_weights``."""
    kind, arguments, *_ = KERAS_LAYERS[name]
    suffixes = ["_l0", "_l0_reverse"] if arguments.get("bidirectional") else ["_l0"]
    state, after = ours(name).state_dict(), arguments.get("reset_after", True)
    return [w for s in suffixes for w in weights.to_keras(state, kind, reset_after=after, suffix=s)]


def run_keras(backend, cases, folder):
    """What Keras computes on one backend, in a process of its own, which alone fixes the backend."""
    np.savez(folder / "cases.npz", **cases)
    script = Path(__file__).with_name("keras_outputs.py")
    variables = os.environ | {"KERAS_BACKEND": backend, "KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, script, folder / "cases.npz", folder / "outputs.npz"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    outputs = dict(np.load(folder / "outputs.npz"))
    assert outputs.pop("backend") == backend
    return outputs


def build_of(package):
    """The package's file; where it is not there, on a Python for which there is none, the oracle is lacking."""
    if sys.version_info >= (3, 14) and find_spec(package) is None:
        raise RuntimeError(f"{package} has no build for this Python")
    return find_spec(package).origin


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_keras_computes_the_same_from_our_weights_and_we_from_those_of_keras(backend, tmp_path, oracle):
    if oracle(f"Keras on {backend}", lambda: build_of(backend)) is None:
        return  # what is ours is held by the other backend, PyTorch, which each Python has
    rng, cases = np.random.default_rng(0), {}
    for name, (_, _, kind, arguments) in KERAS_LAYERS.items():
        converted = keras_weights(name)
        random = [rng.normal(scale=0.4, size=w.shape) for w in converted]
        for key, given in ((f"ours {name}", converted), (f"theirs {name}", random)):
            cases |= {f"{key}/weight{k}": np.float32(w) for k, w in enumerate(given)}
            cases |= {f"{key}/kind": kind, f"{key}/arguments": json.dumps(arguments | {"units": H})}
            cases[f"{key}/x"] = rng.normal(size=(B, T, D)).astype(np.float32)
    outputs = run_keras(backend, cases, tmp_path)
    for name, (kind, arguments, *_) in KERAS_LAYERS.items():
        layer = ours(name)
        y, _ = layer(torch.from_numpy(cases[f"ours {name}/x"]))
        np.testing.assert_allclose(outputs[f"ours {name}/y"], y.detach().numpy(), **CLOSE, err_msg=name)

        arrays, state = [outputs[key] for key in outputs if key.startswith(f"theirs {name}/weight")], {}
        suffixes = ["_l0", "_l0_reverse"] if arguments.get("bidirectional") else ["_l0"]
        each = len(arrays) // len(suffixes)
        for k, suffix in enumerate(suffixes):
            state |= weights.from_keras(arrays[k * each : (k + 1) * each], kind, suffix=suffix)
        layer.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
        y, _ = layer(torch.from_numpy(cases[f"theirs {name}/x"]))
        np.testing.assert_allclose(outputs[f"theirs {name}/y"], y.detach().numpy(), **CLOSE, err_msg=name)


ONNX_LAYERS = [
    (kind, arguments | more)
    for kind, arguments in (
        ("RNN", {}),
        ("RNN", {"nonlinearity": "relu"}),
        ("GRU", {}),
        ("GRU", {"reset_after": False}),
        ("LSTM", {}),
        ("LSTM", {"peephole": True}),
    )
    for more in ({}, {"num_layers": 2, "bidirectional": True}, {"bias": False})
]


@pytest.mark.parametrize("kind, arguments", ONNX_LAYERS)
def test_an_exported_file_runs_in_onnxruntime_with_equal_results(tmp_path, kind, arguments):
    import onnx
    import onnxruntime

    torch.manual_seed(0)
    layer = getattr(in_torch, kind)(D, H, **arguments)
    weights.export_onnx(layer, tmp_path / "layer.onnx")
    operators = [node.op_type for node in onnx.load(tmp_path / "layer.onnx").graph.node]
    assert operators.count(kind) == layer.num_layers
    session = onnxruntime.InferenceSession(tmp_path / "layer.onnx", providers=["CPUExecutionProvider"])
    for steps, batch in ((T, B), (1, 4)):
        x = torch.randn(steps, batch, D)
        state = [torch.randn(layer.num_layers * (1 + layer.bidirectional), batch, H) for _ in layer.state_names]
        named = {"x": x.numpy()} | {f"{s}_0": h.numpy() for s, h in zip(layer.state_names, state, strict=True)}
        y, *last = session.run(None, named)
        expected, h = layer(x, state[0] if len(state) == 1 else tuple(state))
        for found, wanted in zip([y, *last], [expected, *(h if isinstance(h, tuple) else [h])], strict=True):
            np.testing.assert_allclose(found, wanted.detach().numpy(), **CLOSE)


@pytest.mark.parametrize("kind, arguments", ONNX_LAYERS)
def test_weights_return_from_onnx_and_keras_unchanged(kind, arguments):
    layer = getattr(in_torch, kind)(D, H, **arguments)
    state = {name: value.numpy() for name, value in layer.state_dict().items()}
    back = {}
    for k in range(layer.num_layers):
        back |= weights.from_onnx(weights.to_onnx(state, kind, layer=k), kind, layer=k)
    assert back.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(back[name], value)
    if kind == "GRU" and "reset_after" not in arguments:
        again = weights.from_keras(weights.to_keras(state, kind), kind)
        for name, value in again.items():
            np.testing.assert_array_equal(state[name], value)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_state_dict_passes_between_both_wings_and_torch(kind):
    rng = np.random.default_rng(0)
    first = getattr(in_numpy, kind)(D, H, rng=rng)
    second, third = getattr(in_torch, kind)(D, H), getattr(nn, kind)(D, H)
    second.load_state_dict({name: torch.from_numpy(value) for name, value in first.state_dict().items()})
    third.load_state_dict(second.state_dict())
    fourth = getattr(in_numpy, kind)(D, H, rng=rng)
    fourth.load_state_dict(third.state_dict())
    x = rng.normal(size=(T, B, D)).astype(np.float32)
    expected = first.forward(x)[0]
    for y in (second(torch.from_numpy(x))[0], third(torch.from_numpy(x))[0], torch.from_numpy(fourth.forward(x)[0])):
        np.testing.assert_allclose(y.detach().numpy(), expected, **CLOSE)


def test_a_mistake_is_named():
    state = in_torch.LSTM(D, H, peephole=True).state_dict()
    with pytest.raises(ValueError, match="no weight_peephole_l0: Keras's LSTM has none"):
        weights.to_keras(state, "LSTM")
    with pytest.raises(ValueError, match="no weight_hr_l0: ONNX's LSTM has no projection"):
        weights.to_onnx(in_torch.LSTM(D, H, proj_size=2).state_dict(), "LSTM")
    with pytest.raises(ValueError, match="should hold weight_ih_l3, but does not"):
        weights.to_keras(state, "LSTM", suffix="_l3")
    with pytest.raises(ValueError, match="kind should be one of 'RNN', 'GRU', 'LSTM', but is 'MLP'"):
        weights.to_onnx(state, "MLP")
    with pytest.raises(ValueError, match=r"weight_ih_l0 should have shape \(21, 2\), but has shape \(28, 2\)"):
        weights.to_keras(state, "GRU")
    with pytest.raises(ValueError, match=r"kernel should have shape \(D, 28\), but has shape \(2, 21\)"):
        weights.from_keras([np.zeros((2, 21)), np.zeros((7, 21))], "LSTM")
    with pytest.raises(ValueError, match=r"B should have shape \(1, 56\), but has shape \(1, 28\)"):
        weights.from_onnx({"W": np.zeros((1, 28, 2)), "R": np.zeros((1, 28, 7)), "B": np.zeros((1, 28))}, "LSTM")


@pytest.mark.parametrize("name", ["MinGRU", "MinLSTM", "GRUCell"])
def test_a_layer_that_onnx_has_no_operator_for_is_refused_and_no_file_written(name, tmp_path):
    with pytest.raises(ValueError, match=f"layer should be one of 'RNN', 'GRU', 'LSTM', but is '{name}'"):
        weights.export_onnx(getattr(in_torch, name)(2, 7), tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())
