"""How one answer, a number, a shape or a choice, is judged: how far off it is, and which misreading gives it."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnbook.lessons.exercises.question import Verdict
from rnnbook.lessons.exercises.results import plain


def judge(
    given: Any, right: Any, tolerance: float, misreadings: Mapping[str, Any], choices: Sequence[str], head: str
) -> Verdict:
    """Return the verdict on ``given``, beginning with ``head``, which says what is
    right.

    ``right``: a number, a tuple (a shape) or one of ``choices``. ``tolerance``: as a share of the right number, or of 1
    if that is 0. ``misreadings``: a sentence for each known wrong answer, and the answer that comes from it; the
    nearest is named, if it is within the tolerance and nearer than the right answer.
    """
    if given is None:
        return Verdict(False, "No answer yet: write yours down first.", "none")
    found, trouble = read_answer(given, right, choices)
    if trouble:
        return Verdict(False, trouble, "form")
    if same(found, right, tolerance):
        return Verdict(True, f"Right. {head}", "right", right=("answer",))
    how = _how_far(found, right)
    sentence = _misreading(found, right, tolerance, misreadings)
    if sentence:
        return Verdict(False, f"{how} You get that when {sentence}. {head}", "known", sentence)
    return Verdict(False, f"{how} {head}", "unknown")


def _misreading(found, right, tolerance, misreadings):
    """The sentence of the misreading that gives this answer, or none."""
    if isinstance(right, str | tuple):
        return next((sentence for sentence, wrong in misreadings.items() if found == wrong), "")
    off = {sentence: abs(found - wrong) / (abs(wrong) or abs(right) or 1) for sentence, wrong in misreadings.items()}
    sentence = min(off, key=off.__getitem__, default="")
    near = sentence and off[sentence] <= tolerance * (1 + 1e-9)
    return sentence if near and abs(found - misreadings[sentence]) < abs(found - right) else ""


def read_answer(given: Any, right: Any, choices: Sequence[str]) -> tuple[Any, str]:
    """Return the answer in the form of the right one, or None and a sentence on what is wrong with its form."""
    if isinstance(right, str):
        said = str(given).strip().rstrip(".").lower()
        fits = [c for c in choices if c.lower() == said]
        fits = fits or [c for c in choices if said and c.lower().startswith(said)]
        return (fits[0], "") if len(fits) == 1 else (None, f"Answer with one of these: {'; '.join(choices)}.")
    if isinstance(right, tuple):
        try:
            return tuple(_size(size) for size in given), ""
        except TypeError:
            return None, f"Answer with a shape of {len(right)} sizes, such as {tuple(range(2, 2 + len(right)))}."
    try:
        found = np.asarray(plain(given))
        number = float(found) if found.dtype.kind in "iuf" and found.ndim == 0 else np.nan
    except (TypeError, ValueError):
        number = np.nan
    bare = ", in digits and without quotes" if isinstance(given, str) else ""
    return (number, "") if np.isfinite(number) else (None, f"Answer with one number{bare}.")


def _size(given):
    if isinstance(given, bool):
        raise TypeError(f"a size should be a whole number, but is {given}")
    return operator.index(given)


def same(found: Any, right: Any, tolerance: float) -> bool:
    """Return whether an answer that was read is this one; ``tolerance`` as in ``judge``."""
    if isinstance(right, str | tuple):
        return found == right
    return abs(found - right) <= tolerance * (abs(right) or 1) * (1 + 1e-9)


def _how_far(found, right):
    if isinstance(right, str):
        return f"Not “{found}”."
    if isinstance(right, tuple):
        wrong = [k for k, (f, r) in enumerate(zip(found, right)) if f != r]
        where = f"axis {wrong[0]} differs" if len(found) == len(right) else f"the right one has {len(right)} axes"
        return f"Not {found}: {where}."
    if right and found and found / right > 0 and not 0.5 < found / right < 2:
        factor = found / right
        return f"{found:g} is {_times(max(factor, 1 / factor))} times too {'large' if factor > 1 else 'small'}."
    return f"{found:g} is {abs(found - right):.3g} too {'large' if found > right else 'small'}."


def _times(factor):
    return f"{factor:.3g}" if factor < 1000 else f"{factor:,.0f}" if factor < 1e6 else "more than a million"


def shown(answer: Any) -> str:
    """Return a right answer as it is shown: a number with three digits."""
    return f"“{answer}”" if isinstance(answer, str) else str(answer) if isinstance(answer, tuple) else f"{answer:.4g}"
