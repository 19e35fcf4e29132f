"""What a page says about its cells that can run: which they are, and what each needs from the cells before it."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from live_code import python
from live_code.slices import importable_names, setup_for


def code_cells(path: Path) -> list[tuple[str, list[str]]]:
    """Return the code and the tags of each code cell of a notebook, also of those that the page does not show."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        ("".join(cell["source"]), cell["metadata"].get("tags", [])) for cell in cells if cell["cell_type"] == "code"
    ]


def described(cells: list[tuple[str, list[str]]], pattern: str, allowed: list[str]) -> list[dict[str, Any] | None]:
    """Return for each cell that runs in the browser what the page has to know of it, None for every other.

    These are the cells in which the pattern of an exercise is found, and those with the tag ``live``. Raises
    ValueError for one of them that needs what the browser has not.
    """
    found: list[dict[str, Any] | None] = []
    codes = [code for code, _ in cells]
    for k, (code, tags) in enumerate(cells):
        exercise = re.search(pattern, code)
        if not exercise and "live" not in tags:
            found.append(None)
            continue
        also = importable_names(codes[:k], allowed) if exercise else frozenset()
        setup = setup_for(code, codes[:k], allowed, also)
        if setup is None:
            raise ValueError(f"a cell cannot run in the browser, since it needs more than {allowed}: {code[:80]!r}")
        found.append({"exercise": exercise, "setup": setup})
    return found


def hints_of(app: Sphinx, exercise: re.Match[str]) -> list[str]:
    """Return what the function named in ``live_code_hints`` says of an exercise, given the groups of the pattern."""
    if not app.config.live_code_hints:
        return []
    module, _, name = app.config.live_code_hints.partition(":")
    return list(getattr(import_module(module), name)(*exercise.groups()))


def mark_cells(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    path = Path(app.env.doc2path(docname))
    if app.builder.format != "html" or path.suffix != ".ipynb" or python.folder_of(app) is None:
        return
    cells = code_cells(path)
    about = described(cells, app.config.live_code_exercise or "(?!)", app.config.live_code_imports)
    ids: dict[int, str] = {}
    title: tuple[str, str] | None = None
    k = -1
    for node in doctree.findall(nodes.Element):
        classes = node.get("classes", [])
        if "exercise" in classes and node.get("ids"):
            heading = next(iter(node.findall(nodes.title)), None)
            title = node["ids"][0], heading.astext().strip(" ()") if heading is not None else ""
        if "cell" not in classes or not any("cell_input" in child.get("classes", []) for child in node.children):
            continue
        code = next(iter(node.findall(nodes.literal_block))).astext().strip()
        k = next(j for j in range(k + 1, len(cells)) if cells[j][0].strip() == code)
        if (cell := about[k]) is None:
            continue
        data: dict[str, Any] = {"id": f"cell-{k}", "title": "", "hints": []}
        if cell["exercise"]:
            data |= {"exercise": True, "hints": hints_of(app, cell["exercise"])}
            if title:
                data["id"], data["title"] = title
                title = None
            ids[k] = data["id"]
        data["setup"] = [{"of": ids.get(j), "code": lines} for j, lines in cell["setup"]]
        text = json.dumps(data).replace("</", "<\\/")
        classes.append("live-code")
        node += nodes.raw("", f'<script type="application/json">{text}</script>', format="html")


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Put the script on the pages that have such a cell, and on no other."""
    if doctree is not None and any("live-code" in n.get("classes", []) for n in doctree.findall(nodes.container)):
        app.add_css_file("live_code/live_code.css")
        app.add_js_file("live_code/live_code.js", loading_method="defer")
