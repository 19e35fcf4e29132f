"""What a page says about its cells that can run: which they are, and what each needs from the cells before it."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

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


def cells_of(app: Sphinx, doctree: nodes.document, docname: str) -> list[tuple[nodes.Element, dict[str, Any]]]:
    """Return each cell of a document that runs in the browser, with what the page says of it."""
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".ipynb" or python.folder_of(app) is None:
        return []
    cells = code_cells(path)
    about = described(cells, app.config.live_code_exercise or "(?!)", app.config.live_code_imports)
    ids: dict[int, str] = {}
    title: tuple[str, str] | None = None
    found = []
    k = -1
    for node in doctree.findall(nodes.Element):
        classes = node.get("classes", [])
        if "exercise" in classes and node.get("ids"):
            heading = next(iter(node.findall(nodes.title)), None)
            words = heading.astext() if heading is not None else ""
            title = node["ids"][0], re.sub(r"^Exercise\s*[\d.]*\s*", "", words).strip(" ()")
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
        found.append((node, data))
    return found


def mark_cells(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    for node, data in cells_of(app, doctree, docname):
        text = json.dumps(data).replace("</", "<\\/")
        node["classes"].append("live-code")
        node += nodes.raw("", f'<script type="application/json">{text}</script>', format="html")
    for place in doctree.findall(ExerciseList):
        place.replace_self(listed(app, docname))


class ExerciseList(nodes.General, nodes.Element):
    """Where the list of all exercises is to stand."""


class ExerciseListDirective(SphinxDirective):
    """``live-exercises``: every exercise of the book, chapter by chapter, with what the reader has solved."""

    def run(self) -> list[nodes.Node]:
        return [ExerciseList()]


def listed(app: Sphinx, docname: str) -> list[nodes.Node]:
    """Return a list of the exercises of each chapter, with links."""
    parts: list[nodes.Node] = []
    for name in documents(app):
        exercises = [d for _, d in cells_of(app, app.env.get_doctree(name), name) if d.get("exercise")]
        if not exercises:
            continue
        address = app.builder.get_relative_uri(docname, name)
        items = nodes.bullet_list(classes=["live-list"])
        for data in exercises:
            link = nodes.reference("", data["title"], refuri=f"{address}#{data['id']}", internal=True)
            items += nodes.list_item("", nodes.paragraph("", "", link))
        parts += [nodes.rubric("", app.env.titles[name].astext()), items]
    return parts


def documents(app: Sphinx) -> list[str]:
    """Return the names of all documents, in the order in which the book has them."""
    order = [app.config.root_doc]
    for name in order:
        order += [child for child in app.env.toctree_includes.get(name, []) if child not in order]
    return order


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Put the script on the pages that have such a cell, and on no other."""
    marks = {"live-code", "live-list"}
    if doctree is not None and any(marks & set(n.get("classes", [])) for n in doctree.findall(nodes.Element)):
        app.add_css_file("live_code/live_code.css")
        app.add_js_file("live_code/live_code.js", loading_method="defer")
