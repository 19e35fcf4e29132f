"""Whether an attempt is right once the book's function replaces the reader's own that it calls."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any


def earlier_function(search: Any) -> tuple | None:
    """Say that the attempt is right and one of the functions it calls is not, if that is so."""
    for name, mine in called(search.yours):
        for exercise in exercises_that(search.exercise):
            if not _same_number(mine, exercise.solution):
                continue
            mended = with_global(search.yours, name, exercise.solution)
            if all(_is_right(search, mended, n) for n in range(len(search.trials))):
                verdict = exercise.verdict(mine)
                if not verdict.passed:
                    said = f"It is right once the book's `{exercise.solution.__name__}` replaces your `{name}`."
                    return f"{said} About `{name}`: {verdict.message}", "earlier function", verdict.mistake, None
    return None


def called(function: Callable) -> Iterator[tuple[str, FunctionType]]:
    """Yield the name and function of each of the reader's own functions that a function may call."""
    if isinstance(function, FunctionType):
        for name in names_in(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, FunctionType) and value.__globals__ is function.__globals__ and value is not function:
                yield name, value


def names_in(code: CodeType) -> list[str]:
    """Return the names that a code object and those inside it read from outside."""
    names = list(code.co_names)
    for constant in code.co_consts:
        names += names_in(constant) if inspect.iscode(constant) else []
    return list(dict.fromkeys(names))


def exercises_that(exercise: Any) -> list:
    """Return the exercises of the same chapter whose solutions this one's solution calls."""
    solution = exercise.solution
    if not isinstance(solution, FunctionType):
        return []
    module = solution.__globals__
    own = [value for value in module.values() if type(value) is type(exercise)]
    used = [module.get(name) for name in names_in(solution.__code__)]
    return [other for other in own if other is not exercise and other.solution in used]


def with_global(function: FunctionType, name: str, value: Any) -> FunctionType:
    """Return the function as it would be if the global ``name`` had this value; nothing else is changed."""
    scope = function.__globals__ | {name: value}
    new = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    new.__kwdefaults__ = function.__kwdefaults__
    return new


def _same_number(one, other):
    return len(inspect.signature(one).parameters) == len(inspect.signature(other).parameters)


def _is_right(search, function, n):
    trial = search.trials[n]
    made = search.run(function, n)
    return (
        made is not None
        and len(made) == len(trial.expected)
        and all(
            m.shape == e.shape and abs(m - e).max(initial=0) <= a for m, e, a in zip(made, trial.expected, trial.single)
        )
    )
