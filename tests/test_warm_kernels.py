"""A kernel that is forked from the nursery is what a kernel that is started from nothing is, but for three imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from searches import SLOW

pytestmark = [
    pytest.mark.slow,
    pytest.mark.search(
        SLOW, "tests/warm_kernels.py", "tests/warm_kernels_run.py", "tests/kernel_nursery.py", "constraints.txt",
        together=True,
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}  # as in the Makefile
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("warm_kernels_run.py"))],
        cwd=tmp_path_factory.mktemp("kernels"),
        env=os.environ | one_thread | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_warm_kernel_has_the_surroundings_of_a_fresh_one_and_nothing_of_the_book(found):
    assert found["ready"]
    assert found["warm"] == found["fresh"] and found["warm"]["book"] == []


def test_each_kernel_is_a_process_of_its_own(found):
    assert found["shared"] == "False\n"


def test_a_kernel_is_interrupted_and_goes_on(found):
    assert found["after an interrupt"] == "2\n"


def test_a_kernel_that_is_ended_ends_itself_or_loses_the_nursery_is_gone(found):
    assert found["left"] == [False] * 3
