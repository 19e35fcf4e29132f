"""What the three layers share without a base class: parameters, states, lengths, all checked.

A layer's ``params`` is a dict in ``torch.nn``'s order: ``weight_ih (G·H, D)``, ``weight_hh (G·H, H)``,
``bias_ih (G·H,)``, ``bias_hh (G·H,)``, where G is the number of gates' blocks; without bias the last two are
absent.
"""

from collections.abc import Mapping

import numpy as np

from rnnbook.errors import check_shape


def initial_parameters(G: int, D: int, H: int, bias: bool, dtype, rng, peephole: bool = False) -> dict[str, np.ndarray]:
    """Draw a layer's parameters from U(-1/√H, 1/√H), the default of ``torch.nn``'s recurrent layers."""
    rng = np.random.default_rng() if rng is None else rng
    dtype = check_dtype(dtype)
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (G * H, D), "weight_hh": (G * H, H)}
    if bias:
        shapes |= {"bias_ih": (G * H,), "bias_hh": (G * H,)}
    if peephole:
        shapes["weight_peephole"] = (3 * H,)
    bound = 1 / np.sqrt(H)
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def check_dtype(dtype) -> np.dtype:
    """Return float32 or float64; TypeError for any other."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype should be float32 or float64, but is {np.dtype(dtype)}")
    return np.dtype(dtype)


def as_real(name: str, array, dtype=None) -> np.ndarray:
    """Return ``array``, in ``dtype`` where one is given; TypeError where it holds no floating-point numbers."""
    array = np.asarray(array)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} should hold floating-point numbers (float32, float64), but has dtype {array.dtype}")
    return array if dtype is None else array.astype(dtype, copy=False)


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
    lengths = np.asarray(lengths)
    if not np.issubdtype(lengths.dtype, np.integer):
        raise TypeError(f"lengths should hold whole numbers, but has dtype {lengths.dtype}")
    check_shape("lengths", lengths, (B,))
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths should lie between 1 and T = {T}, but are {lengths.tolist()}")
    inside = (np.arange(T)[:, None] < lengths)[:, :, None]
    return np.where(inside, x, 0), inside


def check_state(name: str, state, B: int, H: int, dtype) -> np.ndarray:
    """Return one state (B, H) in the layer's dtype; zeros where none is given."""
    if state is None:
        return np.zeros((B, H), dtype)
    if isinstance(state, (tuple, list)):
        raise TypeError(f"{name} should be an array of shape ({B}, {H}), but is a {type(state).__name__}")
    state = as_real(name, state, dtype)
    check_shape(name, state, (B, H))
    return state


def check_state_pair(name: str, state, B: int, H: int, dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return the LSTM's state (h, c), each (B, H), in the layer's dtype; zeros where none is given."""
    if state is None:
        return np.zeros((B, H), dtype), np.zeros((B, H), dtype)
    if not isinstance(state, (tuple, list)) or len(state) != 2:
        given = f"{len(state)} of them" if isinstance(state, (tuple, list)) else f"a {type(state).__name__}"
        raise TypeError(f"{name} should be a pair of arrays (h, c), each ({B}, {H}), but is {given}")
    h, c = (check_state(f"{name}[{k}]", part, B, H, dtype) for k, part in enumerate(state))
    return h, c


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

    Raises ValueError, naming the parameter, where one is missing, unknown or wrongly shaped.
    """
    for name in params:
        if name not in state:
            raise ValueError(f"{name} is missing from the state dict")
    for name in state:
        if name not in params:
            raise ValueError(f"the state dict holds {name}, which the layer does not have")
    arrays = {name: as_real(name, state[name], value.dtype) for name, value in params.items()}
    for name, array in arrays.items():
        check_shape(name, array, params[name].shape)
    for name, array in arrays.items():
        params[name][...] = array
