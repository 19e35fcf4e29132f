"""Score files: JSON with every exercise, and the CSV files that Canvas's and Moodle's gradebooks import.

Canvas (its importer's source, ``gradebook_importer.rb``) wants the columns Student, ID, SIS User ID, SIS Login ID and
Section before the assignments, a row that begins with "Points Possible", and an assignment's own number in brackets
after its title, if it already has one. Moodle maps columns by hand: here the address or the ID number finds the
student, and a grade and a feedback column go together, since importing one without the other empties it.
"""

import csv
import json
from pathlib import Path
from typing import NamedTuple

from rnnbook.lessons.exercises.grading import Grade

CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
MOODLE = ["First name", "Last name", "ID number", "Email address"]


class Student(NamedTuple):
    """One line of the roster; ``id`` is what the student writes into the notebook."""

    id: str
    name: str = ""  # "Last, First"
    email: str = ""
    canvas_id: str = ""
    section: str = ""


def roster(path: Path) -> dict[str, Student]:
    """Return the students of a CSV file by id; ValueError if it lacks the column ``id`` or has an id twice."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    if not lines or "id" not in lines[0]:
        raise ValueError(
            f"{path} should have a first line that names the column id; {', '.join(Student._fields)} are known"
        )
    found = {line["id"]: Student(**{name: line.get(name) or "" for name in Student._fields}) for line in lines}
    if len(found) != len(lines):
        raise ValueError(f"{path} has an id twice")
    return found


def write(
    folder: Path, assignment: str, graded: dict[str, dict[str, Grade]], students: dict[str, Student], number: str = ""
) -> list[Path]:
    """Write all score files and one feedback file for each student; returns their paths.

    ``graded``: the grades by student and exercise. ``number``: the assignment's own in Canvas.
    """
    folder.mkdir(parents=True, exist_ok=True)
    everyone = {student: students.get(student, Student(student)) for student in graded}
    most = max((sum(g.most for g in found.values()) for found in graded.values()), default=0.0)
    totals = {student: sum(g.points for g in found.values()) for student, found in graded.items()}
    paths = [folder / name for name in ("scores.json", "canvas.csv", "moodle.csv")]
    content = {
        "assignment": assignment,
        "points": most,
        "students": [
            {"id": student, "points": totals[student], "exercises": {n: g._asdict() for n, g in found.items()}}
            for student, found in graded.items()
        ],
    }
    paths[0].write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    title = f"{assignment} ({number})" if number else assignment
    rows = [[*CANVAS, title], ["Points Possible", "", "", "", "", f"{most:g}"]]
    rows += [[s.name or s.id, s.canvas_id, s.id, s.id, s.section, f"{totals[i]:g}"] for i, s in everyone.items()]
    _csv(paths[1], rows)
    rows = [[*MOODLE, f"Assignment: {assignment}", f"Assignment: {assignment} (feedback)"]]
    for i, s in everyone.items():
        last, _, first = s.name.partition(",")
        rows.append([first.strip(), last.strip(), s.id, s.email, f"{totals[i]:g}", " ".join(_sentences(graded[i]))])
    _csv(paths[2], rows)
    for student, found in graded.items():
        place = folder / "feedback" / f"{student}.md"
        place.parent.mkdir(exist_ok=True)
        lines = [f"# {assignment}: {totals[student]:g} of {most:g} points", "", *_sentences(found, "- ")]
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(place)
    return paths


def _sentences(found, mark=""):
    return [f"{mark}{name}: {g.points:g} of {g.most:g}. {g.message}" for name, g in found.items()]


def _csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[_harmless(cell) for cell in row] for row in rows])


def _harmless(cell):
    """Put a quotation mark before a name or sentence that a spreadsheet would take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "@") else cell
