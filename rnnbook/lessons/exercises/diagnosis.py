"""What went wrong, found by running: no mistake is named unless its numbers equal the attempt's in all trials.

The search goes from what says most to what says least: an earlier function of the reader's, the known mistakes, a
simple relation to the right numbers, the solution with one thing changed by rule, pairs of these, and finally what
depends on what.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnbook.lessons.exercises import chains, changed, pairs, probes, relations
from rnnbook.lessons.exercises.attempt import numbers
from rnnbook.lessons.exercises.results import Outcome
from rnnbook.lessons.exercises.trials import FACTOR, SINGLE, Trial

CALLS = 6_000  # of functions in one search


class Diagnosis(NamedTuple):
    """A sentence, how it was found, the mistake in words, and the function that gives the same numbers, where known."""

    message: str
    kind: str
    mistake: str = ""
    function: Callable | None = None


class Search:
    """The numbers of an attempt, and how many functions may still be run to explain them."""

    def __init__(self, exercise: Any, yours: Callable, trials: list[Trial], given: list[Outcome]):
        self.exercise, self.yours, self.trials, self.given = exercise, yours, trials, given
        self.calls = CALLS
        wrong = [n for n, (t, g) in enumerate(zip(trials, given)) if len(agreeing(t, g)) < len(t.rights)]
        with_numbers = [n for n in range(len(trials)) if given[n].arrays is not None]
        self.order = sorted(with_numbers, key=lambda n: n not in wrong)  # the most telling comes first
        self.order += [n for n in range(len(trials)) if n not in with_numbers]
        self.is_readable = bool(with_numbers)

    def equals(self, function: Callable) -> bool:
        """Return whether a function gives the attempt's numbers in all trials, and stops where it stopped."""
        return self.is_readable and all(self.equal_in(n, self.run(function, n)) for n in self.order)

    def run(self, function: Callable, n: int) -> tuple[np.ndarray, ...] | None:
        """Return what a function gives in trial n; None if it stops or the calls are used up."""
        self.calls -= 1
        return numbers(function, self.trials[n].exact) if self.calls >= 0 else None

    def equal_in(self, n: int, made: tuple[np.ndarray, ...] | None) -> bool:
        """Return whether these results are the attempt's in trial n."""
        given = self.given[n]
        if given.arrays is None or made is None:
            return given.arrays is None and made is None and given.kind == "stopped" and self.calls >= 0
        return len(made) == len(given.arrays) and all(self.part_equals(n, part, m) for part, m in enumerate(made))

    def part_equals(self, n: int, part: int, made: np.ndarray) -> bool:
        """Return whether one array is the attempt's result in trial n."""
        given = self.given[n]
        assert given.arrays is not None
        found, allowed = given.arrays[part], self.trials[n].allowed(given.single)[part]
        if found.shape != made.shape:
            return False
        finite = np.isfinite(made)
        digits = SINGLE if self.trials[n].is_single or given.single[part] else SINGLE * 2.0**-29
        scale = FACTOR * digits * float(np.max(np.abs(made[finite]), initial=0.0))
        return bool(np.allclose(found, made, rtol=0, atol=max(allowed, scale), equal_nan=True))


def agreeing(trial: Trial, outcome: Outcome) -> set[str]:
    """Return the names of the results that are right in one trial."""
    if outcome.arrays is None:
        return set()
    return {
        right.name
        for right, g, e, allowed in zip(trial.rights, outcome.arrays, trial.expected, trial.allowed(outcome.single))
        if g.shape == e.shape and np.isfinite(g).all() and np.max(np.abs(g - e), initial=0.0) <= allowed
    }


def diagnose(exercise: Any, yours: Callable, trials: list[Trial], given: list[Outcome]) -> Diagnosis:
    """Return what can be said about an attempt that is not right."""
    search = Search(exercise, yours, trials, given)
    named = chains.earlier_function(search) or known(search) or relations.order_or_copy(search)
    named = named or by_rule(search) or pairs.two_at_once(search)
    if named:
        message, kind, mistake, function = named
        return Diagnosis(message, kind, mistake, function)
    wrong = [g.kind for trial, g in zip(trials, given) if len(agreeing(trial, g)) < len(trial.rights) or g.sentence]
    in_numbers = "numbers" in wrong
    said, kind = relations.relation(search), "relation"
    if not said and in_numbers:
        said, kind = probes.probe(search), "probe"
    if not said:
        said, kind = probes.how_often(search), "unknown" if in_numbers else wrong[0]
    head = "It is none of the usual mistakes" if in_numbers else ""
    joint = (", but " if kind == "relation" else ". ") if in_numbers else ""  # a relation explains the numbers
    return Diagnosis(f"{head}{joint}{said}".strip(), kind, said)


def known(search: Search) -> tuple | None:
    """Return the known mistake that gives the attempt's numbers."""
    for sentence, wrong in search.exercise.mistakes.items():
        if search.equals(wrong):
            return f"You get these numbers when {sentence}.", "known", sentence, wrong
    return None


def by_rule(search: Search) -> tuple | None:
    """Return the simplest change of the solution that gives the attempt's numbers."""
    for change in changed.changes_of(search.exercise):
        if search.equals(change.function):
            return (
                f"The book's solution gives these numbers when {change.words}.",
                "rule",
                change.words,
                change.function,
            )
    return None
