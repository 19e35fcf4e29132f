"""Score files as Canvas's and Moodle's importers take them, and feedback that names mistakes and shows no test."""

import csv
import json
import re

import pytest

from coursework import scores
from rnnbook.lessons.exercises.grading import Grade

GRADED = {
    "s1": {
        "lstm.step": Grade(8, 8, "Right.", ""),
        "lstm.order": Grade(2, 4, "You get these numbers when a, b.", "a, b"),
    },
    "s2": {"lstm.step": Grade(0, 8, "It returns None.", ""), "lstm.order": Grade(4, 4, "Right.", "")},
}
STUDENTS = {
    "s1": scores.Student("s1", "Lovelace, Ada", "ada@example.org", "17", "A"),
    "s2": scores.Student("s2", "=1+1"),
}


@pytest.fixture
def written(tmp_path):
    scores.write(tmp_path, "lstm", GRADED, STUDENTS, "4711")
    return tmp_path


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_canvas_takes_the_file(written):
    """The rules of ``gradebook_importer.rb``: header, points possible, students by their own number."""
    header, possible, *students = rows(written / "canvas.csv")
    assert len(header) > 3 and "Student" in header[0] and "ID" in header[1]
    assert re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3])
    assert "Section" in header[4]  # the last of the student's columns
    assert re.fullmatch(r"(.*) \((\d+)\)", header[5]).groups() == ("lstm", "4711")
    assert "Points Possible" in possible[0] and float(possible[5]) == 12
    assert students == [["Lovelace, Ada", "17", "s1", "s1", "A", "10"], ["'=1+1", "", "s2", "s2", "", "4"]]
    assert all(len(row) == len(header) for row in [possible, *students])


def test_moodle_takes_the_file(written):
    """One line a student under one header; a grade column and its feedback column."""
    header, *students = rows(written / "moodle.csv")
    assert {"ID number", "Email address"} <= set(header)
    grade, feedback = header.index("Assignment: lstm"), header.index("Assignment: lstm (feedback)")
    assert [row[grade] for row in students] == ["10", "4"]
    assert students[0][:4] == ["Ada", "Lovelace", "s1", "ada@example.org"]
    assert "when a, b" in students[0][feedback]
    assert all(len(row) == len(header) for row in students)


def test_json_has_every_exercise_and_its_mistake(written):
    found = json.loads((written / "scores.json").read_text())
    assert found["points"] == 12
    assert [s["points"] for s in found["students"]] == [10, 4]
    assert found["students"][0]["exercises"]["lstm.order"]["mistake"] == "a, b"


def test_feedback_names_the_mistake_and_shows_no_other_student(written):
    text = (written / "feedback" / "s1.md").read_text()
    assert "10 of 12 points" in text
    assert "You get these numbers when a, b." in text
    assert "s2" not in text


def test_a_roster_is_read_and_a_bad_one_refused(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text('﻿id,name,email,extra\ns1,"Lovelace, Ada",ada@example.org,x\n', encoding="utf-8")
    assert scores.roster(path) == {"s1": scores.Student("s1", "Lovelace, Ada", "ada@example.org")}
    path.write_text("id\ns1\ns1\n")
    with pytest.raises(ValueError, match="twice"):
        scores.roster(path)
    path.write_text("name\nAda\n")
    with pytest.raises(ValueError, match="column id"):
        scores.roster(path)
