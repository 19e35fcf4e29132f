"""What the layers share without a base class: checks of incoming sequences and states, and the outputs.

Sequences of unequal lengths are side by side in x (T, B, D); what is past the end of one is never read.
"""

import numpy as np

from rnnbook.errors import check_shape, described
from rnnbook.in_numpy.checks import as_real, as_whole


def check_sequences(x, lengths, D: int, dtype, name: str = "x") -> tuple[np.ndarray, np.ndarray | None]:
    """Return x (T, B, D) in the layer's dtype, and ``inside (T, B, 1)``, True while a sequence lasts.

    What is past a sequence's end, even NaN, is never read: it is returned as zero. Without ``lengths``
    every sequence has all T steps, and ``inside`` is None. ``name`` is what error messages call x.
    """
    x = as_real(name, x, dtype)
    check_shape(name, x, ("T", "B", D))
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
    """Return one state (B, H) in the layer's dtype; zeros if none is given."""
    return np.zeros((B, H), dtype) if state is None else _check_part(name, state, B, H, dtype)


def check_state_pair(name: str, state, B: int, H: int, dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return the LSTM's state (h, c), each (B, H), in the layer's dtype; zeros if none is given."""
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
