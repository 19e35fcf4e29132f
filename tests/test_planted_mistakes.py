"""The oracles are worth something: every mistake planted in a copy of a layer's source is caught by them.

The mistakes are made by rule (``mutants.py``) in the layers' forward and backward and in the products that these share.
"""

import functools
import re
from pathlib import Path

import numpy as np
import oracles
import pytest
import torch
from searches import LIBRARY, SLOW

import rnnbook.in_numpy
from rnnbook.lessons.exercises.mutants import load, mutants

FILES = ("rnnbook/lessons/exercises/mutants.py", "rnnbook/lessons/exercises/rules.py", "tests/conftest.py")
in_part = pytest.mark.search(SLOW, *LIBRARY, *FILES, "constraints.txt")

FOLDER = Path(rnnbook.in_numpy.__file__).parent
VARIANTS = {
    "rnn": [
        ("RNN", {}, oracles.rnn_cell(torch.tanh), 1),
        ("RNN", {"nonlinearity": "relu"}, oracles.rnn_cell(torch.relu), 1),
    ],
    "gru": [("GRU", {}, oracles.gru_cell, 1), ("GRU", {"reset_after": False}, oracles.gru_cell_before, 1)],
    "lstm": [("LSTM", {}, oracles.lstm_cell, 2), ("LSTM", {"peephole": True}, oracles.lstm_cell_peephole, 2)],
}
PLACES = [(file, f"{file.upper()}.{half}", [file]) for file in VARIANTS for half in ("forward", "backward")]
PLACES += [("products", name, ["gru", "lstm"]) for name in ("by_gate", "from_input", "back_through")]
PLACES += [("products", name, ["gru", "lstm"]) for name in ("gradient_of_weights", "gradient_of_bias")]
EQUIVALENT = [  # function, rule, what stands in the changed line or is changed there, why no number changes
    ("forward", "statement deleted", r"products\.laid_out\(", "another layout in memory, which is slower"),
    ("forward", "argument as zeros", r"products\.laid_out\(\w+, 0 \*", "another layout in memory, which is slower"),
    ("RNN.forward", "neighbours exchanged", r"parameters\.bias_of\(", "the two biases are only added up"),
    ("LSTM.forward", "neighbours exchanged", r"products\.by_gate\(", "the two biases are only added up"),
    ("GRU.forward", "condition always true", r"self\.reset_after", "a product too many, which nobody reads"),
    ("gradient_of_weights", "neighbours exchanged", r"\.shape$", "the product of two sizes is read"),
]


@functools.cache
def cases(layer):
    """For every variant of a layer, with bias and without: options, inputs, lengths and the right results."""
    found = []
    for name, variant, cell, parts in VARIANTS[layer]:
        given = oracles.case(11, parts)
        for options, lengths in [(variant, None), (variant, [3, 5, 1]), (variant | {"bias": False}, None)]:
            right = oracles.run_autograd(cell, made(rnnbook.in_numpy, name, options), given, lengths)
            found.append((name, options, given, lengths, right))
    return found


def made(module, name, options):
    return getattr(module, name)(oracles.D, oracles.H, dtype=np.float64, rng=np.random.default_rng(12), **options)


def is_caught(module, layer):
    """Whether the oracles find a wrong number, an array that is another's memory, or a wrong gradient let through."""
    try:
        for name, options, given, lengths, right in cases(layer):
            planted = made(module, name, options)
            found = oracles.run(planted, given, lengths)
            oracles.assert_equal(found, right)
            arrays = list(found.grads.values())
            assert not any(np.shares_memory(a, b) for k, a in enumerate(arrays) for b in arrays[:k])
            with pytest.raises(ValueError):
                planted.backward(given.dhs[:-1], planted.forward(given.x)[-1])
    except (Exception, pytest.fail.Exception):  # another number, or none at all
        return True
    return False


def copy_of(file, source, layer):
    """A copy of a layer's module, whose ``file``, itself or the products, has this source."""
    if file == layer:
        return load(source, "planted")
    module = load((FOLDER / f"{layer}.py").read_text(encoding="utf-8"), "copy")
    setattr(module, file, load(source, "planted"))
    return module


@in_part
@pytest.mark.parametrize(
    "file, function, layers",
    [
        pytest.param(*place, id=place[1], marks=[pytest.mark.slow] if place[0] in ("gru", "lstm") else [])
        for place in PLACES
    ],
)
def test_every_mistake_is_caught(file, function, layers, no_chance):
    planted = mutants((FOLDER / f"{file}.py").read_text(encoding="utf-8"), [function])
    survivors = [m for m in planted if not any(is_caught(copy_of(file, m.source, layer), layer) for layer in layers)]
    reasons = [entry for entry in EQUIVALENT if function.endswith(entry[0])]
    assert len(planted) > 5
    assert [m for m in survivors if not any(explains(reason, m) for reason in reasons)] == []
    assert [reason for reason in reasons if not any(explains(reason, m) for m in survivors)] == []


def explains(reason, mutant):
    """Whether this is the reason why a mutant gives the same numbers as the source."""
    _, rule, pattern, _ = reason
    place = mutant.change + "\n" + mutant.source.splitlines()[mutant.line - 1].partition("  #")[0]
    return mutant.rule == rule and re.search(pattern, place) is not None


@pytest.mark.parametrize("layer", VARIANTS)
def test_a_copy_without_mistakes_passes(layer, no_chance):
    for file in (layer, "products"):
        assert not is_caught(copy_of(file, (FOLDER / f"{file}.py").read_text(encoding="utf-8"), layer), layer)
