"""What the harness of the experiments writes around the results: with what, when and where they were found."""

import importlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import time

import pytest
from conftest import ROOT

import rnnbook

FOLDER = ROOT / "book/experiments"
PROGRAMS = sorted(
    path for path in FOLDER.glob("*.py") if path.stem not in {"harness", "side_by_side", "character_rnn"}
)  # modules, and a program to read


@pytest.fixture
def harness(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("harness")


def recorded(harness, path, results, **options):
    options = {"settings": {"lr": 0.1}, "seeds": range(2)} | options
    with harness.recording(path.with_suffix(".py"), "a sentence", **options) as record:
        record |= results
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_record_says_where_its_results_come_from(harness, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["some.py", "an argument"])
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    before = time.strftime("%Y-%m-%d")
    record = recorded(harness, tmp_path / "some.json", {"found": [1, 2]}, processes=harness.TWO)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout
    assert list(record) == ["what", "command", "commit", "date", "versions", "settings", "seeds", "hardware", "seconds",
                            "found"]  # fmt: skip
    assert record["what"] == "a sentence" and record["found"] == [1, 2]
    assert record["command"] == "OMP_NUM_THREADS=3 python book/experiments/some.py an argument"
    assert commit.startswith(record["commit"] or "") and record["date"] in (before, time.strftime("%Y-%m-%d"))
    assert record["settings"] == {"lr": 0.1} and record["seeds"] == [0, 1]
    versions = {"rnnbook": rnnbook.__version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in ("numpy", "torch") if name in sys.modules}
    assert record["versions"] == versions
    for part in (platform.machine(), f"{os.cpu_count()} cores", "two processes of one thread"):
        assert part in record["hardware"]


def test_the_seconds_are_those_between_the_first_and_the_last_line(harness, tmp_path, monkeypatch):
    times = iter([100.0, 161.7])
    monkeypatch.setattr(harness.time, "perf_counter", lambda: next(times))
    assert recorded(harness, tmp_path / "some.json", {})["seconds"] == 62


def test_a_record_says_whether_it_was_put_together_from_pieces(harness, tmp_path):
    assert recorded(harness, tmp_path / "some.json", {}, pieces=True)["pieces"] == harness.PIECES
    assert "pieces" not in recorded(harness, tmp_path / "some.json", {})


def test_a_run_that_fails_leaves_the_record_as_it_was(harness, tmp_path):
    path = tmp_path / "some.json"
    path.write_text("as it was")
    with pytest.raises(ZeroDivisionError), harness.recording(tmp_path / "some.py", "", settings={}, seeds=[]):
        _ = 1 / 0
    assert path.read_text() == "as it was"


def test_a_trial_goes_to_the_file_that_is_named(harness, tmp_path):
    with harness.recording(tmp_path / "some.py", "", settings={}, seeds=[], path=str(tmp_path / "trial.json")):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["trial.json"]


@pytest.mark.parametrize(
    "value",
    [{}, {"a": []}, {"a": {"b": [1, 2.5, None]}, "c": "naïve"}, {"runs": [{"x": [1, 2]}, {}], "mixed": [{}, 1]}],
)
def test_a_record_comes_back_as_it_was(harness, value):
    assert json.loads(harness.in_lines(value)) == value


def test_a_run_is_one_line(harness):
    runs = [{"seed": 0, "losses": [3, 2, 1]}, {"seed": 1, "losses": [4, 3, 2]}]
    lines = harness.in_lines({"what": "a sentence", "runs": runs}).splitlines()
    assert lines == ["{", ' "what": "a sentence",', ' "runs": [', "  " + json.dumps(runs[0]) + ",",
                     "  " + json.dumps(runs[1]), " ]", "}"]  # fmt: skip


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_experiment_is_recorded_by_the_harness_alone(path):
    """What a program types by itself is what the next one forgets."""
    text = path.read_text(encoding="utf-8")
    assert "with recording(__file__, " in text
    assert not any(word in text for word in ("json.dumps(record", "platform.", "__version__", "cpu_count"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_committed_record_says_how_it_was_made(path):
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    about = record.get("provenance", record)
    # some keep what they trained in a folder that the command names
    assert (
        re.search(rf"python book/experiments/{path.name}( _build/\w+)?( \w+)?$", about["command"]) and about["hardware"]
    )
    assert about.get("versions", about).keys() >= {"python"}
