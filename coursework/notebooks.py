"""Notebooks of an assignment: for students, with solutions, and with what nbgrader or otter adds to each exercise.

Their text is plain Markdown, and all their cells run with only NumPy and the package.
"""

import ast
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from coursework import keys, programs
from coursework.markdown import PAGES, heading, plain
from coursework.rubric import Rubric
from coursework.statements import Statement
from coursework.variants import variation_of
from rnnbook.lessons.exercises.answer_key import variant_of

Cell = dict[str, Any]
FIRST = """\
from rnnbook.lessons.exercises.answer_key import AnswerKey

student = ""  # your id, between the quotation marks
practice = AnswerKey("practice.json.gz", student)"""
HOW = """\
Write your id into the first cell. Then fill in the marked lines, one exercise after another. The cell below each one
checks your answer, as often as you like, and names the mistake if it knows it. What you hand in is graded on different
inputs."""


class Assignment(NamedTuple):
    """Some exercises of one chapter, what they are worth, and in how many variants."""

    name: str
    title: str
    asked: tuple[Statement, ...]
    rubric: Rubric
    variants: int = 8


class Parts(NamedTuple):
    """The cells of one exercise, for a maker of releases to put together."""

    asked: Statement
    kind: str
    points: float
    text: Cell
    before: list[Cell]
    answer: Cell
    check: list[Cell]


def markdown(text: str, **metadata: Any) -> Cell:
    """Return a cell of text."""
    return {"cell_type": "markdown", "metadata": metadata, "source": text}


def code(text: str, **metadata: Any) -> Cell:
    """Return a cell of code that has not been run."""
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": text}


def raw(text: str) -> Cell:
    """Return a cell that is neither text nor code: otter's marks."""
    return {"cell_type": "raw", "metadata": {}, "source": text}


def notebook(cells: Iterable[Cell]) -> str:
    """Return a notebook in the form of its file; the same cells give the same file."""
    numbered = [{**cell, "id": f"cell-{n}"} for n, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": numbered,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def opening(assignment: Assignment, student: str = "") -> list[Cell]:
    """Return the first cells: the title, and where the id goes."""
    first = FIRST.replace('student = ""', f'student = "{student}"')
    return [markdown(f"# {assignment.title}\n\n{HOW}"), code(first)]


def parts(
    assignment: Assignment,
    asked: Statement,
    begin: str = "",
    end: str = "",
    student: str | None = None,
    given: set[str] | None = None,
) -> Parts:
    """Return the cells of one exercise; empty if ``student`` is None, else with the solution in that one's variant.

    ``given``: the statements that earlier cells have; what this exercise needs beyond them is added.
    """
    kind = keys.kind_of(asked.exercise)
    variation = variation_of(asked.name, asked.exercise) if kind == "function" else None
    text = plain(asked.chapter, asked.body) + (f"\n\n{variation.note}" if variation else "")
    points = assignment.rubric.points_of(asked)
    needs = _new(asked.before, given if given is not None else set()) if kind != "paper" else ""
    before = [code(needs)] if needs else []
    check = [code(f'practice["{asked.name}"]({asked.answer})')] if kind == "function" else []
    takes: tuple[str, ...] = ()
    first = ""
    if variation:
        before.append(code(f'print(practice["{asked.name}"].told)'))
        number = variant_of(assignment.name, student or "", assignment.variants) % len(variation.conventions)
        takes, first = variation.parameters, variation.conventions[number].code
    if kind == "paper":
        solution = asked.exercise.answer() if hasattr(asked.exercise, "answer") else ""
        page = f"{PAGES}{asked.chapter}.html#{asked.label}"
        text += f"\n\n[The exercise in the book]({page}) has what you need; write your answer below."
        answer = markdown("*Your answer:*" if student is None else solution)
    elif student is None:
        answer = code(programs.emptied(asked, takes))
    else:
        answer = code(programs.solved(asked, begin, end, takes, first))
    title = markdown(f"{heading(asked.name, points)}\n\n{text}")
    return Parts(asked, kind, points, title, before, answer, check)


def _new(lines, given):
    """The statements that are not given yet; from now on they are."""
    found = [text for text in map(ast.unparse, ast.parse(lines).body) if text not in given]
    given.update(found)
    return "\n".join(found)


def simple(assignment: Assignment, student: str | None = None) -> str:
    """Return the notebook that a student gets, or the one with all solutions, as ``student`` would hand it in."""
    cells, given = opening(assignment, student or ""), set[str]()
    for asked in assignment.asked:
        p = parts(assignment, asked, student=student, given=given)
        cells += [p.text, *p.before, p.answer, *p.check]
    return notebook(cells)


def handed_in(path: Path, answers: dict[str, str], student: str, target: Path) -> None:
    """Write a release as a student would hand it in: the id in its first cell, these answers for the empty ones."""
    content = json.loads(path.read_text(encoding="utf-8"))
    left = set(answers)
    for cell in content["cells"]:
        source = "".join(cell["source"])
        if source.startswith("from rnnbook.lessons.exercises.answer_key"):
            cell["source"] = source.replace('student = ""', f'student = "{student}"')
        for empty, answer in answers.items():
            if cell["cell_type"] == "code" and _first_line(source) == _first_line(empty):
                cell["source"] = answer
                left.discard(empty)
    if left:
        raise ValueError(f"{path} has no cell for {sorted(map(_first_line, left))}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def _first_line(source):
    """What identifies an answer cell: each grader leaves its own mark below."""
    return source.strip().partition("\n")[0]


def answers_of(assignment: Assignment, fill: Callable[[Statement], str]) -> dict[str, str]:
    """Return for every empty cell of an assignment that is code what ``fill`` puts in its place."""
    found = {}
    for asked in assignment.asked:
        if keys.kind_of(asked.exercise) == "paper":
            continue
        empty = parts(assignment, asked).answer["source"]
        found[empty] = fill(asked)
    return found
