"""Hints to an exercise, in stages: where to look again, then the shapes of one trial."""

from importlib import import_module
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.checking import Exercise


def hints(chapter: str, name: str) -> list[str]:
    """Return the hints to the exercise ``name`` of a chapter, ``hints("lstm", "check_step")``; the first says least."""
    exercise: Exercise = getattr(import_module(f"rnnbook.lessons.exercises.{chapter}"), name)
    arguments = exercise.inputs(np.random.default_rng(0))
    results = exercise.solution(**arguments)
    results = results if isinstance(results, tuple) else (results,)
    given = ", ".join(f"{name} {_told(value)}" for name, value in arguments.items())
    back = ", ".join(f"{name} {_told(value)}" for name, value in zip(exercise.returns, results, strict=True))
    return [exercise.looks_at, f"One trial: given {given}, it returns {back}."]


def _told(value: Any) -> str:
    """An array's shape in words, a number as it is."""
    shape = np.shape(value) if not isinstance(value, str | dict) else ()
    if isinstance(value, str | bool | int) or value is None:
        return repr(value)
    return f"of shape {shape}" if shape else "(a number)" if np.isscalar(value) or np.ndim(value) == 0 else ""
