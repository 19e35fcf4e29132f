"""What every exercise says about itself: the concept that it trains, its kind, how hard it is, how long it takes."""

from typing import Any, NamedTuple

KINDS = ("write", "find the bug", "predict", "read a figure", "design", "PyTorch", "project")
NOT_ON_THE_PAGE = ("PyTorch", "project")  # the browser has only NumPy, and no time to train


class About(NamedTuple):
    """The concept in a few words, the kind (one of ``KINDS``), the level from 1 to 3, the minutes it takes."""

    concept: str
    kind: str
    level: int
    minutes: int

    @property
    def stars(self) -> str:
        """The level as it is shown: ★, ★★ or ★★★."""
        return "★" * self.level

    @property
    def line(self) -> str:
        """What is shown under the title of a statement."""
        kind = self.kind[0].upper() + self.kind[1:]
        return f"{kind} · {self.stars} · {self.minutes} minutes · {self.concept}"

    def for_a_page(self) -> dict[str, Any]:
        """Return what a page shows, and whether the exercise runs in the browser."""
        return {**self._asdict(), "stars": self.stars, "line": self.line, "here": self.kind not in NOT_ON_THE_PAGE}
