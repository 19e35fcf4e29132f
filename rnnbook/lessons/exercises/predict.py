"""The kind *predict, then run*: you write down what will come out before the program runs; then it runs.

>>> import numpy as np
>>> from rnnbook.lessons.exercises.predict import Predict
>>> ask = Predict(
...     "The last state of 100 steps of h = tanh(0.5 h), from h = 1.",
...     run=lambda: float(np.tanh(0.5) * 0.0),
...     why="Every step at least halves the state.",
...     misreadings={"the state is assumed to settle at 0.5": 0.5},
...     tolerance=0.01,
... )
>>> ask(0.5)
0.5 is 0.5 too large. You get that when the state is assumed to settle at 0.5. The run gives 0. Every step at least halves the state.
"""  # noqa: E501

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.misread import judge, shown
from rnnbook.lessons.exercises.question import Question, Verdict


class Predict(Question):
    """A number, a shape (a tuple) or one of ``choices``, to be written down before ``run()`` returns it.

    ``asks``: what is predicted, in a clause. ``run``: the program; it is run once, after the first prediction.
    ``why``: the reason for what comes out. ``misreadings``: a sentence for each known wrong prediction and
    the prediction that comes from it. ``tolerance``: by what share of the number a prediction may be off.
    ``hint``: what to think of first.
    """

    def __init__(
        self,
        asks: str,
        run: Callable[[], Any],
        why: str,
        misreadings: Mapping[str, Any],
        tolerance: float = 0.1,
        choices: Sequence[str] = (),
        hint: str = "",
        about: About | None = None,
    ):
        self.asks, self.run, self.why, self.misreadings = asks, run, why, misreadings
        self.tolerance, self.choices, self.hint, self.about = tolerance, tuple(choices), hint, about

    @cached_property
    def right(self) -> Any:
        """What the program returns."""
        found = self.run()
        return found if isinstance(found, str | tuple) else float(found)

    def verdict(self, yours: Any, seed: int = 0) -> Verdict:
        """Return the verdict on a prediction; the program has no seed."""
        if yours is None:
            return Verdict(False, f"Write your prediction down first: {self.asks} Then the program runs.", "none")
        head = f"The run gives {shown(self.right)}. {self.why}"
        return judge(yours, self.right, self.tolerance, self.misreadings, self.choices, head)

    def hints(self) -> list[str]:
        """Return what to think of first, then the program."""
        return [*([self.hint] if self.hint else []), f"This is what runs:\n{inspect.getsource(self.run).strip()}"]

    def answer(self) -> str:
        """Return the program and what it gives."""
        return f"It gives {shown(self.right)}. {self.why}\n\n```python\n{inspect.getsource(self.run).strip()}\n```"

    def reference(self, seed: int = 0) -> Any:
        """Return the right answer."""
        return self.right

    def wrong(self, seed: int = 0) -> dict[str, Any]:
        """Return the answers that come from the known misreadings."""
        return dict(self.misreadings)
