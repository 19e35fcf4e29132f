"""The gradient against the lag: the measure is autograd's, and the page's sliders compute NumPy's numbers."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from test_matrix_memory import node

from rnnbook.in_numpy import GRU, LSTM, RNN
from rnnbook.lessons.reach import reach, small_networks, uniform_numbers

SCRIPT = Path(__file__).parents[1] / "book/_static/gradient-reach.js"
CASES = [
    {"rho": rho, "bias": bias, "steps": steps, "noise": noise}
    for rho, bias in [(0.5, -2), (1, 0), (1.6, 6)]
    for steps in (10, 100)
    for noise in (0, 0.3, 3)
]


@pytest.fixture(scope="module")
def computed():
    code = (
        f"const m = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify({json.dumps(CASES)}.map(m.reach)))"
    )
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_sliders_compute_the_gradients_of_in_numpy(computed, case):
    """To 1e-12 of each value: of a product of 100 factors, each with its own rounding."""
    at, found = CASES[case], {name: np.array(norms, float) for name, norms in computed[case].items()}
    rnn, lstm, x, w = small_networks(**at)
    np.testing.assert_allclose(found["rnn"], reach(rnn, x, w), rtol=1e-12)
    np.testing.assert_allclose(found["lstm"], reach(lstm, x, w), rtol=1e-12)
    lags = np.arange(at["steps"])
    np.testing.assert_allclose(found["bound"], float(at["rho"]) ** lags, rtol=1e-12)
    np.testing.assert_allclose(found["belt"], (1 / (1 + np.exp(-at["bias"]))) ** lags, rtol=1e-12)


def test_the_small_networks_are_what_is_said_of_them():
    rnn, lstm, x, w = small_networks(rho=1.3, bias=2.5, steps=7, noise=0.4)
    np.testing.assert_allclose(np.linalg.svd(rnn.params["weight_hh"])[1], 1.3, rtol=1e-12)
    assert np.abs(lstm.params["weight_hh"]).max() < 6**-0.5
    np.testing.assert_array_equal((lstm.params["bias_ih"] + lstm.params["bias_hh"])[6:12], 2.5)
    assert x.shape == (7, 1, 2) and w.shape == (6,)
    many = uniform_numbers(5, 20_000)
    assert abs(many.mean()) < 0.02 and many.std() == pytest.approx(3**-0.5, rel=0.02)
    assert uniform_numbers(1, 10_000)[-1] == 2 * 1043618065 / 2147483647 - 1  # Park and Miller's own check


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_the_reach_is_the_norm_of_autograds_gradient(kind):
    torch = pytest.importorskip("torch")
    T, B, D, H = 5, 3, 2, 7
    rng = np.random.default_rng(0)
    layer, x, w = kind(D, H, dtype=np.float64, rng=rng), rng.normal(size=(T, B, D)), rng.normal(size=H)
    net = getattr(torch.nn, kind.__name__)(D, H, dtype=torch.float64)
    net.load_state_dict({name: torch.tensor(value) for name, value in layer.state_dict().items()})
    norms = np.zeros((T, B))
    for k in range(T):
        _, state = net(torch.tensor(x[: T - k]))
        parts = [part.detach().requires_grad_() for part in (state if kind is LSTM else (state,))]
        last = parts[0]
        if k:
            _, after = net(torch.tensor(x[T - k :]), tuple(parts) if kind is LSTM else parts[0])
            last = after[0] if kind is LSTM else after
        (last[0] @ torch.tensor(w / np.linalg.norm(w))).sum().backward()
        norms[k] = sum(part.grad[0].square().sum(-1) if part.grad is not None else 0 for part in parts).sqrt()
    np.testing.assert_allclose(reach(layer, x, w), np.exp(np.log(norms).mean(axis=1)), rtol=1e-12)
