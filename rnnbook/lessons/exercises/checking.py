"""How an exercise responds: run the student's function beside the book's, and name the mistake."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnbook.lessons.exercises import diagnosis
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.attempt import call, outcome
from rnnbook.lessons.exercises.guard import memory
from rnnbook.lessons.exercises.question import Question, Verdict
from rnnbook.lessons.exercises.results import Outcome, plain
from rnnbook.lessons.exercises.trials import Trial, draw, make_trial


class Exercise(Question):
    """A function for the reader to write; call the exercise with an attempt to get the verdict.

    ``solution``: the book's function. ``inputs(rng)``: its arguments by name, drawn afresh for every trial.
    ``returns``: the names of what it returns, in order. ``mistakes``: a sentence for each known mistake ("the bias of
    the hidden side is left out") and the function that makes it. ``looks_at``: where to look again. ``tolerance``: by
    how much a result may differ in float64; in float32 it may differ by what that precision costs (see ``trials``).

    ``also``: functions like ``inputs``, each for one more trial: sizes that differ where those of ``inputs`` are equal
    on purpose, numbers so large that exp overflows. ``forbids``: what the statement forbids ("it loops over time"), and
    the function that says whether an attempt does so. ``about``: concept, kind, level and minutes.
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
        also: Sequence[Callable[[np.random.Generator], dict]] = (),
        forbids: Mapping[str, Callable[[Callable], bool]] | None = None,
        about: About | None = None,
    ):
        self.solution, self.inputs, self.returns = solution, inputs, returns
        self.mistakes, self.looks_at, self.tolerance = mistakes, looks_at, tolerance
        self.also, self.forbids, self.about = tuple(also), forbids or {}, about

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on ``yours``, for grading: nothing is shown."""
        if not callable(yours):
            return Verdict(False, f"Hand over the function itself, not what it returns ({type(yours).__name__}).")
        trials = self.draw(seed)
        given = []
        with memory():
            for trial in trials:
                given.append(outcome(yours, trial.arguments, trial.rights))
                if given[-1].kind in ("none", "arguments", "endless", "memory"):
                    return Verdict(False, given[-1].sentence, given[-1].kind)
            right = self._right(trials, given)
            if right == set(self.returns) and not any(g.sentence for g in given):
                return self._passed(yours, len(trials))
            found = diagnosis.diagnose(self, yours, trials, given)
        first, kind = self._first(trials, given)
        look = self.looks_at if found.kind != kind or kind in ("unknown", "shape", "not finite") else ""
        message = " ".join(part for part in (first, found.message, look) if part)
        return Verdict(False, message, found.kind, found.mistake, tuple(n for n in self.returns if n in right))

    def hints(self) -> list[str]:
        """Return where to look again, then the shapes of one trial: of that in which most sizes differ."""
        trials = draw(self.inputs, self.also, self.trials, seed=0)
        arguments = max(trials, key=lambda given: len({n for value in given.values() for n in np.shape(value)}))
        given = ", ".join(f"{name} {_told(value)}" for name, value in arguments.items())
        results = zip(self.returns, _tuple(self.solution(**arguments)), strict=True)
        back = ", ".join(f"{name} {_told(value)}" for name, value in results)
        return [self.looks_at, f"One trial: given {given}, it returns {back}."]

    def answer(self) -> str:
        """Return the solution's code, as Markdown."""
        return f"```python\n{inspect.getsource(self.solution).strip()}\n```"

    def reference(self, seed: int = 0) -> Callable:
        """Return the solution."""
        return self.solution

    def wrong(self, seed: int = 0) -> dict[str, Any]:
        """Return the known mistakes."""
        return dict(self.mistakes)

    def draw(self, seed: int = 0) -> list[Trial]:
        """Return the trials of a seed."""
        drawn = [self._in_order(arguments) for arguments in draw(self.inputs, self.also, self.trials, seed)]
        with memory():
            return [make_trial(self._solve, arguments, self.returns, self.tolerance) for arguments in drawn]

    def _in_order(self, arguments):
        """The arguments in the order in which the solution takes them."""
        names = [name for name in inspect.signature(self.solution).parameters if name in arguments]
        return {name: arguments[name] for name in [*names, *(arguments.keys() - set(names))]}

    def _solve(self, arguments):
        return [np.asarray(result) for result in _tuple(call(self.solution, arguments))]

    def _run(self, function, arguments):
        """Run on copies; returns one array for each name in ``returns``, or None if nothing came back."""
        results = call(function, arguments)
        return None if results is None else tuple(np.asarray(plain(r), dtype=np.float64) for r in _tuple(results))

    def _passed(self, yours, count):
        for sentence, does_so in self.forbids.items():
            if does_so(yours):
                return Verdict(False, f"The numbers are right, but {sentence}. {self.looks_at}", "forbidden", sentence)
        told = f"Right: {' and '.join(self.returns)} as in the book on {count} random inputs."
        return Verdict(True, told, "right", right=self.returns)

    def _right(self, trials: list[Trial], given: list[Outcome]) -> set[str]:
        """Return the names of the results that agree in all trials."""
        right = set(self.returns)
        for trial, result in zip(trials, given):
            right &= diagnosis.agreeing(trial, result)
        return right

    def _first(self, trials, given):
        """Return the first sentence: by how much the numbers differ, or why there are none to compare."""
        worst, name, single = 0.0, "", False
        for trial, result in zip(trials, given):
            if result.arrays is None or result.kind != "numbers":
                continue
            for g, e, tolerance, right, coarse in zip(
                result.arrays, trial.expected, trial.allowed(result.single), trial.rights, result.single
            ):
                if (d := distance(g, e)) > tolerance and d >= worst:
                    worst, name, single = d, right.name, not coarse and d <= trial.single[trial.rights.index(right)]
        if not name:
            return next((result.sentence, result.kind) for result in given if result.sentence)
        told = f"Not yet: off by up to {worst:.2g} in {name}."
        return told + " That is what float32 costs: return float32, or compute in float64." * single, "unknown"


def _tuple(results):
    return results if isinstance(results, tuple) else (results,)


def _told(value: Any) -> str:
    """An array's shape in words, a number as it is."""
    shape = np.shape(value) if not isinstance(value, str | dict) else ()
    if isinstance(value, str | bool | int) or value is None:
        return repr(value)
    return f"of shape {shape}" if shape else "(a number)" if np.isscalar(value) or np.ndim(value) == 0 else ""


def sizes(rng: np.random.Generator, count: int) -> list[int]:
    """Draw ``count`` different sizes from 3 to 8, so that no axis can be confused with another, or guessed."""
    return [int(size) for size in rng.permutation(np.arange(3, 9))[:count]]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest absolute difference of two arrays of one shape."""
    return float(np.max(np.abs(a - b), initial=0.0))
