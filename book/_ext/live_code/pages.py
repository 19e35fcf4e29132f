"""What a page says about its cells that can run: which they are, and what each needs from the cells before it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Set
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from live_code import python
from live_code.slices import importable_names, makes, setup_for, statements


def code_cells(path: Path) -> list[tuple[str, list[str]]]:
    """Return the code and the tags of each code cell of a notebook, also of those that the page does not show."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        ("".join(cell["source"]), cell["metadata"].get("tags", [])) for cell in cells if cell["cell_type"] == "code"
    ]


def described(
    cells: list[tuple[str, list[str]]],
    pattern: str,
    allowed: list[str],
    is_here: Callable[[re.Match[str]], bool] = lambda _: True,
    named: Mapping[int, Set[str]] | None = None,
) -> list[dict[str, Any] | None]:
    """Return for each cell that runs in the browser what the page has to know of it, None for every other.

    These are the cells in which the pattern of an exercise is found, if ``is_here`` says of it that it runs in a
    browser, and those with the tag ``live``. Raises ValueError for one of them that needs what the browser has not.
    ``named``: for some of the cells, what their statement names, so that an answer may use it.
    """
    found: list[dict[str, Any] | None] = []
    codes = [code for code, _ in cells]
    for k, (code, tags) in enumerate(cells):
        exercise = re.search(pattern, code)
        if not exercise and "live" not in tags or exercise and not is_here(exercise):
            found.append(None)
            continue
        also = importable_names(codes[:k], allowed) if exercise else frozenset()
        also |= asked_for(cells[:k], pattern) & (named or {}).get(k, set())
        setup = setup_for(code, codes[:k], allowed, also)
        if setup is None:
            raise ValueError(f"a cell cannot run in the browser, since it needs more than {allowed}: {code[:80]!r}")
        found.append({"exercise": exercise, "setup": setup})
    return found


def asked_for(earlier: list[tuple[str, list[str]]], pattern: str) -> frozenset[str]:
    """Return the names that earlier exercises ask for, and those of a cell just before that can be tried."""
    asks = [code for code, _ in earlier if re.search(pattern, code)]
    asks += [code for code, tags in earlier[-1:] if "live" in tags]
    return frozenset().union(*(makes(node, set()) for code in asks for node in statements(code)))


def told(app: Sphinx, function: str, exercise: re.Match[str], otherwise: Any) -> Any:
    """Return what the function named in a configuration value says of an exercise, given the groups of the pattern."""
    if not function:
        return otherwise
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)(*exercise.groups())


class Cell(NamedTuple):
    """A cell on a page that is an exercise, or that can be tried; an exercise has a statement before it."""

    node: nodes.Element
    place: int  # among the notebook's code cells
    exercise: re.Match[str] | None
    id: str
    title: str
    statement: nodes.Element | None
    about: dict[str, Any]


def cells_of(app: Sphinx, doctree: nodes.document, docname: str) -> Iterator[Cell]:
    """Yield each cell of a document that is an exercise or has the tag ``live``."""
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".ipynb":
        return
    cells = code_cells(path)
    statement: nodes.Element | None = None
    k = -1
    for node in doctree.findall(nodes.Element):
        classes = node.get("classes", [])
        if "exercise" in classes and node.get("ids"):
            statement = node
        if "cell" not in classes or not any("cell_input" in child.get("classes", []) for child in node.children):
            continue
        code = next(iter(node.findall(nodes.literal_block))).astext().strip()
        place = next((j for j in range(k + 1, len(cells)) if cells[j][0].strip() == code), None)
        if place is None:  # another extension has written into it, as the one that names the repository does
            continue
        k = place
        exercise = re.search(app.config.live_code_exercise or "(?!)", code)
        if not exercise:
            if "live" in cells[k][1]:
                yield Cell(node, k, None, f"cell-{k}", "", None, {})
            continue
        identity, title = (statement["ids"][0], title_of(statement)) if statement else (f"cell-{k}", "")
        about = told(app, app.config.live_code_about, exercise, {})
        yield Cell(node, k, exercise, identity, title, statement, about)
        statement = None


def title_of(statement: nodes.Element) -> str:
    """Return the title of an exercise without its number."""
    heading = next(iter(statement.findall(nodes.title)), None)
    return re.sub(r"^Exercise\s*[\d.]*\s*", "", heading.astext() if heading is not None else "").strip(" ()")


def mark_cells(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write under each statement what the exercise is, and into each cell that runs what the browser needs for it."""
    if app.builder.format != "html":
        return
    found = list(cells_of(app, doctree, docname))
    for cell in found:
        if cell.statement is not None and cell.about:
            cell.statement.insert(1, nodes.paragraph("", cell.about["line"], classes=["live-about"]))
    if found and python.folder_of(app) is not None:
        make_live(app, found, code_cells(Path(app.env.doc2path(docname))))
    for place in doctree.findall(ExerciseList):
        place.replace_self(listed(app, docname))


def make_live(app: Sphinx, found: list[Cell], cells: list[tuple[str, list[str]]]) -> None:
    """Write into each cell that runs in the browser what the page's script has to know of it."""
    config = app.config

    def is_here(exercise: re.Match[str]) -> bool:
        return told(app, config.live_code_about, exercise, {}).get("here", True)

    named = {cell.place: names_in(cell.statement) for cell in found if cell.statement}
    about = described(cells, config.live_code_exercise or "(?!)", config.live_code_imports, is_here, named)
    ids = {cell.place: cell.id for cell in found if cell.exercise}
    for cell in found:
        if (runs := about[cell.place]) is None:
            continue
        data: dict[str, Any] = {"id": cell.id, "title": cell.title, "hints": []}
        if cell.exercise:
            hints = list(told(app, config.live_code_hints, cell.exercise, []))
            data |= {"exercise": True, "hints": hints}
        data["setup"] = [{"of": ids.get(j), "code": lines} for j, lines in runs["setup"]]
        text = json.dumps(data).replace("</", "<\\/")
        cell.node["classes"].append("live-code")
        cell.node.append(nodes.raw("", f'<script type="application/json">{text}</script>', format="html"))


def names_in(statement: nodes.Element) -> set[str]:
    """Return the names with which the code in a statement begins: ``step`` of ``step(x, h)``."""
    return {match[0] for node in statement.findall(nodes.literal) if (match := re.match(r"\w+", node.astext()))}


class ExerciseList(nodes.General, nodes.Element):
    """Where the list of all exercises is to stand."""


class ExerciseListDirective(SphinxDirective):
    """``live-exercises``: every exercise of the book, chapter by chapter, with what the reader has solved."""

    def run(self) -> list[nodes.Node]:
        return [ExerciseList()]


class AnswerDirective(SphinxDirective):
    """``live-answer NAME``: the solution of an exercise, as the function named in ``live_code_answer`` tells it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module, _, name = self.config.live_code_answer.partition(":")
        text = getattr(import_module(module), name)(self.arguments[0])
        place = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), self.arguments[0]), self.content_offset, place)
        return place.children


COLUMNS = {"chapter": "Chapter", "title": "Exercise", "concept": "Concept", "kind": "Kind", "level": "Level",
           "minutes": "Minutes"}  # fmt: skip


def listed(app: Sphinx, docname: str) -> list[nodes.Node]:
    """Return a table of the exercises of all chapters, in their order, with links."""
    body = nodes.tbody()
    for name in documents(app):
        for cell in cells_of(app, app.env.get_doctree(name), name):
            if not cell.exercise or not cell.title:
                continue
            address = f"{app.builder.get_relative_uri(docname, name)}#{cell.id}"
            row = nodes.row()
            for column in COLUMNS:
                text = nodes.paragraph()
                if column == "title":
                    text += nodes.reference("", cell.title, refuri=address, internal=True)
                else:
                    told_of_it = {**cell.about, "chapter": app.env.titles[name].astext()}
                    told_of_it["level"] = told_of_it.get("stars", "")
                    text += nodes.Text(str(told_of_it.get(column, "")))
                row += nodes.entry("", text, classes=[f"live-{column}"])
            body += row
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in COLUMNS), cols=len(COLUMNS))
    head = nodes.row("", *(nodes.entry("", nodes.paragraph("", words)) for words in COLUMNS.values()))
    group += [nodes.thead("", head), body]
    return [nodes.table("", group, classes=["live-list"])] if body.children else []


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
