"""What came back, as arrays: from NumPy, PyTorch and nested lists alike; a sentence says what is not a number."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

NO_NUMBERS = {"b": "True or False", "c": "complex numbers", "U": "a string", "S": "bytes"}


class Outcome(NamedTuple):
    """What a function gave in one trial: its results as float64, or a sentence on why they cannot be compared.

    ``single``: for each result, whether it was computed in float32. A ``sentence`` on a shape comes with the arrays.
    """

    arrays: tuple[np.ndarray, ...] | None = None
    single: tuple[bool, ...] = ()
    sentence: str = ""
    kind: str = "numbers"  # or "none", "count", "no number", "shape", "not finite", "stopped", "endless", "memory"


class Right(NamedTuple):
    """What is asked for: the name of a result, its shape, and whether it is true or false."""

    name: str
    shape: tuple[int, ...]
    is_bool: bool


def plain(value: Any) -> Any:
    """Return the value with the tensors in it, from any library, as something that NumPy reads."""
    for release in ("detach", "cpu"):  # detached from its gradient, and moved off an accelerator
        if hasattr(value, release) and not isinstance(value, np.ndarray):
            value = getattr(value, release)()
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def parts(results: Any, count: int) -> list:
    """Return the results one by one; a list may take the place of the tuple."""
    several = isinstance(results, tuple) or (count > 1 and isinstance(results, list))
    return list(results) if several else [results]


def read(results: Any, rights: Sequence[Right]) -> Outcome:
    """Return the results as arrays, with a sentence if something can be said without looking at numbers."""
    if results is None:
        return Outcome(
            sentence="It returns None: write its body, end it with return, and run the cell again.", kind="none"
        )
    given = parts(results, len(rights))
    if len(rights) == 1 and len(given) > 1:  # a tuple of numbers may be the array itself
        given = [results] if _shape(results) == rights[0].shape else given
    if len(given) != len(rights):
        names = ", ".join(right.name for right in rights)
        return Outcome(sentence=f"It should return {len(rights)} ({names}), but returns {len(given)}.", kind="count")
    arrays, single, complaint = [], [], ("", "numbers")
    for value, right in zip(given, rights, strict=True):
        found, trouble = as_numbers(value, right)
        if found is None:
            return Outcome(sentence=f"{right.name} {trouble}", kind="no number")
        if isinstance(value, list) and found.shape == (1, *right.shape):  # a list in place of a tuple of one
            found = found[0]
        exact = found.astype(np.float64)
        if complaint == ("", "numbers") and exact.shape != right.shape:
            complaint = f"{right.name} should have shape {right.shape}, but has shape {exact.shape}.", "shape"
        elif complaint == ("", "numbers") and not np.isfinite(exact).all():
            complaint = f"{right.name} holds a number that is not finite.", "not finite"
        arrays.append(exact)
        single.append(is_single(found))
    return Outcome(tuple(arrays), tuple(single), *complaint)


def _shape(results):
    try:
        return np.shape(plain(results))
    except ValueError:  # arrays of different shapes: several results, and not one
        return None


def as_numbers(value: Any, right: Right) -> tuple[np.ndarray | None, str]:
    """Return the value as an array of real numbers, or None and what is wrong with it."""
    if value is None:
        return None, "is None: it has not been computed."
    try:
        found = np.asarray(plain(value))
    except Exception as error:  # ragged lists, types that NumPy lacks
        return None, f"cannot be read as an array: {error}."
    kind = found.dtype.kind
    if kind in NO_NUMBERS and not (kind == "b" and right.is_bool):
        return None, f"should be a real number or an array of them, but is {NO_NUMBERS[kind]}."
    if kind not in "biuf":
        return None, f"should be a real number or an array of them, but is an array of {found.dtype}."
    if kind == "f" and found.dtype.itemsize < 4:
        return None, f"is of {found.dtype}, too coarse to tell right from wrong: compute in float32 or float64."
    return found, ""


def is_single(found: np.ndarray) -> bool:
    """Return whether numbers were computed in float32, even if a list or float64 holds them now."""
    if found.dtype != np.float64:
        return found.dtype == np.float32
    with np.errstate(all="ignore"):
        rounded = found.astype(np.float32)
        is_rounded = (found != np.rint(found)).any() or np.max(np.abs(found), initial=0) > 2**24  # or too small to tell
    return bool(is_rounded) and np.array_equal(rounded, found, equal_nan=True)
