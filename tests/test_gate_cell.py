"""The cells whose gates the reader sets: their JavaScript computes what the layers of in_numpy do."""

import json
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from test_matrix_memory import node

from rnnbook import in_numpy

SCRIPT = Path(__file__).parents[1] / "book/_static/gate-cell.js"
T = 4  # steps in a row with the same gates, as the button makes them
GATES = [0.05, 0.35, 0.9]
LSTM = [dict(zip("cfigo", at, strict=True)) for at in product([-1.3, 0.8], GATES, GATES[:2], [-0.6, 0.2], GATES[1:])]
GRU = [dict(zip("hrzuv", at, strict=True)) for at in product([-0.7, 0.4], GATES, GATES, [-0.3, 1.1], [0.9, -2.0])]


def logit(share):
    return np.log(share / (1 - share))


def lstm(c, f, i, g, o):
    """One unit without weights, whose biases make its gates: h after every step, the last c, the gradient."""
    layer = in_numpy.LSTM(1, 1, dtype=np.float64)
    layer.params = {name: 0 * value for name, value in layer.params.items()}
    layer.params["bias_ih"] = np.array([logit(i), logit(f), np.arctanh(g), logit(o)])
    hs, (_, last), trace = layer.forward(np.zeros((T, 1, 1)), (np.zeros((1, 1)), np.array([[c]])))
    _, (_, dc), _ = layer.backward(0 * hs, trace, (np.zeros((1, 1)), np.ones((1, 1))))
    return hs.ravel(), last.item(), dc.item()


def gru(h, r, z, u, v):
    layer = in_numpy.GRU(1, 1, dtype=np.float64)
    layer.params = {name: 0 * value for name, value in layer.params.items()}
    layer.params["bias_ih"] = np.array([logit(r), logit(z), u])
    layer.params["bias_hh"] = np.array([0, 0, v], dtype=float)
    hs, last, trace = layer.forward(np.zeros((T, 1, 1)), np.array([[h]]))
    _, dh, _ = layer.backward(0 * hs, trace, np.ones((1, 1)))
    return hs.ravel(), last.item(), dh.item()


@pytest.fixture(scope="module")
def computed():
    """What the script gives for every case, T steps each: the new state of one is the old state of the next."""
    code = f"""
    const cell = require({json.dumps(str(SCRIPT))});
    const run = (step, state, at) => Array.from({{ length: {T} }}, () => {{
      const to = step(at);
      at = {{ ...at, [state]: to[state] }};
      return to;
    }});
    console.log(JSON.stringify({{
      lstm: {json.dumps(LSTM)}.map((at) => run(cell.lstm, "c", at)),
      gru: {json.dumps(GRU)}.map((at) => run(cell.gru, "h", at)),
    }}));"""
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind, layer, cases, state", [("lstm", lstm, LSTM, "c"), ("gru", gru, GRU, "h")])
def test_a_cell_of_the_page_computes_the_layer(kind, layer, cases, state, computed):
    for at, steps in zip(cases, computed[kind], strict=True):
        hs, last, back = layer(**at)
        np.testing.assert_allclose([step["h"] for step in steps], hs, rtol=0, atol=1e-12)
        np.testing.assert_allclose(steps[-1][state], last, rtol=0, atol=1e-12)
        np.testing.assert_allclose(np.prod([step["back"] for step in steps]), back, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind, state", [("lstm", "c"), ("gru", "h")])
def test_what_is_kept_and_what_is_added_make_the_new_state(kind, state, computed):
    for steps in computed[kind]:
        for step in steps:
            assert step["kept"] + step["added"] == pytest.approx(step[state], abs=1e-12)
