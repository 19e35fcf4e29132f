"""Weights in files: ``save`` and ``load`` for every layer and model of both versions, and for ``torch.nn``'s.

A file is a safetensors file with the names and shapes of ``torch.nn``'s state dicts, so that it fits
``in_numpy``, ``in_torch`` and ``torch.nn`` alike. No file is read with pickle.
"""

import sys

import numpy as np

from rnnbook.weights import storage


def save(layer, path):
    """Write the ``state_dict()`` of ``layer`` to ``path``; even if it is killed, it never leaves half a file.

    Raises ValueError, naming the tensor, if a parameter is not finite, and leaves an older file as it was.
    """
    arrays = {name: storage.as_array(value) for name, value in layer.state_dict().items()}
    parameters = dict(layer.named_parameters()) if hasattr(layer, "named_parameters") else arrays
    for name, array in arrays.items():
        if name in parameters and not storage.is_finite(array):
            raise ValueError(f"{name} should hold finite numbers, but holds NaN or infinity")
    storage.write(path, arrays)


def load(layer, path):
    """Fill ``layer`` with the weights in ``path``, of any precision, and return it.

    Raises ValueError, naming the tensor, if one is missing, unknown, wrongly shaped, of another kind of number, cut
    off, too large for the layer's own dtype or, in it, not finite, and leaves the layer as it was. Where the layer
    itself holds infinity (in a mask, say) the file may too.
    """
    arrays, _ = storage.read(path)
    own = layer.state_dict()
    check_fits(arrays, own, path)
    layer.load_state_dict({name: _in_dtype_of(own[name], array) for name, array in arrays.items()})
    return layer


def check_fits(arrays, own, path):
    """Raise ValueError unless ``arrays``, read from ``path``, fit the names, shapes and dtypes of ``own``."""
    for name in own:
        if name not in arrays:
            raise ValueError(f"{path} should hold the tensor {name}, but does not")
    for name, array in arrays.items():
        if name not in own:
            raise ValueError(f"{path} holds the tensor {name}, which the layer does not have")
        if array.shape != tuple(own[name].shape):
            raise ValueError(
                f"{name} should have shape {tuple(own[name].shape)}, but has shape {array.shape} in {path}"
            )
        mine = storage.as_array(own[name])
        if _kind(array) != _kind(mine):
            raise ValueError(f"{name} should hold numbers like {mine.dtype}, but holds {array.dtype} in {path}")
        there = storage.as_array(_in_dtype_of(own[name], array))
        wrong = array[there != array if _kind(array) == "i" else ~np.isfinite(there) & (array != mine)]
        if not storage.is_finite(wrong):
            raise ValueError(f"{name} should hold finite numbers, but holds NaN or infinity in {path}")
        if wrong.size:
            raise ValueError(
                f"{name} should hold numbers that fit in {own[name].dtype}, but holds {wrong[0]} in {path}"
            )


def _kind(array):
    """The kind of an array's numbers: "f", "c" for complex ones, and "i" for whole ones, True and False among them."""
    return "i" if array.dtype.kind in "biu" else array.dtype.kind


def _in_dtype_of(value, array):
    """The array as an array or a tensor, whichever ``value`` is, in its dtype.

    What is too large for it becomes infinite, and a whole number wraps.
    """
    if hasattr(value, "detach"):
        return sys.modules["torch"].from_numpy(array).to(value.dtype)
    with np.errstate(over="ignore"):
        return array.astype(value.dtype)
