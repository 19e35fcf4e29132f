"""The scan that the reader steps through: its JavaScript computes NumPy's numbers, in the rows that it claims."""

import json
import subprocess

import numpy as np
import pytest
import torch
from conftest import ROOT
from test_matrix_memory import node

from rnnbook.in_torch import scan

SCRIPT = ROOT / "book/_static/scan-tree.js"
WAYS = ["tree", "rounds"]
LENGTHS = [2, 4, 8, 16]


def drawn(T):
    """Pairs (T,) and a state: random for the test, the script's own for T = 8."""
    rng = np.random.default_rng(T)
    return {"a": rng.uniform(-2, 2, T).tolist(), "b": rng.normal(size=T).tolist(), "h": float(rng.normal())}


CASES = [{"way": way} | drawn(T) for way in WAYS for T in LENGTHS]
IDS = [f"{case['way']}-{len(case['a'])}" for case in CASES]


@pytest.fixture(scope="module")
def script():
    code = (
        f"const m = require({json.dumps(str(SCRIPT))}); const cases = {json.dumps(CASES)};"
        "console.log(JSON.stringify({rows: cases.map(m.scan), states: cases.map(m.loop), A: m.A, B: m.B}))"
    )
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_every_box_is_the_product_and_the_sum_of_its_steps(script, case):
    a, b, h = (np.array(CASES[case][name]) for name in "abh")
    for box in sum(script["rows"][case], []):
        steps = range(max(box["from"], 1) - 1, box["t"])
        factor = 0.0 if box["from"] == 0 else np.prod(a[list(steps)])
        added = sum(np.prod(a[k + 1 : box["t"]]) * b[k] for k in steps)
        if box["from"] == 0:
            added += h * np.prod(a[: box["t"]])
        np.testing.assert_allclose([box["a"], box["b"]], [factor, added], rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_its_states_are_those_of_the_loop_and_of_the_package(script, case):
    a, b, h = (torch.tensor(CASES[case][name], dtype=torch.float64).reshape(-1, 1) for name in "abh")
    expected = scan.sequential(a[:, None], b[:, None], h)[:, 0, 0].numpy()
    found = {box["t"]: box["b"] for box in sum(script["rows"][case][1:], []) if box["from"] == 0}
    assert sorted(found) == list(range(1, len(a) + 1))
    np.testing.assert_allclose([found[t] for t in sorted(found)], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(script["states"][case], [h.item(), *expected], rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_depth_and_work_are_those_of_the_chapter(script, case):
    rows, T = script["rows"][case], len(CASES[case]["a"])
    known, rounds = {box["id"] for box in rows[0]}, int(np.log2(T))
    for row in rows[1:]:
        for box in row:  # of what the rows before hold, two neighbours
            assert set(box["of"]) <= known
            one, other = (next(b for r in rows for b in r if b["id"] == name) for name in box["of"])
            assert (one["from"], one["t"] + 1, other["t"]) == (box["from"], max(other["from"], 1), box["t"])
        known |= {box["id"] for box in row}
    work = sum(len(row) for row in rows[1:])
    if CASES[case]["way"] == "tree":
        assert (len(rows) - 1, work) == (max(2 * rounds - 1, rounds + 1), 2 * T - 1)
    else:
        assert (len(rows) - 1, work) == (rounds + 1, T * rounds - (T - 1) + 1)


def test_the_numbers_on_the_page_are_short(script):
    """Eight pairs, so chosen that every product and sum of theirs is a number of two decimals."""
    a, b = np.array(script["A"]), np.array(script["B"])
    assert a.shape == b.shape == (8,)
    for h in np.arange(-2, 2.5, 0.5):
        for factor, added in zip(a, b, strict=True):
            h = factor * h + added
            assert 1000 * h == round(1000 * h)
