"""What the layers share without a base class: their parameters, drawn, joined, named and loaded.

A layer's ``params`` is a dict in ``torch.nn``'s order: ``weight_ih (G·H, D)``, ``weight_hh (G·H, H)``,
``bias_ih (G·H,)``, ``bias_hh (G·H,)``, where G is the number of gate blocks; without bias the last two are absent.
"""

from collections.abc import Mapping

import numpy as np

from rnnbook.errors import check_flag, check_shape, described
from rnnbook.in_numpy.checks import as_generator, as_real, check_arrays, check_dtype


def initial_parameters(G: int, D: int, H: int, bias: bool, dtype, rng, peephole: bool = False) -> dict[str, np.ndarray]:
    """Draw a layer's parameters from U(-1/√H, 1/√H), the default of ``torch.nn``'s recurrent layers."""
    rng, dtype = as_generator(rng), check_dtype(dtype)
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (G * H, D), "weight_hh": (G * H, H)}
    if check_flag("bias", bias):
        shapes |= {"bias_ih": (G * H,), "bias_hh": (G * H,)}
    if peephole:
        shapes["weight_peephole"] = (3 * H,)
    bound = 1 / np.sqrt(H)
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def bias_of(params: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return ``bias_ih`` and ``bias_hh``, zeros if the layer has none."""
    none = np.zeros(len(params["weight_ih"]), params["weight_ih"].dtype)
    return params.get("bias_ih", none), params.get("bias_hh", none)


def join(**parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of several parts in one dict, so that one optimiser and one norm cover all of them.

    ``join(layer=layer.params, head=head.params)`` holds ``layer.weight_ih``, …, ``head.bias``: the names that a
    ``torch.nn.Module`` with these parts gives, in the same order, and the same arrays, not copies. The parts' gradients
    join likewise. Raises TypeError, naming the part, unless it is a dict of arrays.
    """
    for part, arrays in parts.items():
        check_arrays(part, arrays)
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def torch_name(name: str, k: int = 0) -> str:
    """Return ``torch.nn``'s name of a parameter of the k-th layer: ``weight_ih_l0``, ``weight_ih_l1_reverse``."""
    stem = name.removesuffix("_reverse")
    return f"{stem}_l{k}{name[len(stem) :]}"


def state_dict(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return copies of one layer's parameters under ``torch.nn``'s names."""
    return {torch_name(name): value.copy() for name, value in params.items()}


def load_state_dict(params: dict[str, np.ndarray], state: Mapping) -> None:
    """Copy ``state`` (names of ``torch.nn``, values array-like) into one layer's ``params``, all or nothing."""
    load_arrays({torch_name(name): value for name, value in params.items()}, state)


def load_arrays(params: dict[str, np.ndarray], state: Mapping) -> None:
    """Copy ``state`` into ``params``, which have the same names, all or nothing.

    Raises TypeError or ValueError, naming the parameter, if one is missing, unknown, wrongly shaped, or holds
    something other than finite numbers of the parameter's dtype.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"state should be a dict of arrays, but is {described(state)}")
    for name in params:
        if name not in state:
            raise ValueError(f"{name} is missing from the state dict")
    for name in state:
        if name not in params:
            raise ValueError(f"the state dict holds {name}, which the layer does not have")
    with np.errstate(over="ignore"):  # a number too large for float32 is reported below
        arrays = {name: as_real(name, state[name], value.dtype) for name, value in params.items()}
    for name, array in arrays.items():
        check_shape(name, array, params[name].shape)
        if not np.isfinite(array).all():
            raise ValueError(f"{name} should hold finite numbers, but holds NaN or infinity in {array.dtype}")
    for name, array in arrays.items():
        params[name][...] = array
