"""Which characters a prediction depends on: the figure's JavaScript, PyTorch and NumPy compute the same norms."""

import importlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from test_matrix_memory import node

from rnnbook.in_numpy import GRU, LSTM, RNN, LanguageModel
from rnnbook.in_numpy.functions import softmax

ROOT = Path(__file__).parents[1]
SCRIPT, WEIGHTS = (ROOT / "book/_static" / name for name in ("connectivity.js", "connectivity-weights.js"))
LAYERS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
TEXT = "In the beginning [was] the Word’s"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book/experiments"))
    return importlib.import_module("connectivity")


def in_numpy(program, cell):
    """The vocabulary, and a network that the browser loads, in float64."""
    vocabulary, networks = program.stored(WEIGHTS)
    state = networks[cell]
    (V, D), H = state["embedding.weight"].shape, state["head.weight"].shape[1]
    model = LanguageModel(V, LAYERS[cell](D, H, dtype=np.float64))
    model.load_state_dict(state)
    return vocabulary, model


def norms(model, tokens, t):
    """The norm of d y_t[x_{t+1}] / d e_s for s up to t, by the backward pass of in_numpy."""
    e, _ = model.embedding.forward(tokens[: t + 1, None])
    hs, _, trace = model.layer.forward(e)
    dhs = np.zeros_like(hs)
    dhs[t, 0] = model.params["head.weight"][tokens[t + 1]]
    dx, _, _ = model.layer.backward(dhs, trace)
    return np.linalg.norm(dx[:, 0], axis=-1)


@pytest.fixture(scope="module")
def by_script():
    code = f"""
        const {{ open, read, connectivity }} = require({json.dumps(str(SCRIPT))});
        let all;
        globalThis.rnnbookConnectivity = (stored) => {{ all = open(stored); }};
        require({json.dumps(str(WEIGHTS))});
        const tokens = Array.from({json.dumps(TEXT)}, (letter) => all.vocabulary.indexOf(letter)), found = {{}};
        for (const [cell, p] of Object.entries(all.networks)) {{
          const {{ traces, probabilities }} = read(cell, p, tokens);
          found[cell] = [probabilities, tokens.slice(1).map((wanted, t) => connectivity(cell, p, traces, wanted, t))];
        }}
        console.log(JSON.stringify(found));"""
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("cell", LAYERS)
def test_the_browser_computes_the_probabilities_and_the_gradients_of_in_numpy(cell, by_script, program):
    vocabulary, model = in_numpy(program, cell)
    tokens = np.array([vocabulary.index(letter) for letter in TEXT])
    probabilities, found = by_script[cell]
    logits, _, _ = model.forward(tokens[:-1, None])
    came = softmax(logits)[np.arange(len(tokens) - 1), 0, tokens[1:]]
    np.testing.assert_allclose(probabilities, came, rtol=0, atol=1e-12)
    for t in range(len(tokens) - 1):
        expected = norms(model, tokens, t)
        np.testing.assert_allclose(found[t], expected, rtol=0, atol=1e-12 * max(1, expected.max()))


@pytest.mark.parametrize("cell", LAYERS)
def test_the_experiments_norms_are_those_of_in_numpy(cell, program):
    _, state = program.stored(WEIGHTS)
    _, model = in_numpy(program, cell)
    theirs = program.SmallModel(cell, len(model.params["embedding.weight"])).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in state[cell].items()})
    tokens = np.random.default_rng(0).integers(60, size=(12, 3))
    found = program.norms(theirs, torch.tensor(tokens)).numpy()
    for b in range(3):
        np.testing.assert_allclose(found[:, b], norms(model, tokens[:, b], 10), rtol=0, atol=1e-12 * found.max())


def test_the_reach_is_the_number_of_the_last_characters_that_hold_the_share(program):
    found = torch.tensor([[0.0, 5.0], [1.0, 0.0], [2.0, 4.0], [7.0, 1.0]], dtype=torch.float64)
    assert program.reach(found, 0.65).tolist() == [1, 4]
    assert program.reach(found, 0.75).tolist() == [2, 4]
    assert program.reach(found, 0.45).tolist() == [1, 2]


def test_the_stored_file_is_what_the_program_writes(program):
    vocabulary, state = program.stored(WEIGHTS)
    models = {}
    for cell, arrays in state.items():
        models[cell] = program.SmallModel(cell, len(vocabulary))
        models[cell].load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    assert program.script(vocabulary, models) == WEIGHTS.read_text(encoding="utf-8")
