"""The stepper of backpropagation through time: its JavaScript computes the numbers of the NumPy layers."""

import json
import subprocess

import numpy as np
import pytest
from conftest import ROOT
from test_matrix_memory import node

from rnnbook.in_numpy import RNN, Linear

SCRIPT = ROOT / "book/_static/bptt-steps.js"
CASES = [{"scale": scale, "every": every} for scale in (0, 0.7, 1, 2) for every in (False, True)]
T = 3


@pytest.fixture(scope="module")
def script():
    """The network of the script, its presses, and both passes of every case."""
    code = (
        f"const m = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify("
        f"{{network: m.network, presses: m.presses(), cases: {json.dumps(CASES)}.map(m.passes)}}))"
    )
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def in_numpy(network, scale, every):
    """The quantities of both passes from the layers; a part of the loop's inside comes from its definition."""
    layer, head = RNN(1, 2, dtype=np.float64), Linear(2, 1, dtype=np.float64)
    W_hh = scale * np.array(network["W_hh"])
    layer.params["weight_ih"][:, 0], layer.params["weight_hh"][:] = network["W_ih"], W_hh
    layer.params["bias_ih"][:], layer.params["bias_hh"][:] = network["b"], 0
    head.params["weight"][0], head.params["bias"][0] = network["W_hy"], network["b_y"]
    x, h_0 = np.array(network["x"])[:, None, None], np.array([network["h_0"]])
    hs, _, trace = layer.forward(x, h_0)
    y, head_trace = head.forward(hs)
    counted = np.array([[[every or t == T]] for t in range(1, T + 1)])
    dy = counted * (y - np.array(network["wanted"])[:, None, None])
    dhs, dhead = head.backward(dy, head_trace)
    found = {"h": [network["h_0"], *hs[:, 0]], "y": y[:, 0, 0], "dy": dy[:, 0, 0], "out": dhs[:, 0]}
    found["loss"] = 0.5 * dy[:, 0, 0] ** 2
    found["a"] = np.arctanh(hs[:, 0])
    found["next"], found["sums"] = [], []
    for t in range(T):  # from step t + 1 on, as if the sequence had begun there
        dx, dh, grads = layer.backward(dhs[t:], trace.tail(t))
        grads["W_hy"], grads["b_y"] = head.backward(dy[t:], head_trace[t:])[1].values()
        found["next"].append(dh[0])
        found["sums"].append({name: np.squeeze(grads[key]) for name, key in SUMS.items()})
    found["next"].append(np.zeros(2))
    found["dx"] = dx_of(layer, dhs, trace)
    found["dh"] = found["out"] + np.array(found["next"][1:])
    found["da"] = (1 - hs[:, 0] ** 2) * found["dh"]
    return found


SUMS = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b": "bias_ih", "W_hy": "W_hy", "b_y": "b_y"}
FROM_0 = {"h", "next"}  # these have a step 0


def dx_of(layer, dhs, trace):
    return layer.backward(dhs, trace)[0][:, 0, 0]


@pytest.mark.parametrize("case", range(len(CASES)), ids=str)
def test_the_script_computes_what_the_layers_do(script, case):
    expected, found = in_numpy(script["network"], **CASES[case]), script["cases"][case]
    assert found.keys() == expected.keys()
    for name in expected.keys() - {"sums"}:
        values = found[name][0 if name in FROM_0 else 1 :]
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-12, err_msg=name)
    for t in range(1, T + 1):
        for name in SUMS:
            value = found["sums"][t][name]
            np.testing.assert_allclose(value, expected["sums"][t - 1][name], rtol=0, atol=1e-12, err_msg=name)


def test_a_press_needs_only_what_was_shown_before(script):
    seen = {("h", 0), ("next", T), *(("x", t) for t in range(1, T + 1))}
    for press in script["presses"]:
        assert {tuple(cell) for cell in press["from"]} <= seen, press
        assert press["say"].startswith("Forward: " if press["row"] in "ahy" else "Backward: ")
        assert (press["row"], press["t"]) not in seen
        seen.add((press["row"], press["t"]))
    assert ("next", 0) in seen and ("sums", 1) in seen


def test_a_loss_at_the_last_step_alone_sends_nothing_to_the_others(script):
    found = script["cases"][CASES.index({"scale": 1, "every": False})]
    assert found["out"][1:T] == [[0, 0], [0, 0]] and found["next"][1] != [0, 0]
