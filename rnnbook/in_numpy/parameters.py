"""What the three layers share without a base class: parameters, states, lengths, all checked.

A layer's ``params`` is a dict in ``torch.nn``'s order: ``weight_ih (G·H, D)``, ``weight_hh (G·H, H)``,
``bias_ih (G·H,)``, ``bias_hh (G·H,)``, where G is the number of gates' blocks; without bias the last two are
absent.
"""

from collections.abc import Mapping

import numpy as np

from rnnbook.errors import check_flag, check_shape, described
from rnnbook.in_numpy.checks import as_generator, as_real, as_whole, check_arrays, check_dtype


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


def check_sequences(x, lengths, D: int, dtype) -> tuple[np.ndarray, np.ndarray | None]:
    """Return x (T, B, D) in the layer's dtype, and ``inside (T, B, 1)``, True while a sequence lasts.

    What stands past a sequence's end, be it NaN, is never read: it comes back as zero. Without ``lengths``
    every sequence has all T steps, and ``inside`` is None.
    """
    x = as_real("x", x, dtype)
    check_shape("x", x, ("T", "B", D))
    if lengths is None:
        return x, None
    T, B, _ = x.shape
    lengths = as_whole("lengths", lengths)
    check_shape("lengths", lengths, (B,))
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths should lie between 1 and T = {T}, but are {lengths.tolist()}")
    inside = (np.arange(T)[:, None] < lengths)[:, :, None]
    return np.where(inside, x, 0), inside


def check_step(x_t, D: int, dtype) -> np.ndarray:
    """Return one step x_t (B, D) of a stream as a sequence (1, B, D), in the layer's dtype."""
    x_t = as_real("x_t", x_t, dtype)
    check_shape("x_t", x_t, ("B", D))
    return x_t[None]


def check_state(name: str, state, B: int, H: int, dtype) -> np.ndarray:
    """Return one state (B, H) in the layer's dtype; zeros where none is given."""
    return np.zeros((B, H), dtype) if state is None else _check_part(name, state, B, H, dtype)


def check_state_pair(name: str, state, B: int, H: int, dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return the LSTM's state (h, c), each (B, H), in the layer's dtype; zeros where none is given."""
    if state is None:
        return np.zeros((B, H), dtype), np.zeros((B, H), dtype)
    if not isinstance(state, (tuple, list)) or len(state) != 2:
        given = f"{len(state)} of them" if isinstance(state, (tuple, list)) else described(state)
        raise TypeError(f"{name} should be a pair of arrays (h, c), each ({B}, {H}), but is {given}")
    h, c = (_check_part(f"{name}[{k}]", part, B, H, dtype) for k, part in enumerate(state))
    return h, c


def _check_part(name: str, part, B: int, H: int, dtype) -> np.ndarray:
    if part is None or isinstance(part, (tuple, list)):
        raise TypeError(f"{name} should be an array of shape ({B}, {H}), but is {described(part)}")
    part = as_real(name, part, dtype)
    check_shape(name, part, (B, H))
    return part


def check_output_gradient(dhs, T: int, B: int, H: int, dtype, inside=None) -> np.ndarray:
    """Return dhs (T, B, H) in the layer's dtype; zero past a sequence's end, where the output is constant."""
    dhs = as_real("dhs", dhs, dtype)
    check_shape("dhs", dhs, (T, B, H))
    return dhs if inside is None else np.where(inside, dhs, 0)


def outputs(hs: np.ndarray, inside) -> np.ndarray:
    """Return the outputs (T, B, H) for the trace's hs (T + 1, B, H): a copy, zero past a sequence's end."""
    return hs[1:].copy() if inside is None else np.where(inside, hs[1:], 0)


def bias_of(params: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return ``bias_ih`` and ``bias_hh``, zeros where the layer has none."""
    none = np.zeros(len(params["weight_ih"]), params["weight_ih"].dtype)
    return params.get("bias_ih", none), params.get("bias_hh", none)


def join(**parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of several parts in one dict, so that one optimiser and one norm see all of them.

    ``join(layer=layer.params, head=head.params)`` holds ``layer.weight_ih``, …, ``head.bias``: the names that a
    ``torch.nn.Module`` with these parts gives, in the order in which they stand, and the same arrays, not copies. The
    parts' gradients join likewise. Raises TypeError, naming the part, unless it is a dict of arrays.
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

    Raises TypeError or ValueError, naming the parameter, where one is missing, unknown, wrongly shaped, or holds
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
    with np.errstate(over="ignore"):  # a number too large for float32 is told below
        arrays = {name: as_real(name, state[name], value.dtype) for name, value in params.items()}
    for name, array in arrays.items():
        check_shape(name, array, params[name].shape)
        if not np.isfinite(array).all():
            raise ValueError(f"{name} should hold finite numbers, but holds NaN or infinity in {array.dtype}")
    for name, array in arrays.items():
        params[name][...] = array
