"""An oracle that a machine lacks is told at the end of a run; any other error of an oracle is an error."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

TESTS = """
import pytest


def lacks():
    raise RuntimeError("could not create a primitive descriptor for the LSTM forward propagation primitive.")


def fails():
    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_one(oracle):
    assert oracle("an LSTM", lacks) is None and oracle("a product", lambda: 3) == 3


@pytest.mark.parametrize("k", [1, 2])
def test_two(oracle, k):
    assert oracle("a GRU", lacks) is None


def test_an_error(oracle):
    oracle("a product", fails)


def test_ours_is_wrong(oracle):
    assert oracle("an LSTM", lacks) is None
    assert 1 == 2
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "by a worker"])
def test_what_is_lacking_is_told_and_hides_nothing(tmp_path, workers):
    (tmp_path / "test_planted.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "missing_oracles", "-p", "no:cacheprovider", *workers]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, env=variables, timeout=300)
    assert "oracles that this machine lacks: a GRU (2); an LSTM (2)\n" in done.stdout
    assert "2 failed, 3 passed" in done.stdout
    assert "mat1 and mat2 shapes" in done.stdout and "assert 1 == 2" in done.stdout


def test_nothing_is_told_where_nothing_is_lacking(tmp_path):
    (tmp_path / "test_planted.py").write_text("def test_it(oracle):\n    assert oracle('a sum', lambda: 3) == 3\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "missing_oracles", "-p", "no:cacheprovider", str(tmp_path)]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=300)
    assert "1 passed" in done.stdout and "lacks" not in done.stdout
