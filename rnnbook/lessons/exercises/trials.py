"""The inputs on which an exercise is tried, and how closely the results have to agree.

No size and no number is the same in all trials, unless the statement fixes it; the last trial's arrays are float32.

How closely: the solution itself is run on inputs rounded to the 24, 22 and 20 binary digits that come before and after
float32's, and in float32. By how far that moves its results, scaled to 24 digits, is what single precision costs on
these inputs; an answer in float32 may be off by ``FACTOR`` times as much (adding in a different order already is), an
answer in float64 by 2⁻²⁹ of that, or by the exercise's own ``tolerance`` if that is more.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnbook.lessons.exercises.results import Right

FACTOR, DIGITS, COARSEST = 32, (24, 22, 20), 1e-3  # no answer may be off by more than this share of the result
SINGLE = float(np.finfo(np.float32).eps)
EXTRA = 9  # draws that are searched for a size that has not varied yet


class Trial(NamedTuple):
    """Inputs, what is right, and by how much each result may differ, computed in float64 and in float32."""

    arguments: dict[str, Any]  # what an attempt is given
    exact: dict[str, Any]  # the same, as float64
    expected: tuple[np.ndarray, ...]
    rights: tuple[Right, ...]
    double: tuple[float, ...]
    single: tuple[float, ...]
    is_single: bool  # the inputs are float32

    def allowed(self, single: Sequence[bool]) -> list[float]:
        """Return by how much each result may differ, given which were computed in float32."""
        return [
            s if self.is_single or coarse else d for s, d, coarse in zip(self.single, self.double, single, strict=True)
        ]


def draw(inputs: Callable, also: Sequence[Callable], count: int, seed: int) -> list[dict[str, Any]]:
    """Return the arguments of all trials: ``count`` of ``inputs``, more if a size has not varied, and each of
    ``also``."""
    drawn = [inputs(np.random.default_rng([seed, trial])) for trial in range(count)]
    for extra in range(count, count + EXTRA):
        same = constants(drawn)
        if not same:
            break
        more = inputs(np.random.default_rng([seed, extra]))
        found = features(more)
        if any(key in found and found[key] != value for key, value in same.items()):
            drawn.append(more)
    drawn[-1] = rounded_to_single(drawn[-1])
    return drawn + [more(np.random.default_rng([seed, count + EXTRA + n])) for n, more in enumerate(also)]


def features(arguments: dict[str, Any]) -> dict[tuple, Any]:
    """Return the sizes of all arrays and the value of all numbers, by what they belong to."""
    found: dict[tuple, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, np.ndarray):
            found |= {(name, axis): size for axis, size in enumerate(value.shape)}
        elif isinstance(value, int | float | str):
            found[(name,)] = value
    return found


def constants(drawn: list[dict[str, Any]]) -> dict[tuple, Any]:
    """Return the features that are the same in all of the drawn arguments."""
    all_found = [features(arguments) for arguments in drawn]
    return {k: v for k, v in all_found[0].items() if all(k in found and found[k] == v for found in all_found)}


def converted(arguments: dict[str, Any], change: Callable) -> dict[str, Any]:
    """Return the arguments with every array of floating-point numbers changed."""
    return {
        name: change(value) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for name, value in arguments.items()
    }


def rounded_to_single(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with their arrays as float32."""
    with np.errstate(over="ignore"):
        return converted(arguments, lambda a: a.astype(np.float32))


def to_double(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with their arrays as float64, copied."""
    return converted(arguments, lambda a: a.astype(np.float64))


def with_digits(array: np.ndarray, digits: int) -> np.ndarray:
    """Round to so many binary digits; equal numbers stay equal, and small whole numbers do not change."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.rint(np.ldexp(mantissa, digits)), exponent - digits)


def make_trial(solve: Callable, arguments: dict[str, Any], returns: Sequence[str], tolerance: float) -> Trial:
    """Return the trial; ``solve`` takes the arguments and gives the solution's results as arrays."""
    exact = to_double(arguments)
    raw = solve(exact)
    rights = tuple(Right(name, r.shape, r.dtype.kind == "b") for name, r in zip(returns, raw))
    expected = tuple(r.astype(np.float64) for r in raw)
    largest = [float(np.max(np.abs(e[np.isfinite(e)]), initial=0.0)) for e in expected]
    moved = cost_of_single(solve, exact, expected)
    single = [min(FACTOR * max(SINGLE * big, m), COARSEST * big) for big, m in zip(largest, moved)]
    double = tuple(max(tolerance, s * 2.0**-29) for s in single)
    is_single = any(isinstance(value, np.ndarray) and value.dtype == np.float32 for value in arguments.values())
    return Trial(arguments, exact, expected, rights, double, tuple(max(tolerance, s) for s in single), is_single)


def cost_of_single(solve: Callable, exact: dict[str, Any], expected: Sequence[np.ndarray]) -> list[float]:
    """Return how far each result moves when inputs are rounded, scaled to the digits of float32."""
    moved = [0.0] * len(expected)
    changed = [(converted(exact, lambda a, d=d: with_digits(a, d)), 2.0 ** (d - 24)) for d in DIGITS]
    for given, scale in [(rounded_to_single(exact), 1.0), *changed]:
        try:
            with np.errstate(all="ignore"):
                found = solve(given)
        except Exception:  # an input that must be exact
            continue
        for n, (f, e) in enumerate(zip(found, expected)):
            if f.shape == e.shape:
                distance = scale * float(np.max(np.abs(f - e), initial=0.0))
                moved[n] = max(moved[n], distance if np.isfinite(distance) else 0.0)
    return moved
