"""Grades without a grader: run a notebook's cells, one after another, and compare its answers with a key.

python -m coursework.plain NOTEBOOK KEY STUDENT     prints the grades as JSON
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rnnbook.lessons.exercises.answer_key import AnswerKey
from rnnbook.lessons.exercises.grading import Grade, grade

SECONDS = 600


def graded(notebook: Path, key: Path, student: str, python: str = sys.executable) -> dict[str, Grade]:
    """Return the grades of a submitted notebook by exercise, run in a separate process; RuntimeError if that dies."""
    command = [python, "-m", "coursework.plain", str(notebook.resolve()), str(key.resolve()), student]
    paths = [*sys.path, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    done = subprocess.run(
        command, cwd=notebook.parent, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{notebook} could not be graded:\n{done.stderr[-2000:]}")
    return {name: Grade(*found) for name, found in json.loads(done.stdout.splitlines()[-1]).items()}


def grades(notebook: Path, key: AnswerKey) -> dict[str, Grade]:
    """Return the grades by exercise; what the notebook's cells print, draw or raise is not shown."""
    space: dict[str, Any] = {"__name__": "__main__"}
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            nothing = io.StringIO()
            with contextlib.suppress(BaseException):
                with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
                    exec(compile("".join(cell["source"]), f"<cell {number}>", "exec"), space)
    found = {}
    for name, entries in key.content["exercises"].items():
        if entries[0]["kind"] != "paper":
            found[name] = grade(key, name, space.get(entries[0]["answer"]))
    return found


def main() -> None:
    """Print the grades of the notebook that the command line names."""
    notebook, key, student = sys.argv[1:]
    print(json.dumps(grades(Path(notebook), AnswerKey(key, student))))


if __name__ == "__main__":
    main()
