"""The kind *find the bug*: a program with one bug, drawn with a seed, which the reader finds by experiment.

>>> from rnnbook.lessons.exercises import state_space
>>> from rnnbook.lessons.exercises.find_the_bug import FindTheBug
>>> ask = FindTheBug(state_space.check_delta_step)
>>> program = ask.program(seed=1)
>>> bool(ask(program, seed=1))  # whatever has the same bug names it
True

The bugs are the known mistakes of a *write* exercise and some that the rules make in its solution.
"""

import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.attempt import call, numbers
from rnnbook.lessons.exercises.changed import SIMPLEST, changes_of
from rnnbook.lessons.exercises.checking import Exercise, distance
from rnnbook.lessons.exercises.guard import memory
from rnnbook.lessons.exercises.question import Question, Verdict

KNOWN, BY_RULE = 5, 3  # the largest number of bugs to choose from
ROUNDING = 1e-11  # differences that a different processor may cause
APART = 1e-6  # the least share of the largest number by which two bugs differ


class Program:
    """A function with a bug: call it like the exercise's; ``print`` shows what is known about it and which bugs it may
    have.

    ``inputs(n)``: random arguments, by name. ``difference(**changed)``: by how much the program then differs from the
    right one; 0 stands for zeros of the argument's shape.
    """

    def __init__(self, exercise: Exercise, bugs: dict[str, Callable], bug: str, evidence: str):
        self._exercise, self._bugs, self._bug, self._evidence = exercise, bugs, bug, evidence

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what the program returns."""
        bound = inspect.signature(self._exercise.solution).bind(*given, **named)
        bound.apply_defaults()
        return call(self._bugs[self._bug], dict(bound.arguments))

    def inputs(self, n: int = 0) -> dict[str, Any]:
        """Return the n-th random arguments."""
        return _inputs(self._exercise, n)

    def difference(self, n: int = 0, **changed: Any) -> float:
        """Return the largest difference from the right results, on the n-th inputs with some of them changed."""
        arguments = self.inputs(n)
        for name, value in changed.items():
            arguments[name] = np.zeros_like(arguments[name]) if np.ndim(value) == 0 and value == 0 else value
        found, right = (numbers(f, arguments) for f in (self._bugs[self._bug], self._exercise.solution))
        return _apart(found, right)

    def __repr__(self):
        letters = [
            textwrap.fill(words, 79, initial_indent=f"  {letter}) ", subsequent_indent="     ")
            for letter, words in zip(_letters(self._bugs), self._bugs)
        ]
        names = ", ".join(inspect.signature(self._exercise.solution).parameters)
        return "\n".join([f"program({names}) has one bug.", self._evidence, "Which of these is it?", *letters])


class FindTheBug(Question):
    """Name the bug of ``program(seed)``: by its letter, by its sentence, or by a function with the same bug.

    ``exercise``: the *write* exercise whose solution carries the bugs. ``looks_at``: the first hint. The program is
    shown by a table of its results against the right ones, as a gradient check shows them, and with ``curve``, a
    function that trains with a program and returns the loss after each update, by its loss as well. ``skip``: known
    mistakes that are not used as bugs here. ``by_rule``: how many bugs the rules make.
    """

    def __init__(
        self,
        exercise: Exercise,
        looks_at: str = "Change one argument at a time: program.difference(x=0). When does the difference vanish?",
        curve: Callable[[Callable], Sequence[float]] | None = None,
        skip: Sequence[str] = (),
        by_rule: int = BY_RULE,
        about: About | None = None,
    ):
        self.exercise, self.looks_at, self.curve, self.about = exercise, looks_at, curve, about
        self.skip, self.by_rule = tuple(skip), by_rule
        self._drawn: dict[int, Program] = {}

    def program(self, seed: int = 0) -> Program:
        """Return the program with the bug of this seed."""
        if seed not in self._drawn:
            rng = np.random.default_rng([seed, sum(map(ord, self.exercise.solution.__name__))])
            bugs = self._bugs(rng)
            bug = list(bugs)[int(rng.integers(len(bugs)))]
            evidence = self._table(bugs[bug]) + (self._curves(bugs[bug]) if self.curve else "")
            self._drawn[seed] = Program(self.exercise, bugs, bug, evidence)
        return self._drawn[seed]

    def _bugs(self, rng):
        """Bugs that give numbers, no two the same, in a random order."""
        known = [(s, f) for s, f in self.exercise.mistakes.items() if s not in self.skip]
        ruled = [(c.words, c.function) for c in changes_of(self.exercise) if c.rule in SIMPLEST]
        kept: dict[str, Callable] = {}
        results = [self._results(self.exercise.solution)]
        with memory():
            for pool, most in ((known, KNOWN), (ruled, self.by_rule)):
                end = len(kept) + most
                for k in rng.permutation(len(pool)):
                    words, function = pool[k]
                    made = self._results(function) if len(kept) < end else [None]
                    if None not in made and all(_differ(made, other) for other in results):
                        kept[words] = function
                        results.append(made)
        order = rng.permutation(len(kept))
        return {list(kept)[k]: list(kept.values())[k] for k in order}

    def _results(self, function):
        return [numbers(function, _inputs(self.exercise, n)) for n in range(self.exercise.trials)]

    def _table(self, bug):
        lines = ["", f"{'result':>10} {'largest':>10} {'wrong by up to':>15}"]
        for n in range(self.exercise.trials):
            found, right = (numbers(f, _inputs(self.exercise, n)) for f in (bug, self.exercise.solution))
            assert found is not None and right is not None
            for name, f, r in zip(self.exercise.returns, found, right):
                off = "another shape" if f.shape != r.shape else _told(distance(f, r))
                lines.append(f"{name:>10} {np.max(np.abs(r), initial=0):10.3g} {off:>15}")
        return "\n".join([*lines, ""])

    def _curves(self, bug):
        train = self.curve
        assert train
        names = list(inspect.signature(self.exercise.solution).parameters)

        def losses_with(function):  # a mistake may take fewer arguments than the solution
            return np.asarray(train(lambda *given: call(function, dict(zip(names, given)))), dtype=float)

        with np.errstate(all="ignore"):  # a wrong gradient may lead anywhere
            mine, right = losses_with(bug), losses_with(self.exercise.solution)
        places = np.unique(np.geomspace(1, len(mine), 7).astype(int) - 1)
        head = f"{'update':>14}" + "".join(f"{k + 1:9}" for k in places)
        rows = (f"{name:>14}" + "".join(f"{losses[k]:9.2g}" for k in places)
                for name, losses in (("program, loss", mine), ("right, loss", right)))  # fmt: skip
        return "\n".join(["", head, *rows, ""])

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on a letter, a sentence or a function; ``seed`` is the program's."""
        program = self.program(seed)
        bug, bugs = program._bug, program._bugs
        if yours is None:
            return Verdict(False, "No answer yet: print(program) lists the bugs, each with a letter.", "none")
        if callable(yours):
            return self._named_by_function(yours, program)
        said = _bare(yours)
        named = dict(zip(_letters(bugs), bugs)) | {_bare(words): words for words in bugs}
        if said not in named:
            return Verdict(False, f"Answer with one letter, {_letters(bugs)[0]} to {_letters(bugs)[-1]}.", "form")
        if named[said] == bug:
            return Verdict(True, f"Right: {bug}. {self.exercise.looks_at}", "right", right=("bug",))
        return Verdict(False, self._why_not(program, named[said]), "known", named[said])

    def _named_by_function(self, yours, program):
        for n in range(self.exercise.trials):
            arguments = program.inputs(n)
            found, bug, right = (numbers(f, arguments) for f in (yours, program, self.exercise.solution))
            if _apart(found, bug) > APART:
                what = "That is the right function" if _apart(found, right) <= APART else "It gives different numbers"
                return Verdict(False, f"{what}: hand over one that has the program's bug, or its letter.", "unknown")
        return Verdict(True, f"Right: your function has the same bug. {program._bug}.", "right", right=("bug",))

    def _why_not(self, program, guessed):
        """An experiment that tells the guessed bug from this program's."""
        told = f"No. That bug ({guessed}) would give different results"
        for name in program.inputs():
            arguments = program.inputs()
            if not isinstance(arguments[name], np.ndarray):
                continue
            arguments[name] = np.zeros_like(arguments[name])
            right = numbers(self.exercise.solution, arguments)
            guess, mine = (_apart(numbers(program._bugs[b], arguments), right) for b in (guessed, program._bug))
            if (guess <= APART) != (mine <= APART):
                return f"{told}: program.difference({name}=0) would be {guess:.2g}, but it is {mine:.2g}."
        right = numbers(self.exercise.solution, program.inputs())
        guess, mine = (_apart(numbers(program._bugs[b], program.inputs()), right) for b in (guessed, program._bug))
        if np.isfinite([guess, mine]).any():
            return f"{told}: program.difference() would be {guess:.3g}, but it is {mine:.3g}."
        would, does = (numbers(program._bugs[b], program.inputs()) or () for b in (guessed, program._bug))
        for name, one, other in zip(self.exercise.returns, would, does):
            if one.shape != other.shape:
                return f"{told}: for program.inputs(), {name} would have shape {one.shape}, but has {other.shape}."
        return f"{told}: for program.inputs(), the numbers would be others, in the same shape."

    def hints(self) -> list[str]:
        """Return what to try, then where the book's exercise says to look."""
        return [self.looks_at, self.exercise.looks_at]

    def answer(self) -> str:
        """Return the right function, with which the program can be compared."""
        return f"Compare the program with the right one, argument by argument:\n\n{self.exercise.answer()}"

    def reference(self, seed: int = 0) -> str:
        """Return the name of the bug."""
        return self.program(seed)._bug

    def wrong(self, seed: int = 0) -> dict[str, Any]:
        """Return the names of the other bugs."""
        return {words: words for words in self.program(seed)._bugs if words != self.reference(seed)}


def _bare(words):
    return str(words).strip().rstrip(").").lower()


def _letters(bugs):
    return "abcdefghijklmnop"[: len(bugs)]


def _inputs(exercise, n):
    names = inspect.signature(exercise.solution).parameters
    drawn = exercise.inputs(np.random.default_rng([77, n]))
    return {name: drawn[name] for name in names if name in drawn}


def _told(distance):
    return f"{distance:.2g}" if distance > ROUNDING else "nothing"


def _apart(found, right):
    """By how much results differ: infinitely if they cannot be compared, not at all if only rounding differs."""
    if found is None or right is None or [f.shape for f in found] != [r.shape for r in right]:
        return float("inf")
    apart = max((distance(f, r) for f, r in zip(found, right)), default=0.0)
    return (apart if apart > ROUNDING else 0.0) if np.isfinite(apart) else float("inf")


def _differ(made, other):
    """Whether two functions differ by more than rounding on some inputs."""
    scale = max(float(np.max(np.abs(part), initial=0.0)) for parts in made for part in parts)
    return any(_apart(m, o) > APART * (1 + scale) for m, o in zip(made, other))
