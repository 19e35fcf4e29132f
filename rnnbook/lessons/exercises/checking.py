"""How an exercise answers: run the student's function beside the book's, and name the mistake."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np


class Verdict(NamedTuple):
    """The answer to an attempt: true where it is right, shown as its sentence."""

    passed: bool
    message: str

    def __bool__(self):
        return self.passed

    def __repr__(self):
        return self.message


class Exercise:
    """A function for the reader to write; calling the exercise with an attempt answers it.

    ``solution``: the book's function. ``inputs(rng)``: its arguments by name, drawn anew for every trial.
    ``returns``: the names of what it returns, in order. ``mistakes``: a sentence for each known mistake ("the bias of
    the hidden side is left out") and the function that makes it. ``looks_at``: where to look again.
    """

    trials = 3

    def __init__(
        self,
        solution: Callable,
        inputs: Callable[[np.random.Generator], dict],
        returns: tuple[str, ...],
        mistakes: Mapping[str, Callable],
        looks_at: str,
        tolerance: float = 1e-8,
    ):
        self.solution, self.inputs, self.returns = solution, inputs, returns
        self.mistakes, self.looks_at, self.tolerance = mistakes, looks_at, tolerance

    def __call__(self, yours: Callable, seed: int = 0) -> Verdict:
        """Return the verdict on ``yours``; another ``seed`` draws other inputs."""
        if not callable(yours):
            return Verdict(False, f"Hand over the function itself, not what it returns ({type(yours).__name__}).")
        trials = [self.inputs(np.random.default_rng([seed, trial])) for trial in range(self.trials)]
        expected = [self._run(self.solution, arguments) for arguments in trials]
        given = []
        for arguments, right in zip(trials, expected):
            try:
                given.append(self._run(yours, arguments))
            except Exception as error:  # whatever the student's code raises is the answer to show
                return Verdict(False, f"It stopped with {type(error).__name__}: {error}")
            complaint = self._complaint(given[-1], right)
            if complaint:
                return Verdict(False, complaint)
        worst, name = max((distance(g, e), n) for gs, es in zip(given, expected)
                          for g, e, n in zip(gs, es, self.returns))  # fmt: skip
        if worst <= self.tolerance:
            return Verdict(True, f"Right: {' and '.join(self.returns)} as in the book on {self.trials} random inputs.")
        return Verdict(False, f"{name} differs by up to {worst:.1e} from the book's. {self._diagnosis(given, trials)}")

    def _run(self, function, arguments):
        """Run on copies; returns one array for each name in ``returns``, or None where nothing came back."""
        copies = {name: np.copy(value) if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
        results = function(**copies)
        for name, value in arguments.items():
            if isinstance(value, np.ndarray) and not np.array_equal(value, copies[name], equal_nan=True):
                raise ValueError(f"{name} was changed: build a new array instead of writing into the argument")
        if results is None:
            return None
        results = results if isinstance(results, tuple) else (results,)
        return tuple(np.asarray(result, dtype=np.float64) for result in results)

    def _complaint(self, given, right):
        """Return a sentence on what can be said without looking at numbers, or None."""
        if given is None:
            return "It returns None: write its body, end it with return, and run the cell again."
        if len(given) != len(right):
            return f"It should return {len(right)} ({', '.join(self.returns)}), but returns {len(given)}."
        for name, g, e in zip(self.returns, given, right):
            if g.shape != e.shape:
                return f"{name} should have shape {e.shape}, but has shape {g.shape}. {self.looks_at}"
            if not np.isfinite(g).all():
                return f"{name} holds a number that is not finite. {self.looks_at}"
        return None

    def _diagnosis(self, given, trials):
        for sentence, wrong in self.mistakes.items():
            made = [self._run(wrong, arguments) for arguments in trials]
            if all(
                g.shape == m.shape and distance(g, m) <= self.tolerance
                for gs, ms in zip(given, made)
                for g, m in zip(gs, ms)
            ):
                return f"It equals what comes out when {sentence}. {self.looks_at}"
        return f"It is none of the usual mistakes. {self.looks_at}"


def sizes(rng: np.random.Generator, count: int) -> list[int]:
    """Draw ``count`` different sizes from 3 to 8: no axis can stand in for another, and no answer can know them."""
    return [int(size) for size in rng.permutation(np.arange(3, 9))[:count]]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest absolute difference of two arrays of one shape."""
    return float(np.max(np.abs(a - b), initial=0.0))
