"""What an answer is worth: points by level, shares of them by what the check finds."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from coursework.statements import Statement, statement
from rnnbook.lessons.exercises.grading import QUARTERS

DEFAULT = Path(__file__).with_name("rubric.toml")
SHARES = ("right", "known", "forbidden", "part")
LEVEL = 2  # for an exercise that gives none


class Rubric(NamedTuple):
    """Points by level, shares, and the settings of single exercises."""

    points: tuple[float, ...]
    shares: dict[str, float]
    exercises: dict[str, dict[str, Any]]

    def points_of(self, asked: Statement) -> float:
        """Return the points of an exercise."""
        level = getattr(getattr(asked.exercise, "about", None), "level", LEVEL)
        return self.exercises.get(asked.name, {}).get("points", self.points[level - 1])

    def shares_of(self, asked: Statement) -> dict[str, Any]:
        """Return the shares of an exercise, with those of its known mistakes."""
        own = self.exercises.get(asked.name, {})
        return {**self.shares, **own.get("shares", {}), "mistakes": own.get("mistakes", {})}


def read(path: Path = DEFAULT) -> Rubric:
    """Return the rubric in a file; ValueError if it does not fit: a share that is not a whole number of quarters, an
    unknown mistake."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    rubric = Rubric(tuple(found["points"]), found["shares"], found.get("exercises", {}))
    if len(rubric.points) != 3 or set(rubric.shares) != set(SHARES):
        raise ValueError(f"{path} should have points for three levels and the shares {', '.join(SHARES)}")
    shares = list(rubric.shares.values())
    for name, own in rubric.exercises.items():
        known = known_mistakes(statement(name).exercise)
        if stale := set(own.get("mistakes", {})) - known:
            raise ValueError(f"{path}: {name} has no mistake {sorted(stale)[0]!r}; it knows {sorted(known)}")
        shares += [*own.get("shares", {}).values(), *own.get("mistakes", {}).values()]
    if wrong := [share for share in shares if not 0 <= share <= 1 or share * QUARTERS % 1]:
        raise ValueError(f"{path}: a share should be 0, 0.25, 0.5, 0.75 or 1, but one is {wrong[0]}")
    return rubric


def known_mistakes(exercise: Any) -> set[str]:
    """Return the sentences of the mistakes that an exercise knows."""
    return set(getattr(exercise, "mistakes", None) or getattr(exercise, "misreadings", None) or {})
