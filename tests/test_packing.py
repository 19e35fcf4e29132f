"""The packing that the reader steps through: its JavaScript packs as torch does, and each press says what is true."""

import itertools
import json
import subprocess

import pytest
import torch
from conftest import ROOT
from test_matrix_memory import node
from torch.nn.utils.rnn import pack_padded_sequence

SCRIPT = ROOT / "book/_static/packing.js"
LENGTHS = [list(lengths) for lengths in itertools.product((1, 3, 4, 8), repeat=4)]


@pytest.fixture(scope="module")
def script():
    """[(lengths, what `pack` returns, its presses)] for every combination of four lengths."""
    code = (
        f"const m = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify("
        f"{json.dumps(LENGTHS)}.map((n) => [n, m.pack(n), m.presses(n)])))"
    )
    return json.loads(subprocess.run([node(), "-e", code], capture_output=True, text=True, check=True).stdout)


def in_torch(lengths):
    """The batch sizes, and [sequence, step] of every packed row."""
    names = torch.tensor([[[b, t] for b in range(4)] for t in range(max(lengths))])
    packed = pack_padded_sequence(names, torch.tensor(lengths), enforce_sorted=False)
    return packed.batch_sizes.tolist(), packed.data.tolist()


def test_the_script_packs_as_torch_does(script):
    for lengths, packed, _ in script:
        sizes, rows = in_torch(lengths)
        assert packed["sizes"] == sizes
        assert [lengths[b] for b in packed["order"]] == sorted(lengths, reverse=True)
        if len(set(lengths)) == 4:
            assert packed["rows"] == rows
        start = 0
        for size in sizes:  # the order of equally long ones is free, and the same at every step
            ours, theirs = packed["rows"][start : start + size], rows[start : start + size]
            assert sorted(ours) == sorted(theirs)
            assert [b for b, _ in ours] == packed["order"][:size]
            start += size


def test_each_press_says_which_rows_it_adds_and_who_ends(script):
    for lengths, packed, presses in script:
        first, second, *steps = presses
        assert not first["sorted"] and first["rows"] == second["rows"] == 0 and second["sorted"]
        padding = 4 * max(lengths) - sum(lengths)
        assert f"{sum(lengths)} real steps and {padding} of padding" in first["say"]
        assert ": " + ", ".join("abcd"[b] for b in packed["order"]) + "." in second["say"]
        assert len(steps) == max(lengths)
        done = 0
        for t, press in enumerate(steps, 1):
            size = packed["sizes"][t - 1]
            assert (press["steps"], press["rows"]) == (t, done + size)
            where = f"rows {done} to {done + size - 1}" if size > 1 else f"row {done}"
            assert f"Step {t}: batch size {size}, {where}." in press["say"]
            assert sorted(press["ended"]) == [b for b, n in enumerate(lengths) if n == t]
            assert ("None ends here" in press["say"]) == (not press["ended"])
            done += size
        assert done == sum(lengths)
