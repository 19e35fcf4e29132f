"""The matrix memory that the reader moves: its JavaScript computes NumPy's numbers."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "book/_static/matrix-memory.js"
CASES = [
    {"angle": angle, "beta": beta, "decay": decay, "passes": passes}
    for angle in (0, 35, 90)
    for beta in (0, 0.7, 2)
    for decay in (0.3, 1)
    for passes in (1, 4)
]


def node():
    """Node.js: the system's, or the one that playwright brings."""
    found = shutil.which("node")
    if found is None:
        from playwright._impl._driver import compute_driver_executable

        found = str(compute_driver_executable()[0])
    return found


def by_numpy(angle, beta, decay, passes, rule):
    """The matrix after both pairs, and what both keys read, from the equation with matrices."""
    keys = np.array([[1, 0], [np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]])
    S = np.zeros((2, 2))
    for k, v in list(zip(keys, np.eye(2), strict=True)) * passes:
        erase = np.eye(2) - beta * np.outer(k, k) if rule == "delta" else np.eye(2)
        S = decay * erase @ S + beta * np.outer(k, v)
    return S, keys @ S


@pytest.fixture(scope="module")
def computed():
    code = (
        f"const m = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify({json.dumps(CASES)}.map(m.memory)))"
    )
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("rule", ["add", "delta"])
def test_the_script_computes_the_equation(computed, case, rule):
    S, reads = by_numpy(**CASES[case], rule=rule)
    found = computed[case][rule]
    np.testing.assert_allclose(found["S"], S, rtol=0, atol=1e-12 * max(1, np.abs(S).max()))
    np.testing.assert_allclose(found["reads"], reads, rtol=0, atol=1e-12 * max(1, np.abs(reads).max()))
