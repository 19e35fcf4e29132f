"""Points for a handed-in answer, from a hidden answer key; nbgrader's and otter's cells call these functions.

Where the key is: ``RNNBOOK_KEY``, else ``hidden.json.gz`` in the working directory. Whose answer it is:
``RNNBOOK_STUDENT``, else nbgrader's folder (``autograded/STUDENT/ASSIGNMENT``), else the id that the notebook gives.
"""

import contextlib
import io
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnbook.lessons.exercises.answer_key import AnswerKey
from rnnbook.lessons.exercises.question import Verdict

QUARTERS = 4  # the share of an exercise's points is a whole number of quarters: otter counts tests that pass


class Grade(NamedTuple):
    """The points of an answer, those available, and the sentence for the student."""

    points: float
    most: float
    message: str
    mistake: str


def share_of(verdict: Verdict, shares: dict[str, Any], results: int) -> float:
    """Return what share of its points a verdict is worth, in quarters.

    ``shares`` is the rubric: ``right``, ``known`` (a known mistake that ``mistakes`` does not list), ``forbidden``, and
    ``part``, of which an answer gets the share of the ``results`` that are right.
    """
    match verdict.kind:
        case "right":
            found = shares["right"]
        case "known":
            found = shares["mistakes"].get(verdict.mistake, shares["known"])
        case "forbidden":
            found = shares["forbidden"]
        case _:
            found = shares["part"] * len(verdict.right) / results
    return int(QUARTERS * found + 1e-9) / QUARTERS


def grade(key: AnswerKey, name: str, yours: Any) -> Grade:
    """Return the grade of one answer; nothing that it prints or warns about is shown, and it cannot raise."""
    exercise = key[name]
    try:
        with _unseen():
            verdict = exercise.verdict(yours)
    except Exception as error:  # a check must never cost a class its grades
        verdict = Verdict(False, f"It could not be checked ({type(error).__name__}).", "stopped")
    share = share_of(verdict, exercise.shares, len(exercise.returns))
    return Grade(share * exercise.points, exercise.points, str(verdict), verdict.mistake)


def points(name: str, yours: Any, student: str = "") -> float:
    """Print the sentence for the student and return the points: the last line of nbgrader's hidden test."""
    found = grade(_key(student), name, yours)
    print(f"{found.points:g} of {found.most:g} points. {found.message}")
    return found.points


def reaches(name: str, yours: Any, share: float, student: str = "") -> None:
    """Raise AssertionError, with the sentence for the student, if an answer is worth less than a share: otter's."""
    key = _key(student)
    if (key.student, name) not in _graded or _graded[key.student, name][0] is not yours:
        _graded[key.student, name] = yours, grade(key, name, yours)  # each answer has one test per quarter
    found = _graded[key.student, name][1]
    if found.points < share * found.most - 1e-9:
        raise AssertionError(f"{found.points:g} of {found.most:g} points. {found.message}")


_keys: dict[tuple[str, str], AnswerKey] = {}
_graded: dict[tuple[str, str], tuple[Any, Grade]] = {}


def _key(student):
    path = os.environ.get("RNNBOOK_KEY") or "hidden.json.gz"
    if Path(path).is_dir():  # one key per assignment of an nbgrader course
        path = str(Path(path) / f"{Path.cwd().name}.json.gz")
    student = os.environ.get("RNNBOOK_STUDENT") or _of_nbgrader() or student
    if (path, student) not in _keys:
        _keys[path, student] = AnswerKey(path, student)
    return _keys[path, student]


def _of_nbgrader():
    parts = Path.cwd().parts
    return parts[-2] if len(parts) > 2 and parts[-3] == "autograded" else ""


@contextlib.contextmanager
def _unseen():
    """Nothing on stderr: nbgrader gives no points to a cell that writes there, even if it is only a NumPy warning."""
    nothing = io.StringIO()
    with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            yield
