"""`make portable` tells an output that depends on the processor from one that does not."""

import platform
import re

import nbformat
import pytest
from notebook_form import canonical, give_ids
from portable import PROCESSORS, Result, main, processors, table
from run_notebooks import main as run_notebooks

files = ("tools/portable.py", "tools/shaken/*", "tools/run_notebooks.py", "tests/nbval_strict.py", "pyproject.toml")
in_part = pytest.mark.search("tools run from end to end", *files)
CHAOS = """
import numpy as np
rng = np.random.default_rng(0)
W = rng.normal(scale=3 / 8, size=(64, 64))
h = rng.normal(size=64)
for _ in range(400):
    h = np.tanh(W @ h)
print(np.round(h[:8], 2))
"""
CALM = CHAOS.replace("range(400)", "range(4)")


def notebook(path, *sources):
    """Write a notebook with these cells and run it as `make notebooks` does."""
    cells = [
        nbformat.from_dict(dict(cell_type="code", source=s, execution_count=None, outputs=[], metadata={}))
        for s in sources
    ]
    nb = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    give_ids(nb, path.stem)
    path.write_text(canonical(nb, path.stem))
    assert run_notebooks([str(path)]) == 0
    return path


@pytest.mark.slow
@in_part
def test_a_planted_unstable_cell_is_found_and_a_stable_one_is_not(tmp_path, capsys):
    """Chaos makes the last digit of a product visible: 400 steps of a wide random network, printed to two digits."""
    path = notebook(tmp_path / "planted.ipynb", CALM, CHAOS)
    oldest = next(iter(processors()))
    assert main(["--processors", oldest, "--workers", "0", "--", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "planted.ipynb, cell 2\n" in printed and "planted.ipynb, cell 1" not in printed
    assert "+ [" in printed  # what is stored stands below
    assert re.search(rf"^{oldest} +2 +1 ", printed, flags=re.MULTILINE), printed


@pytest.mark.slow
@in_part
def test_stable_cells_pass_on_a_busy_machine(tmp_path, capsys):
    path = notebook(tmp_path / "calm.ipynb", CALM)
    assert main(["--processors", "busy", "--workers", "0", "--", str(path)]) == 0
    assert re.search(r"^busy +1 +0 ", capsys.readouterr().out, flags=re.MULTILINE)


def test_a_processor_is_stood_for_only_downwards_and_each_by_other_loops():
    here = processors()
    assert list(here)[-1] == "busy" and here["busy"] == {}
    if platform.machine() in ("x86_64", "AMD64"):
        assert set(here) <= {*PROCESSORS, "shaken1", "shaken2", "busy"} and "sse" in here
        chosen = [tuple(sorted(environment.items())) for environment in here.values()]
        assert len(set(chosen)) == len(chosen)


def test_the_table_has_a_line_for_each_run():
    shown = table({"sse": Result(500, ["limits, cell 33: differs"], 61.4), "busy": Result(501, [], 99.6)})
    assert [line.split() for line in shown.splitlines()[1:]] == [["sse", "500", "1", "61"], ["busy", "501", "0", "100"]]
