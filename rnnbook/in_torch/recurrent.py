"""What RNN, GRU and LSTM share: parameters, layers, directions, packing, and the interface for a recurrence.

A recurrence is one function with one signature, however it computes::

    hs, state = recurrence(x, state, params, sizes, **options)

``x (N, D)`` holds the rows of all steps, one step after another, as a ``PackedSequence`` does; ``sizes`` lists how many
sequences are still running at each step, never growing, so ``N = sum(sizes)``. ``state`` is the tuple ``(h,)`` or ``(h,
c)`` before the first step, each (B, H). It returns h after every step, (N, H), and each sequence's final state.
"""

import math
import numbers
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from rnnbook.errors import check_choice, check_flag
from rnnbook.in_torch import by_hand
from rnnbook.in_torch.arguments import autocasts, check_input, check_packed, check_params, check_sizes, check_state
from rnnbook.in_torch.choice import IMPLEMENTATIONS, choose


class Recurrent(nn.RNNBase):
    """The part of ``torch.nn.RNNBase`` that is not the recurrence; not used on its own.

    A subclass names its ``mode``, its number of ``gates`` and ``state_names``, its ``reference`` recurrence, and
    ``by_hand(name)``, which returns the functions of another implementation. ``implementation`` is the one requested,
    ``ran`` the one that the last forward pass used (None before the first). There is no ``step``, as in ``torch.nn``:
    read a stream with ``forward``, passing its state on as ``hx``, or with a cell that has the same weights.
    """

    gates = 1  # blocks of hidden_size rows in weight_ih and weight_hh
    state_names: tuple[str, ...] = ("h",)
    reference: Callable
    by_hand: Callable

    def __init__(
        self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, proj_size=0, device=None, dtype=None, *, implementation="auto",
    ):  # fmt: skip
        nn.Module.__init__(self)
        input_size, hidden_size, num_layers, proj_size = check_sizes(
            input_size, hidden_size, num_layers, bias, batch_first, proj_size
        )
        check_choice("implementation", implementation, ("auto", *IMPLEMENTATIONS))
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(f"dropout should be a number in range [0, 1], but is {dropout!r}")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout acts between recurrent layers, so non-zero dropout expects num_layers greater than "
                f"1, but got dropout={dropout} and num_layers=1", stacklevel=3,
            )  # fmt: skip
        if proj_size and implementation not in ("auto", "reference"):
            raise ValueError(
                f"implementation should be 'reference' where proj_size is not 0, but is {implementation!r}"
            )
        self.mode, self.implementation, self.ran = mode, implementation, None
        self.input_size, self.hidden_size, self.proj_size = input_size, hidden_size, proj_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional = float(dropout), check_flag("bidirectional", bidirectional)
        self._names = []  # of the parameters of each layer and direction: its recurrence's names, and the layer's
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if self.bidirectional else ("",):
                shapes = self._shapes(layer)
                self._names.append({name: f"{name}_l{layer}{suffix}" for name in shapes})
                for name, shape in shapes.items():
                    tensor = torch.empty(shape, device=device, dtype=dtype)
                    setattr(self, self._names[-1][name], nn.Parameter(tensor))
        self.reset_parameters()

    def _shapes(self, layer):
        """The shapes of one layer's parameters in one direction, in ``torch.nn``'s order."""
        rows, out = self.gates * self.hidden_size, self.proj_size or self.hidden_size
        read = self.input_size if layer == 0 else out * (2 if self.bidirectional else 1)
        shapes = {"weight_ih": (rows, read), "weight_hh": (rows, out)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (out, self.hidden_size)
        return shapes

    # RNNBase's list of the weights is not kept beside the module's own
    __setattr__ = nn.Module.__setattr__  # type: ignore[assignment]
    _apply = nn.Module._apply
    __getstate__, __setstate__ = object.__getstate__, nn.Module.__setstate__
    _replicate_for_data_parallel = nn.Module._replicate_for_data_parallel

    @property
    def _all_weights(self):
        """The names of the parameters, one list for each layer and direction, as programs read them from RNNBase."""
        return [list(names.values()) for names in self._names]

    @property
    def _flat_weights_names(self):
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self):
        """The parameters under their names as they are now; writing into this list changes nothing."""
        return [getattr(self, name) for name in self._flat_weights_names]

    def reset_parameters(self):
        """Draw every parameter from U(-1/√H, 1/√H)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self):
        """Do nothing: ``torch.nn`` lays its weights out for cuDNN here, which this layer does not use."""

    @property
    def all_weights(self):
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def extra_repr(self):
        """Return what ``torch.nn`` prints, and the implementation if one was requested.

        That leaves out the nonlinearity of an RNN, which a cell prints.
        """
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        usual |= {"bidirectional": False, "implementation": "auto"}
        values = {name: getattr(self, name) for name in usual}
        changed = [f"{name}={value}" for name, value in values.items() if value != usual[name]]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])

    def _options(self):
        """The keyword arguments that choose this layer's variant of its recurrence."""
        return {}

    def forward(self, input, hx=None):
        """Read a sequence (T, B, D), (B, T, D) if ``batch_first``, (T, D), or a ``PackedSequence``.

        ``hx`` is the initial state, zeros if none is given: (layers · directions, B, H), without B for an
        unbatched input. Returns h of the last layer after every step, in the form of the input, and the last
        state of every layer and direction. Raises RuntimeError or ValueError, as ``torch.nn`` does, if the
        input or hx does not fit the layer.
        """
        if torch.compiler.is_dynamo_compiling() and self.implementation != "reference":
            return by_hand.outside_the_graph()(self, input, hx)
        if isinstance(input, torch.fx.Proxy):  # torch.fx takes torch.nn's layers as one node, too
            return input.tracer.create_proxy("call_module", input.tracer.path_of_module(self), (input, hx), {})
        packed = isinstance(input, PackedSequence)
        x, order = (input.data, input.sorted_indices) if packed else (input, None)
        own = self._parameters  # the short way to a weight that is not computed
        params = [
            {name: own[here] if here in own else getattr(self, here) for name, here in names.items()}
            for names in self._names
        ]
        check_input(self, x, params[0]["weight_ih"], packed)
        batched = packed or x.dim() == 3
        if packed:
            sizes = input.batch_sizes.tolist()
            check_packed(sizes, x.size(0))
        else:
            x = x.unsqueeze(1) if not batched else x.transpose(0, 1) if self.batch_first else x
            T, B, D = x.shape
            sizes, x = [B] * T, x.reshape(T * B, D)
        states = self._initial_states(x, hx, sizes[0], batched, order)

        y, state = self._layers(x, states, params, sizes)

        if packed:
            if input.unsorted_indices is not None:
                state = [s.index_select(1, input.unsorted_indices) for s in state]
            y = PackedSequence(y, input.batch_sizes, order, input.unsorted_indices)
        else:
            y = y.view(T, B, y.size(1))
            y = y.squeeze(1) if not batched else y.transpose(0, 1) if self.batch_first else y
            state = state if batched else [s.squeeze(1) for s in state]
        return y, state[0] if len(state) == 1 else tuple(state)

    def _initial_states(self, x, hx, B, batched, order):
        """The initial state of every layer and direction, a tuple of (B, H), checked; zeros if none is given."""
        rows, widths = len(self._names), {"h": self.proj_size or self.hidden_size, "c": self.hidden_size}
        if hx is None:
            h = x.new_zeros(B, widths["h"])
            return [(h,) if len(self.state_names) == 1 else (h, x.new_zeros(B, widths["c"]))] * rows
        batch = (B,) if batched else ()
        state = check_state(hx, {name: (rows, *batch, widths[name]) for name in self.state_names}, x)
        if not batched:
            state = [s.unsqueeze(1) for s in state]
        if order is not None:
            state = [s.index_select(1, order) for s in state]
        return [tuple([s[k] for s in state]) for k in range(rows)]

    def _layers(self, x, states, params, sizes):
        """Run every layer in every direction; returns y (N, directions · H) and the last
        states, each (layers · directions, B, H).
        """
        ended = []
        for layer in range(self.num_layers):
            if layer > 0:
                x = F.dropout(x, self.dropout, self.training)
            read = []
            for backwards in (False, True) if self.bidirectional else (False,):
                k, rows = len(ended), reverse(x, sizes) if backwards else x
                hs, last = self._run(rows, states[k], params[k], sizes)
                read.append(reverse(hs, sizes) if backwards else hs)
                ended.append(last)
            x = torch.cat(read, dim=1) if self.bidirectional else read[0]
        return x, [torch.stack(s) if len(s) > 1 else s[0][None] for s in zip(*ended, strict=True)]

    def _run(self, x, state, params, sizes):
        """Run one recurrence; under autocast as a whole in autocast's dtype, on every device, as cuDNN does."""
        device = x.device.type
        if autocasts(device) and x.dtype != torch.float64:
            dtype = torch.get_autocast_dtype(device)
            x, state = x.to(dtype), tuple(s.to(dtype) for s in state)
            params = {name: p.to(dtype) for name, p in params.items()}
            with torch.autocast(device, enabled=False):
                return self._run(x, state, params, sizes)
        check_params(params, x)
        options = self._options()
        ran = choose(self.implementation, x, state, params, options)
        if ran != self.ran:  # a module takes longer to set an attribute than to look one up
            self.ran = ran
        if ran == "reference":
            return self.reference(x, state, params, sizes, **options)
        return by_hand.recur(self.by_hand(ran), self.reference, x, state, params, sizes, options)


def reverse(x, sizes):
    """Return the rows x (N, D) with every sequence read from its own end to its
    beginning.
    """
    T, B = len(sizes), sizes[0]
    if sizes[-1] == B:
        return torch.cat(x.split(sizes)[::-1])
    size = torch.tensor(sizes)
    step = torch.arange(T).repeat_interleave(size)
    start = size.cumsum(0) - size
    row = torch.arange(len(step)) - start[step]  # the sequence of each row
    length = (size[:, None] > torch.arange(B)).sum(0)
    return x.index_select(0, (start[length[row] - 1 - step] + row).to(x.device))
