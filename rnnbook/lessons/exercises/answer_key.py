"""Exercises without their solutions: what is right, and what each known mistake gives, as stored numbers.

>>> from rnnbook.lessons.exercises.answer_key import AnswerKey
>>> check = AnswerKey("practice.json.gz", student="s1234")["lstm.step"]  # doctest: +SKIP

An answer key is a gzipped JSON file that ``coursework`` writes. An exercise from it is called like any other and
answers like any other, but only on its own trials; it names the known mistakes, not those made by rule from a
solution's source.
"""

import gzip
import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.misread import read_answer, same
from rnnbook.lessons.exercises.question import Question, Verdict
from rnnbook.lessons.exercises.results import Right
from rnnbook.lessons.exercises.trials import Trial, to_double

FORMAT = 1
NO_SOLUTION = "This build of the book has no solutions."


class Recalled:
    """A function that knows its results on a few inputs, and raises KeyError on all others."""

    def __init__(self, name: str, known: list[tuple[dict[str, Any], list[np.ndarray] | None]]):
        self.__name__, self.known = name, known

    def __call__(self, **arguments: Any) -> Any:
        for given, results in self.known:
            if all(_same(arguments.get(name), value) for name, value in given.items()):
                if results is None:
                    raise ValueError("it stops on these inputs")
                return tuple(results) if len(results) > 1 else results[0]
        raise KeyError("no result is kept for these inputs")


class KeyedExercise(Exercise):
    """An exercise from an answer key: ``points`` and ``shares`` are its rubric, ``told`` this student's convention."""

    def __init__(self, name: str, entry: dict[str, Any]):
        program: dict[str, Any] = {"__name__": f"program of {name}"}
        exec(entry["program"], program)  # what the statement forbids is detected by running
        self._kept = [_trial(kept, entry["returns"]) for kept in entry["trials"]]
        exact = [trial.exact for trial in self._kept]
        mistakes = {
            sentence: Recalled("mistake", list(zip(exact, map(_arrays, made)))) for sentence, made in entry["mistakes"]
        }
        right: list[tuple[dict, list | None]] = [(trial.exact, list(trial.expected)) for trial in self._kept]
        super().__init__(
            Recalled(name.rpartition(".")[2], right),
            lambda rng: exact[0],
            tuple(entry["returns"]),
            mistakes,
            entry["looks_at"],
            entry["tolerance"],
            forbids=program.get("forbids"),
            about=_about(entry),
        )
        self.points, self.shares, self.told = entry["points"], entry["shares"], entry["told"]

    def draw(self, seed: int = 0) -> list[Trial]:
        """Return the trials of the key, whatever the seed."""
        return self._kept

    def answer(self) -> str:
        """Say that the solution is not here."""
        return NO_SOLUTION


class KeyedAnswer(Question):
    """A number or a choice from an answer key; a wrong answer does not reveal the right one."""

    def __init__(self, name: str, entry: dict[str, Any]):
        self.name, self.entry = name, entry
        self.points, self.shares, self.told = entry["points"], entry["shares"], entry["told"]
        self.returns, self.about = ("answer",), _about(entry)

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on an answer."""
        if yours is None or yours is Ellipsis:
            return Verdict(False, "No answer yet: write yours down first.", "none")
        right = _single(self.entry["right"])
        found, trouble = read_answer(yours, right, self.entry["choices"])
        if trouble:  # how many axes the right shape has is not told
            told = "Answer with a shape: a tuple of whole numbers." if isinstance(right, tuple) else trouble
            return Verdict(False, told, "form")
        if same(found, right, self.entry["share"]):
            return Verdict(True, "Right.", "right", right=self.returns)
        for sentence, wrong in self.entry["mistakes"]:
            if same(found, _single(wrong), self.entry["share"]):
                return Verdict(False, f"You get that when {sentence}.", "known", sentence)
        return Verdict(False, "That is not it.", "unknown")

    def hints(self) -> list[str]:
        """Return no hint: any hint would give the answer away."""
        return []

    def answer(self) -> str:
        """Say that the solution is not here."""
        return NO_SOLUTION


class OnPaper(Question):
    """An exercise that a person marks: no key can hold what makes its answer right."""

    def __init__(self, name: str, entry: dict[str, Any]):
        self.points, self.told, self.about = entry["points"], entry["told"], _about(entry)

    def verdict(self, yours: Any = None, seed: int = 0) -> Verdict:
        """Say that a person will read the answer."""
        return Verdict(False, "Your teacher will read this one: hand it in.", "none")

    def program(self, seed: int = 0) -> None:
        """Raise NotImplementedError: a program with a bug is the solution with one line changed."""
        raise NotImplementedError("the program of this exercise is not in a build without solutions")

    hints, answer = KeyedAnswer.hints, KeyedAnswer.answer


class AnswerKey:
    """The exercises of an assignment, for one student: ``key["lstm.step"](my_step)`` answers.

    ``student``: the student's id, which decides the variant; the same id gives the same variant everywhere.
    """

    def __init__(self, path: str | Path, student: str = ""):
        self.content = json.loads(gzip.decompress(Path(path).read_bytes()))
        if self.content.get("format") != FORMAT:
            raise ValueError(f"{path} is not an answer key of format {FORMAT}")
        self.student, self._made = student, dict[str, Any]()

    @property
    def variant(self) -> int:
        """The number of this student's variant."""
        return variant_of(self.content["assignment"], self.student, self.content["variants"])

    def __getitem__(self, name: str) -> Any:
        """Return the exercise of this name, "lstm.step"."""
        if name not in self._made:
            if name not in self.content["exercises"]:
                raise KeyError(f"this key has no {name!r}, only {', '.join(self.content['exercises'])}")
            entries = self.content["exercises"][name]
            made = make(name, entries[self.variant % len(entries)])
            if made.told and not self.student:
                made.told = "Your version depends on your id: write it into the first cell, and run that again."
            self._made[name] = made
        return self._made[name]

    def __iter__(self):
        return iter(self.content["exercises"])


KINDS: dict[str, Callable] = {"function": KeyedExercise, "answer": KeyedAnswer, "paper": OnPaper}


def make(name: str, entry: dict[str, Any]) -> Any:
    """Return the exercise that an entry of a key describes."""
    return KINDS[entry["kind"]](name, entry)


def opened(name: str) -> Any:
    """Return the exercise of this name from the keys in a package without solutions."""
    path = Path(__file__).parent / "keys" / f"{name}.json.gz"
    return make(name, json.loads(gzip.decompress(path.read_bytes())))


def variant_of(assignment: str, student: str, count: int) -> int:
    """Return a student's variant, from 0 to ``count`` - 1, of an assignment; upper case and spaces do not matter."""
    text = f"{assignment}:{student.strip().lower()}"
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % count


def decoded(value: Any) -> Any:
    """Return a value that was written as JSON: an array, a plain one, several of them, a function."""
    match value:
        case {"dtype": dtype, "shape": shape, "data": data}:
            return np.frombuffer(b64decode(data), dtype=dtype).reshape(shape).copy()
        case {"tuple": values}:
            return tuple(decoded(v) for v in values)
        case {"function": code, "values": values}:
            scope = {name: decoded(v) for name, v in values.items()}
            exec(code, scope)
            return scope["function"]
        case list():
            return [decoded(v) for v in value]
        case dict():
            return {name: decoded(v) for name, v in value.items()}
    return value


def _trial(kept, returns):
    arguments = {name: decoded(value) for name, value in kept["arguments"].items()}
    expected = tuple(decoded(value) for value in kept["expected"])
    rights = tuple(Right(name, e.shape, is_bool) for name, e, is_bool in zip(returns, expected, kept["is_bool"]))
    double, single = tuple(kept["double"]), tuple(kept["single"])
    return Trial(arguments, to_double(arguments), expected, rights, double, single, kept["is_single"])


def _about(entry):
    return About(*entry["about"]) if entry.get("about") else None


def _arrays(made):
    return None if made is None else [decoded(array) for array in made]


def _same(one, other):
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=getattr(one, "dtype", np.dtype(float)).kind == "f")
    return bool(one == other)


def _single(value):
    return tuple(value) if isinstance(value, list) else value
