"""Stacked and bidirectional layers, which keep the interface of a single one.

``forward``, ``backward``, ``step``, ``params`` and ``state_dict`` mean what they mean for ``RNN``, ``GRU`` and
``LSTM``; the parameters have the names of ``torch.nn``, such as ``weight_ih_l1_reverse``.
"""

from collections.abc import Iterable
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from rnnbook.errors import described
from rnnbook.in_numpy import parameters, sequences
from rnnbook.in_numpy.checks import check_layer, check_trace


def output_size(layer):
    """Return how many features a layer's outputs have."""
    return getattr(layer, "output_size", None) or layer.hidden_size


class BidirectionalTrace(NamedTuple):
    """What ``Bidirectional.forward`` stores for ``backward``."""

    f: Any  # f's trace
    b: Any  # b's trace
    turn: Any  # the function that reverses each sequence
    shape: tuple  # of the outputs, (T, B, Hf + Hb)
    dtype: np.dtype


class Bidirectional:
    """Two layers read the same sequence, ``f`` from its start and ``b`` from its end; their outputs are concatenated.

    The outputs are (T, B, Hf + Hb), the state is the pair (f's, b's), and the parameters of ``b`` end in
    ``_reverse``. With ``lengths``, ``b`` starts at each sequence's own last step.
    Raises ValueError if the two do not read the same number of features, TypeError if one reads in both directions.
    Source: Schuster & Paliwal (1997); the equations of ``torch.nn`` with ``bidirectional=True``.
    """

    def __init__(self, f, b):
        _check_one_way("f", f)
        _check_one_way("b", b)
        if f.input_size != b.input_size:
            raise ValueError(f"b should have input_size {f.input_size}, as f has, but has {b.input_size}")
        self.f, self.b = f, b
        self.input_size, self.output_size = f.input_size, output_size(f) + output_size(b)

    @property
    def params(self):
        """The parameters of both, those of ``b`` with ``_reverse`` at the end of their names."""
        return self.f.params | {f"{name}_reverse": value for name, value in self.b.params.items()}

    def forward(self, x, state=None, lengths=None):
        """Read x (T, B, D) from the pair of states; returns outputs
        (T, B, Hf + Hb), last states, trace.
        """
        what = "a pair of states, forward and backward"
        state_f, state_b = _parts("state", state, 2, what)
        with _part("state", 0):
            hs_f, last_f, trace_f = self.f.forward(x, state_f, lengths)
        turn = _turn(len(hs_f), lengths)
        with _part("state", 1):
            x_b = turn(np.asarray(x))
            hs_b, last_b, trace_b = self.b.forward(x_b, state_b, lengths)
        hs = np.concatenate([hs_f, turn(hs_b)], axis=2)
        trace = BidirectionalTrace(trace_f, trace_b, turn, hs.shape, hs.dtype)
        return hs, (last_f, last_b), trace

    def backward(self, dhs, trace, dstate=None):
        """Carry dhs (T, B, Hf + Hb) back through time in both directions.

        Returns dx (T, B, D), the gradients with respect to the initial states, and ``grads``.
        """
        trace_f, trace_b, turn, (T, B, H), dtype = check_trace(trace, BidirectionalTrace)
        dstate_f, dstate_b = _parts("dstate", dstate, 2, "a pair of gradients, forward and backward")
        dhs = sequences.check_output_gradient(dhs, T, B, H, dtype)
        dhs_f, dhs_b = np.split(dhs, [output_size(self.f)], axis=2)
        with _part("trace", "f", "."), _part("dstate", 0):
            dx_f, dfirst_f, grads_f = self.f.backward(dhs_f, trace_f, dstate_f)
        with _part("trace", "b", "."), _part("dstate", 1):
            dx_b, dfirst_b, grads_b = self.b.backward(turn(dhs_b), trace_b, dstate_b)
        grads = grads_f | {f"{name}_reverse": grad for name, grad in grads_b.items()}
        return dx_f + turn(dx_b), (dfirst_f, dfirst_b), grads

    def step(self, x_t, state=None):
        """Raise: the backward direction cannot start before the end is known."""
        raise TypeError("a Bidirectional layer cannot read a stream step by step, because b starts at the end")

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn``."""
        return parameters.state_dict(self.params)

    def load_state_dict(self, state):
        """Take every parameter from ``state`` (the names of ``torch.nn``), or none if one does not fit."""
        parameters.load_state_dict(self.params, state)


class Stacked:
    """Layers on top of each other: each reads the outputs of the one below.

    The state is the list of the layers' states; the parameters of the k-th layer, counted from 0, have ``_lk`` in
    their names. Raises ValueError if a layer does not fit the one below.
    Source: ``torch.nn`` with ``num_layers``.
    """

    def __init__(self, layers):
        if not isinstance(layers, Iterable):
            raise TypeError(f"layers should be a list of recurrent layers, but is {described(layers)}")
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers should hold at least one layer, but is empty")
        for k, layer in enumerate(self.layers):
            check_layer(f"layers[{k}]", layer)
        for k, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False), start=1):
            if above.input_size != output_size(below):
                raise ValueError(
                    f"layers[{k}] should have input_size {output_size(below)}, the size of the outputs below, "
                    f"but has {above.input_size}"
                )
        self.input_size, self.output_size = self.layers[0].input_size, output_size(self.layers[-1])

    @property
    def params(self):
        """The parameters of all layers under the names of ``torch.nn``."""
        return _named([layer.params for layer in self.layers])

    def forward(self, x, state=None, lengths=None):
        """Read x (T, B, D) from the list of states; returns the upper outputs
        (T, B, H), last states, trace.
        """
        what = "a list of the layers' states"
        states = _parts("state", state, len(self.layers), what)
        lasts, traces = [], []
        for k, (layer, first) in enumerate(zip(self.layers, states, strict=True)):
            with _part("state", k):
                x, last, trace = layer.forward(x, first, lengths)
            lasts.append(last)
            traces.append(trace)
        return x, lasts, traces

    def backward(self, dhs, trace, dstate=None):
        """Carry dhs (T, B, H) down through the layers.

        Returns dx (T, B, D), the gradients with respect to the initial states, and ``grads``.
        """
        dstates = _parts("dstate", dstate, len(self.layers), "a list of the layers' gradients")
        dfirsts: list = []
        grads: list = []
        traces = _parts("trace", trace, len(self.layers), "the list of the layers' traces that forward returned", list)
        for k, layer in reversed(list(enumerate(self.layers))):
            with _part("trace", k), _part("dstate", k):
                dhs, dfirst, layer_grads = layer.backward(dhs, traces[k], dstates[k])
            dfirsts.insert(0, dfirst)
            grads.insert(0, layer_grads)
        return dhs, dfirsts, _named(grads)

    def step(self, x_t, state=None):
        """Read one step x_t (B, D) of a stream; returns the upper h (B, H) and the new list of states."""
        states = _parts("state", state, len(self.layers), "a list of the layers' states")
        new = []
        for k, (layer, layer_state) in enumerate(zip(self.layers, states, strict=True)):
            with _part("state", k):
                x_t, layer_state = layer.step(x_t, layer_state)
            new.append(layer_state)
        return x_t, new

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn``."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state`` (the names of ``torch.nn``), or none if one does not fit."""
        parameters.load_arrays(self.params, state)


def _check_one_way(name, layer):
    """Raise TypeError unless ``layer`` is recurrent and reads in one direction: ``_reverse`` is for the other."""
    check_layer(name, layer)
    if any(parameter.endswith("_reverse") for parameter in layer.params):
        raise TypeError(f"{name} should read in one direction, but is {described(layer)}, which reads in both")


def _named(by_layer):
    """Join the layers' dicts under ``torch.nn``'s names."""
    return {parameters.torch_name(name, k): value for k, d in enumerate(by_layer) for name, value in d.items()}


def _parts(name, state, count, what, kinds=(tuple, list)):
    """Return the ``count`` parts of a state or a trace; if no state is given, each is None."""
    if state is None and name != "trace":
        return [None] * count
    if not isinstance(state, kinds) or len(state) != count:
        given = f"has {len(state)}" if isinstance(state, kinds) else f"is {described(state)}"
        raise TypeError(f"{name} should be {what}, {count} in all, but {given}")
    return state


@contextmanager
def _part(name, k, mark="[]"):
    """Make an error about one layer's state say whose it is: ``state[1]`` instead of ``state``, or ``trace.f``."""
    try:
        yield
    except (TypeError, ValueError) as error:
        rest = str(error).removeprefix(name)
        if not (str(error).startswith(name) and rest[:1] in (" ", "[", ".")):
            raise
        raise type(error)(f"{name}{mark[0]}{k}{mark[1:]}{rest}") from None


def _turn(T, lengths):
    """Return the function that reverses each sequence of (T, B, …) within its length;
    it is its own inverse."""
    if lengths is None:
        return lambda sequences: sequences[::-1]
    t, lengths = np.arange(T)[:, None], np.asarray(lengths).astype(int)
    source = np.where(t < lengths, lengths - 1 - t, t)  # (T, B); the padding stays
    source = source[:, :, None]
    return lambda sequences: np.take_along_axis(sequences, source, axis=0)
