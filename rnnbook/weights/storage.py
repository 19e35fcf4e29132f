"""Arrays, and the plain values around them, in one safetensors file, written completely or not at all.

safetensors holds named arrays and a few strings, and nothing in it can be executed when it is read. A nested structure
of dicts, lists, numbers and arrays (an optimiser's state, say) is stored as the arrays plus a string of JSON with the
arrays' names in their places.
"""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np

from rnnbook.errors import described

PLAIN = (bool, int, float, str, type(None))  # what JSON gives back as it was


def write(path, arrays, metadata=None):
    """Write named arrays and strings to ``path``; even if it is killed, the old file or the new one is there."""
    from safetensors.numpy import save

    path = Path(path)
    content = save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # on the disk before it takes the name
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path):
    """Return the named arrays and strings of a safetensors file; ValueError if it is not a complete one."""
    from safetensors import SafetensorError, deserialize

    content = Path(path).read_bytes()
    try:
        found = deserialize(content)
    except SafetensorError as error:
        raise ValueError(f"{path} should be a whole safetensors file, but {_damage(content, error)}") from None
    arrays = {name: _stored(path, name, **item) for name, item in found}
    return arrays, _header(content).get("__metadata__", {})


DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1"}
DTYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8"}


def _stored(path, name, dtype, shape, data):
    """One tensor of a file as an array; bfloat16 becomes float32, whose upper half it is."""
    if dtype not in DTYPES:
        raise ValueError(f"{name} should have a dtype of NumPy, or bfloat16, but has {dtype} in {path}")
    array = np.frombuffer(data, DTYPES[dtype]).reshape(shape)
    if dtype == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.copy()


def is_finite(array):
    """Whether all numbers of an array are finite, no NaN and no infinity; True for numbers that cannot be either."""
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def flatten(value, arrays, name=""):
    """Put every array of a nested structure into ``arrays`` under a name made of its place; return the rest.

    Raises TypeError, naming the place, if a key is neither a string nor a number: it would not come back as it was.
    """
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, PLAIN):
                place = f"{name}/{key}"[1:]
                raise TypeError(f"the key of {place} should be a string or a number, but is {described(key)}")
        return {"dict": [[key, flatten(item, arrays, f"{name}/{key}")] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [flatten(item, arrays, f"{name}/{k}") for k, item in enumerate(value)]}
    if isinstance(value, PLAIN):
        return value
    while name in arrays:  # two places can read alike: the keys 0 and "0", or "a/b" and "b" in "a"
        name += "'"
    arrays[name] = as_array(value)
    return {"tensor" if hasattr(value, "detach") else "array": name}


def unflatten(nest, arrays):
    """Return the structure that ``flatten`` took apart, with PyTorch's tensors as tensors again.

    Where PyTorch is not imported, nothing can ask for tensors, and they become arrays.
    """
    if not isinstance(nest, dict):
        return nest
    ((kind, items),) = nest.items()
    if kind == "dict":
        return {key: unflatten(item, arrays) for key, item in items}
    if kind in ("list", "tuple"):
        values = [unflatten(item, arrays) for item in items]
        return tuple(values) if kind == "tuple" else values
    torch = sys.modules.get("torch") if kind == "tensor" else None
    return arrays[items] if torch is None else torch.from_numpy(arrays[items].copy())


def places_of_nan(value, name=""):
    """Return the places in a nested structure, named as ``flatten`` names its arrays, where a Python float is NaN."""
    if isinstance(value, float):
        return [name] if math.isnan(value) else []
    is_list = isinstance(value, (list, tuple))
    items = value.items() if isinstance(value, dict) else enumerate(value) if is_list else []
    return [place for key, item in items for place in places_of_nan(item, f"{name}/{key}")]


def as_array(value):
    """Return a NumPy array, or a PyTorch tensor from any device, as an array; bfloat16 becomes float32."""
    if not hasattr(value, "detach"):
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    tensor = value.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _header(content):
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size])


def _damage(content, error):
    """Say what is wrong with a file: which tensor is the first to be cut off, if that is the trouble."""
    try:
        header = _header(content)
    except ValueError:
        return f"its head cannot be read ({error})"
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = sorted((item["data_offsets"], name) for name, item in header.items() if name != "__metadata__")
    for (_, end), name in tensors:
        if start + end > len(content):
            return f"ends inside the tensor {name}: {len(content)} bytes, {start + tensors[-1][0][1]} announced"
    return str(error)
