"""The checks of the layers' arguments: the exceptions of ``torch.nn``, in sentences that say what was given."""

import operator
from itertools import pairwise

import torch

from rnnbook.errors import described

CAST = frozenset({torch.float32, torch.bfloat16, torch.float16})  # what autocast brings to its own dtype


def check_sizes(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, proj_size=0):
    """Return the four sizes as ints; TypeError or ValueError, as ``torch.nn``'s constructors, naming the argument."""
    for name, value in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, but is {value!r}")
    given = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers, "proj_size": proj_size}
    sizes = {name: whole(name, value) for name, value in given.items()}
    proj_size = sizes.pop("proj_size")
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} should be at least 1, but is {size}")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"proj_size should lie between 0 and {hidden_size - 1}, but is {proj_size}")
    return *sizes.values(), proj_size


def whole(name, value):
    """Return a whole number, Python's or NumPy's, as an int; TypeError for anything else, such as True or 2.0."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise TypeError(f"{name} should be of type int, but is {value!r}")


def autocasts(device):
    """Whether autocast is on for this type of device; some, such as ``meta``, have none."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def fit(one, other, device):
    """Whether tensors of these two dtypes go together: equal ones, or autocast, if it is on, brings both to its own."""
    return one == other or (autocasts(device) and {one, other} <= CAST)


def check_tensor(name, value):
    """Raise TypeError, saying what was given, unless ``value`` is a tensor."""
    if not isinstance(value, torch.Tensor):
        advice = "; torch.as_tensor makes one" if hasattr(value, "__array__") else ""
        raise TypeError(f"{name} should be a tensor, but is {described(value)}{advice}")


def check_fits_weights(x, weight, error=ValueError):
    """Raise unless x has the dtype and the device of the weights; ``error`` is what ``torch.nn`` raises for a dtype."""
    if not fit(x.dtype, weight.dtype, x.device.type):
        raise error(f"input should have the weights' dtype {weight.dtype}, but has dtype {x.dtype}")
    if x.device != weight.device:
        raise RuntimeError(f"input should be on the weights' device {weight.device}, but is on {x.device}")


def check_params(params, x):
    """Raise RuntimeError unless all parameters have the dtype and the device of x; C would read other numbers."""
    for name, p in params.items():
        if p.dtype != x.dtype or p.device != x.device:
            raise RuntimeError(
                f"{name} should have the input's dtype {x.dtype}, on {x.device}, but has dtype {p.dtype}, on {p.device}"
            )


def check_packed(sizes, N):
    """Raise RuntimeError unless the batch sizes of a PackedSequence of N rows never grow, and add up to N."""
    if sum(sizes) != N or sizes[-1] < 1 or any(later > size for size, later in pairwise(sizes)):
        raise RuntimeError(f"batch_sizes should never grow, and add up to the {N} rows of the data, but are {sizes}")


def check_input(layer, x, weight, packed):
    """Raise what ``torch.nn`` raises if the data x do not fit the layer: dimensions, size, dtype."""
    check_tensor("input", x)
    D, shape = layer.input_size, x.shape
    dimensions = len(shape)
    if dimensions not in ((2,) if packed else (2, 3)) or shape[-1] != D:
        first = "B, T" if layer.batch_first else "T, B"
        form = f"(N, {D}) in a PackedSequence" if packed else f"({first}, {D}) or (T, {D})"
        error = RuntimeError if packed or dimensions in (2, 3) else ValueError
        raise error(f"input should have shape {form}, but has shape {tuple(shape)}")
    if shape[1 if layer.batch_first and dimensions == 3 else 0] == 0:
        raise RuntimeError(f"input should have at least one step, but has shape {tuple(shape)}")
    check_fits_weights(x, weight)


def check_state(hx, shapes, x, dimensions=None):
    """Return the states in ``hx`` as a list; TypeError or RuntimeError if one is not what ``shapes`` says by name.

    ValueError if the number of dimensions is not ``dimensions``, where that is given.
    """
    names = list(shapes)
    if len(names) == 1:
        states = [hx]
    else:
        if not isinstance(hx, (tuple, list)) or len(hx) != len(names):
            came = f"has {len(hx)} parts" if isinstance(hx, (tuple, list)) else f"is a {type(hx).__name__}"
            raise RuntimeError(f"hx should be the pair ({', '.join(names)}), but {came}")
        states = list(hx)
    for name, s in zip(names, states, strict=True):
        called = "hx" if len(names) == 1 else f"{name} in hx"
        check_tensor(called, s)
        if s.shape != shapes[name]:
            error = ValueError if dimensions is not None and s.dim() not in dimensions else RuntimeError
            raise error(f"{called} should have shape {shapes[name]}, but has shape {tuple(s.shape)}")
        if not fit(s.dtype, x.dtype, x.device.type):
            raise RuntimeError(f"{called} should have the input's dtype {x.dtype}, but has dtype {s.dtype}")
        if s.device != x.device:
            raise RuntimeError(f"{called} should be on the input's device {x.device}, but is on {s.device}")
    return states


def check_cell(cell, x, hx, weight):
    """Return the list of states of a cell's step; TypeError, ValueError or RuntimeError if x or hx is wrong."""
    check_tensor("input", x)
    D = cell.input_size
    sentence = f"input should have shape (B, {D}) or ({D},), but has shape {tuple(x.shape)}"
    if x.dim() not in (1, 2):
        raise ValueError(sentence)
    if x.size(-1) != D:
        raise RuntimeError(sentence)
    check_fits_weights(x, weight, RuntimeError)
    shape = (*x.shape[:-1], cell.hidden_size)
    if hx is None:
        return [x.new_zeros(shape) for _ in cell.state_names]
    return check_state(hx, dict.fromkeys(cell.state_names, shape), x, dimensions=(1, 2))
