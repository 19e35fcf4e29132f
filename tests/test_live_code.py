"""Cells that run in the reader's browser: what runs before them, what they say, and what the browser is given."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path
from subprocess import CalledProcessError
from urllib.error import HTTPError, URLError

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT
from live_code import archive, python
from live_code.pages import asked_for, code_cells, described
from live_code.slices import importable_names, needs, setup_for, statements
from plain import make_plain
from searches import LIBRARY, SLOW
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.hints import about, find

sys.path.append(str(archive.STATIC))
from live_code_run import MOST, run

FILES = ("book/*.ipynb", "_config.yml", "book/_ext/live_code/*.py", "book/_ext/live_code/static/*.py")
in_part = pytest.mark.search(SLOW, *FILES, "rnnbook/lessons/exercises/*.py", *LIBRARY, "constraints.txt")

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
    "cells",
    [
        ["import torch\nx = torch.ones(2)"],
        ["y = 1"],
        ["from rnnbook import figures as x"],
        ["import mathematics\nx = mathematics.one"],  # only begins like a module that is allowed
    ],
)
def test_what_the_browser_lacks_cannot_run_there(cells):
    assert setup_for("x", cells, ALLOWED) is None


def test_an_answer_may_use_what_its_statement_names_of_earlier_exercises_and_of_the_cell_before():
    cells = [
        ("x = 1\nmy_x = 2", []),
        ("def my_f():\n    return None\n\n\nprint(my_f)", []),
        ("p = 3\nprint(p)", ["live"]),
        ("my_g = None\nprint(my_g)", []),
    ]
    named = {"x", "my_x", "my_f", "p", "absent"}  # what stands in neither may take long to compute
    about = described(cells, r"print\(my", [], named={3: named})[3]
    assert about["setup"] == [(1, "def my_f():\n    return None"), (2, "p = 3")]
    assert described(cells, r"print\(my", [])[3]["setup"] == []


@pytest.mark.parametrize(
    "chapter, exercise, name",
    [
        ("rnn", "forward", "my_step"),
        ("rnn", "batch_first", "my_forward"),
        ("gru", "bug_in_gate_gradients", "program"),
    ],
)
def test_the_statements_of_the_chapters_name_what_is_there(chapter, exercise, name):
    cells = code_cells(ROOT / "book" / f"{chapter}.ipynb")
    place = next(k for k, (code, _) in enumerate(cells) if f"check_{exercise}(" in code)
    assert name in asked_for(cells[:place], CONFIG["live_code_exercise"])


def test_a_slice_says_from_which_cell_each_line_is():
    assert setup_for("c", ["a = 1", "b = 0", "c = a\nc = c + a"], ALLOWED) == [(0, "a = 1"), (2, "c = a\nc = c + a")]


def test_an_answer_may_use_what_the_chapter_imports_and_the_browser_has():
    assert importable_names(["import math\nimport torch", "from rnnbook import data, figures"], ALLOWED) == {
        "math",
        "data",
    }


@in_part
@pytest.mark.slow
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_cell_that_can_be_tried_prints_what_the_page_shows(path):
    """Each is run after its own slice, in a fresh namespace, by the code that the browser runs."""
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    here = lambda found: about(*found.groups())["here"]  # noqa: E731
    told = described(code_cells(path), CONFIG["live_code_exercise"], CONFIG["live_code_imports"], here)
    for cell, found in zip(cells, told, strict=True):
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
    assert run(before, "Verdict()\n7") == {"output": "Right.\n7\n", "passed": True, "error": None}
    assert run([], "1\n2") == {"output": "2\n", "passed": None, "error": None}
    assert run(["print('before')\nx = 2"], "print(x)\nNone")["output"] == "2\n"


def test_an_error_shows_the_readers_own_lines_and_what_was_printed_before_it():
    answer = run([], "import json\nprint('here')\njson.loads('{')")
    assert answer["output"] == "here\n"
    assert "json.loads('{')" in answer["error"] and "json/" not in answer["error"]
    assert "invalid syntax" in run([], "a b")["error"] and "zero" in run(["1 / 0"], "2")["error"]
    assert "return 2\n" in run([], "def f(x):\n    return 1\nreturn 2")["error"]  # Python itself leaves this line out
    assert run(["1 / 0"], "2")["error"].startswith("What runs before this cell stopped.")


def test_a_long_output_is_cut():
    answer = run([], f"print('x' * {MOST + 500})")
    assert answer["output"].endswith("and 501 characters more")


def test_the_archive_holds_the_package_without_large_tables_and_is_the_same_on_any_day(tmp_path):
    for name in ("one.zip", "two.zip"):
        archive.pack(ROOT / CONFIG["live_code_package"], tmp_path / name, CONFIG["live_code_without"])
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert {"rnnbook/in_numpy/lstm.py", "rnnbook/data/tables/sunspots_monthly.csv.gz", "live_code_run.py"} <= set(names)
    assert not [name for name in names if "in_torch" in name]
    sizes = [
        info.file_size for info in zipfile.ZipFile(tmp_path / "one.zip").infolist() if info.filename.endswith(".gz")
    ]
    assert sizes and max(sizes) < archive.SMALL
    assert (tmp_path / "one.zip").stat().st_size < 400_000


@pytest.mark.parametrize(
    "errors, without",
    [
        ([URLError(OSError("refused")), CalledProcessError(1, "pip", stderr=b"NameResolutionError")], True),
        ([TimeoutError(), CalledProcessError(1, "pip", stderr=b"Network is unreachable")], True),
        (
            [HTTPError("", 404, "gone", {}, None), CalledProcessError(1, "pip", stderr=b"NameResolutionError")],
            False,
        ),
        ([URLError(OSError("refused")), CalledProcessError(1, "pip", stderr=b"No matching distribution")], False),
        ([URLError(OSError("refused")), KeyError("pyodide.mjs")], False),
        ([URLError(OSError("refused")), None], False),  # fetched, and not what it should be
    ],
)
def test_a_broken_fetch_is_told_from_a_machine_without_a_network(tmp_path, monkeypatch, errors, without):
    def source(error):
        def fails(folder):
            if error is not None:
                raise error

        return fails

    monkeypatch.setattr(python, "from_release", source(errors[0]))
    monkeypatch.setattr(python, "from_carrier", source(errors[1]))
    (tmp_path / python.NO_NETWORK).touch()  # of an earlier day
    assert python.fetch(tmp_path) == list(python.FILES)
    assert (tmp_path / python.NO_NETWORK).exists() == without


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
        told = hints(chapter, check)
        assert told and all(hint.strip() for hint in told)
        if isinstance(find(f"{chapter}.{check}"), Exercise):
            assert len(told) == 2 and told[1].startswith("One trial: given ")


STATEMENT = """:::{exercise} Count the operations
:label: ex-flops
Return a number.
:::"""
SOLUTION = """:::{solution} ex-flops
```{live-answer} speed.flops
```
:::"""
TRY = "import numpy as np\nprint(np.ones(2))"
CHECK = """def my_flops(T, B, D, H, G):
    return None


exercises.speed.check_flops(my_flops)"""
ONCE_MORE = """shown = "</script>"
exercises.speed.check_flops(lambda **given: my_flops(**given))"""
LAST = "print(shown)"
PROJECT = """:::{exercise} A server
:label: ex-server
Build one.
:::"""
SERVE = "exercises.speed.check_serve(server)"
CONF = """
project = "A book"
extensions = ["myst_nb", "sphinx_exercise", "live_code", "plain_cells"]
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["build"]
live_code_package = "rnnbook"
live_code_exercise = %(live_code_exercise)r
live_code_hints = %(live_code_hints)r
live_code_about = %(live_code_about)r
live_code_answer = %(live_code_answer)r
live_code_imports = %(live_code_imports)r
"""


def write_notebook(path, *cells):
    """Write a notebook; what only computes or prints can be tried."""
    nb = nbformat.v4.new_notebook()
    for text in cells:
        make = nbformat.v4.new_markdown_cell if text[0] in "#:" else nbformat.v4.new_code_cell
        nb.cells.append(make(text))
        if text in (TRY, LAST):
            nb.cells[-1].metadata["tags"] = ["live"]
    nbformat.write(make_plain(nb), path)  # as in the book, for which see plain_cells


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    """A book of one notebook and the list, built with the book's own configuration; Python's files are stood in for."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "conf.py").write_text(CONF % CONFIG + f"live_code_python = {str(folder / 'python')!r}\n")
    (folder / "index.md").write_text("# A book\n\n```{toctree}\nspeed\nafter\nlist\n```\n")
    (folder / "list.md").write_text("# All of them\n\n```{live-exercises}\n```\n")
    imported = "from rnnbook.lessons import exercises"
    write_notebook(
        folder / "speed.ipynb", "# How fast?", TRY, imported, STATEMENT, CHECK, SOLUTION, ONCE_MORE, TRY, LAST
    )
    torch = "import torch\nserver = torch.nn.LSTM(5, 4)"
    write_notebook(folder / "after.ipynb", "# And then?", imported, torch, PROJECT, SERVE)
    old = folder / "build" / "_static" / "live_code" / "old.zip"
    old.parent.mkdir(parents=True)
    old.touch()
    shutil.copytree(ROOT / "rnnbook", folder / "rnnbook", ignore=shutil.ignore_patterns("*.gz", "__pycache__"))
    (folder / "python").mkdir()
    for name in python.FILES:
        (folder / "python" / name).write_bytes(name.encode())
    kept = python.FILES
    python.FILES = {name: hashlib.sha256(name.encode()).hexdigest() for name in kept}
    try:
        with docutils_namespace():
            app = Sphinx(folder, folder, folder / "build", folder / "trees", "html", status=None, warning=sys.stderr)
            app.build()
    finally:
        python.FILES = kept
        python._complete.cache_clear()
    return folder / "build"


def page_of(book, name):
    return BeautifulSoup((book / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


@pytest.mark.slow
def test_a_statement_says_its_kind_level_minutes_and_concept(small_book):
    statement = page_of(small_book, "speed").select_one("div.exercise")
    assert statement.select_one(".live-about").get_text() == "Write · ★ · 5 minutes · cost"
    assert "Count the operations" in statement.select_one(".admonition-title").get_text()


@pytest.mark.slow
def test_a_cell_that_runs_says_what_the_script_has_to_know(small_book):
    tried, exercise, more, again, last = (
        json.loads(script.string) for script in page_of(small_book, "speed").select(".live-code > script")
    )
    assert tried == {"id": "cell-0", "title": "", "hints": [], "setup": []}
    assert again == {"id": "cell-4", "title": "", "hints": [], "setup": []}  # the same code, further down
    assert (more["id"], more["title"]) == ("cell-3", "")  # one statement is that of one cell
    assert [part["of"] for part in more["setup"] if "my_flops" in part["code"]] == ["ex-flops"]
    assert "shown = '</script>'" in [part["code"] for part in last["setup"]]
    hints = exercise.pop("hints")
    assert exercise == {
        "id": "ex-flops",
        "title": "Count the operations",
        "exercise": True,
        "setup": [
            {"of": None, "code": "import numpy as np"},
            {"of": None, "code": "from rnnbook.lessons import exercises"},
        ],
    }
    assert hints == find("speed.flops").hints()


@pytest.mark.slow
def test_a_solution_is_the_code_that_the_check_holds(small_book):
    assert "return 2 * T * B * G * H * (D + H)" in page_of(small_book, "speed").select_one("div.solution").get_text()


@pytest.mark.slow
def test_the_list_is_a_plain_table_with_a_row_for_each_exercise(small_book):
    table = page_of(small_book, "list").select_one("table.live-list")
    head, row, project = (
        [cell.get_text(strip=True) for cell in line.find_all(["th", "td"])] for line in table.find_all("tr")
    )
    assert head == ["Chapter", "Exercise", "Concept", "Kind", "Level", "Minutes"]
    assert row == ["How fast?", "Count the operations", "cost", "write", "★", "5"]
    assert project == ["And then?", "A server", "streams", "project", "★★", "45"]  # the order is the book's
    assert table.select_one("a")["href"] == "speed.html#ex-flops"


@pytest.mark.slow
def test_what_the_browser_cannot_run_is_asked_on_the_page_and_has_no_editor(small_book):
    page = page_of(small_book, "after")
    assert page.select_one("div.exercise .live-about").get_text().startswith("Project · ★★ · 45 minutes")
    assert not page.select(".live-code")


@pytest.mark.slow
def test_the_script_is_on_the_pages_that_need_it_and_its_files_are_there(small_book):
    scripts = {
        name: [tag["src"] for tag in page_of(small_book, name).find_all("script", src=True)]
        for name in ("index", "speed", "list")
    }
    has = {name: any("live_code.js" in source for source in found) for name, found in scripts.items()}
    assert has == {"index": False, "speed": True, "list": True}
    folder = small_book / "_static" / "live_code"
    files = json.loads((folder / "files.json").read_text())
    assert not (folder / "old.zip").exists()
    assert "package.zip" in files["sizes"]
    contents = b"".join((folder / name).read_bytes() for name in files["sizes"])
    assert files["version"] == hashlib.sha256(contents).hexdigest()[:16]
    for name, size in files["sizes"].items():
        assert (folder / name).stat().st_size == size
    for name in ("live_code_worker.mjs", "live_code.js", "live_code.css"):
        assert (folder / name).read_bytes() == (archive.STATIC / name).read_bytes()
    wasm = gzip.decompress((folder / "pyodide.asm.wasm.gz").read_bytes())
    assert wasm == b"pyodide.asm.wasm"
