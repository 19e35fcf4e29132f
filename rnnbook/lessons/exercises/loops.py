"""Whether a function loops: by its own lines, and by its calls of NumPy, which loops in C (``map``) make too."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.attempt import bind
from rnnbook.lessons.exercises.guard import TooLong, bounded, quietly, scope_of


class Counted(np.ndarray):
    """An array that counts in ``Counted.calls`` the calls of NumPy that it and what is computed from it are in."""

    calls = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **named):
        return _count(getattr(ufunc, method), inputs, named)

    def __array_function__(self, func, types, args, kwargs):
        return _count(func, args, kwargs)

    def dot(self, *given: Any, **named: Any) -> Any:
        """Return the product, counted as ``np.dot`` is."""
        return np.dot(self, *given, **named)


def loops(function: Callable, *arguments: dict) -> bool:
    """Return whether a function runs through more lines of its own, or calls NumPy more often, from each of these
    arguments to the next: a loop. A branch for long arguments takes more only once. False where it stops.
    """
    return any(
        len(used) == len(arguments) > 1 and all(one < other for one, other in zip(used, used[1:]))
        for used in (_lines(function, arguments), _calls(function, arguments))
    )


def _lines(function, several):
    used: list[int] = []
    for arguments in several:
        if not _runs(function, arguments, used):
            return []
    return used


def _calls(function, several):
    used = []
    for arguments in several:
        Counted.calls = 0
        if not _runs(function, {name: _viewed(value, Counted) for name, value in arguments.items()}):
            return []
        used.append(Counted.calls)
    return used


def _runs(function, arguments, used=None):
    try:
        with quietly():
            given, named = bind(function, arguments)
            bounded(functools.partial(function, *given, **named), scope_of(function), used=used)
    except (Exception, TooLong):
        return False
    return True


def _count(call, given, named):
    """What a function of NumPy returns for plain arrays, as arrays that count."""
    Counted.calls += 1
    return _viewed(call(*_viewed(given, np.ndarray), **_viewed(named, np.ndarray)), Counted)


def _viewed(value, kind):
    """A value with the arrays in it as arrays of one kind."""
    if type(value) in (np.ndarray, Counted):
        return value.view(kind)
    if type(value) in (list, tuple):
        return type(value)(_viewed(part, kind) for part in value)
    return {name: _viewed(part, kind) for name, part in value.items()} if type(value) is dict else value
