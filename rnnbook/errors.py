"""Sentences for a user's mistakes: the argument, what was expected, what was given.

Both versions check their arguments here, so that the same mistake reads the same everywhere.
"""

from collections.abc import Callable, Sequence
from numbers import Real


def check_shape(name: str, array, shape: Sequence[int | str]) -> None:
    """Raise ValueError unless ``array`` has this shape.

    A number in ``shape`` must be met exactly; a letter stands for any size of at least one.

    >>> import numpy as np
    >>> check_shape("x", np.zeros((100, 32)), ("T", "B", 64))
    Traceback (most recent call last):
    ...
    ValueError: x should have shape (T, B, 64), but has shape (100, 32)
    """
    given = tuple(array.shape)
    fits = len(given) == len(shape) and all(
        n >= 1 if isinstance(wanted, str) else n == wanted for n, wanted in zip(given, shape)
    )
    if not fits:
        expected = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        empty = 0 in given and len(given) == len(shape)
        rule = f", with every letter at least 1, but has shape {given}" if empty else f", but has shape {given}"
        raise ValueError(f"{name} should have shape ({expected}){rule}")


def check_size(name: str, value) -> int:
    """Return ``value`` as a positive int; TypeError for anything but a whole number, ValueError below one."""
    try:
        size = value.__index__()
    except AttributeError:
        raise TypeError(f"{name} should be a whole number, but is {value!r}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} should be a whole number, but is {value!r}")
    if size < 1:
        raise ValueError(f"{name} should be at least 1, but is {size}")
    return size


def check_choice(name: str, value, choices: Sequence) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} should be one of {', '.join(map(repr, choices))}, but is {value!r}")


def check_flag(name: str, value) -> bool:
    """Return True or False, NumPy's or Python's; TypeError for anything else, such as "yes"."""
    if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "bool":
        raise TypeError(f"{name} should be True or False, but is {value!r}")
    return bool(value)


def check_number(name: str, value, rule: str, fits: Callable[[float], bool]):
    """Return a real number that ``fits`` what ``rule`` says; TypeError for anything but a number, ValueError for
    others.

    >>> check_number("lr", -1, "be finite and at least 0", lambda lr: 0 <= lr < float("inf"))
    Traceback (most recent call last):
    ...
    ValueError: lr should be finite and at least 0, but is -1
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and fits(value)):
        raise (ValueError if is_number else TypeError)(f"{name} should {rule}, but is {value!r}")
    return value


def described(value) -> str:
    """Describe a value as an error sentence does: ``None``, ``an array of shape (2, 3)``, ``a list``."""
    if value is None:
        return "None"
    if hasattr(value, "shape"):
        return f"an array of shape {tuple(value.shape)}"
    kind = type(value).__name__
    return f"an {kind}" if kind.startswith((*"aeioAEIO", "LSTM", "RNN")) else f"a {kind}"
