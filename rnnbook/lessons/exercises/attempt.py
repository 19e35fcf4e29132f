"""Calling a function with an exercise's arguments: by name or by position, on copies, within bounds."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.guard import LINES, TooLong, bounded, quietly, scope_of
from rnnbook.lessons.exercises.results import Outcome, Right, read
from rnnbook.lessons.exercises.stopped import endless, stopped


class WrongArguments(Exception):
    """The function does not take the exercise's arguments."""


class ArgumentChanged(ValueError):
    """The function writes into one of its arguments."""


def bind(function: Callable, arguments: dict[str, Any]) -> tuple[list, dict[str, Any]]:
    """Return the arguments by position and by name with which a function can be called.

    A parameter whose name is in the statement gets the argument of that name; the others get the rest, in order. A
    wrapper that takes anything (``*args, **kwargs``) does not say what it passes on: it gets them by position.
    """
    try:
        outer, signature = _signatures(function)
    except (TypeError, ValueError):  # a built-in function without a signature
        return list(arguments.values()), {}
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    takes_any = inspect.Parameter.VAR_POSITIONAL in kinds.values()
    if (arguments.keys() <= kinds.keys() or not takes_any) and _fit((outer, signature), [], arguments):
        return [], arguments
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, kind in kinds.items() if kind in by_position]
    named = {n: v for n, v in arguments.items() if kinds.get(n) is inspect.Parameter.KEYWORD_ONLY}
    rest = [value for name, value in arguments.items() if name not in names and name not in named]
    given = []
    for name in names:
        if name in arguments:
            given.append(arguments[name])
        elif rest:
            given.append(rest.pop(0))
    given += rest
    if len(given) + len(named) == len(arguments) and _fit((outer, signature), given, named):
        return given, named
    shown = f"{len(arguments)} argument{'s' * (len(arguments) != 1)} ({', '.join(arguments)})"
    raise WrongArguments(f"It should take {shown}, but is defined with {signature}.")


def _signatures(function):
    """What a function takes, and what the function inside takes, if it is a wrapper or a module with a forward."""
    inner = function.forward if callable(getattr(function, "forward", None)) else function
    return inspect.signature(function, follow_wrapped=False), inspect.signature(inner)


def _fit(signatures, given, named):
    try:
        for signature in signatures:
            signature.bind(*given, **named)
    except TypeError:
        return False
    return True


def call(function: Callable, arguments: dict[str, Any], lines: int = LINES) -> Any:
    """Return what the function returns for copies of the arguments; raise ArgumentChanged if it writes into one."""
    copies = {name: np.copy(value) if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
    given, named = bind(function, copies)
    results = bounded(lambda: function(*given, **named), scope_of(function), lines)
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and not np.array_equal(value, copies[name], equal_nan=value.dtype.kind == "f"):
            raise ArgumentChanged(f"It writes into its argument {name}: build a new array instead.")
    return results


def outcome(function: Callable, arguments: dict[str, Any], rights: Sequence[Right]) -> Outcome:
    """Return the outcome of a reader's function: arrays, or a sentence."""
    try:
        return read(call(function, arguments), rights)
    except WrongArguments as error:
        return Outcome(sentence=str(error), kind="arguments")
    except ArgumentChanged as error:
        return Outcome(sentence=str(error), kind="stopped")
    except TooLong as error:
        return endless(error, scope_of(function))
    except (Exception, SystemExit) as error:  # whatever the reader's code raises is the answer to show
        return stopped(error, scope_of(function))


def numbers(function: Callable, arguments: dict[str, Any], lines: int = 20_000) -> tuple[np.ndarray, ...] | None:
    """Return the results of a function, run quietly, as float64 arrays; None if it stops or gives no numbers."""
    try:
        with quietly():
            results = call(function, arguments, lines)
            results = tuple(results) if isinstance(results, tuple | list) else (results,)
            arrays = tuple(np.asarray(result) for result in results)
            return tuple(a.astype(np.float64) if a.dtype.kind in "biuf" else _refuse() for a in arrays)
    except (Exception, TooLong):
        return None


def _refuse():
    raise TypeError("no real numbers")
