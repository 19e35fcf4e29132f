"""A chapter's text and its notebook are two forms of one thing, and prose can change without a run."""

import difflib
import shutil

import pytest
from conftest import ROOT
from notebook_form import read
from run_notebooks import chapters, complaints, main
from texts import from_text, needs_a_run, text_of, text_path

CHAPTERS = chapters()


@pytest.fixture
def chapter(tmp_path):
    """A copy of a short chapter's notebook, with the text beside it."""
    notebook = tmp_path / "rosetta.ipynb"
    shutil.copy(ROOT / "book" / "rosetta.ipynb", notebook)
    (tmp_path / "text").mkdir()
    text_path(notebook).write_text(text_of(read(notebook)))
    return notebook


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_a_text_that_says_the_same(path):
    assert path.exists() and text_path(path).exists()
    assert complaints(path) == []


def test_a_typo_is_one_line_in_the_text_and_needs_no_run(chapter):
    before, source = chapter.read_text(), text_path(chapter)
    lines = source.read_text().splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("# "))
    lines[place] += ", mended"
    source.write_text("\n".join(lines) + "\n")
    assert not needs_a_run(from_text(source.read_text(), read(chapter), "rosetta"), read(chapter))
    assert main([str(chapter)]) == 0
    after = chapter.read_text()
    changed = [d for d in difflib.ndiff(before.splitlines(), after.splitlines()) if d[0] in "+-"]
    assert len(changed) == 2 and changed[1].count(", mended") == 1  # everything else, the outputs too, byte for byte
    assert main([str(chapter)]) == 0 and chapter.read_text() == after


def test_changed_code_is_run_and_cells_above_and_below_keep_their_ids(chapter, capsys):
    source, before = text_path(chapter), read(chapter)
    first = source.read_text().index("```{code-cell}")
    source.write_text(source.read_text()[:first] + "```{code-cell}\nprint(6 * 7)\n```\n\n" + source.read_text()[first:])
    planned = from_text(source.read_text(), before, "rosetta")
    assert needs_a_run(planned, before)
    new = [cell for cell in planned.cells if cell.source == "print(6 * 7)"]
    assert len(new) == 1 and len(planned.cells) == len(before.cells) + 1
    assert [cell["id"] for cell in planned.cells if cell is not new[0]] == [cell["id"] for cell in before.cells]


@pytest.mark.slow
def test_running_a_changed_text_stores_the_new_output(tmp_path, capsys):
    notebook, source = tmp_path / "a.ipynb", tmp_path / "text" / "a.md"
    source.parent.mkdir()
    head = text_of(read(ROOT / "book" / "rosetta.ipynb")).split("\n# ")[0]
    source.write_text(head + "\n# A\n\n```{code-cell}\nprint(6 * 7)\n```\n")
    assert main([str(notebook)]) == 0 and "run, written" in capsys.readouterr().out
    assert read(notebook).cells[1].outputs[0].text == "42\n"
    source.write_text(source.read_text().replace("6 * 7", "6 * 8"))
    assert main([str(notebook)]) == 0 and "run, written" in capsys.readouterr().out
    assert read(notebook).cells[1].outputs[0].text == "48\n"
    assert main([str(notebook)]) == 0 and "unchanged" in capsys.readouterr().out


def test_what_is_edited_in_the_notebook_comes_back_into_the_text(chapter, capsys):
    chapter.write_text(chapter.read_text().replace("# Rosetta stone", "# The stone of Rosetta"))
    assert len(complaints(chapter)) == 1 and main(["--check", str(chapter)]) == 1
    assert main(["--texts", str(chapter)]) == 0
    assert complaints(chapter) == [] and "# The stone of Rosetta" in text_path(chapter).read_text()
