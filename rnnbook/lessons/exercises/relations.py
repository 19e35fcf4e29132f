"""A simple relation between an attempt's numbers and the right ones: their order, a sign, a factor."""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np

FUNCTIONS: dict[str, Callable] = {
    "with its sign reversed": lambda e: -e,
    "transposed": lambda e: e.T,
    "with its first axis reversed": lambda e: e[::-1],
    "with its last axis reversed": lambda e: e[..., ::-1],
    "with its first two axes exchanged": lambda e: e.swapaxes(0, 1),
    "shifted one place later": lambda e: np.concatenate([e[-1:], e[:-1]]),
    "shifted one place earlier": lambda e: np.concatenate([e[1:], e[:1]]),
    "without its first entry": lambda e: e[1:],
    "without its last entry": lambda e: e[:-1],
    "with an extra axis": lambda e: e[None],
    "squared": np.square,
    "with its square root taken": np.sqrt,
    "without its sign": np.abs,
    "turned into its reciprocal": lambda e: 1 / e,
    "subtracted from 1": lambda e: 1 - e,
    "put through exp": np.exp,
    "put through log": np.log,
    "put through tanh": np.tanh,
    "put through the sigmoid": lambda e: 1 / (1 + np.exp(-e)),
    "summed over its first axis": lambda e: e.sum(axis=0),
    "summed over its last axis": lambda e: e.sum(axis=-1),
    "averaged over its first axis": lambda e: e.mean(axis=0),
    "averaged over its last axis": lambda e: e.mean(axis=-1),
}


def order_or_copy(search: Any) -> tuple | None:
    """Say that the results are right but in a different order, or that all rows of one are the same array."""
    if not _all_readable(search):
        return None
    said = _order(search) or _one_array(search)
    return (said, "relation", said, None) if said else None


def relation(search: Any) -> str:
    """Return a sentence on how the wrong result follows from the right one, or nothing."""
    if not _all_readable(search):
        return ""
    for part in wrong_parts(search):
        said = _function(search, part) or _factor(search, part) or _zeros(search, part)
        if said:
            return said
    return ""


def wrong_parts(search: Any) -> list[int]:
    """Return the places of the results that are wrong in some trial."""
    return [p for p in range(len(search.exercise.returns)) if not _is(search, p, lambda n, p=p: _right(search, n, p))]


def _all_readable(search):
    return all(given.arrays is not None for given in search.given)


def _right(search, n, part):
    return search.trials[n].expected[part]


def _is(search, part, made):
    """Return whether ``made(n)`` is the attempt's result in every trial."""
    for n in search.order:
        try:
            with np.errstate(all="ignore"):
                if not search.part_equals(n, part, np.asarray(made(n), dtype=np.float64)):
                    return False
        except (ValueError, IndexError):  # too few axes for this relation
            return False
    return True


def _order(search):
    names = search.exercise.returns
    for order in permutations(range(len(names))):
        if order != tuple(range(len(names))) and len(names) <= 5:
            if all(_is(search, p, lambda n, q=q: _right(search, n, q)) for p, q in enumerate(order)):
                return f"They are right, but in a different order: you return {', '.join(names[q] for q in order)}."
    return ""


def _one_array(search):
    for part in wrong_parts(search):
        name = search.exercise.returns[part]
        if any(_right(search, n, part).ndim == 0 or len(_right(search, n, part)) < 2 for n in search.order):
            continue
        if _is(search, part, lambda n, p=part: np.broadcast_to(_right(search, n, p)[-1], _right(search, n, p).shape)):
            copies = "a list that holds the same array many times shows its final values everywhere; append a copy"
            return f"Every entry of {name} is the last one: {copies}."
    return ""


def _function(search, part):
    name = search.exercise.returns[part]
    for words, function in FUNCTIONS.items():
        if _is(search, part, lambda n, f=function: f(_right(search, n, part))):
            return f"{name} is the right one {words}."
    return ""


def _factor(search, part):
    """One factor for all numbers, also a size or a number among the arguments; the same for a term added."""
    name = search.exercise.returns[part]
    factors, added = [], []
    for n in search.order:
        g, e = search.given[n].arrays[part], _right(search, n, part)
        if g.shape != e.shape or not e.size or not np.isfinite(g).all():
            return ""
        factors.append(float(np.vdot(g, e) / np.vdot(e, e)) if np.any(e) else 0.0)
        added.append(float(np.mean(g - e)))
    at = dict(zip(search.order, factors))
    if np.ptp(factors) < 1e-4 * abs(factors[0]) and _is(search, part, lambda n: factors[0] * _right(search, n, part)):
        return f"{name} is the right one times {_short(factors[0])}."
    at = dict(zip(search.order, added))
    if np.ptp(added) < 1e-4 * abs(added[0]) and _is(search, part, lambda n: added[0] + _right(search, n, part)):
        return f"{name} is the right one plus {_short(added[0])}."
    at = dict(zip(search.order, factors))
    for words, value in _numbers(search.trials[0].exact):
        for turned, said in ((False, "times"), (True, "divided by")):

            def factor(n, value=value, turned=turned):
                found = value(search.trials[n].exact)
                return found if not turned else 1 / found if found else np.inf

            if all(_close(at[n], factor(n)) for n in search.order) and _is(
                search, part, lambda n, factor=factor: factor(n) * _right(search, n, part)
            ):
                return f"{name} is the right one {said} {words}."
    return ""


def _numbers(arguments) -> Iterator[tuple[str, Callable]]:
    for name, value in arguments.items():
        if isinstance(value, np.ndarray):
            for axis in range(value.ndim):
                yield f"the size of axis {axis} of {name}", lambda a, name=name, axis=axis: float(a[name].shape[axis])
            yield f"the sum of {name}", lambda a, name=name: float(a[name].sum())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, lambda a, name=name: float(a[name])


def _close(a, b):
    return np.isfinite(b) and abs(a - b) <= 1e-3 * abs(b)


def _zeros(search, part):
    name = search.exercise.returns[part]
    if _is(search, part, lambda n: 0 * _right(search, n, part)):
        return f"Every number in {name} is zero."
    return ""


def _short(number):
    return f"{number:.4g}"
