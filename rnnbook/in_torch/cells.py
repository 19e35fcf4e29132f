"""One step of each layer, for your own loops: drop-ins for ``torch.nn``'s cells."""

import math

import torch
from torch import nn

from rnnbook.errors import check_flag
from rnnbook.in_torch import gru, lstm, rnn
from rnnbook.in_torch.arguments import CAST, autocasts, check_cell, check_sizes


class _Cell(nn.Module):
    """The parameters of one step, and the step itself, computed by the layer's reference recurrence."""

    gates = 1
    state_names: tuple[str, ...] = ("h",)

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, *_ = check_sizes(input_size, hidden_size, bias=bias)
        self.bias = bias
        shapes = self._shapes()
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        for name in {"bias_ih", "bias_hh"} - shapes.keys():
            self.register_parameter(name, None)
        self.reset_parameters()

    def _shapes(self):
        """The parameters' shapes, in ``torch.nn``'s order."""
        rows = self.gates * self.hidden_size
        shapes = {"weight_ih": (rows, self.input_size), "weight_hh": (rows, self.hidden_size)}
        return shapes | ({"bias_ih": (rows,), "bias_hh": (rows,)} if self.bias else {})

    def reset_parameters(self):
        """Draw every parameter from U(-1/√H, 1/√H)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def _dtype(self, state):
        """The dtype of the new state, which under autocast is, as in ``torch.nn``, that of the state given."""
        return state.dtype

    def extra_repr(self):
        """Return what ``torch.nn`` prints."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")

    def forward(self, input, hx=None):
        """Read one step (B, D) or (D,) from the state hx, zeros if none is given; returns the new state.

        The state is h, or (h, c) for the LSTM, each (B, H) or (H,). Raises ValueError or RuntimeError, as
        ``torch.nn`` does, if the input or hx does not fit the cell, and TypeError if one is not a tensor.
        """
        params = {name: getattr(self, name) for name in self._shapes()}  # what is there now: pruned, tied, computed
        state = check_cell(self, input, hx, params["weight_ih"])
        dtypes = [self._dtype(s) for s in state]
        x = input if input.dim() == 2 else input[None]
        state = [s if input.dim() == 2 else s[None] for s in state]
        if autocasts(x.device.type):  # which mixes no two short dtypes
            state = [s.float() if s.dtype in CAST else s for s in state]
        _, state = self._step(x, tuple(state), params, [x.size(0)])
        state = [(s if input.dim() == 2 else s[0]).to(dtype) for s, dtype in zip(state, dtypes, strict=True)]
        return state[0] if len(state) == 1 else tuple(state)


class RNNCell(_Cell):
    """One step of the basic RNN, with the arguments and returns of ``torch.nn.RNNCell``."""

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, device, dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity should be one of 'tanh', 'relu', but is {nonlinearity!r}")
        self.nonlinearity = nonlinearity

    def _step(self, x, state, params, sizes):
        return rnn.reference(x, state, params, sizes, nonlinearity=self.nonlinearity)

    def _dtype(self, state):
        """The state's dtype; under autocast that of autocast, as in ``torch.nn``."""
        device = state.device.type
        cast = autocasts(device) and state.dtype != torch.float64
        return torch.get_autocast_dtype(device) if cast else state.dtype

    def extra_repr(self):
        """Return what ``torch.nn`` prints."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class GRUCell(_Cell):
    """One step of the GRU, with the arguments and returns of ``torch.nn.GRUCell``; ``reset_after`` as in GRU."""

    gates = 3

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, reset_after=True):
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.reset_after = check_flag("reset_after", reset_after)

    def _step(self, x, state, params, sizes):
        return gru.reference(x, state, params, sizes, reset_after=self.reset_after)

    def extra_repr(self):
        """Return what ``torch.nn`` prints, and the variant if it is not ``torch.nn``'s."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")


class LSTMCell(_Cell):
    """One step of the LSTM, with the arguments and returns of ``torch.nn.LSTMCell``; ``peephole`` as in LSTM.

    It has no ``proj_size``, as ``torch.nn.LSTMCell`` has none.
    """

    gates = 4
    state_names = ("h", "c")

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, peephole=False):
        self.peephole = check_flag("peephole", peephole)
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def _shapes(self):
        return super()._shapes() | ({"weight_peephole": (3 * self.hidden_size,)} if self.peephole else {})

    def _step(self, x, state, params, sizes):
        return lstm.reference(x, state, params, sizes, peephole=self.peephole)

    def extra_repr(self):
        """Return what ``torch.nn`` prints, and the variant if it is not ``torch.nn``'s."""
        return super().extra_repr() + (", peephole=True" if self.peephole else "")
