"""Checks of the arguments of the NumPy version: numbers, a dtype, a generator, a trace, a layer."""

import math
from collections.abc import Mapping
from numbers import Integral

import numpy as np

from rnnbook.errors import check_number, described


def as_generator(rng) -> np.random.Generator:
    """Return a Generator as it is, one that a seed starts, or a fresh one for None.

    Takes what ``np.random.default_rng`` takes. Raises TypeError for anything else, including a fraction, a string or a
    bool, and ValueError for a negative seed.
    """
    sources = (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence, np.random.RandomState)
    if rng is None or isinstance(rng, sources):
        return np.random.default_rng(rng)
    is_number = isinstance(rng, Integral) and not isinstance(rng, bool)
    if not is_number and as_array("rng", rng).dtype.kind not in "iu":
        raise TypeError(f"rng should be a np.random.Generator or a whole number that seeds one, but is {rng!r}")
    if np.any(np.less(rng, 0)):
        raise ValueError(f"rng should be at least 0 where it is a seed, but is {rng!r}")
    return np.random.default_rng(rng)


def check_dtype(dtype) -> np.dtype:
    """Return float32 or float64; TypeError for any other."""
    try:
        given = np.dtype(dtype)
    except TypeError:
        given = None
    if dtype is None or given not in (np.float32, np.float64):
        told = given if given is not None and dtype is not None else repr(dtype)
        raise TypeError(f"dtype should be float32 or float64, but is {told}")
    return given


def as_array(name: str, value) -> np.ndarray:
    """Return an array as it is, and nested lists as one; TypeError if they are ragged."""
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # the last for a tensor that autograd follows
        ragged = "inhomogeneous" in str(error)
        given = "a ragged list, whose parts differ in length" if ragged else f"{described(value)} ({error})"
        raise TypeError(f"{name} should be an array, but is {given}") from None


def as_real(name: str, array, dtype=None) -> np.ndarray:
    """Return ``array``, in ``dtype`` where one is given; TypeError if it holds no floating-point numbers."""
    array = as_array(name, array)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} should hold floating-point numbers (float32, float64), but has dtype {array.dtype}")
    return array if dtype is None else array.astype(dtype, copy=False)


def as_numbers(name: str, array, dtype=None) -> np.ndarray:
    """Return ``array`` of real numbers, in ``dtype`` where one is given; TypeError if it holds anything else."""
    array = as_array(name, array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} should hold real numbers, but has dtype {array.dtype}")
    return array if dtype is None else array.astype(dtype, copy=False)


def as_whole(name: str, array) -> np.ndarray:
    """Return ``array``; TypeError if it holds anything but whole numbers."""
    array = as_array(name, array)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} should hold whole numbers, but has dtype {array.dtype}")
    return array


def check_tokens(name, tokens, V, mask=True):
    """Return whole numbers from 0 to V - 1, zero where mask is False; TypeError or ValueError for any other."""
    tokens = np.where(mask, as_whole(name, tokens), 0)
    if tokens.size and (tokens.min() < 0 or tokens.max() >= V):
        wrong = tokens[(tokens < 0) | (tokens >= V)][0]
        raise ValueError(f"{name} should lie between 0 and {V - 1}, but holds {wrong}")
    return tokens


def check_trace(trace, kind, layer=None):
    """Return a trace of the class ``kind``; TypeError for anything else, ValueError for one of other sizes.

    A plain tuple of the same parts is a trace too. With ``layer`` its sizes must be the layer's.
    """
    if type(trace) is tuple and len(trace) == len(kind._fields):
        trace = kind(*trace)
    if not isinstance(trace, kind):
        raise TypeError(f"trace should be the {kind.__name__} that forward returned, but is {described(trace)}")
    if layer is not None:
        sizes = (layer.input_size, layer.hidden_size)
        given = tuple(np.shape(part)[-1] for part in (trace.x, trace.hs))
        if given != sizes:
            raise ValueError(f"trace should come from a layer with sizes (D, H) = {sizes}, not {given}")
    return trace


def check_step_number(name: str, k, T: int) -> int:
    """Return the number of one of T steps, counted from 0; TypeError or ValueError for anything else."""
    if not isinstance(k, Integral) or isinstance(k, bool):
        raise TypeError(f"{name} should be a whole number, but is {k!r}")
    number = int(k)
    if not 0 <= number < T:
        raise ValueError(f"{name} should lie between 0 and T - 1 = {T - 1}, but is {number}")
    return number


def check_layer(name: str, layer) -> None:
    """Raise TypeError unless ``layer`` is recurrent: an RNN, GRU, LSTM, Stacked or Bidirectional, or one like them."""
    if isinstance(layer, type) or not all(hasattr(layer, part) for part in ("forward", "input_size", "params")):
        given = f"the class {layer.__name__}" if isinstance(layer, type) else described(layer)
        raise TypeError(f"{name} should be a recurrent layer, but is {given}")


def check_single(name: str, layer) -> None:
    """Raise TypeError unless ``layer`` is one RNN, GRU or LSTM, or one like them: not Stacked, not Bidirectional."""
    check_layer(name, layer)
    if not hasattr(layer, "hidden_size"):
        raise TypeError(f"{name} should be an RNN, GRU or LSTM, but is {described(layer)}")


def check_arrays(name: str, arrays) -> None:
    """Raise TypeError unless ``arrays`` is a dict of arrays that hold floating-point numbers."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"{name} should be a dict of arrays, but is {described(arrays)}")
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name}[{key!r}] should be an array, but is {described(array)}")
        as_real(f"{name}[{key!r}]", array)


def finite(name: str, value):
    """Return a finite real number; TypeError or ValueError for anything else."""
    return check_number(name, value, "be a finite number", math.isfinite)


def at_least_zero(name: str, value):
    """Return a finite number of at least 0; TypeError or ValueError for anything else."""
    return check_number(name, value, "be finite and at least 0", lambda number: 0 <= number < math.inf)
