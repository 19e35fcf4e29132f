"""A small project: whatever the reader has built is scored on data that it has not seen, and has to clear a bar.

>>> from rnnbook.lessons.exercises.project import Project
>>> ask = Project("Say a number above 3.", lambda yours: yours, bar=3.0, unit="points", how=["Think of a large one."])
>>> ask(2)
2 points, and the bar is 3: not yet. Think of a large one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.question import Question, Verdict


class Refused(Exception):
    """The submission breaks a rule of the project; the message says which."""


class Project(Question):
    """Something to build. ``score(yours)`` returns its number, or raises ``Refused`` if it breaks a rule.

    ``asks``: what to hand in. ``bar``: what the score has to reach, or, with ``lower``, stay below; a function without
    arguments may give it. ``unit``: of the score. ``how``: the hints.
    """

    def __init__(
        self,
        asks: str,
        score: Callable[[Any], float],
        bar: float | Callable[[], float],
        unit: str,
        how: Sequence[str],
        lower: bool = False,
        about: About | None = None,
    ):
        self.asks, self.score, self.bar, self.unit = asks, score, bar, unit
        self.how, self.lower, self.about = list(how), lower, about

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict: the score and the bar, or the rule that is broken."""
        if yours is None:
            return Verdict(False, f"Nothing yet. {self.asks}", "none")
        try:
            score = self.score(yours)
        except Refused as error:
            return Verdict(False, str(error), "forbidden", str(error))
        except Exception as error:  # whatever the reader's code raises is the answer to show
            return Verdict(False, f"It stopped with {type(error).__name__}: {error}.", "stopped")
        bar = self.bar() if callable(self.bar) else self.bar
        passed = bool(score < bar if self.lower else score >= bar)
        told = f"{score:.4g} {self.unit}, and the bar is {bar:.4g}"
        if passed:
            return Verdict(True, f"{told}: passed.", "right", right=("score",))
        return Verdict(False, f"{told}: not yet. {self.how[0]}", "unknown")

    def hints(self) -> list[str]:
        """Return the hints, the first of which says least."""
        return list(self.how)

    def answer(self) -> str:
        """Return what to hand in: a project has many solutions."""
        return "\n".join([self.asks, "", *(f"- {hint}" for hint in self.how)])
