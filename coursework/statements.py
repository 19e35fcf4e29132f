"""The exercises of a chapter as the book states them: read from its text and from the package, never from a list."""

import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))  # the slices of a chapter's cells are the page's own

from live_code.slices import importable_names, setup_for  # noqa: E402

STATEMENT = re.compile(r"^(:{3,}|`{3,})\{exercise\}[ \t]*(?P<title>[^\n]*)\n(?P<body>.*?)^\1[ \t]*$", re.S | re.M)
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<body>.*?)^```[ \t]*$", re.S | re.M)
CHECK = re.compile(r"exercises\.(?P<chapter>\w+)\.(?P<check>\w+)\((?P<answer>\w+)(?:, *seed=\d+)?\)\s*$")


class Statement(NamedTuple):
    """One exercise: its name ("lstm.step"), what the page says, and the cell that the student fills in.

    ``stub``: the cell without the call of the check. ``answer``: the name of what is handed in; "" if the answer is
    text. ``before``: what the cell needs from the chapter's earlier cells, other exercises' answers excepted.
    """

    name: str
    title: str
    label: str
    body: str  # MyST
    stub: str
    answer: str
    before: str
    exercise: Any

    @property
    def chapter(self) -> str:
        """The chapter that the exercise belongs to."""
        return self.name.partition(".")[0]

    @property
    def is_function(self) -> bool:
        """Whether a function is handed in."""
        return self.stub.lstrip().startswith("def ") or f"\ndef {self.answer}(" in self.stub


@cache
def chapters() -> list[str]:
    """Return the chapters that have exercises, in the order of the book, with those that it does not list yet at the
    end."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [Path(c["file"]).name for part in contents["parts"] for c in part["chapters"]]
    texts = sorted(path.stem for path in (ROOT / "book" / "text").glob("*.md"))
    order = [f for f in files if f in texts] + [f for f in texts if f not in files]
    return [f for f in order if statements(f)]


@cache
def statements(chapter: str) -> tuple[Statement, ...]:
    """Return the exercises of a chapter, in order; ValueError if the text and the package do not match."""
    text = text_of(chapter)
    cells = [(match.start(), _code(match["body"])) for match in CELL.finditer(text)]
    found: list[Statement] = []
    starts = [match.start() for match in STATEMENT.finditer(text)] + [len(text)]
    own: set[int] = set()
    for match, end in zip(STATEMENT.finditer(text), starts[1:]):
        label = re.search(r"^:label:[ \t]*(\S+)", match["body"], re.M)
        body = re.sub(r"^:\w+:.*\n", "", match["body"], flags=re.M).strip()
        here = [n for n, (place, code) in enumerate(cells) if match.end() <= place < end and CHECK.search(code)]
        name, stub, answer, before, exercise = f"{chapter}.{label[1] if label else len(found)}", "", "", "", None
        if here:
            n, code = here[0], cells[here[0]][1]
            check = CHECK.search(code)
            assert check is not None
            exercise = getattr(import_module(f"rnnbook.lessons.exercises.{check['chapter']}"), check["check"])
            name = f"{check['chapter']}.{check['check'].removeprefix('check_')}"
            stub, answer = code[: check.start()].rstrip(), check["answer"]
            before = _before(stub, [c for _, c in cells[:n]], own)
            own.add(n)
        found.append(
            Statement(name, match["title"].strip(), label[1] if label else "", body, stub, answer, before, exercise)
        )
    names = [statement.name for statement in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two exercises of {chapter} have one name: {sorted(n for n in names if names.count(n) > 1)}")
    return tuple(found)


def statement(name: str) -> Statement:
    """Return the exercise of this name; ValueError if there is none."""
    chapter = name.partition(".")[0]
    found = [s for s in statements(chapter) if s.name == name] if chapter in chapters() else []
    if not found:
        raise ValueError(f"there is no exercise {name!r}; there are the chapters {', '.join(chapters())}")
    return found[0]


@cache
def text_of(chapter: str) -> str:
    """Return the text of a chapter."""
    return (ROOT / "book" / "text" / f"{chapter}.md").read_text(encoding="utf-8")


@cache
def allowed() -> tuple[str, ...]:
    """Return what an exercise's cell may import: what the page's may."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    return tuple(config["live_code_imports"])


def _code(body):
    """The code of a cell, without its options."""
    body = re.sub(r"\A---\n.*?^---\n", "", body, flags=re.S | re.M)
    return re.sub(r"\A(:\w[\w-]*:.*\n)+", "", body).strip()


def _before(stub, earlier, own):
    """What the stub needs from the earlier cells, and what an answer may use: the chapter's imports."""
    also = importable_names(earlier, allowed()) - {"exercises"}
    lines = setup_for(stub, earlier, allowed(), also)
    if lines is None:  # an exercise in PyTorch: not on the page, but in a notebook
        lines = setup_for(stub, earlier, [*allowed(), "torch", "rnnbook"])
    if lines is None:
        raise ValueError(f"a cell needs what the browser does not have: {stub[:80]!r}")
    return "\n".join(text for n, text in lines if n not in own)
