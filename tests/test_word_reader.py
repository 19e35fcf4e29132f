"""The network that reads a reader's word: its JavaScript computes NumPy's numbers, and counts the pairs of a word."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from test_matrix_memory import node

from rnnbook.in_numpy import RNN

SCRIPT = Path(__file__).parents[1] / "book/_static/word-reader.js"
T, D, H = 9, 3, 5
WORDS = [("onion", "on"), ("no", "on"), ("on a balloon", "on"), ("mississippi", "ss"), ("sssss", "ss"), ("häh", "ä "),
         ("banana", "na"), ("x", "on")]  # fmt: skip


def computed(expression):
    """What the script computes, as JSON."""
    code = f"const m = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify({expression}))"
    done = subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_the_script_computes_the_layer_of_the_book(nonlinearity):
    rng = np.random.default_rng(3)
    layer = RNN(D, H, nonlinearity=nonlinearity, dtype=np.float64, rng=rng)
    layer.params["weight_hh"] *= 2
    x = rng.normal(size=(T, 1, D))
    p = layer.params
    given = {"W_ih": p["weight_ih"], "W_hh": p["weight_hh"], "b": p["bias_ih"] + p["bias_hh"]}
    weights = json.dumps({name: value.tolist() for name, value in given.items()})
    found = computed(f"m.forward({weights}, {json.dumps(x[:, 0].tolist())}, {json.dumps(nonlinearity)})")
    np.testing.assert_allclose(found, layer.forward(x)[0][:, 0], rtol=0, atol=1e-12)


def test_it_counts_pairs_in_any_word():
    """A slice of two letters at each place says how often the pair has come: no network."""
    asked = "[" + ", ".join(f"m.read([...{json.dumps(w)}], [...{json.dumps(pair)}])" for w, pair in WORDS) + "]"
    for (word, pair), found in zip(WORDS, computed(asked), strict=True):
        ends = [word[max(t - 1, 0) : t + 1] == pair for t in range(len(word))]
        assert found["y"] == np.cumsum(ends).tolist(), word
        assert [h[0] for h in found["h"]] == [int(letter == pair[0]) for letter in word]
        assert [h[1] for h in found["h"]] == [int(end) for end in ends]
        assert found["x"] == [[int(letter == wanted) for wanted in pair] for letter in word]
