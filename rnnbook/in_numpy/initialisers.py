"""Alternatives to initial values from U(-1/√H, 1/√H): each function writes into a layer's parameters and returns the
layer.

They act on one ``RNN``, ``GRU`` or ``LSTM``; ``rng`` is a Generator or a seed. The number of blocks follows from a
matrix's shape. Each raises TypeError or ValueError, naming the argument, before it writes anything.
"""

import numpy as np

from rnnbook.errors import check_number, check_size, described
from rnnbook.in_numpy.checks import as_generator, finite


def uniform(layer, rng, bound=None):
    """Draw every parameter from U(-bound, bound); ``bound`` is 1/√H by default, as in ``torch.nn``."""
    bound, rng = 1 / np.sqrt(_hidden_size(layer)) if bound is None else bound, as_generator(rng)
    check_number("bound", bound, "be at least 0", lambda bound: 0 <= bound < np.inf)
    _check_fits("bound", bound, layer)
    for value in layer.params.values():
        value[...] = rng.uniform(-bound, bound, value.shape)
    return layer


def orthogonal(layer, rng, gain=1.0):
    """Make every block of W_hh a random orthogonal matrix times ``gain``: it rotates h and keeps its length.

    Drawn uniformly, by the QR decomposition of a normal matrix with the signs of R's diagonal corrected.
    Source: Saxe, McClelland & Ganguli (2014); the factorisation of ``torch.nn.init.orthogonal_``.
    """
    H, rng, gain = _hidden_size(layer), as_generator(rng), _check_fits("gain", finite("gain", gain), layer)
    for block in layer.params["weight_hh"].reshape(-1, H, H):
        q, r = np.linalg.qr(rng.normal(size=(H, H)))
        block[...] = gain * q * np.sign(np.diag(r))
    return layer


def identity(layer, gain=1.0):
    """Make every block of W_hh the identity times ``gain`` and every bias zero.

    On a basic RNN with relu this is the IRNN: at first it keeps what it has read.
    Source: Le, Jaitly & Hinton (2015).
    """
    H, gain = _hidden_size(layer), _check_fits("gain", finite("gain", gain), layer)
    layer.params["weight_hh"].reshape(-1, H, H)[...] = gain * np.eye(H)
    for name in layer.params.keys() & {"bias_ih", "bias_hh"}:
        layer.params[name][...] = 0
    return layer


def forget_bias(layer, value=1.0):
    """Set the bias of an LSTM's forget gate to ``value``, all of it in ``bias_ih``.

    A bias b makes the gate σ(b) at the start, so that c loses half of itself in about ln 2 / -ln σ(b) steps.
    Source: Gers, Schmidhuber & Cummins (2000); Jozefowicz, Zaremba & Sutskever (2015).
    """
    b_ih, b_hh = _lstm_biases("forget_bias", layer)
    b_ih[1], b_hh[1] = _check_fits("value", finite("value", value), layer), 0
    return layer


def chrono(layer, longest, rng):
    """Spread an LSTM's memory over all time scales up to ``longest`` steps, two or more.

    The forget gate's bias is ln u with u from U(1, longest - 1), the input gate's is its negative: a unit with bias ln
    u keeps what it holds for about u steps. Source: Tallec & Ollivier (2018).
    """
    b_ih, b_hh = _lstm_biases("chrono", layer)
    if check_size("longest", longest) < 2:
        raise ValueError(f"longest should be at least 2, but is {longest}")
    b_ih[1] = np.log(as_generator(rng).uniform(1, longest - 1, layer.hidden_size))
    b_ih[0] = -b_ih[1]
    b_hh[:2] = 0
    return layer


def _lstm_biases(name, layer):
    """Return the biases as (4, H), rows i, f, g, o; ValueError for a layer that is not an LSTM or has no biases."""
    H = _hidden_size(layer)
    if len(layer.params["weight_hh"]) != 4 * H or "bias_ih" not in layer.params:
        given = type(layer).__name__ + ("" if "bias_ih" in layer.params else " without bias")
        raise ValueError(f"{name} needs an LSTM with bias, but was given a layer {given}")
    return layer.params["bias_ih"].reshape(4, H), layer.params["bias_hh"].reshape(4, H)


def _check_fits(name, value, layer):
    """Return a finite number; ValueError if it is too large for the dtype of the layer's parameters."""
    dtype = layer.params["weight_hh"].dtype
    if abs(value) > float(np.finfo(dtype).max):
        raise ValueError(f"{name} should fit in {dtype}, but is {value!r}")
    return value


def _hidden_size(layer):
    """Return H of an RNN, GRU or LSTM; TypeError for anything else."""
    if not hasattr(layer, "hidden_size") or "weight_hh" not in getattr(layer, "params", ()):
        raise TypeError(f"layer should be an RNN, GRU or LSTM, but is {described(layer)}")
    return layer.hidden_size
