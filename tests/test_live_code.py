"""Cells that run in the reader's browser: what runs before them, what they say, and what the browser is given."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from live_code import archive, python
from live_code.pages import code_cells, described
from live_code.slices import importable_names, needs, setup_for, statements

sys.path.append(str(archive.STATIC))
from live_code_run import MOST, run

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))


@pytest.mark.parametrize(
    "code, names",
    [
        ("y = x + 1", {"x"}),
        ("x = x + 1", {"x"}),
        ("x += 1", {"x"}),
        ("a, b = 1, 2\nprint(a + b)", set()),
        ("[k * s for k in range(n)]", {"s", "n"}),
        ("f = lambda k: k + s", {"s"}),
        ("def f(x, *rest, **more):\n    total = x + scale\n    return total", {"scale"}),
        ("for k in range(3):\n    h = g(h)", {"g", "h"}),
        ("for k in range(3):\n    u = k\n    h = u", set()),
        ("total = 0\nfor k in ks:\n    total += k", {"ks"}),
        ("while go:\n    go = step(s)", {"go", "step", "s"}),
        ("with no() as nothing:\n    use(nothing)", {"no", "use"}),
        ("import numpy as np\nnp.zeros(n)", {"n"}),
        ("x[i] = v", {"x", "i", "v"}),
    ],
)
def test_the_names_that_a_text_needs(code, names):
    assert needs(statements(code)) == names


ALLOWED = ["math", "rnnbook.data"]


@pytest.mark.parametrize(
    "cells, code, lines",
    [
        (["a = 1\nb = 2", "c = a"], "print(c)", "a = 1\nc = a"),
        (["import math, os", "r = math.pi"], "r * 2", "import math\nr = math.pi"),
        (["x = [1]", "x.append(2)", "y = 3"], "x", "x = [1]\nx.append(2)"),
        (["x = [1]", "x[0] = 5"], "x", "x = [1]\nx[0] = 5"),
        (["x = 1", "x = 2"], "x", "x = 2"),
        (["k = 3", "def g():\n    return k"], "g()", "k = 3\ndef g():\n    return k"),
        (["from rnnbook import data, figures", "s = data.one()"], "s", "from rnnbook import data\ns = data.one()"),
        (["%matplotlib inline", "a = 1"], "a", "a = 1"),
    ],
)
def test_the_slice_holds_what_the_cell_needs_and_no_more(cells, code, lines):
    assert "\n".join(text for _, text in setup_for(code, cells, ALLOWED)) == lines


@pytest.mark.parametrize(
    "cells", [["import torch\nx = torch.ones(2)"], ["y = 1"], ["from rnnbook import figures as x"]]
)
def test_what_the_browser_lacks_cannot_run_there(cells):
    assert setup_for("x", cells, ALLOWED) is None


def test_a_slice_says_from_which_cell_each_line_is():
    assert setup_for("c", ["a = 1", "b = 0", "c = a\nc = c + a"], ALLOWED) == [(0, "a = 1"), (2, "c = a\nc = c + a")]


def test_an_answer_may_use_what_the_chapter_imports_and_the_browser_has():
    assert importable_names(["import math\nimport torch", "from rnnbook import data, figures"], ALLOWED) == {
        "math",
        "data",
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_cell_that_can_be_tried_prints_what_the_page_shows(path):
    """Each is run after its own slice, in a fresh namespace, by the code that the browser runs."""
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    about = described(code_cells(path), CONFIG["live_code_exercise"], CONFIG["live_code_imports"])
    for cell, found in zip(cells, about, strict=True):
        if found is None or cell["metadata"].get("tags", []) == ["nbval-ignore-output"]:
            continue
        answer = run([text for _, text in found["setup"]], "".join(cell["source"]))
        assert answer["error"] is None, answer["error"]
        stored = [o.get("text") or [*o["data"]["text/plain"], "\n"] for o in cell["outputs"]]
        assert answer["output"].strip() == "".join(line for lines in stored for line in lines).strip()


def test_a_tagged_cell_that_cannot_run_in_a_browser_stops_the_build():
    with pytest.raises(ValueError, match="cannot run in the browser"):
        described([("import torch", []), ("torch.ones(2)", ["live"])], "check_", ["numpy"])


class Verdict:
    passed = True

    def __repr__(self):
        return "Right."


def test_a_verdict_is_shown_wherever_it_stands_and_a_value_only_at_the_end():
    before = ["from test_live_code import Verdict"]
    assert run(before, "Verdict()\nx = 3") == {"output": "Right.\n", "passed": True, "error": None}
    assert run([], "1\n2") == {"output": "2\n", "passed": None, "error": None}
    assert run(["print('before')\nx = 2"], "print(x)\nNone")["output"] == "2\n"


def test_an_error_shows_the_readers_own_lines_and_what_was_printed_before_it():
    answer = run([], "import json\nprint('here')\njson.loads('{')")
    assert answer["output"] == "here\n"
    assert "json.loads('{')" in answer["error"] and "json/" not in answer["error"]
    assert "invalid syntax" in run([], "a b")["error"] and "zero" in run(["1 / 0"], "2")["error"]
    assert run(["1 / 0"], "2")["error"].startswith("What runs before this cell stopped.")


def test_a_long_output_is_cut():
    answer = run([], f"print('x' * {MOST + 500})")
    assert answer["output"].endswith("and 501 characters more")


def test_the_archive_holds_the_package_without_large_tables_and_is_the_same_on_any_day(tmp_path):
    archive.pack(ROOT / "rnnbook", tmp_path / "one.zip")
    archive.pack(ROOT / "rnnbook", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert {"rnnbook/in_numpy/lstm.py", "rnnbook/data/tables/sunspots_monthly.csv.gz", "live_code_run.py"} <= set(names)
    sizes = [
        info.file_size for info in zipfile.ZipFile(tmp_path / "one.zip").infolist() if info.filename.endswith(".gz")
    ]
    assert sizes and max(sizes) < archive.SMALL
    assert (tmp_path / "one.zip").stat().st_size < 400_000


def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path, monkeypatch):
    def forged(folder):
        for name in python.FILES:
            (folder / name).write_bytes(b"something else")

    monkeypatch.setattr(python, "from_carrier", forged)
    monkeypatch.setattr(python, "from_release", forged)
    assert python.fetch(tmp_path / "python") == list(python.FILES)
    assert list((tmp_path / "python").iterdir()) == []


def test_without_a_network_it_says_so_and_goes_on(tmp_path, monkeypatch, capsys):
    def unreachable(folder):
        raise OSError("no network")

    monkeypatch.setattr(python, "from_carrier", unreachable)
    monkeypatch.setattr(python, "from_release", unreachable)
    assert python.fetch(tmp_path) == list(python.FILES)
    assert "no network" in capsys.readouterr().err


def test_every_exercise_has_its_hints_from_the_chapter_and_the_name():
    module, _, name = CONFIG["live_code_hints"].partition(":")
    hints = getattr(__import__(module, fromlist=[name]), name)
    found = {match for path in CHAPTERS for match in re.findall(CONFIG["live_code_exercise"], Path(path).read_text())}
    assert len(found) > 60
    for chapter, check in found:
        first, second = hints(chapter, check)
        assert first.strip() and second.startswith("One trial: given ")
