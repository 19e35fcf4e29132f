"""Answer keys: what is right on drawn inputs, and what each known mistake gives on them, stored as numbers."""

import gzip
import json
from base64 import b64encode
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from coursework import programs, seeds
from coursework.rubric import Rubric
from coursework.statements import Statement
from coursework.variants import Convention, variation_of, varied
from rnnbook.lessons.exercises.answer_key import FORMAT
from rnnbook.lessons.exercises.attempt import numbers, outcome
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.diagnosis import Search
from rnnbook.lessons.exercises.trials import Trial

SEEDS = 50
ANSWER = (
    "right",
    "misreadings",
    "tolerance",
    "choices",
)  # the attribute of an exercise that asks for a number or a choice


def kind_of(exercise: Any) -> str:
    """Return how an exercise can be graded: as a "function", as a single "answer", or on "paper", by a person."""
    if isinstance(exercise, Exercise):
        return "function"
    return "answer" if all(hasattr(exercise, name) for name in ANSWER) else "paper"


def key(assignment: str, asked: list[Statement], rubric: Rubric, secret: str, variants: int) -> dict[str, Any]:
    """Return the content of an answer key: every exercise in every variant.

    Students practise with a key whose secret is ``seeds.PRACTICE``. No single answer is in that one: it would give the
    answer away.
    """
    exercises = {s.name: entries(s, rubric, secret, variants) for s in asked}
    return {"format": FORMAT, "assignment": assignment, "variants": variants, "exercises": exercises}


def entries(asked: Statement, rubric: Rubric, secret: str, variants: int) -> list[dict[str, Any]]:
    """Return an exercise's entries, one for each variant, or one for all where nothing is drawn."""
    shared = common(asked, rubric)
    kind = kind_of(asked.exercise)
    if kind == "answer" and secret != seeds.PRACTICE:
        return [{"kind": "answer", **shared, **answer(asked.exercise)}]
    if kind != "function":
        return [{"kind": "paper", **shared}]
    variation = variation_of(asked.name, asked.exercise)
    if secret == seeds.PRACTICE:  # once for each convention: separate numbers are for submissions
        variants = len(variation.conventions) if variation else 1
    made = []
    for variant in range(variants):
        exercise, convention = asked.exercise, None
        if variation:
            convention = variation.conventions[variant % len(variation.conventions)]
            exercise = varied(asked.exercise, variation, convention)
        program = programs.prohibitions(asked.exercise, f"check_{asked.name.partition('.')[2]}")
        made.append({**shared, **function(exercise, seeds.seed(secret, asked.name, variant), program, convention)})
    return made


def common(asked: Statement, rubric: Rubric) -> dict[str, Any]:
    """Return what every entry has, whatever its kind."""
    about = getattr(asked.exercise, "about", None)
    return {
        "points": rubric.points_of(asked),
        "shares": {**rubric.shares_of(asked), **_given(asked, rubric)},
        "told": "",
        "answer": asked.answer,
        "about": list(about) if about else None,
    }


def function(exercise: Exercise, seed: int, program: str = "", convention: Convention | None = None) -> dict[str, Any]:
    """Return what a key holds about a function to hand in.

    The seed is the first from ``seed`` on whose inputs identify every known mistake: on rare ones rounding to float32,
    as in the last trial, moves a mistake's results by more than the check allows.
    """
    drawn = (exercise.draw(seed + more) for more in range(SEEDS))
    trials = next((trials for trials in drawn if tells_all(exercise, trials)), None)
    if trials is None:
        raise ValueError(f"no seed from {seed} on tells every known mistake of {exercise.returns}")
    mistakes = [(s, [_made(wrong, trial.exact) for trial in trials]) for s, wrong in exercise.mistakes.items()]
    return {
        "kind": "function",
        "told": convention.told if convention else "",
        "returns": list(exercise.returns),
        "looks_at": exercise.looks_at,
        "tolerance": exercise.tolerance,
        "program": program,
        "trials": [_trial(trial) for trial in trials],
        "mistakes": mistakes,
    }


def tells_all(exercise: Exercise, trials: list[Trial]) -> bool:
    """Return whether each known mistake is identified as itself on these trials."""
    for wrong in exercise.mistakes.values():
        given = [outcome(wrong, trial.arguments, trial.rights) for trial in trials]
        if not Search(exercise, wrong, trials, given).equals(wrong):
            return False
    return True


def answer(exercise: Any) -> dict[str, Any]:
    """Return what a key holds about a number, a shape or a choice to hand in."""
    return {
        "right": _single(exercise.right),
        "mistakes": [(sentence, _single(wrong)) for sentence, wrong in exercise.misreadings.items()],
        "share": exercise.tolerance,
        "choices": list(exercise.choices),
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a key; the same bytes for the same content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(content, ensure_ascii=False).encode(), 9, mtime=0))


def encoded(value: Any) -> Any:
    """Return a value as JSON can hold it; ValueError if it cannot."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        data = b64encode(array.tobytes()).decode()
        return {"dtype": array.dtype.str, "shape": list(np.shape(value)), "data": data}
    if isinstance(value, FunctionType):
        code, values = programs.function_source(value)
        return {"function": code, "values": {name: encoded(v) for name, v in values.items()}}
    if isinstance(value, tuple):
        return {"tuple": [encoded(v) for v in value]}
    if isinstance(value, list):
        return [encoded(v) for v in value]
    if isinstance(value, dict):
        return {str(name): encoded(v) for name, v in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"an answer key cannot hold a {type(value).__name__}")


def _given(asked, rubric):
    """The shares, adjusted so that a cell that comes with a buggy function is worth nothing as given."""
    if not asked.stub or kind_of(asked.exercise) != "function" or not programs.given_in(asked):
        return {}
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(f"{asked.before}\n{asked.stub}", space)
    verdict = asked.exercise.verdict(space[asked.answer])
    shares = rubric.shares_of(asked)
    if verdict.kind == "known":
        return {"mistakes": {**shares["mistakes"], verdict.mistake: 0.0}}
    return {"part": 0.0} if verdict.right else {}


def _trial(trial):
    return {
        "arguments": {name: encoded(value) for name, value in trial.arguments.items()},
        "expected": [encoded(e) for e in trial.expected],
        "is_bool": [right.is_bool for right in trial.rights],
        "double": list(trial.double),
        "single": list(trial.single),
        "is_single": trial.is_single,
    }


def _made(wrong, arguments):
    made = numbers(wrong, arguments)
    return None if made is None else [encoded(array) for array in made]


def _single(value):
    return list(value) if isinstance(value, tuple) else value if isinstance(value, str) else float(value)
