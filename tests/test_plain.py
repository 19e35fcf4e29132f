"""Chapters in Jupyter: what MyST alone understands is plain Markdown there; the page and the text keep their form."""

import copy
import re

import jupytext
import pytest
from conftest import ROOT
from notebook_form import read
from plain import Chapter, make_myst, make_plain, needs_it, to_plain
from run_notebooks import chapters

from rnnbook.lessons.exercises.hints import find

CHAPTERS = chapters()
EMPTY = Chapter([])
RAW = re.compile(r"^(?::{3,}|`{3,}\{).*|\{[a-z:]+\}`.*|^\([\w-]+\)=$|\$\$ \([\w-]+\)", re.MULTILINE)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_notebook_shows_a_raw_directive_or_role(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            found = RAW.search(cell.source)
            assert not found, found[0]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_text_comes_back_from_the_notebook(path):
    text = (ROOT / "book" / "text" / f"{path.stem}.md").read_text()
    nb = jupytext.reads(text, "md:myst")
    again = make_myst(make_plain(copy.deepcopy(nb)), checked=True)
    assert [cell.source for cell in again.cells] == [cell.source for cell in nb.cells]
    assert all("myst" not in cell.metadata for cell in again.cells)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_statement_says_in_jupyter_what_it_is_and_has_its_solution(path):
    nb = read(path)
    prose = "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    asked = re.findall(r"exercises\.(\w+)\.check_(\w+)\(", code)
    assert prose.count("**Exercise: ") == len(asked) == prose.count("<details><summary>Solution</summary>")
    for chapter, name in asked:
        assert f'*{find(f"{chapter}.{name}").about.line}* · `exercises.hint("{chapter}.{name}")`' in prose


@pytest.mark.parametrize(
    "myst, plain",
    [
        (":::{admonition} Read this\n:class: tip\n- one\n:::", "**Read this**\n\n- one"),
        ("(a-label)=\n## Head", "## Head"),
        ("As {cite:t}`elman1990finding` found {cite:p}`elman1990finding`.", "As Elman (1990) found (Elman, 1990)."),
        ("the {term}`hidden state <state>` and {term}`epoch`", "the hidden state and epoch"),
        ("::::{tab-set}\n:::{tab-item} A\nx\n:::\n::::", "**A**\n\nx"),
        ("```python\n{eq}`left`\n```", "```python\n{eq}`left`\n```"),
        ("no role {x} and `{y}` here", "no role {x} and `{y}` here"),
    ],
)
def test_a_piece_of_myst_becomes_plain(myst, plain):
    assert to_plain(myst, EMPTY) == plain


@pytest.mark.parametrize(
    "myst, inside",
    [
        (
            "```{literalinclude} ../rnnbook/lessons/exercises/speed.py\n:pyobject: speed_up\n```",
            '    """\n    return 1 / (1 - share.sum() + (share / factor).sum())\n```',
        ),
        ("```{live-answer} speed.half_of_it\n```", "It gives 1.818. "),
        ("{ref}`bptt-output-layer`", "](bptt.ipynb)"),
    ],
)
def test_what_a_page_includes_stands_in_the_notebook(myst, inside):
    assert inside in to_plain(myst, EMPTY) and not RAW.search(to_plain(myst, EMPTY))


def test_an_excerpt_begins_and_ends_with_the_lines_that_are_named():
    excerpt = ":start-at: def half_ten\n:end-at: after = 0.5\n"
    made = to_plain("```{literalinclude} ../rnnbook/lessons/exercises/speed.py\n" + excerpt + "```", EMPTY)
    lines = made.strip().split("\n")
    assert lines[0].startswith("```") and lines[1] == "def half_ten_times_faster():"
    assert lines[-2] == "    after = 0.5 + 0.5 / 10" and lines[-1] == "```"
    within = excerpt.replace("def half_ten", "before = 1")
    made = to_plain("```{literalinclude} ../rnnbook/lessons/exercises/speed.py\n" + within + "```", EMPTY)
    assert made.strip().split("\n")[1:-1] == ["before = 1.0", "after = 0.5 + 0.5 / 10"]


def test_equations_are_numbered_and_figures_named_by_their_captions():
    figure = {"mystnb": {"figure": {"name": "fig-x", "caption": "Two lines. They cross."}}}
    chapter = Chapter([("markdown", "$$ a $$ (eq-a)\n\n$$\nb\n$$ (eq-b)", {}), ("code", "", figure)])
    assert to_plain("$$\nb\n$$ (eq-b)\n\nby {eq}`eq-b` in {numref}`fig-x`", chapter) == (
        "$$\nb\n\\tag{2} $$\n\nby (2) in the figure “Two lines”"
    )


def test_an_equation_of_another_chapter_is_linked():
    assert re.fullmatch(r"\(\d+ of \[rnn\]\(rnn\.ipynb\)\)", to_plain("{eq}`eq-rnn-hidden`", EMPTY))


def test_a_cell_that_was_edited_in_jupyter_and_cannot_go_back_is_refused():
    nb = make_plain(jupytext.reads("---\njupytext: {}\n---\n\n:::{note}\nwords\n:::\n", "md:myst"))
    assert needs_it(nb.cells[0].metadata["myst"])
    nb.cells[0].source += " more"
    with pytest.raises(ValueError, match="is to be edited"):
        make_myst(nb, checked=True)
