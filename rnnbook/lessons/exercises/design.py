"""The kind *design an experiment*: a plan, as ticks or as a small structure, compared with a rubric.

>>> from rnnbook.lessons.exercises.design import Design, at_least
>>> rubric = {
...     "control": (["persistence"], "Without the cheapest rival, a small error says nothing."),
...     "seeds": (at_least(3), "One seed does not tell the layer from luck."),
... }
>>> ask = Design(rubric, plan={"control": "persistence", "seeds": 5})
>>> ask({"control": "persistence", "seeds": 1})
1 of 2. Look again: seeds. One seed does not tell the layer from luck.

For ticks, every point is True (a plan needs it) or False (it spoils the plan):

>>> ask = Design({"a": (True, "Hold the size fixed."), "b": (False, "Tuning on the test set spoils it.")})
>>> ask("ab").message
'1 of 2. Not this: b. Tuning on the test set spoils it.'
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.question import Question, Verdict

Accepts = bool | Iterable | Callable[[Any], bool]
YES, NO = ("yes", "true", "1", "1.0", "x"), ("no", "false", "0", "0.0", "")


class Design(Question):
    """A plan, asked for point by point.

    ``rubric``: for every point what is accepted, and the sentence on why it is needed. What is accepted: True or False
    (a tick that is needed, or that spoils the plan), a collection of values, or a function that says whether a value
    will do. A plan is a dict of values by point, or the ticked points as a string, list or set. ``plan``: the book's
    own, where the rubric is not ticks. ``looks_at``: the first hint.
    """

    def __init__(
        self,
        rubric: Mapping[str, tuple[Accepts, str]],
        plan: Mapping[str, Any] | None = None,
        looks_at: str = "",
        about: About | None = None,
    ):
        self.rubric, self.looks_at, self.about = dict(rubric), looks_at, about
        self.plan = dict(plan or {point: accepts for point, (accepts, _) in self.rubric.items()})

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on a plan: what is missing and what spoils it, with the reasons."""
        plan, trouble = self._read(yours)
        if trouble:
            return Verdict(False, trouble, "none" if not plan and trouble.startswith("No plan yet") else "form")
        covered = tuple(point for point, (accepts, _) in self.rubric.items() if _accepted(plan.get(point), accepts))
        if len(covered) == len(self.rubric):
            return Verdict(True, f"Right: your plan is sound in all {len(covered)} points.", "right", right=covered)
        missed = [point for point in self.rubric if point not in covered]
        parts = [f"{len(covered)} of {len(self.rubric)}."]
        for point in missed:
            accepts, why = self.rubric[point]
            is_filled = not isinstance(accepts, bool) and plan.get(point) is not None
            word = "Not this" if accepts is False else "Look again" if is_filled else "Missing"
            parts.append(f"{word}: {point}. {why}")
        return Verdict(False, " ".join(parts), "missing", ", ".join(missed), covered)

    def _read(self, yours):
        names = ", ".join(self.rubric)
        if yours is None or (isinstance(yours, dict) and all(value is None for value in yours.values())):
            return {}, f"No plan yet: fill in {names}."
        if isinstance(yours, dict):
            plan = yours
        else:
            try:
                ticked = yours.replace(",", " ").split() if isinstance(yours, str) else list(yours)
                hash(tuple(ticked))
            except TypeError:
                return {}, f"A plan is a dict, or the points that you tick, out of {names}."
            if isinstance(yours, str) and any(part not in self.rubric for part in ticked):
                ticked = [letter for letter in yours.lower() if letter.isalnum()]
            plan = dict.fromkeys(ticked, True)
        unknown = [str(point) for point in plan if point not in self.rubric]
        if unknown:
            return plan, f"There is no point {', '.join(unknown)}; the points are {names}."
        unclear = [p for p in plan if isinstance(self.rubric[p][0], bool) and _ticked(plan[p]) is None]
        return plan, " ".join(f"{p} should be True or False, but is {plan[p]!r}." for p in unclear)

    def hints(self) -> list[str]:
        """Return where to look, then the points."""
        return [*([self.looks_at] if self.looks_at else []), f"The plan has these points: {', '.join(self.rubric)}."]

    def answer(self) -> str:
        """Return the rubric: every point with its reason."""
        return "\n".join(f"- **{point}** ({_told(self.plan[point])}): {why}" for point, (_, why) in self.rubric.items())

    def reference(self, seed: int = 0) -> dict[str, Any]:
        """Return the book's plan."""
        return dict(self.plan)

    def wrong(self, seed: int = 0) -> dict[str, Any]:
        """Return the book's plan with one point missed, for each."""
        return {
            point: self.plan | {point: not accepts if isinstance(accepts, bool) else None}
            for point, (accepts, _) in self.rubric.items()
        }


def at_least(number: float) -> Callable[[Any], bool]:
    """Return a function that accepts numbers from this one up."""

    return lambda value: value >= number


def some_of(*wanted: Any, also: Iterable = ()) -> Callable[[Any], bool]:
    """Return a function that accepts one or more of ``wanted``, and beside them what is in ``also``."""
    options = {_plain(value) for value in wanted}

    def accepts(value):
        given = {_plain(v) for v in (value if isinstance(value, list | tuple | set) else [value])}
        return bool(given & options) and given <= options | set(also)

    return accepts


def between(low: float, high: float) -> Callable[[Any], bool]:
    """Return a function that accepts numbers from ``low`` to ``high``."""

    return lambda value: low <= value <= high


def _accepted(value, accepts):
    if isinstance(accepts, bool):
        return _ticked(value) is accepts
    if value is None:
        return False
    try:
        if callable(accepts):
            return bool(accepts(value))
        values = value if isinstance(value, list | tuple | set) else [value]
        options = {_plain(option) for option in accepts}
        return bool(values) and {_plain(v) for v in values} <= options
    except (TypeError, ValueError):
        return False


def _ticked(value):
    """A tick as True or False, also in words and as 1 or 0; None if it is neither. What is left open is not ticked."""
    if value is None:
        return False
    said = str(value).strip().lower() if isinstance(value, str | int | float | np.generic) else "neither"
    return True if said in YES else False if said in NO else None


def _plain(value):
    return value.strip().lower() if isinstance(value, str) else value


def _told(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " and ".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)
