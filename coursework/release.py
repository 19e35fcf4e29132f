"""Everything for one assignment, in one folder: notebooks, keys, and the files for nbgrader and otter."""

import shutil
from pathlib import Path

from coursework import keys, nbgrader, otter, seeds
from coursework.notebooks import Assignment, simple
from coursework.rubric import Rubric
from coursework.statements import chapters, statement, statements


def assignment_of(names: list[str], rubric: Rubric, variants: int = 8, title: str = "") -> Assignment:
    """Return the assignment of a chapter ("lstm"), or of some exercises of one chapter ("lstm.step", ...)."""
    chapter = names[0].partition(".")[0]
    if chapter not in chapters() or any(name.partition(".")[0] != chapter for name in names):
        raise ValueError(f"an assignment has exercises of one chapter out of {', '.join(chapters())}, not {names}")
    asked = statements(chapter) if names == [chapter] else tuple(statement(name) for name in names)
    answers = [s.answer for s in asked if keys.kind_of(s.exercise) != "paper"]
    if len(set(answers)) != len(answers):
        raise ValueError(f"two exercises of {chapter} ask for the same name: {sorted(answers)}")
    return Assignment(chapter, title or f"Exercises: {chapter.replace('_', ' ')}", asked, rubric, variants)


def release(assignment: Assignment, folder: Path, secret: str) -> Path:
    """Write an assignment into ``folder``; returns the place of the hidden key.

    ``student/`` is all that a student ever gets; ``private/`` holds solutions and the hidden key.
    """
    student, private = folder / "student" / assignment.name, folder / "private" / assignment.name
    for place in (student, private, folder / "otter" / assignment.name):
        shutil.rmtree(place, ignore_errors=True)
    asked = list(assignment.asked)
    content = {
        name: keys.key(assignment.name, asked, assignment.rubric, secret_, assignment.variants)
        for name, secret_ in {"practice": seeds.PRACTICE, "hidden": secret}.items()
    }
    keys.write(student / "practice.json.gz", content["practice"])
    keys.write(private / "hidden.json.gz", content["hidden"])
    shutil.copy(student / "practice.json.gz", private / "practice.json.gz")
    (student / f"{assignment.name}.ipynb").write_text(simple(assignment), encoding="utf-8")
    (private / f"{assignment.name}.ipynb").write_text(simple(assignment, "reference"), encoding="utf-8")
    (private / "rubric-sheet.md").write_text(sheet(assignment), encoding="utf-8")
    practice, hidden = (
        (place / f"{n}.json.gz").read_bytes() for place, n in ((student, "practice"), (private, "hidden"))
    )
    nbgrader.write_course(folder / "nbgrader", assignment, practice, hidden)
    otter.write(folder / "otter", assignment, practice, hidden)
    return private / "hidden.json.gz"


def sheet(assignment: Assignment) -> str:
    """Return the rubric for people: what each exercise is worth, and the answers that only a person can judge."""
    lines = [f"# Rubric: {assignment.title}", ""]
    for asked in assignment.asked:
        kind = keys.kind_of(asked.exercise)
        lines += [f"## {asked.title}: {assignment.rubric.points_of(asked):g} points", ""]
        if kind == "paper":
            answer = asked.exercise.answer() if hasattr(asked.exercise, "answer") else "Read it yourself."
            lines += ["Marked by a person:", "", answer, ""]
            continue
        shares = keys.common(asked, assignment.rubric)["shares"]
        lines += [f"Graded by its {'numbers' if kind == 'function' else 'number or choice'}. Shares of the points:", ""]
        lines += [f"- {name}: {shares[name]:g}" for name in ("right", "known", "forbidden", "part")]
        lines += [f"- *{sentence}*: {share:g}" for sentence, share in shares["mistakes"].items()] + [""]
    return "\n".join(lines)
