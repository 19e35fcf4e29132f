"""nbgrader's side: a course folder from which ``nbgrader generate_assignment`` and ``autograde`` run as they are.

A graded cell prints the sentence for the student and ends with the points. The points come from a hidden answer key, so
the grading environment needs the package, without solutions, and NumPy. nbgrader gives 0 to every cell that fails,
whoever's fault it is; so the course's configuration refuses to start if the kernel lacks either.
"""

import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from coursework.notebooks import Assignment, Cell, code, markdown, notebook, opening, parts
from rnnbook.lessons.exercises.grading import Grade

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN = """\
# Graded after you hand it in, on inputs different from yours.
### BEGIN HIDDEN TESTS
from rnnbook.lessons.exercises.grading import points

points("{name}", {answer})
### END HIDDEN TESTS"""
CONFIG = '''\
"""nbgrader's configuration for this course, which also checks whether grading can work at all."""

import os
import subprocess
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

c = get_config()  # noqa: F821
here = Path(__file__).resolve().parent
c.CourseDirectory.root = str(here)
c.CourseDirectory.course_id = here.name
c.ClearSolutions.code_stub = {"python": "...  # your lines here"}
c.ExecutePreprocessor.timeout = 300
c.GenerateFeedback.preprocessors = [  # nbgrader's own, and one that takes the hidden line out again
    "nbgrader.preprocessors.GetGrades",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
os.environ.setdefault("RNNBOOK_KEY", str(here / "keys"))

# nbgrader gives 0 points to a cell that fails, even if only a package is missing: then stop, before anyone is graded
kernel = KernelSpecManager().get_kernel_spec("python3").argv[0]
needs = "import numpy, rnnbook.lessons.exercises.grading"
found = subprocess.run([kernel, "-c", needs], capture_output=True, text=True)
if found.returncode:
    raise SystemExit(
        f"REFUSED: the environment that runs the notebooks, {kernel}, cannot import what grading needs, and nbgrader "
        f"would give everybody 0 points.\\n{found.stderr.strip().splitlines()[-1]}\\nInstall numpy and rnnbook there."
    )
'''


def source(assignment: Assignment) -> str:
    """Return the notebook from which nbgrader makes the release: with marked solutions and hidden tests."""
    cells = [_locked(cell, f"opening-{n}") if n != 1 else cell for n, cell in enumerate(opening(assignment))]
    given: set[str] = set()
    for asked in assignment.asked:
        name = asked.name.replace(".", "-").replace("_", "-")
        p = parts(assignment, asked, BEGIN, END, "reference", given)
        cells += [_locked(cell, f"{name}-before-{n}") for n, cell in enumerate([p.text, *p.before])]
        if p.kind == "paper":
            text = f"### BEGIN MARK SCHEME\n{p.answer['source']}\n### END MARK SCHEME"
            cells.append(_marked(markdown(text), name, solution=True, grade=True, points=p.points))
            continue
        cells += [_marked(p.answer, name, solution=True), *p.check]
        hidden = code(HIDDEN.format(name=asked.name, answer=asked.answer))
        cells.append(_marked(hidden, f"{name}-points", grade=True, locked=True, points=p.points))
    return notebook(cells)


def write_course(folder: Path, assignment: Assignment, practice: bytes, hidden: bytes) -> None:
    """Write the assignment into nbgrader's course folder, and its keys where students never see them."""
    place = folder / "source" / assignment.name
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{assignment.name}.ipynb").write_text(source(assignment), encoding="utf-8")
    (place / "practice.json.gz").write_bytes(practice)
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / f"{assignment.name}.json.gz").write_bytes(hidden)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")


def run(folder: Path, command: str, *arguments: str, python: str) -> str:
    """Run one of nbgrader's commands in a course folder; RuntimeError, with its output, if it fails."""
    environment = {**os.environ, "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}  # it calls alembic
    whole = [python, "-m", "nbgrader", command, *arguments]
    done = subprocess.run(whole, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"nbgrader {command} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout + done.stderr


def grades(folder: Path, assignment: Assignment) -> dict[str, dict[str, float]]:
    """Return the points by student and exercise, from nbgrader's gradebook."""
    names = {f"{s.name.replace('.', '-').replace('_', '-')}-points": s.name for s in assignment.asked}
    query = """
        select submitted_assignment.student_id, base_cell.name, grade.auto_score
        from grade join base_cell on grade.cell_id = base_cell.id
        join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        join assignment on submitted_assignment.assignment_id = assignment.id
        where assignment.name = ?"""
    found: dict[str, dict[str, float]] = {}
    with sqlite3.connect(folder / "gradebook.db") as gradebook:
        for student, cell, score in gradebook.execute(query, [assignment.name]):
            if cell in names:
                found.setdefault(student, {})[names[cell]] = float(score or 0)
    return found


def grades_with_messages(folder: Path, assignment: Assignment) -> dict[str, dict[str, Grade]]:
    """Return the grades by student and exercise, with the sentences that the autograded notebooks hold."""
    found: dict[str, dict[str, Grade]] = {}
    most = {asked.name: assignment.rubric.points_of(asked) for asked in assignment.asked}
    for student, points in grades(folder, assignment).items():
        path = folder / "autograded" / student / assignment.name / f"{assignment.name}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else []
        said = {cell["metadata"].get("nbgrader", {}).get("grade_id"): _printed(cell) for cell in cells}
        found[student] = {
            name: Grade(number, most[name], said.get(f"{name.replace('.', '-').replace('_', '-')}-points", ""), "")
            for name, number in points.items()
        }
    return found


def _printed(cell):
    """The sentence that a graded cell printed, without the points."""
    lines = ["".join(out["text"]) for out in cell.get("outputs", []) if out.get("name") == "stdout"]
    return "".join(lines).strip().partition(" points. ")[2]


def _marked(cell: Cell, name: str, **what: Any) -> Cell:
    said = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, "grade_id": name}
    return {**cell, "metadata": {"nbgrader": {**said, **what}}}


def _locked(cell: Cell, name: str) -> Cell:
    return _marked(cell, name, locked=True)
