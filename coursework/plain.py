"""Grades without a grader: run a notebook's cells, one after another, and compare its answers with a key.

python -m coursework.plain NOTEBOOK KEY STUDENT     prints the grades as JSON
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import CodeType
from typing import Any

from rnnbook.lessons.exercises.answer_key import AnswerKey
from rnnbook.lessons.exercises.grading import Grade, grade

SECONDS = 600
# lines that only IPython reads: %magic, !shell, ?help, help?, and one of the first two on the right of an assignment
IPYTHON = re.compile(r"^([ \t]*)(?:(?:\w+[ \t]*=[ \t]*)?(?:%%?\w|!(?!=))|\?|[\w.]+\?{1,2}[ \t]*$).*", re.M)
PYTHON = ("capture", "prun", "time")  # the cell magics whose cells are Python, and leave what they define


def graded(notebook: Path, key: Path, student: str, python: str = sys.executable) -> dict[str, Grade]:
    """Return the grades of a submitted notebook by exercise, run in a separate process.

    RuntimeError if that dies, does not finish or leaves no grades.
    """
    command = [python, "-m", "coursework.plain", str(notebook.resolve()), str(key.resolve()), student]
    paths = [*sys.path, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    failed = f"{notebook.name} could not be graded"
    try:
        done = subprocess.run(
            command,
            cwd=notebook.parent,
            env=environment,
            stdin=subprocess.DEVNULL,  # a cell that asks for input gets none, and does not wait for it
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{failed}: it should finish within {SECONDS:g} seconds, but did not.") from None
    if done.returncode:
        raise RuntimeError(f"{failed}: its process ended with status {done.returncode}.\n{done.stderr[-2000:]}")
    try:
        return {name: Grade(*found) for name, found in json.loads(done.stdout.splitlines()[-1]).items()}
    except (ValueError, IndexError, TypeError, AttributeError):
        raise RuntimeError(f"{failed}: its process ended before the grades were there.") from None


def failed(key: AnswerKey, sentence: str) -> dict[str, Grade]:
    """Return the grades of a notebook that could not be graded: no points, and the sentence that says why."""
    return {name: Grade(0.0, entries[0]["points"], sentence, "") for name, entries in _graded_in(key)}


def grades(notebook: Path, key: AnswerKey) -> dict[str, Grade]:
    """Return the grades by exercise; what the notebook's cells print or draw is not shown.

    What they raise is told where the answer is missing.
    """
    space: dict[str, Any] = {"__name__": "__main__", "display": lambda *given, **named: None}
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    raised = {}
    for number, code in enumerate(codes, 1):
        nothing = io.StringIO()
        try:
            with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
                exec(compiled(code, f"<cell {number}>"), space)
        except BaseException as error:  # whatever a cell raises, the next ones are run
            raised[number] = f"code cell {number} stopped with {type(error).__name__}: {error}"
    found = {}
    for name, entries in _graded_in(key):
        answer = entries[0]["answer"]
        found[name] = grade(key, name, space.get(answer))
        if space.get(answer) is None and (raised or answer not in space):
            own = [told for number, told in raised.items() if answer in codes[number - 1]] or list(raised.values())
            told = f"There is no answer: {own[0]}" if own else f"There is no answer: no cell defines {answer}"
            found[name] = found[name]._replace(message=f"{told.rstrip('.')}.")
    return found


def compiled(code: str, name: str) -> CodeType:
    """Return a cell's program; if it is no Python, that without the lines that only IPython reads.

    The other lines keep their numbers. SyntaxError if the rest is no Python either.
    """
    try:
        return compile(code, name, "exec")
    except SyntaxError:
        magic = re.match(r"\s*%%(\w+)", code)
        if magic and magic[1] not in PYTHON:
            return compile("", name, "exec")
        return compile(IPYTHON.sub(r"\1pass", code), name, "exec")


def _graded_in(key):
    """The exercises that need no person to read them, and their entries."""
    return [(name, entries) for name, entries in key.content["exercises"].items() if entries[0]["kind"] != "paper"]


def main() -> None:
    """Print the grades of the notebook that the command line names."""
    notebook, key, student = sys.argv[1:]
    print(json.dumps(grades(Path(notebook), AnswerKey(key, student))))


if __name__ == "__main__":
    main()
