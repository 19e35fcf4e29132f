"""otter's side: a notebook for ``otter assign``, and ``otter run`` on submissions.

otter counts tests that pass, so each exercise has one hidden test for each quarter of its points. They call the same
function as nbgrader's cells, with the same hidden answer key, which is only in the autograder's zip.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from coursework.notebooks import Assignment, notebook, opening, parts, raw
from coursework.notebooks import code as code_cell
from rnnbook.lessons.exercises.grading import QUARTERS

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
CONFIG = """\
# ASSIGNMENT CONFIG
name: {name}
init_cell: false
export_cell: false
check_all_cell: false
files: [practice.json.gz]
autograder_files: [hidden.json.gz]
requirements: [numpy, rnnbook]
tests:
    ok_format: false
generate: {{show_stdout: false, show_hidden: false}}
suppress_no_tests_warning: true"""
TEST = '''\
""" # BEGIN TEST CONFIG
hidden: true
points: {points:g}
""" # END TEST CONFIG
def test_{name}_{quarter}({answer}, student):
    from rnnbook.lessons.exercises.grading import reaches
    reaches("{exercise}", {answer}, {share}, student)
test_{name}_{quarter}({answer}, student)'''


def source(assignment: Assignment) -> str:
    """Return the notebook from which otter makes the release and the autograder."""
    cells = [raw(CONFIG.format(name=assignment.name)), *opening(assignment)]
    given: set[str] = set()
    for asked in assignment.asked:
        name = asked.name.replace(".", "_")
        p = parts(assignment, asked, BEGIN, END, "reference", given)
        paper = "\nmanual: true" if p.kind == "paper" else "\ncheck_cell: false"
        cells += [raw(f"# BEGIN QUESTION\nname: {name}\npoints: {p.points:g}{paper}"), p.text, *p.before]
        cells += [raw("# BEGIN SOLUTION"), p.answer, raw("# END SOLUTION")]
        if p.kind != "paper":
            tests = [
                TEST.format(
                    name=name, exercise=asked.name, answer=asked.answer, quarter=quarter,
                    points=p.points / QUARTERS, share=quarter / QUARTERS,
                )
                for quarter in range(1, QUARTERS + 1)
            ]  # fmt: skip
            cells += [raw("# BEGIN TESTS"), *map(code_cell, tests), raw("# END TESTS")]
        cells += [raw("# END QUESTION"), *p.check]
    return notebook(cells)


def write(folder: Path, assignment: Assignment, practice: bytes, hidden: bytes) -> Path:
    """Write what ``otter assign`` needs; returns the notebook's path."""
    place = folder / assignment.name
    place.mkdir(parents=True, exist_ok=True)
    (place / "practice.json.gz").write_bytes(practice)
    (place / "hidden.json.gz").write_bytes(hidden)
    path = place / f"{assignment.name}.ipynb"
    path.write_text(source(assignment), encoding="utf-8")
    return path


def assign(path: Path, python: str) -> tuple[Path, Path]:
    """Run ``otter assign``; returns the student's notebook and the autograder's zip."""
    environment = {**os.environ, "RNNBOOK_STUDENT": "reference"}
    command = [python, "-m", "otter", "assign", path.name, "dist", "-v"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"otter assign failed:\n{(done.stdout + done.stderr)[-3000:]}")
    dist = path.parent / "dist"
    return dist / "student" / path.name, next((dist / "autograder").glob("*.zip"))


def grade(autograder: Path, submission: Path, student: str, assignment: Assignment, python: str) -> dict[str, float]:
    """Run ``otter run`` on one submission; returns the points by exercise; RuntimeError if it gives none."""
    environment = {**os.environ, "RNNBOOK_STUDENT": student}
    with tempfile.TemporaryDirectory() as place:
        command = [python, "-m", "otter", "run", "-a", str(autograder), "-o", place, str(submission)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        results = Path(place) / "results.json"
        if done.returncode or not results.exists():
            raise RuntimeError(f"otter run failed on {submission}:\n{(done.stdout + done.stderr)[-3000:]}")
        found = json.loads(results.read_text())
    names = {s.name.replace(".", "_"): s.name for s in assignment.asked}
    points = dict.fromkeys(names.values(), 0.0)
    for test in found["tests"]:
        exercise = next((name for name in names if test["name"].split(" ")[0] == name), None)
        if exercise is not None:
            points[names[exercise]] += float(test.get("score", 0))
    return points
