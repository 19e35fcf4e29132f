"""The Hopfield network that the reader spoils: its JavaScript stores, visits and weighs as NumPy does."""

import json
import subprocess

import numpy as np
import pytest
from conftest import ROOT
from test_matrix_memory import node

from rnnbook import data
from rnnbook.in_numpy import hopfield

SCRIPT = ROOT / "book/_static/hopfield-descent.js"
RULES = {"hebbian": hopfield.hebbian, "pseudo-inverse": hopfield.pseudo_inverse}
CASES = [
    {"rule": rule, "stored": stored, "digit": digit, "seed": seed}
    for rule in RULES
    for stored, digit in [(1, 0), (3, 2), (10, 7)]
    for seed in (1, 5)
]
RUN = """
const m = require(SCRIPT);
const descend = ({ rule, stored, digit, seed }) => {
  const W = m.rules[rule](m.digits.slice(0, stored)), random = m.generator(seed);
  let s = m.digits[digit];
  for (const i of m.permutation(random).slice(0, 20)) s = s.map((value, k) => (k === i ? -value : value));
  const order = [...m.permutation(random), ...m.permutation(random), ...m.permutation(random)];
  const states = [s], energies = [m.energy(W, s)], resting = [m.atRest(W, s)];
  for (const i of order) {
    s = m.visit(W, s, i);
    states.push(s); energies.push(m.energy(W, s)); resting.push(m.atRest(W, s));
  }
  return { W, order, states, energies, resting };
};
const nothing = m.digits[0].map(() => m.digits[0].map(() => 0));
const tie = { rests: m.atRest(nothing, m.digits[0]), stays: m.visit(nothing, m.digits[0], 3) };
console.log(JSON.stringify({ digits: m.digits, runs: CASES.map(descend), tie }));
"""


@pytest.fixture(scope="module")
def script():
    code = RUN.replace("SCRIPT", json.dumps(str(SCRIPT))).replace("CASES", json.dumps(CASES))
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ten():
    digits = data.digits()
    ink = np.where(digits.images.reshape(-1, 64) >= 8, 1.0, -1.0)
    return ink[[np.flatnonzero(digits.labels == digit)[0] for digit in range(10)]]


def test_its_digits_are_the_chapters(script, ten):
    np.testing.assert_array_equal(script["digits"], ten)


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda k: "-".join(map(str, CASES[k].values())))
def test_weights_states_and_energies_are_those_of_in_numpy(script, ten, case):
    run, at = script["runs"][case], CASES[case]
    W = np.array(run["W"])
    np.testing.assert_allclose(W, RULES[at["rule"]](ten[: at["stored"]]), rtol=0, atol=1e-12)
    s = np.array(run["states"][:1], float)
    assert np.sum(s != ten[at["digit"]]) == 20 and sorted(run["order"]) == sorted(list(range(64)) * 3)
    turns = 0
    for i, state, E, resting in zip(
        run["order"], run["states"][1:], run["energies"][1:], run["resting"][1:], strict=True
    ):
        after = hopfield.visit_units(np.round(W, 12), s, [i])
        turns += np.sum(after != s)
        s = after
        np.testing.assert_array_equal(state, s[0])
        np.testing.assert_allclose(E, hopfield.energy(W, s)[0], rtol=0, atol=1e-12)
        if i < 6:  # now and then
            assert resting == np.array_equal(hopfield.visit_units(np.round(W, 12), s, range(64)), s)
    assert turns > 5 and np.all(np.diff(run["energies"]) <= 1e-12)


def test_a_tie_leaves_the_unit_as_it_is_and_the_network_at_rest(script, ten):
    assert script["tie"]["rests"] is True
    np.testing.assert_array_equal(script["tie"]["stays"], ten[0])


def test_every_sweep_of_a_seed_has_an_order_of_its_own(script):
    orders = {tuple(run["order"][k : k + 64]) for run in script["runs"][:2] for k in (0, 64, 128)}
    assert len(orders) == 6
