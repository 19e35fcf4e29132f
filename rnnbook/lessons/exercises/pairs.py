"""Two mistakes at once: a different one in each result, a known one on top of another, two changes by rule."""

from typing import Any

import numpy as np

from rnnbook.lessons.exercises import changed
from rnnbook.lessons.exercises.chains import with_global
from rnnbook.lessons.exercises.changed import SIMPLEST

CALLS = 700


def two_at_once(search: Any) -> tuple | None:
    """Return the two mistakes that together give the attempt's numbers."""
    if not search.is_readable:
        return None
    return result_by_result(search) or one_in_the_other(search) or added(search) or twice_by_rule(search)


def result_by_result(search: Any) -> tuple | None:
    """A different mistake in each wrong result."""
    names = search.exercise.returns
    trials = [n for n in search.order if search.given[n].arrays is not None]
    if len(names) < 2 or len(trials) < len(search.order):
        return None
    wrong = [p for p in range(len(names)) if not _part_is(search, trials, p, lambda n: search.trials[n].expected)]
    candidates = [(f"{sentence}", f) for sentence, f in search.exercise.mistakes.items()]
    candidates += [(change.words, change.function) for change in changed.changes_of(search.exercise)]
    found: dict[int, str] = {}
    for words, function in candidates:
        first = search.run(function, trials[0])
        for part in wrong:
            if part in found or first is None or len(first) != len(names):
                continue
            if search.part_equals(trials[0], part, first[part]):
                if _part_is(search, trials, part, lambda n, f=function: search.run(f, n)):
                    found[part] = words
        if len(found) == len(wrong):
            said = "; ".join(f"{names[part]} is what you get when {found[part]}" for part in wrong)
            return f"{said}.", "pair", said, None
    return None


def _part_is(search, trials, part, results):
    for n in trials:
        made = results(n)
        if made is None or len(made) <= part or not search.part_equals(n, part, made[part]):
            return False
    return True


def one_in_the_other(search: Any) -> tuple | None:
    """A known mistake that calls the solution, when the solution has another known mistake or a change by rule."""
    exercise = search.exercise
    name = exercise.solution.__name__
    others = list(exercise.mistakes.items())
    others += [(c.words, c.function) for c in changed.changes_of(exercise) if c.rule in SIMPLEST]
    for sentence, wrong in exercise.mistakes.items():
        if name not in getattr(getattr(wrong, "__code__", None), "co_names", ()):
            continue
        for second, function in others:
            if second != sentence and search.equals(both := with_global(wrong, name, function)):
                return (
                    f"Two mistakes give these numbers: {sentence}; and {second}.",
                    "pair",
                    f"{sentence}; {second}",
                    both,
                )
    return None


def added(search: Any) -> tuple | None:
    """Two known mistakes whose errors add up."""
    mistakes = list(search.exercise.mistakes.items())
    made = [[search.run(f, n) for n in search.order] for _, f in mistakes]
    right = [search.trials[n].expected for n in search.order]
    for i, one in enumerate(made):
        for j in range(i):
            sums = [_sum(a, b, e) for a, b, e in zip(one, made[j], right)]
            if all(s is not None and search.equal_in(n, s) for n, s in zip(search.order, sums)):
                both = f"{mistakes[j][0]}; {mistakes[i][0]}"
                return f"Two mistakes give these numbers: {mistakes[j][0]}; and {mistakes[i][0]}.", "pair", both, None
    return None


def _sum(a, b, e):
    if a is None or b is None or not all(x.shape == y.shape == z.shape for x, y, z in zip(a, b, e)):
        return None
    with np.errstate(all="ignore"):
        return tuple(x + y - z for x, y, z in zip(a, b, e))


def twice_by_rule(search: Any) -> tuple | None:
    """Two changes of the solution by rule, the simple ones."""
    search.calls = min(search.calls, CALLS)
    for change in changed.changes_of(search.exercise):
        if change.rule not in SIMPLEST:
            continue
        for second in changed.again(search.exercise, change):
            if search.calls < 0:
                return None
            if search.equals(second.function):
                both = f"{change.words}; and {second.words}"
                told = f"{change.words}, twice" if change.words == second.words else both
                return f"Two mistakes give these numbers: {told}.", "pair", both, second.function
    return None
