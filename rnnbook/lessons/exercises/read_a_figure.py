"""The kind *read a figure*: a number or a choice, read off a figure of the chapter.

>>> from rnnbook.lessons.exercises.read_a_figure import ReadAFigure
>>> ask = ReadAFigure("fig-x", 30.0, why="It is where both curves cross.", tolerance=0.2,
...                   misreadings={"the logarithmic axis is read as a linear one": 55.0}, look="Find the crossing.")
>>> ask(33).passed, ask(55).mistake
(True, 'the logarithmic axis is read as a linear one')
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.misread import judge, shown
from rnnbook.lessons.exercises.question import Question, Verdict


class ReadAFigure(Question):
    """A number, within ``tolerance`` of it as a share, or one of ``choices``.

    ``figure``: the figure's label in the chapter. ``misreadings``: every distractor, or likely wrong number, as a
    sentence ("the logarithmic axis is read as a linear one") and the answer that comes from it. ``look``: where in the
    figure to look. ``why``: what the figure says there.
    """

    def __init__(
        self,
        figure: str,
        right: Any,
        why: str,
        misreadings: Mapping[str, Any],
        look: str,
        tolerance: float = 0.1,
        choices: Sequence[str] = (),
        about: About | None = None,
    ):
        self.figure, self.right, self.why, self.misreadings = figure, right, why, misreadings
        self.look, self.tolerance, self.choices, self.about = look, tolerance, tuple(choices), about

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on what was read; the figure has no seed. A wrong answer does not reveal the right one."""
        told = judge(yours, self.right, self.tolerance, self.misreadings, self.choices, "")
        return told._replace(message=f"{told.message.strip()} {self.why if told.passed else self._look(told)}".strip())

    def _look(self, told):
        return "" if told.kind in ("none", "form") else self.look

    def hints(self) -> list[str]:
        """Return where to look, then the ways to read it wrongly."""
        wrongly = list(self.misreadings)[:3]
        return [self.look, f"Easy ways to go wrong: {'; '.join(wrongly)}."]

    def answer(self) -> str:
        """Return what the figure says."""
        return f"It is {shown(self.right)}. {self.why}"  # not the number first: "4. Four" begins a list in Markdown

    def reference(self, seed: int = 0) -> Any:
        """Return the right answer."""
        return self.right

    def wrong(self, seed: int = 0) -> dict[str, Any]:
        """Return the answers that come from the known misreadings."""
        return dict(self.misreadings)
