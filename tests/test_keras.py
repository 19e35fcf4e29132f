"""Promises about Keras: the same weights give the same outputs, and its messages are those of the page `surprises`.

Each backend takes seconds to import, so one process for each answers both.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from searches import LIBRARY, SLOW
from test_conversions import CLOSE, B, D, H, T
from test_surprises import ON_KERAS

from rnnbook import in_torch, weights

files = ("tests/keras_*.py", "book/text/surprises.md", "constraints.txt")
pytestmark = [pytest.mark.slow, pytest.mark.search(SLOW, *files, *LIBRARY)]

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


def suffixes(name):
    return ["_l0", "_l0_reverse"] if KERAS_LAYERS[name][1].get("bidirectional") else ["_l0"]


def keras_weights(name):
    """Our layer's weights for Keras's ``set_weights``."""
    kind, arguments, *_ = KERAS_LAYERS[name]
    state, after = ours(name).state_dict(), arguments.get("reset_after", True)
    return [w for s in suffixes(name) for w in weights.to_keras(state, kind, reset_after=after, suffix=s)]


def cases():
    """What Keras is given of each layer: our weights and random ones, an input, and how the layer is made."""
    rng, found = np.random.default_rng(0), {}
    for name, (_, _, kind, arguments) in KERAS_LAYERS.items():
        converted = keras_weights(name)
        random = [rng.normal(scale=0.4, size=w.shape) for w in converted]
        for key, given in ((f"ours {name}", converted), (f"theirs {name}", random)):
            found |= {f"{key}/weight{k}": np.float32(w) for k, w in enumerate(given)}
            found |= {f"{key}/kind": kind, f"{key}/arguments": json.dumps(arguments | {"units": H})}
            found[f"{key}/x"] = rng.normal(size=(B, T, D)).astype(np.float32)
    return found


def build_of(package):
    """The package's file; where it is not there, on a Python for which there is none, the oracle is lacking."""
    if sys.version_info >= (3, 14) and find_spec(package) is None:
        raise RuntimeError(f"{package} has no build for this Python")
    return find_spec(package).origin


def run_keras(backend, folder):
    """What Keras computes and says on one backend, in a process of its own, which alone fixes the backend."""
    given = cases()
    np.savez(folder / "cases.npz", **given)
    (folder / "cells.json").write_text(json.dumps({entry.label: entry.cells[0] for entry in ON_KERAS}))
    variables = os.environ | {"KERAS_BACKEND": backend, "KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, Path(__file__).with_name("keras_outputs.py"), folder]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    outputs = dict(np.load(folder / "outputs.npz"))
    assert outputs.pop("backend") == backend
    return SimpleNamespace(cases=given, outputs=outputs, messages=json.loads((folder / "messages.json").read_text()))


@pytest.fixture(scope="module", params=["tensorflow", "torch"])
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def ran(backend, tmp_path_factory):
    """A function that returns what Keras gave on this backend; it is run once."""
    found = []

    def run():
        build_of(backend)
        found[:] = found or [run_keras(backend, tmp_path_factory.mktemp(backend))]
        return found[0]

    return run


def test_keras_computes_the_same_from_our_weights_and_we_from_those_of_keras(backend, ran, oracle):
    keras = oracle(f"Keras on {backend}", ran)
    if keras is None:
        return  # what is ours is held by the other backend, PyTorch, which each Python has
    for name, (kind, *_) in KERAS_LAYERS.items():
        layer = ours(name)
        y, _ = layer(torch.from_numpy(keras.cases[f"ours {name}/x"]))
        np.testing.assert_allclose(keras.outputs[f"ours {name}/y"], y.detach().numpy(), **CLOSE, err_msg=name)

        arrays = [keras.outputs[key] for key in keras.outputs if key.startswith(f"theirs {name}/weight")]
        each, state = len(arrays) // len(suffixes(name)), {}
        for k, suffix in enumerate(suffixes(name)):
            state |= weights.from_keras(arrays[k * each : (k + 1) * each], kind, suffix=suffix)
        layer.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
        y, _ = layer(torch.from_numpy(keras.cases[f"theirs {name}/x"]))
        np.testing.assert_allclose(keras.outputs[f"theirs {name}/y"], y.detach().numpy(), **CLOSE, err_msg=name)


def test_keras_says_what_the_headings_say(backend, ran, oracle):
    keras = oracle(f"Keras on {backend}", ran)
    if keras is None:
        return  # the same code runs on the other backend, PyTorch, which each Python has
    assert len(ON_KERAS) == 6
    for entry in ON_KERAS:
        said = keras.messages[entry.label]
        assert (entry.heading in said) if entry.code else (said == ""), (entry.heading, said)
