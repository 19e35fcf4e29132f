"""The form of the committed notebooks, and the proof that the comparison of their outputs has no hole.

Each hole is planted in a small notebook, all are run by pytest in a process of its own, and each must fail.
"""

from __future__ import annotations

import ast
import base64
import functools
import io
import os
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from nbval_strict import CLOSE, FEW, difference
from notebook_form import canonical, give_ids, read
from PIL import Image
from run_notebooks import main
from searches import SLOW

in_part = pytest.mark.search(SLOW, "tools/*.py", "tests/nbval_strict.py", "constraints.txt")
on_holes = pytest.mark.search(
    SLOW, "tests/nbval_strict.py", "pyproject.toml", "constraints.txt", group="holes", together=True
)

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def python_of(source: str) -> str:
    """Return a cell's Python, with `pass` for IPython's magic lines."""
    return re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.MULTILINE)


def test_there_are_chapters():
    assert NOTEBOOKS


@each_notebook
def test_the_file_is_in_canonical_form(path):
    assert path.read_text(encoding="utf-8") == canonical(read(path), path.stem), "run `make notebooks`"


@each_notebook
def test_every_cell_was_run_once_from_top_to_bottom(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"
    assert all(cell.source.strip() for cell in code_cells(path)), "an empty cell is never run"


@each_notebook
def test_no_output_is_an_error_a_warning_or_names_a_machine(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in cell.metadata.get("tags", []), cell.source
            assert output.get("name") != "stderr", f"{cell.source}\nwrites to stderr:\n{output.get('text')}"
            text = "".join(
                str(value)
                for mime, value in [*output.items(), *output.get("data", {}).items()]
                if not str(mime).startswith("image/")
            )
            assert "UsageError" not in text, cell.source
            machine = re.search(r"/(home|tmp|Users|root|work|var|mnt)/\w|[A-Z]:\\", text)
            assert not machine, f"a path of a machine: {text}"
            assert not re.search(r"\b0x[0-9a-f]{6,}", text), f"an address in memory: {text}"


@each_notebook
def test_every_figure_has_a_caption_a_name_and_words_for_those_who_cannot_see_it(path):
    for cell in code_cells(path):
        kinds = {mime for output in cell.outputs for mime in output.get("data", {})}
        assert not kinds & {"image/svg+xml", "image/jpeg", "application/javascript"}, "figures are PNG"
        if "image/png" in kinds:
            meta = cell.metadata.get("mystnb", {})
            alt, caption = meta.get("image", {}).get("alt", ""), meta.get("figure", {}).get("caption", "")
            assert len(alt) >= 40, f"{cell.source}\nhas the alternative text {alt!r}"
            assert len(caption) >= 30 and caption != alt, f"{cell.source}\nhas the caption {caption!r}"
            assert re.fullmatch(r"fig-[a-z0-9-]+", meta["figure"].get("name", "")), cell.source


def test_no_two_figures_have_one_name():
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if "name" in cell.metadata.get("mystnb", {}).get("figure", {})
    ]
    assert len(names) == len(set(names))


@each_notebook
def test_the_file_is_small_and_its_code_fits_a_page(path):
    assert path.stat().st_size < 1_000_000
    long = [
        line
        for cell in code_cells(path)
        for line in cell.source.split("\n")
        if len(line) > 80 and not line.lstrip().startswith(("%", "!"))
    ]  # a magic cannot be broken in two
    assert long == []


@each_notebook
def test_a_cell_opts_out_of_the_comparison_only_with_a_reason_and_an_assertion(path):
    for cell in code_cells(path):
        tags = set(cell.metadata.get("tags", []))
        comments = set(re.findall(r"^\s*#+\s*(?:NBVAL_\w+|PYTEST_VALIDATE_\w+)", cell.source, flags=re.MULTILINE))
        assert not comments, f"an opt-out is a tag, so that the page does not show it: {comments}"
        if tags & {"nbval-ignore-output", "nbval-skip"}:
            assert len(str(cell.metadata.get("reason", ""))) >= 15, cell.source
        claims = re.search(r"\bassert\b|\bcheck_\w+\(", cell.source)
        if "timing" in tags:  # a time, or a ratio of times, is shown and never asserted
            assert "nbval-ignore-output" in tags and not claims, cell.source
        elif "nbval-ignore-output" in tags:
            assert claims, f"no claim is held by an assert:\n{cell.source}"


@functools.cache
def exported_names() -> set[str]:
    """Return the functions and classes that some module of rnnbook defines at its top level."""
    names = set()
    for path in (ROOT / "rnnbook").rglob("*.py"):
        if "exercises" not in path.parts:  # what the student writes has the name of its solution
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return {name for name in names if not name.startswith("_")}


@each_notebook
def test_the_chapter_defines_no_name_that_the_package_exports(path):
    exported = exported_names()
    assert {"RNN", "Linear", "Adam"} <= exported
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(python_of(cell.source))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                assert node.name not in exported, f"`{node.name}` stands in rnnbook: import it, or rename it here"


# ---- the runner -------------------------------------------------------------------------------------------------


def cell(source, count=None, outputs=(), **metadata):
    """Return a code cell without an id."""
    return nbformat.from_dict(
        {
            "cell_type": "code",
            "source": source,
            "execution_count": count,
            "outputs": list(outputs),
            "metadata": metadata,
        }
    )


def notebook(*cells):
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)})


def write(path, *cells):
    nb = notebook(*cells)
    give_ids(nb, path.stem)
    path.write_text(canonical(nb, path.stem))
    return path


def test_ids_stay_through_edits_and_new_ones_do_not_vary():
    made = [notebook(cell("1"), cell("2"), cell("3")) for _ in range(2)]
    for nb in made:
        nb.cells[0]["id"], nb.cells[1]["id"], nb.cells[2]["id"] = "kept", "kept", "not valid!"
        give_ids(nb, "chapter")
    first, second = ([c["id"] for c in nb.cells] for nb in made)
    assert first == second  # the same on every machine
    assert first[0] == "kept" and len(set(first)) == 3
    made[0].cells.insert(0, cell("0"))  # an edit above leaves the ids below as they were
    made[0].cells[0]["id"] = ""
    give_ids(made[0], "chapter")
    assert [c["id"] for c in made[0].cells[1:]] == first


@in_part
@pytest.mark.slow
def test_running_twice_writes_the_same_bytes_and_leaves_no_timing(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", cell("import sys\nprint(1)\nprint(2, flush=True)\nprint(3)"), cell("1 + 1"))
    assert main([str(path)]) == 0
    once = path.read_bytes()
    assert main([str(path)]) == 0
    assert path.read_bytes() == once
    nb = read(path)
    assert [c.execution_count for c in nb.cells] == [1, 2]
    assert nb.cells[0].outputs[0].text == "1\n2\n3\n" and len(nb.cells[0].outputs) == 1
    assert b'execution"' not in once and set(nb.metadata) == {"kernelspec", "language_info"}
    assert "unchanged" in capsys.readouterr().out


def test_the_runner_says_which_file_is_not_canonical(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", cell("1"))
    assert main(["--check", str(path)]) == 0
    path.write_text(path.read_text().replace('"metadata": {}', '"metadata": {"scrolled": true}', 1))
    assert main(["--check", str(path)]) == 1
    assert "not in canonical form" in capsys.readouterr().out


# ---- the comparison of figures ----------------------------------------------------------------------------------


def figure(pixels, **shown):
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
    return "image/png", base64.b64encode(out.getvalue()).decode(), shown


@pytest.fixture
def white():
    return np.full((40, 60, 3), 255)


def test_a_figure_equals_itself_and_one_that_rounding_moved(white):
    moved = white.copy()
    moved[:, :] -= CLOSE  # every pixel, by as much as may be
    moved[0, :FEW] = 0  # and as many pixels as may be, altogether
    assert difference(figure(white), figure(white)) is None
    assert difference(figure(white), figure(moved)) is None


def test_a_figure_with_one_pixel_too_many_of_another_size_or_shown_otherwise_differs(white):
    moved = white.copy()
    moved[0, : FEW + 1] -= CLOSE + 1
    assert f"in {FEW + 1} of 2400 pixels" in difference(figure(white), figure(moved))
    assert "60 x 40 pixels, but the cell gives 59 x 40" in difference(figure(white), figure(white[:, 1:]))
    wide, narrow = figure(white, width=30), figure(white, width=20)
    assert "{'width': 30}, but the cell gives {'width': 20}" in difference(wide, narrow)
    assert "image/jpeg" in difference(figure(white), ("image/jpeg", *figure(white)[1:]))


@in_part
@pytest.mark.slow
@pytest.mark.parametrize("change", ["digit", "colour", "point", "missing"])
def test_the_smallest_changes_that_a_reader_could_see_are_found(change):
    from matplotlib.figure import Figure

    def draw(changed):
        made = Figure(figsize=(7, 3), dpi=200)
        ax = made.subplots()
        y = np.sin(np.arange(60) / 9)
        y[30] += 0.05 * (changed == "point")
        ax.plot(y, color="#0072B2" if changed != "colour" else "#0086B2")
        if changed != "missing":
            ax.plot([0, 0.6], [0, 0], color="#D55E00")
        ax.set_title("loss 0.13" if changed == "digit" else "loss 0.18")
        out = io.BytesIO()
        made.savefig(out, format="png")
        return "image/png", base64.b64encode(out.getvalue()).decode(), {}

    assert difference(draw(None), draw(None)) is None
    if change == "colour":  # a shift within CLOSE on every channel is the one thing that passes: no eye sees it
        assert difference(draw(None), draw("colour")) is None
    else:
        assert "pixels" in difference(draw(None), draw(change))


# ---- nbval with the plugin, on planted notebooks ----------------------------------------------------------------


def text(words, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=words)


def picture(pixels):
    _, data, _ = figure(pixels)
    return nbformat.v4.new_output("display_data", data={"image/png": data, "text/plain": "<image>"})


DRAW = """\
import base64, io
from IPython.display import display
from PIL import Image
image = Image.new("RGB", ({width}, 40), "white")
image.paste((0, 0, 0), (5, 5, 5 + {line}, 6))
out = io.BytesIO()
image.save(out, "PNG")
data = {{"image/png": base64.b64encode(out.getvalue()).decode(), "text/plain": "<image>"}}
display(data, raw=True)"""


def line(length, width=60):
    pixels = np.full((40, width, 3), 255)
    pixels[5, 5 : 5 + length] = 0
    return picture(pixels)


SKIP, IGNORE = {"tags": ["nbval-skip"]}, {"tags": ["nbval-ignore-output"]}
WHY = {"reason": "the time of day"}

# name: the cell as a function of its number n, and what the failure must say
HOLES = {
    "never run": (lambda n: cell("print(1)"), "was never run"),
    "run out of order": (lambda n: cell("print(1)", n + 1, [text("1\n")]), "The cell was run as number"),
    "changed text": (lambda n: cell("print(1)", n, [text("2\n")]), "Cell outputs differ"),
    "output not stored": (lambda n: cell("print(1)", n), "Cell outputs differ"),
    "output no longer made": (lambda n: cell("pass", n, [text("1\n")]), "Cell outputs differ"),
    "unknown magic, with its error stored": (
        lambda n: cell("%nomagic", n, [text("UsageError: Line magic function `%nomagic` not found.\n", "stderr")]),
        "stderr",
    ),
    "warning in a cell that is not compared": (
        lambda n: cell("import warnings\nwarnings.warn('old')", n, [], **IGNORE, **WHY),
        "stderr",
    ),
    "exception": (lambda n: cell("1 / 0", n), "ZeroDivisionError"),
    "skip without reason": (lambda n: cell("print(1)", n, [text("1\n")], **SKIP), 'gives no "reason"'),
    "ignore without reason": (lambda n: cell("print(1)", n, [text("1\n")], **IGNORE), 'gives no "reason"'),
    "ignore by comment": (lambda n: cell("# NBVAL_IGNORE_OUTPUT\nprint(1)", n, [text("2\n")]), 'gives no "reason"'),
    "skip by comment": (lambda n: cell("# NBVAL_SKIP\nprint(1)", n), 'gives no "reason"'),
    "empty reason": (lambda n: cell("print(1)", n, [text("1\n")], reason="  ", **IGNORE), 'gives no "reason"'),
    "wrong figure": (
        lambda n: cell(DRAW.format(line=45, width=60), n, [line(5)]),
        "differs from the stored one in 40 of",
    ),
    "figure of another size": (lambda n: cell(DRAW.format(line=5, width=61), n, [line(5)]), "60 x 40 pixels, but"),
    "figure missing": (lambda n: cell("pass", n, [line(5)]), "Cell outputs differ"),
    "figure missing in a cell that is not compared": (
        lambda n: cell("pass", n, [line(5)], **IGNORE, **WHY),
        "stored with 1 figures, but gives 0",
    ),
    "two figures in place of one": (
        lambda n: cell(DRAW.format(line=5, width=60) + "\ndisplay(data, raw=True)", n, [line(5)]),
        "Cell outputs differ",
    ),
}
SOUND = [
    cell("print(1)", 1, [text("1\n")]),
    cell(DRAW.format(line=5, width=60), 2, [line(5)]),
    cell("print(1)", 3, [text("2\n")], **IGNORE, **WHY),
    cell("1 / 0", 4, [], **SKIP, **WHY),
]


@pytest.fixture(scope="module")
def nbval(tmp_path_factory):
    """Run a notebook of holes and a sound one; return {notebook: each cell's failure}, and what pytest printed."""
    folder = tmp_path_factory.mktemp("planted")
    write(folder / "holes.ipynb", *(make(n) for n, (make, _) in enumerate(HOLES.values(), 1)))
    write(folder / "sound.ipynb", *SOUND)
    options = " ".join(o for o in addopts() if o not in ("--dist=loadscope", "--no-loadscope-reorder"))  # xdist's
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-c",
            str(ROOT / "pyproject.toml"),
            "--rootdir",
            str(folder),
            f"--override-ini=addopts={options}",
            "--color=no",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "--junit-xml",
            str(folder / "report.xml"),
            str(folder),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    failures: dict[str, list[str]] = {"holes": [], "sound": []}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        failure = case.find("failure")
        name = "holes" if "holes" in case.get("classname") else "sound"
        failures[name].append("" if failure is None else failure.get("message", "") + (failure.text or ""))
    return failures, run.stdout


def addopts() -> list[str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"].split()


@on_holes
@pytest.mark.slow
@pytest.mark.parametrize("hole", HOLES)
def test_a_planted_hole_fails_and_the_message_says_why(nbval, hole):
    failures, _ = nbval
    assert HOLES[hole][1] in failures["holes"][list(HOLES).index(hole)]


@on_holes
@pytest.mark.slow
def test_a_sound_notebook_passes(nbval):
    failures, _ = nbval
    assert failures["sound"] == ["", "", "", ""]


@on_holes
@pytest.mark.slow
def test_the_run_ends_with_what_was_compared_and_what_was_not(nbval):
    _, printed = nbval
    assert "2 cells compared with their stored output, 1 figures among them" in printed
    assert "sound.ipynb, cell 3: run, output not compared: the time of day" in printed
    assert "sound.ipynb, cell 4: skipped: the time of day" in printed
