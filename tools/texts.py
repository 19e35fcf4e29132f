"""The two forms of a chapter: its text, which a person edits, and the notebook with outputs that is made from it.

In the notebook, what MyST alone understands is plain Markdown: see ``plain``.

``book/text/rnn.md`` (MyST, as jupytext writes it) and ``book/rnn.ipynb`` hold the same cells. From the text come prose,
code and captions; the notebook adds the outputs, and the cells' ids.
"""

from __future__ import annotations

import copy
import difflib
import re
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from notebook_form import give_ids
from plain import make_myst, make_plain


def text_path(notebook: Path) -> Path:
    """Return where the text of a notebook lies."""
    return notebook.parent / "text" / f"{notebook.stem}.md"


def text_of(nb: NotebookNode) -> str:
    """Return the notebook's cells as MyST, without outputs; the same for every version of jupytext."""
    text = jupytext.writes(make_myst(copy.deepcopy(nb), checked=True), "md:myst")
    return re.sub(r"^ *jupytext_version:.*\n", "", text, count=1, flags=re.MULTILINE)


def cells_of(nb: NotebookNode) -> list[tuple[str, str, dict]]:
    """Return what a text says of each cell: its kind, its source, its metadata."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in nb.cells]


def code_of(nb: NotebookNode) -> list[str]:
    """Return the sources of the code cells, in order: what the outputs depend on."""
    return [cell.source for cell in nb.cells if cell.cell_type == "code"]


def needs_a_run(nb: NotebookNode, before: NotebookNode | None) -> bool:
    """Whether the outputs of ``before`` are not those of nb's code."""
    return (
        before is None
        or code_of(nb) != code_of(before)
        or any(cell.execution_count is None for cell in before.cells if cell.cell_type == "code")
    )


def from_text(text: str, before: NotebookNode | None, stem: str) -> NotebookNode:
    """Return the notebook of a text; a cell that stood in the notebook before keeps its id and its outputs."""
    nb = jupytext.reads(text, "md:myst")
    for cell in nb.cells:
        cell["id"] = ""
    old = make_myst(copy.deepcopy(before)).cells if before is not None else []
    same = difflib.SequenceMatcher(
        None, [(c.cell_type, c.source) for c in old], [(c.cell_type, c.source) for c in nb.cells], autojunk=False
    )
    for change, i, j, k, m in same.get_opcodes():
        # an edited cell is the one that stood in its place, where as many stand there as stood there
        if change == "equal" or (change == "replace" and j - i == m - k):
            for was, cell in zip(old[i:j], nb.cells[k:m], strict=True):
                if was.cell_type == cell.cell_type:
                    cell["id"] = was["id"]
                    if was.cell_type == "code" and was.source == cell.source:
                        cell.outputs, cell.execution_count = was.outputs, was.execution_count
    give_ids(nb, stem)
    return make_plain(nb)
