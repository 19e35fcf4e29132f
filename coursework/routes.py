"""The same answers graded in four ways, side by side: nbgrader, otter, plain Python, and the page's own check.

The answers: the book's solutions, a release in which nothing is filled in, and every known mistake. nbgrader and otter
run in a separate environment, whose package has no solutions.
"""

import html
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from coursework import bare, keys, nbgrader, otter, page, plain, programs
from coursework.notebooks import Assignment, answers_of, handed_in, parts
from coursework.release import release
from coursework.statements import ROOT, Statement, statement
from coursework.variants import variation_of, varied
from rnnbook.lessons.exercises.answer_key import AnswerKey, variant_of
from rnnbook.lessons.exercises.checking import Verdict
from rnnbook.lessons.exercises.grading import share_of

SECRET = "no course has this secret"
ROUTES = ("nbgrader", "otter", "plain", "page")


class Row(NamedTuple):
    """One answer to one exercise, its points by route, and what the rubric gives it."""

    exercise: str
    answer: str
    points: dict[str, float]
    rubric: float


def mistakes_of(name: str, assignment: str, student: str, variants: int) -> dict[str, Callable]:
    """Return the programs of the known mistakes of an exercise, in a student's variant."""
    exercise = statement(name).exercise
    variation = variation_of(name, exercise)
    if variation:
        number = variant_of(assignment, student, variants) % len(variation.conventions)
        exercise = varied(exercise, variation, variation.conventions[number])
    return dict(exercise.mistakes)


def compared(assignment: Assignment, folder: Path, python: str, with_page: bool = True) -> list[Row]:
    """Return the grades of all answers by all routes; ``python`` is the grading environment's."""
    hidden = release(assignment, folder, SECRET)
    graded = [s for s in assignment.asked if keys.kind_of(s.exercise) == "function"]
    count = max(len(mistakes_of(s.name, assignment.name, "", assignment.variants)) for s in graded)
    students = ["reference", "empty", *(f"mistake-{n}" for n in range(count))]
    points: dict[str, dict[str, dict[str, float]]] = {}
    with environment(folder, python):
        nbgrader.run(folder / "nbgrader", "generate_assignment", assignment.name, "--force", python=python)
        made = folder / "nbgrader" / "release" / assignment.name / f"{assignment.name}.ipynb"
        shutil.rmtree(folder / "nbgrader" / "submitted", ignore_errors=True)
        for student in students:
            answers = answers_of(assignment, _by(assignment, student))
            place = folder / "nbgrader" / "submitted" / student / assignment.name / made.name
            handed_in(made, {} if student == "empty" else answers, student, place)
            shutil.copy(made.with_name("practice.json.gz"), place.parent)
        nbgrader.run(folder / "nbgrader", "autograde", assignment.name, "--force", python=python)
        points["nbgrader"] = nbgrader.grades(folder / "nbgrader", assignment)
        path = otter.write(folder / "otter", assignment, *(hidden.with_name(f"{n}.json.gz").read_bytes() for n in KEYS))
        shutil.rmtree(path.parent / "dist", ignore_errors=True)
        released, autograder = otter.assign(path, python)
        points["otter"], points["plain"] = {}, {}
        for student in students:
            place = folder / "otter" / "submitted" / student / released.name
            answers = answers_of(assignment, _by(assignment, student))
            handed_in(released, {} if student == "empty" else answers, student, place)
            shutil.copy(released.with_name("practice.json.gz"), place.parent)
            points["otter"][student] = otter.grade(autograder, place, student, assignment, python)
            found = plain.graded(place, hidden, student)
            points["plain"][student] = {name: grade.points for name, grade in found.items()}
    if with_page:
        points["page"] = on_the_page(assignment, graded, students, hidden, folder / "page")
    return rows(assignment, graded, students, points, hidden)


KEYS = ("practice", "hidden")


def _by(assignment, student):
    return lambda asked: answer(assignment, asked, student)


class environment:
    """The environment of the graders: the package without solutions, installed, and the borrowed mistakes beside it."""

    def __init__(self, folder: Path, python: str, build: bool = True):
        self.folder, self.python, self.build = folder, python, build

    def __enter__(self):
        if self.build:
            bare.bare(self.folder / "bare")
            built = bare.wheel(self.folder / "bare", self.folder / "dist")
            pip = [self.python, "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", str(built)]
            subprocess.run(pip, check=True)
        place = self.folder / "borrowed"
        place.mkdir(exist_ok=True)
        shutil.copy(Path(__file__).with_name("borrowed.py"), place / "borrowed.py")
        self.saved = dict(os.environ)
        os.environ.update(RNNBOOK_WHOLE=str(ROOT), PYTHONPATH=str(place))

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.saved)


def answer(assignment: Assignment, asked: Statement, student: str) -> str:
    """Return the cell in which one of the students answers: the solution, or the known mistake of that number."""
    if student.startswith("mistake-") and keys.kind_of(asked.exercise) == "function":
        number = int(student.partition("-")[2])
        if number < len(mistakes_of(asked.name, assignment.name, student, assignment.variants)):
            arguments = (asked.name, number, student, assignment.name, assignment.variants)
            return f"from borrowed import mistake\n\n{asked.answer} = mistake{arguments!r}"
    return parts(assignment, asked, student=student).answer["source"]


def on_the_page(
    assignment: Assignment, graded: list[Statement], students: list[str], hidden: Path, folder: Path
) -> dict[str, Any]:
    """Return the points by student and exercise, from the check of the book's page, which knows no variants."""
    found: dict[str, dict[str, float]] = {student: {} for student in students}
    with page.opened(folder) as run:
        for asked in graded:
            exercise = AnswerKey(hidden)[asked.name]
            shares, most = exercise.shares, exercise.points
            asks = f"from rnnbook.lessons import exercises\n{asked.answer} = list(exercises.{asked.chapter}.check_"
            asks += f"{asked.name.partition('.')[2]}.mistakes.values())"
            for student in students:
                sentence = _sentence(assignment, asked, student)
                own = list(asked.exercise.mistakes)
                if sentence and sentence not in own:  # a mistake that only a variant has
                    continue
                cell = f"{asks}[{own.index(sentence)}]" if sentence else programs.solved(asked)
                cell = programs.emptied(asked) if student == "empty" else cell
                code = f"{asked.before}\n{cell}"
                kind, mistake, right, count = page.verdict(run, code, asked.name, asked.answer)
                share = share_of(Verdict(kind == "right", "", kind, mistake, tuple(right)), shares, count)
                found[student][asked.name] = share * most
    return found


def rows(assignment: Assignment, graded: list[Statement], students: list[str], points: Any, hidden: Path) -> list[Row]:
    """Return the table, without the answers that repeat another row."""
    made = []
    for asked in graded:
        for student in students:
            sentence = _sentence(assignment, asked, student)
            if student.startswith("mistake-") and not sentence:
                continue
            by_route = {
                route: found[student][asked.name] for route, found in points.items() if asked.name in found[student]
            }
            exercise = AnswerKey(hidden, student)[asked.name]
            due = 0.0 if student == "empty" else exercise.points
            if sentence:
                due *= exercise.shares["mistakes"].get(sentence, exercise.shares["known"])
            made.append(Row(asked.name, sentence or student, by_route, due))
    return made


def _sentence(assignment, asked, student):
    """The known mistake that this student makes in this exercise; "" for none."""
    if not student.startswith("mistake-"):
        return ""
    known = list(mistakes_of(asked.name, assignment.name, student, assignment.variants))
    number = int(student.partition("-")[2])
    return known[number] if number < len(known) else ""


def table(found: list[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [f"| exercise | answer | {' | '.join(ROUTES)} | rubric |", "|---|---|" + "---:|" * (len(ROUTES) + 1)]
    for row in found:
        cells = [f"{row.points[route]:g}" if route in row.points else "–" for route in ROUTES]
        lines.append(f"| {row.exercise} | {row.answer} | {' | '.join(cells)} | {row.rubric:g} |")
    return "\n".join(lines)


def wrong(found: list[Row]) -> list[Row]:
    """Return the rows in which a route's points differ from the rubric's."""
    return [row for row in found if any(points != row.rubric for points in row.points.values())]


def feedback_shows_no_test(folder: Path, assignment: Assignment, python: str) -> str:
    """Return what nbgrader's feedback says about a known mistake; RuntimeError if it shows a test or is silent."""
    student = "mistake-0"
    nbgrader.run(
        folder / "nbgrader", "generate_feedback", assignment.name, "--force", f"--student={student}", python=python
    )
    path = folder / "nbgrader" / "feedback" / student / assignment.name / f"{assignment.name}.html"
    page_ = html.unescape(path.read_text(encoding="utf-8"))
    asked = next(s for s in assignment.asked if keys.kind_of(s.exercise) == "function")
    sentence = _sentence(assignment, asked, student)
    if "HIDDEN TESTS" in page_ or "exercises.grading" in page_ or sentence not in page_:
        raise RuntimeError(f"{path} shows a hidden test, or does not say that {sentence}")
    return f"nbgrader's feedback shows no test and says: {sentence}"


def lacks_numpy_is_refused(folder: Path, python: str) -> str:
    """Return what nbgrader says if the kernel lacks NumPy; RuntimeError if it grades anyway."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "numpy.py").write_text("raise ImportError('No module named numpy')\n")
        saved = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = place
        try:
            nbgrader.run(folder / "nbgrader", "autograde", "--force", python=python)
        except RuntimeError as error:
            if "REFUSED" in str(error):
                return next(line for line in str(error).splitlines() if "REFUSED" in line)
            raise
        finally:
            os.environ["PYTHONPATH"] = saved
    raise RuntimeError("nbgrader graded without NumPy, and nobody was told")
