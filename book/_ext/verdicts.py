"""The page of verdicts: what each chapter concludes, what it was tried against, and whether it held.

A chapter's verdicts are data, ``book/verdicts/NAME.json``; the line ``% verdicts`` of the page ``book/verdicts.md``
becomes their text, chapter by chapter in the order of the table of contents. ``tests/test_verdicts.py`` holds that each
number is found in its chapter.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

LINE = "% verdicts"
OUTCOMES = {
    "held": "Held.",
    "changed": "Changed.",
    "fell": "Fell.",
    "new": "New.",
}


def chapters(root: Path) -> list[str]:
    """Return the names of the book's numbered chapters, in the order of the table of contents."""
    parts = (root / "_toc.yml").read_text(encoding="utf-8").split("- caption: ")
    numbered = [part for part in parts if "numbered: true" in part]
    return [name for part in numbered for name in re.findall(r"- file: book/(\w+)", part)]


def verdicts_of(root: Path, chapter: str) -> list[dict[str, Any]]:
    """Return a chapter's verdicts, none where it has no file."""
    path = root / "book/verdicts" / f"{chapter}.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["verdicts"]) if path.exists() else []


def entry(verdict: dict[str, Any]) -> str:
    """Return one verdict as MyST: the claim and its link, then what was measured and tried."""
    said = f"The sentence that was tried: \u201c{verdict['said']}\u201d\\\n  " if "said" in verdict else ""
    return (
        f"{verdict['claim']} ({{ref}}`where <{verdict['label']}>`)\n"
        f": {said}*{OUTCOMES[verdict['outcome']]}* Measured: {verdict['measured']}\\\n"
        f"  Tried against: {verdict['opponent']}\\\n"
        f"  Interval: {verdict['interval']}\n"
    )


def title(root: Path, chapter: str) -> str:
    """Return the heading of a chapter."""
    text = (root / "book/text" / f"{chapter}.md").read_text(encoding="utf-8")
    return next(line[2:] for line in text.split("\n---\n", 1)[1].splitlines() if line.startswith("# "))


def page(root: Path) -> str:
    """Return the text of all verdicts: a table of outcomes, then one section a chapter."""
    found = {name: verdicts_of(root, name) for name in chapters(root)}
    found = {name: verdicts for name, verdicts in found.items() if verdicts}
    rows = ["| chapter | " + " | ".join(OUTCOMES) + " |", "|---|" + "--:|" * len(OUTCOMES)]
    everything = [verdict for verdicts in found.values() for verdict in verdicts]
    for name, listed in [*found.items(), ("", everything)]:
        counts = [sum(verdict["outcome"] == outcome for verdict in listed) for outcome in OUTCOMES]
        first = f"[]({name}.ipynb)" if name else "together"
        rows.append(f"| {first} | " + " | ".join(str(count or "") for count in counts) + " |")
    sections = [
        f"({name}-verdicts)=\n## {title(root, name)}\n\n" + "\n".join(map(entry, verdicts))
        for name, verdicts in found.items()
    ]
    return "\n".join(rows) + "\n\n" + "\n".join(sections)


def insert(app: Sphinx, docname: str, source: list[str]) -> None:
    if LINE in source[0].splitlines():
        root = Path(app.srcdir)
        source[0] = source[0].replace(LINE, page(root))
        for path in sorted((root / "book/verdicts").glob("*.json")):
            app.env.note_dependency(str(path))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
