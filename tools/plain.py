"""Chapters in Jupyter: what MyST alone understands, as plain Markdown, so that a downloaded notebook reads properly.

A Markdown cell of a notebook holds plain text, and its MyST form in its metadata, under ``myst``. The book's pages are
made from the latter (``book/_ext/plain_cells.py``), and so are the texts in ``book/text``.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from rnnbook.lessons.exercises import hints

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(?P<marks>:{3,}|`{3,})\{(?P<name>[\w-]+)\} ?(?P<argument>.*)$")
CHECK = re.compile(r"exercises\.(\w+)\.(check_\w+)\(")


class Chapter:
    """What a chapter's cells refer to: the numbers of its equations, the captions of its figures, its exercises."""

    def __init__(self, sources: list[tuple[str, str, dict]]):
        self.equations: dict[str, int] = {}
        self.figures: dict[str, str] = {}
        self.abouts: dict[str, str] = {}
        label = ""
        for kind, source, metadata in sources:
            if kind == "markdown":
                for name in re.findall(r"\$\$ \(([\w-]+)\)", source):
                    self.equations[name] = len(self.equations) + 1
                label = (re.findall(r"^:label: (ex-[\w-]+)", source, re.MULTILINE) or [label])[-1]
                continue
            figure = metadata.get("mystnb", {}).get("figure", {})
            if "name" in figure:
                self.figures[figure["name"]] = re.split(r"[.:;] ", figure["caption"] + " ")[0].strip(" .")
            if (check := CHECK.search(source)) and label:
                name = f"{check[1]}.{check[2].removeprefix('check_')}"
                line = hints.about(*check.groups()).get("line", "")
                self.abouts.setdefault(label, f'*{line}* · `exercises.hint("{name}")`' if line else "")


def needs_it(source: str) -> bool:
    """Whether a Markdown cell holds what Jupyter shows raw."""
    return bool(re.search(r"^(:{3,}|`{3,})(\{|$)|\{[a-z:]+\}`|^\([\w-]+\)=$|\$\$ \([\w-]+\)", source, re.MULTILINE))


def to_plain(source: str, chapter: Chapter) -> str:
    """Return a cell's MyST as plain Markdown."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_blocks(source.split("\n"), chapter))).strip("\n")


def _blocks(lines: list[str], chapter: Chapter) -> list[str]:
    """Convert the directives among the lines, each with what is inside it, and the roles of all others."""
    found: list[str] = []
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence is None:
            plain_code = re.match(r"^(`{3,})(?!\{)", lines[at])
            if plain_code:  # code is left as it is
                end = next((k for k in range(at + 1, len(lines)) if lines[k].rstrip() == plain_code[1]), len(lines) - 1)
                found += lines[at : end + 1]
                at = end + 1
                continue
            found += [] if re.fullmatch(r"\([\w-]+\)=", lines[at]) else [_roles(lines[at], chapter)]
            at += 1
            continue
        end = next((k for k in range(at + 1, len(lines)) if lines[k].rstrip() == fence["marks"]), len(lines))
        inside = lines[at + 1 : end]
        options = {}
        while inside and (option := re.match(r"^:([\w-]+): ?(.*)$", inside[0])):
            options[option[1]] = option[2]
            inside = inside[1:]
        found += _directive(fence["name"], _roles(fence["argument"], chapter), options, inside, chapter)
        at = end + 1
    return found


def _directive(name: str, argument: str, options: dict, inside: list[str], chapter: Chapter) -> list[str]:
    if name == "literalinclude":
        return ["", "```" + options.get("language", "python"), *_included(argument, options).split("\n"), "```", ""]
    if name == "live-answer":
        return ["", *hints.answer(argument).split("\n"), ""]
    body = _blocks(inside, chapter)
    if name == "exercise":
        about = chapter.abouts.get(options.get("label", ""), "")
        return ["", f"**Exercise: {argument}**", *(["", about] if about else []), "", *body, ""]
    if name == "solution":
        return ["", "<details><summary>Solution</summary>", "", *body, "", "</details>", ""]
    if name in ("admonition", "tab-item", "grid-item-card"):
        return ["", f"**{argument}**", "", *body, ""]
    return ["", *([f"**{name.capitalize()}**", ""] if name in ("note", "tip", "warning") else []), *body, ""]


def _included(path: str, options: dict) -> str:
    """Return the code that ``literalinclude`` shows: a whole file, or one function or class of it."""
    text = (ROOT / "book" / path).read_text(encoding="utf-8")
    if "pyobject" in options:
        node: ast.AST = ast.parse(text)
        for name in options["pyobject"].split("."):
            node = next(n for n in ast.iter_child_nodes(node) if getattr(n, "name", None) == name)
        assert isinstance(node, ast.FunctionDef | ast.ClassDef)
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        text = textwrap.dedent("\n".join(text.split("\n")[first - 1 : node.end_lineno]))
    if "start-after" in options:
        text = text.partition(options["start-after"])[2].partition("\n")[2]
    if "end-before" in options:
        text = text.partition(options["end-before"])[0].rpartition("\n")[0]
    if "start-at" in options:  # whole lines, from the one that holds these words
        text = text[text.rfind("\n", 0, text.index(options["start-at"])) + 1 :]
    if "end-at" in options:
        last = text.index(options["end-at"])
        text = text[:last] + text[last:].partition("\n")[0]
    if "lines" in options:
        first, _, last = options["lines"].partition("-")
        text = "\n".join(text.split("\n")[int(first) - 1 : int(last or first)])
    return textwrap.dedent(text).strip("\n")


def _roles(line: str, chapter: Chapter) -> str:
    line = re.sub(r"\$\$ \(([\w-]+)\)", lambda m: rf"\tag{{{chapter.equations[m[1]]}}} $$", line)
    return re.sub(r"\{([a-z:]+)\}`([^`]+)`", lambda m: _role(m[1], m[2], chapter), line)


def _role(name: str, target: str, chapter: Chapter) -> str:
    words, _, inner = target.partition("<")
    if inner:  # {term}`words <target>`
        target = inner.rstrip("> ")
    told: dict[str, Callable[[], str]] = {
        "eq": lambda: f"({chapter.equations[target]})" if target in chapter.equations else _of_another_chapter(target),
        "numref": lambda: (
            f"the figure “{chapter.figures[target]}”" if target in chapter.figures else "a figure of another chapter"
        ),
        "ref": lambda: words.strip() if inner else _section(target),
        "cite:p": lambda: "(" + "; ".join(cited(key.strip(), ", ") for key in target.split(",")) + ")",
        "cite:t": lambda: " and ".join(cited(key.strip(), " (") + ")" for key in target.split(",")),
    }
    return told[name]() if name in told else words.strip() if inner else target


def _of_another_chapter(label: str) -> str:
    """Return an equation of another chapter as its number there, with a link."""
    for path in sorted((ROOT / "book" / "text").glob("*.md")):
        labels = re.findall(r"\$\$ \(([\w-]+)\)", path.read_text(encoding="utf-8"))
        if label in labels:
            return f"({labels.index(label) + 1} of [{path.stem.replace('_', ' ')}]({path.stem}.ipynb))"
    return label


def _section(label: str) -> str:
    """Return the title of the section that has this label, with a link to its chapter."""
    for path in sorted((ROOT / "book" / "text").glob("*.md")):
        title = re.search(
            rf"^\({re.escape(label)}\)=\n(?:\n|\(.*\)=\n)*#+ (.*)$", path.read_text(encoding="utf-8"), re.M
        )
        if title:
            return f"[{title[1]}]({path.stem}.ipynb)"
    return label


def cited(key: str, between: str) -> str:
    """Return authors and year of an entry of the bibliography: "Elman, 1990" where ``between`` is a comma."""
    authors, year = bibliography()[key]
    shown = " and ".join(authors) if len(authors) < 3 and authors[-1] != "others" else f"{authors[0]} et al."
    return f"{shown}{between}{year}"


@cache
def bibliography() -> dict[str, tuple[list[str], str]]:
    """Return the family names of the authors, and the year, of each entry."""
    found = {}
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    for key, entry in re.findall(r"^@\w+\{([^,]+),(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        who, year = (
            re.search(rf"^\s*(?:{field})\s*=\s*\{{(.*?)\}},?$", entry, re.MULTILINE | re.DOTALL)
            for field in ("author|editor|organization", "year")
        )
        names = re.split(r"\s+and\s+", " ".join(who[1].split())) if who else [key]
        family = [
            re.sub(r"[{}\\'\"`^~]", "", name.partition(",")[0] if "," in name else name.split()[-1]) for name in names
        ]
        found[key.strip()] = (family, year[1] if year else "n.d.")
    return found


def make_plain(nb: NotebookNode) -> NotebookNode:
    """Put plain text into every Markdown cell that needs it, and its MyST into the metadata; nb itself is changed."""
    chapter = Chapter([(cell.cell_type, cell.source, dict(cell.metadata)) for cell in nb.cells])
    for cell in nb.cells:
        if cell.cell_type == "markdown" and needs_it(cell.source):
            cell.metadata["myst"] = cell.source
            cell.source = to_plain(cell.source, chapter)
    return nb


def make_myst(nb: NotebookNode, checked: bool = False) -> NotebookNode:
    """Put the MyST back; ``checked`` raises ValueError where the plain text is not what is made of it."""
    plain = [cell.source for cell in nb.cells]
    for cell in nb.cells:
        cell.source = cell.metadata.pop("myst", cell.source)
    if checked:
        chapter = Chapter([(cell.cell_type, cell.source, dict(cell.metadata)) for cell in nb.cells])
        for cell, given in zip(nb.cells, plain, strict=True):
            if cell.cell_type == "markdown" and given != cell.source and given != to_plain(cell.source, chapter):
                raise ValueError(
                    f"a cell is not what its text in book/text gives, where it is to be edited: {given[:60]!r}"
                )
    return nb
