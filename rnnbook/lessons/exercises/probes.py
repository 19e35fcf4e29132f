"""What can be said about an attempt that no list and no rule explains: what it depends on, where it is right."""

from typing import Any

import numpy as np

from rnnbook.lessons.exercises.attempt import numbers

FLOATS = (int, float, np.floating, np.integer)


def probe(search: Any) -> str:
    """Return one or two sentences, each true of every trial, or nothing."""
    said = [unused(search), right_without(search), which_are_right(search) or where_right(search), how_often(search)]
    return " ".join([sentence for sentence in said if sentence][:2])


def unused(search: Any) -> str:
    """Name the arguments on which the solution depends and the attempt does not."""
    found = []
    for name in search.trials[0].exact:
        if all(_unused_in(search, n, name) for n in range(len(search.trials))):
            found.append(f"`{name}`")
    if not found:
        return ""
    return f"Your answer does not change when {' or '.join(found)} does, and the book's does."


def _unused_in(search, n, name):
    trial = search.trials[n]
    mine = numbers(search.yours, trial.exact)
    if mine is None:
        return False
    seen = False
    for value in _others(trial.exact[name]):
        changed = trial.exact | {name: value}
        yours, right = numbers(search.yours, changed), numbers(search.exercise.solution, changed)
        if right is None:
            continue
        if yours is None or not _same(yours, mine):
            return False
        seen |= not _same(right, trial.expected)
    return seen


def _others(value):
    """Yield other values for an argument, of the same kind and, mostly, just as admissible."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield from (0.75 * value, value.reshape(-1)[::-1].reshape(value.shape), -value)
    elif isinstance(value, np.ndarray):
        yield value[::-1].copy()
    elif isinstance(value, FLOATS) and not isinstance(value, bool):
        yield from ((0.75 * value, 0.9 * value) if isinstance(value, float) else (value + 1, value - 1))


def _same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other))


def right_without(search: Any) -> str:
    """Name the arguments that, set to zero, make the attempt right, and not only because everything is zero then."""
    found = []
    for name, value in search.trials[0].exact.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            if all(_right_at_zero(search, n, name) for n in range(len(search.trials))):
                found.append(name)
    if not found or len(found) == len(search.trials[0].exact):
        return ""
    return f"It is right when {' or '.join(f'`{name}`' for name in found)} is zero: look where you use that."


def _right_at_zero(search, n, name):
    trial = search.trials[n]
    changed = trial.exact | {name: np.zeros_like(trial.exact[name])}
    yours, right = numbers(search.yours, changed), numbers(search.exercise.solution, changed)
    if yours is None or right is None or len(yours) != len(right):
        return False
    if not all(r.size and np.isfinite(r).all() and np.ptp(r) > 0 for r in right):
        return False
    return all(y.shape == r.shape and np.allclose(y, r, rtol=0, atol=a) for y, r, a in zip(yours, right, trial.double))


def which_are_right(search: Any) -> str:
    """Name the results that are right and those that are not."""
    from rnnbook.lessons.exercises.diagnosis import agreeing

    names = search.exercise.returns
    right = set(names)
    for trial, given in zip(search.trials, search.given):
        right &= agreeing(trial, given)
    if not right:
        return ""
    good, bad = [n for n in names if n in right], [n for n in names if n not in right]
    return f"Already right: {' and '.join(good)}; still wrong: {' and '.join(bad)}." if bad else ""


def where_right(search: Any) -> str:
    """Say in which entries alone the numbers are wrong: the first, the last, the diagonal, the negative ones."""
    if any(given.arrays is None for given in search.given):
        return ""
    for part, name in enumerate(search.exercise.returns):
        wrong, right = [], []
        for trial, given in zip(search.trials, search.given):
            found, e = given.arrays[part], trial.expected[part]
            if found.shape != e.shape:
                return ""
            wrong.append(~(np.abs(found - e) <= trial.allowed(given.single)[part]))
            right.append(e)
        for words, mask in PLACES.items():
            if any(w.any() for w in wrong) and all(_only(w, mask, e) for w, e in zip(wrong, right)):
                return f"{name} is {words}."
    return ""


def _only(wrong, mask, right):
    inside = mask(right)
    return inside is not None and inside.any() and not inside.all() and not (wrong & ~inside).any()


def _at(place, axis):
    def mask(e):
        if e.ndim <= axis or e.shape[axis] < 2:
            return None
        inside = np.zeros(e.shape, dtype=bool)
        np.moveaxis(inside, axis, 0)[place] = True
        return inside

    return mask


PLACES = {
    "wrong only in its first entry along the first axis": _at(0, 0),
    "wrong only in its last entry along the first axis": _at(-1, 0),
    "right in its first entry along the first axis, and wrong after it": _at(slice(1, None), 0),
    "right in its last entry along the first axis, and wrong before it": _at(slice(None, -1), 0),
    "wrong only in its first entry along the second axis": _at(0, 1),
    "wrong only in its last entry along the second axis": _at(-1, 1),
    "wrong only on the diagonal": lambda e: (
        np.eye(len(e), dtype=bool) if e.ndim == 2 and e.shape[0] == e.shape[1] else None
    ),
    "wrong only off the diagonal": lambda e: (
        ~np.eye(len(e), dtype=bool) if e.ndim == 2 and e.shape[0] == e.shape[1] else None
    ),
    "wrong only where the right number is negative": lambda e: e < 0,
    "wrong only where the right number is positive": lambda e: e > 0,
    "wrong only where the right number is zero": lambda e: e == 0,
}


def how_often(search: Any) -> str:
    """Say in how many trials it is right."""
    from rnnbook.lessons.exercises.diagnosis import agreeing

    good = sum(len(agreeing(t, g)) == len(t.rights) for t, g in zip(search.trials, search.given))
    return f"It is right on {good} of the {len(search.trials)} inputs." if good else ""
