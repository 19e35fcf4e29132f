"""The benchmarks run from end to end in small, and what is committed of them says where it comes from."""

import importlib
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT
from searches import LIBRARY

from rnnbook.in_torch.compiled import LIBRARIES

FOLDER = ROOT / "benchmarks"
in_part = pytest.mark.search("benchmarks run in small", "benchmarks/*.py", *LIBRARY)
RESULTS = sorted((FOLDER / "results").rglob("*.json"))


def place(path):
    return str(path.relative_to(FOLDER / "results"))


def run(script, *arguments):
    """Run one in a process of its own, which alone fixes the number of threads; returns what it printed."""
    command = [sys.executable, FOLDER / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@in_part
def test_the_layers_are_timed_against_every_peer(tmp_path):
    out = tmp_path / "layers.json"
    peers = ["in_numpy", "in_torch", "reference", "cells", "by_gate", "two_linears"]
    printed = run("layers.py", "--peers", *peers, "onnxruntime", "--sizes", 0, "--seconds", 0, "--out", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert [row["layer"] for row in report["rows"]] == ["RNN", "GRU", "LSTM"]
    for row in report["rows"]:
        for task, more in [("forward", ["onnxruntime"]), ("train", [])]:
            assert list(row[task]) == ["torch.nn", *peers, *more, "floor"]
            assert all(found.get("calls", 5) >= 5 for found in row[task].values())
            assert report["geometric_means"][task].keys() == row[task].keys()
    assert "RNN" in printed and report["provenance"]["threads"] == 1


@pytest.mark.slow
@in_part
def test_each_change_is_timed_beside_the_layer_as_it_is(tmp_path):
    out = tmp_path / "changes.json"
    run("changes.py", "--layers", "GRU", "RNN", "--sizes", 0, "--seconds", 0, "--out", out)
    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert [(row["layer"], row["sizes"]) for row in rows] == [("GRU", [50, 1, 32, 64]), ("RNN", [50, 1, 32, 64])]
    for row in rows:
        assert list(row)[3:] == ["large products", "new pages", "denormal numbers", "cold caches"]
        assert all(value > 0 for value in list(row.values())[2:])


def test_a_peer_whose_package_is_missing_is_left_out_and_said(layers, monkeypatch, capsys):
    monkeypatch.setitem(layers.NEEDS, "jax", ["a_package_that_nobody_has"])
    assert layers.parse(["--peers", "jax", "cells"]).peers == ["torch.nn", "cells"]
    assert "jax is left out, for lack of a_package_that_nobody_has" in capsys.readouterr().out


def test_the_floor_is_the_sum_of_its_parts_each_at_its_own_rate(layers):
    now = iter(range(10**9))
    floor = importlib.import_module("floor")
    (T, B, D, H), peak = (7, 2, 3, 5), 1000.0
    each = 1 / 20  # the clock ticks once a round, and a round makes 20 products
    tanh = 1 / 8192
    found = floor.floor("LSTM", (T, B, D, H), peak, 0, lambda: next(now))
    forward = T * each + 2 * T * B * D * 4 * H / peak + T * B * H * 5 * tanh
    backward = T * each + 2 * (2 * T * B * D * 4 * H + T * B * H * 4 * H) / peak
    assert found["forward"] == pytest.approx(forward, rel=1e-12)
    assert found["train"] == pytest.approx(forward + backward, rel=1e-12)


@pytest.fixture
def layers(monkeypatch):
    """The module that measures; its times are given here, because those of a run are another computer's."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("layers")


def test_in_a_turn_a_peer_is_called_until_its_time_is_up(layers):
    now, called = [0], []

    def take(name, seconds):
        called.append(name)
        now[0] += seconds

    work = {"torch.nn": lambda: take("torch.nn", 2), "in_numpy": lambda: take("in_numpy", 3)}
    assert layers.rounds_of(work, 0, lambda: now[0], turn=6) == {"torch.nn": [2] * 15, "in_numpy": [3] * 10}
    assert called == ["torch.nn", "in_numpy"] + 5 * (3 * ["torch.nn"] + 2 * ["in_numpy"])  # a call of each warms up
    assert layers.rounds_of(work, 0, lambda: now[0]) == {"torch.nn": [2] * 5, "in_numpy": [3] * 5}


def test_a_ratio_is_that_of_the_least_times_and_of_the_medians(layers):
    found = layers.ratios({"torch.nn": [4.0, 2.0, 8.0], "in_numpy": [3.0, 1.0, 5.0]})
    assert found["torch.nn"]["ratio_of_minima"] == found["torch.nn"]["ratio_of_medians"] == 1
    assert found["in_numpy"] == {
        "min_ms": 1000, "median_ms": 3000, "ratio_of_minima": 0.5, "ratio_of_medians": 0.75, "calls": 3,
    }  # fmt: skip


def test_means_of_ratios_are_geometric_over_sizes_and_layers(layers):
    ratios = [("RNN", 2.0), ("RNN", 8.0), ("GRU", 1.0)]
    rows = [
        {"layer": name} | {task: {"in_numpy": {"ratio_of_minima": ratio}} for task in ("forward", "train")}
        for name, ratio in ratios
    ]
    means = layers.mean_ratios(rows, ["in_numpy"])["train"]["in_numpy"]
    assert means == pytest.approx({"RNN": 4, "GRU": 1, "all": 2}, abs=1e-12)


@pytest.mark.slow
@in_part
def test_the_scans_are_timed_and_their_errors_measured(tmp_path):
    out = tmp_path / "scan.json"
    run("scan.py", "--lengths", 32, "--sizes", 0, "--seconds", 0, "--out", out)
    (row,) = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert {"torch.nn.GRU", "torch.nn.LSTM"} < row["train"].keys()
    for scan in ("sequential", "chunked", "hillis_steele", "log_space"):
        assert row["train"][scan]["calls"] >= 5
        assert 0 < row["errors_float32"][scan]["gradient"] < 1e-3


@pytest.mark.slow
@in_part
@pytest.mark.skipif(not LIBRARIES, reason="no C compiler was at the installation")
def test_every_rung_of_the_ladder_is_timed(tmp_path):
    out = tmp_path / "ladder.json"
    run("ladder.py", "--hidden", 4, "--batch", 2, "--sizes", 0, 1, "--seconds", 0, "--out", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    (row,) = report["microseconds_per_step"]
    assert list(row) == ["B", "H", "cells", "reference", "handwritten", "compiled", "torch.nn"]
    assert all(isinstance(value, float) for value in [*list(row.values())[2:], report["flops_per_second"]])
    assert [len(row) for row in report["many_small_over_one_large"]] == [4, 4]  # the sizes, three rearrangements


@pytest.mark.slow
@in_part
def test_a_point_of_the_roofline_has_its_operations_and_the_time_of_each_peer(tmp_path):
    out = tmp_path / "roofline.json"
    run("roofline.py", "--batch", 2, "--seconds", 0, "--out", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    (row,) = report["rows"]
    weights = 4 * report["H"] * (report["H"] + report["H"])
    assert row["operations"] == 3 * 2 * weights * 2 * report["T"]  # two for each weight and sequence, three times
    assert list(row["ms"]) == ["reference", "torch.nn", "in_torch", "floor"] and min(row["ms"].values()) > 0
    assert report["flops_per_second"] > 0 and list(report["bytes_per_second"]) == ["memory", "cache"]


@pytest.mark.slow
@in_part
def test_the_benchmark_for_a_gpu_runs_through_in_the_interpreter(tmp_path, monkeypatch):
    """Its times mean nothing there; that every line of it runs is what a machine with a GPU relies on."""
    code = """
import functools, sys, time
import gpu
def seconds(work, calls):
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls
gpu.DEVICE, gpu.seconds, gpu.errors = "cpu", seconds, functools.partial(gpu.errors, T=8, B=3)
gpu.main(sys.argv[1:])
"""
    out = tmp_path / "gpu.json"
    options = ["--seconds", "0", "--processes", "1", "--hidden", "7", "--batch", "2", "--steps", "3", "--handwritten"]
    variables = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join([str(FOLDER), str(ROOT)])}
    command = [sys.executable, "-c", code, "--out", str(out), "--tf32", *options]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert len(report["errors"]) == len(report["times"]) == 9  # three layers in three dtypes
    for found in report["errors"]:
        assert 0 < found["triton"] < {"float32": 1e-5, "float16": 1e-2, "bfloat16": 0.1}[found["dtype"]]
    table = done.stdout.splitlines()[-11:-1]
    assert table[0].split() == ["time", "over", "cuDNN's", "B=2", "T=3"]
    for found, line in zip(report["times"], table[1:], strict=True):
        taken = found["microseconds_per_step"]
        assert list(taken) == ["cudnn", "triton", "handwritten"]
        assert all(times.keys() >= {"forward", "train"} for times in taken.values())
        ratios = [f"{taken['triton'][task] / taken['cudnn'][task]:.2f}" for task in ("forward", "train")]
        assert line.split() == [found["layer"], found["dtype"], "H=7", ratios[0], "/", ratios[1]]


@pytest.mark.parametrize("path", RESULTS, ids=place)
def test_a_committed_result_says_how_it_was_measured(path):
    provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    assert provenance["command"].startswith("python benchmarks/") and f"results/{place(path)}" in provenance["command"]
    assert {"commit", "date", "versions"} <= provenance.keys()
    assert provenance.keys() >= ({"gpu", "tf32"} if "gpu" in provenance else {"processor", "threads", "load_average"})


@pytest.mark.parametrize("path", [path for path in RESULTS if path.name.startswith("layers")], ids=place)
def test_no_peer_takes_less_time_than_its_products(layers, path):
    """Where one does, a part of its time was not measured, or a part of its work not done."""
    report, gates = json.loads(path.read_text(encoding="utf-8")), importlib.import_module("floor").GATES
    for row in report["rows"]:
        T, B, D, H = row["sizes"]
        forward = 2 * T * B * gates[row["layer"]] * H * (D + H)
        for task, operations in (("forward", forward), ("train", 3 * forward)):
            for peer, found in row[task].items():
                assert operations / (found["min_ms"] / 1e3) < 1.1 * report["flops_per_second"], (row["sizes"], peer)
