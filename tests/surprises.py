"""The entries of the page `surprises`, read from its text and its notebook: for the tests that look at them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from conftest import ROOT
from notebook_form import read

TEXT = ROOT / "book/text/surprises.md"
NOTEBOOK = ROOT / "book/surprises.ipynb"
ENTRY = re.compile(r"^\(surprises-([\w-]+)\)=\n### (.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One entry: its label, its heading as a reader sees it, whether that is a literal message, and its text."""

    label: str
    heading: str
    code: bool
    text: str
    raised: str = ""  # the first message that its cell prints, whole

    @property
    def cells(self) -> list[str]:
        """The code that it shows: run on the page, or by the tests on Keras."""
        return re.findall(r"^```(?:\{code-cell\}|python)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    @property
    def prose(self) -> str:
        """What it says beside its code and its links."""
        return re.sub(r"^```.*?^```$|^\*\*More\.\*\*.*", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def part(self, name: str) -> str:
        """The paragraph that begins with **Cause.**, **Cure.** or **More.**"""
        (found,) = re.findall(rf"^\*\*{name}\.\*\* (.+)$", self.text, re.MULTILINE)
        return found


@functools.cache
def outputs() -> dict[str, str]:
    """{a cell's source: what it prints} of the notebook."""
    cells = [cell for cell in read(NOTEBOOK).cells if cell.cell_type == "code"]
    return {cell.source.strip(): "".join(o.get("text", "") for o in cell.outputs) for cell in cells}


def raised(cell: str) -> str:
    """The first message that a cell prints, on one line, without the name of who raised it."""
    first = re.search(
        r"\A[^\n:]+: (\w+(?:Error|Warning): .+?)(?=\n[^\n]{1,26}: |\n\S[^\n]*\[\[|\Z)",
        outputs().get(cell.strip(), ""),
        re.DOTALL,
    )
    return " ".join(first[1].split()) if first else ""


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Return all entries of the page, in its order."""
    text = TEXT.read_text(encoding="utf-8")
    starts = list(ENTRY.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    found = []
    for match, end in zip(starts, ends, strict=True):
        label, heading = match.groups()
        body = re.split(r"^## ", text[match.end() : end], flags=re.MULTILINE)[0]
        entry = Entry(
            f"surprises-{label}", heading.strip("` ") if heading[0] == "`" else heading, heading[0] == "`", body
        )
        if heading[0] == "`":  # a code span: one or two backticks, and a space where the text itself holds some
            entry = Entry(entry.label, re.fullmatch(r"(`+) ?(.+?) ?\1", heading)[2], True, body)
        message = raised(entry.cells[0]) if entry.cells else ""
        found.append(Entry(entry.label, entry.heading, entry.code, body, message))
    return tuple(found)
