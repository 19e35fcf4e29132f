"""The benchmarks run from end to end in small, and what is committed of them says where it comes from."""

import json
import math
import os
import subprocess
import sys

import pytest
from conftest import ROOT

from rnnbook.in_torch.compiled import LIBRARIES

FOLDER = ROOT / "benchmarks"
RESULTS = sorted((FOLDER / "results").glob("*.json"))


def run(script, *arguments):
    """Run one in a process of its own, which alone fixes the number of threads; returns what it printed."""
    command = [sys.executable, FOLDER / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_layers_are_timed_against_every_peer(tmp_path):
    out = tmp_path / "layers.json"
    printed = run("layers.py", "--peers", "in_numpy", "in_torch", "reference", "--layers", "RNN", "--sizes", 0,
                  "--seconds", 0, "--out", out)  # fmt: skip
    report = json.loads(out.read_text(encoding="utf-8"))
    (row,) = report["rows"]
    for task in ("forward", "train"):
        assert list(row[task]) == ["torch.nn", "in_numpy", "in_torch", "reference"]
        for peer, found in row[task].items():
            assert found["rounds"] >= 5 and 0 < found["min_ms"] <= found["median_ms"]
            assert found["ratio_of_minima"] == found["min_ms"] / row[task]["torch.nn"]["min_ms"]
            assert math.isclose(report["geometric_means"][task][peer]["all"], found["ratio_of_minima"])
    assert "RNN" in printed and report["provenance"]["threads"] == 1


def test_the_scans_are_timed_and_their_errors_measured(tmp_path):
    out = tmp_path / "scan.json"
    run("scan.py", "--lengths", 32, "--sizes", 0, "--seconds", 0, "--out", out)
    (row,) = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert row["train"]["torch.nn.GRU"]["ratio_of_minima"] == 1
    for scan in ("sequential", "chunked", "hillis_steele", "log_space"):
        assert row["train"][scan]["min_ms"] > 0
        assert 0 < row["errors_float32"][scan]["gradient"] < 1e-3


@pytest.mark.slow
@pytest.mark.skipif(not LIBRARIES, reason="no C compiler was at the installation")
def test_every_rung_of_the_ladder_is_timed(tmp_path):
    out = tmp_path / "ladder.json"
    run("ladder.py", "--hidden", 4, "--batch", 2, "--seconds", 0, "--out", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    (row,) = report["microseconds_per_step"]
    assert list(row) == ["B", "H", "cells", "reference", "handwritten", "compiled", "torch.nn"]
    assert all(0 < row[rung] < 1e6 for rung in list(row)[2:]) and report["flops_per_second"] > 1e8
    assert len(report["many_small_over_one_large"]) == 6


@pytest.mark.slow
def test_the_benchmark_for_a_gpu_runs_through_in_the_interpreter(tmp_path, monkeypatch):
    """Its times mean nothing there; that every line of it runs is what a machine with a GPU relies on."""
    code = """
import sys, time
import gpu
def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
gpu.DEVICE, gpu.seconds = "cpu", seconds
gpu.main(sys.argv[1:])
"""
    out = tmp_path / "gpu.json"
    options = ["--rounds", "1", "--hidden", "7", "--batch", "2", "--steps", "3", "--handwritten", "--tf32"]
    variables = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join([str(FOLDER), str(ROOT)])}
    command = [sys.executable, "-c", code, "--out", str(out), *options]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert len(report["errors"]) == len(report["times"]) == 6  # three layers in two dtypes
    for found in report["errors"]:
        assert 0 < found["triton"] < {"float32": 1e-5, "bfloat16": 0.1}[found["dtype"]]
    for found in report["times"]:
        assert list(found["seconds"]) == ["cudnn", "triton", "handwritten"]
        assert all(0 < taken < 60 for times in found["seconds"].values() for taken in times.values())


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_committed_result_says_how_it_was_measured(path):
    provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    assert provenance["command"].startswith("python benchmarks/") and path.name in provenance["command"]
    assert {"commit", "date", "versions"} <= provenance.keys()
    assert provenance.keys() >= ({"gpu", "tf32"} if "gpu" in provenance else {"processor", "threads", "load_average"})
