"""What all kinds of exercises have in common: they are called with an attempt, and answer with a verdict."""

from typing import Any, NamedTuple

from rnnbook.lessons.exercises import shown
from rnnbook.lessons.exercises.about import About


class Verdict(NamedTuple):
    """The answer to an attempt: true where it is right, shown as its sentence.

    For who grades: ``kind`` is "right", what is wrong without looking at numbers ("none", "arguments", "count",
    "shape", "no number", "not finite", "stopped", "endless", "memory", "forbidden", "form"), how the mistake was found
    ("known", "rule", "pair", "earlier function", "relation", "probe", "missing") or "unknown"; ``mistake`` names it;
    ``right`` are the results that agree with the book's in all trials.
    """

    passed: bool
    message: str
    kind: str = ""
    mistake: str = ""
    right: tuple[str, ...] = ()

    def __bool__(self):
        return self.passed

    def __repr__(self):
        shown.seen(self)
        return self.message

    def __str__(self):
        return repr(self)


class Question:
    """An exercise of any kind; calling it with an attempt answers the attempt.

    A kind has ``verdict(yours, seed)``; ``hints()``, the one that says least first; ``answer()``, the book's solution
    as Markdown; ``reference(seed)``, an attempt that is right; ``wrong(seed)``, attempts that are not, by the sentence
    that names what is wrong with each. ``about`` is what the exercise says about itself.
    """

    about: About | None = None
    attempts: tuple[bool, ...] = ()  # in this session: whether each was right
    said: str = ""  # in answer to the last attempt

    def __call__(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on ``yours``; a different ``seed`` draws different inputs. A notebook shows it."""
        verdict = self.verdict(yours, seed)
        if verdict.kind != "none":
            self.attempts += (verdict.passed,)
        self.said = verdict.message
        shown.wait(verdict)
        return verdict

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on ``yours``, for grading: nothing is shown."""
        raise NotImplementedError

    def hints(self) -> list[str]:
        """Return the hints in stages."""
        raise NotImplementedError

    def answer(self) -> str:
        """Return the book's solution, as Markdown."""
        raise NotImplementedError

    def reference(self, seed: int = 0) -> Any:
        """Return an attempt that is right."""
        raise NotImplementedError

    def wrong(self, seed: int = 0) -> dict[str, Any]:
        """Return attempts that are wrong, by the ``mistake`` of their verdicts."""
        raise NotImplementedError
