"""Two small models that show the whole flow: tokens → embedding → layer → linear → loss → backward → clip → step.

``layer`` is an ``RNN``, ``GRU``, ``LSTM``, ``Stacked`` or ``Bidirectional``. A model's ``params`` join those of its
parts under names such as ``layer.weight_ih_l0``, as a ``torch.nn.Module`` with the same parts names them.
"""

from typing import Any, NamedTuple

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.in_numpy.checks import as_array, as_generator, as_real, check_layer, check_trace
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.in_numpy.layers import Embedding, Linear
from rnnbook.in_numpy.optimizers import clip_grad_norm
from rnnbook.in_numpy.parameters import join, load_arrays, torch_name
from rnnbook.in_numpy.stack import Bidirectional, Stacked, output_size


class LanguageModelTrace(NamedTuple):
    """What ``LanguageModel.forward`` stores for ``backward``: the traces of its parts."""

    embedding: np.ndarray  # the tokens, (T, B)
    layer: Any
    head: np.ndarray  # the states that the linear layer read, (T, B, H)


class LanguageModel:
    """Predict every token from those before it: an embedding (V, D), a recurrent layer, a linear layer (V, H).

    ``rng``, a Generator or a seed, draws the embedding and the linear layer. Raises TypeError or ValueError, naming the
    argument.
    """

    def __init__(self, vocabulary_size, layer, *, rng=None):
        check_layer("layer", layer)
        rng = as_generator(rng)
        dtype = next(iter(layer.params.values())).dtype
        self.embedding = Embedding(vocabulary_size, layer.input_size, dtype=dtype, rng=rng)
        self.layer = layer
        self.head = Linear(output_size(layer), vocabulary_size, dtype=dtype, rng=rng)
        self.params = join(embedding=self.embedding.params, layer=_in_torch(layer.params), head=self.head.params)

    def forward(self, tokens, state=None, lengths=None):
        """Read tokens (T, B); returns the next token's logits (T, B, V), the
        layer's last state, and the trace.
        """
        check_shape("tokens", as_array("tokens", tokens), ("T", "B"))
        x, embedding_trace = self.embedding.forward(tokens)
        hs, state, layer_trace = self.layer.forward(x, state, lengths)
        logits, head_trace = self.head.forward(hs)
        trace = LanguageModelTrace(embedding_trace, layer_trace, head_trace)
        return logits, state, trace

    def backward(self, dlogits, trace):
        """Return ``grads``, with the keys of ``params``, for dlogits (T, B, V)."""
        read, layer_trace, head_trace = check_trace(trace, LanguageModelTrace)
        dlogits = as_real("dlogits", dlogits)
        check_shape("dlogits", dlogits, (*read.shape, self.head.out_features))
        dhs, dhead = self.head.backward(dlogits, head_trace)
        dx, _, dlayer = self.layer.backward(dhs, layer_trace)
        _, dembedding = self.embedding.backward(dx, read)
        return join(embedding=dembedding, layer=_in_torch(dlayer), head=dhead)

    def step(self, tokens, state=None):
        """Read one token (B,) of each stream; returns the next one's logits (B, V) and the layer's new state."""
        check_shape("tokens", as_array("tokens", tokens), ("B",))
        x_t, _ = self.embedding.forward(tokens)
        h, state = self.layer.step(x_t, state)
        return self.head.forward(h)[0], state

    def state_dict(self):
        """Return copies of all parameters."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        load_arrays(self.params, state)


class ClassifierTrace(NamedTuple):
    """What ``SequenceClassifier.forward`` stores for ``backward``."""

    layer: Any  # the layer's trace
    head: np.ndarray  # what the linear layer read, (B, H)
    last: np.ndarray  # (B,), the index of each sequence's last step
    shape: tuple  # of the layer's outputs, (T, B, H)


class SequenceClassifier:
    """Classify whole sequences: a recurrent layer, and a linear layer (classes, H) on its last state.

    A layer that reads forwards ends at a sequence's last step, one that reads backwards at its first. ``rng``, a
    Generator or a seed, draws the linear layer. There is no ``step``, since the answer comes only when a sequence has
    ended. Raises TypeError or ValueError, naming the argument.
    """

    def __init__(self, classes, layer, *, rng=None):
        check_layer("layer", layer)
        dtype = next(iter(layer.params.values())).dtype
        self.layer = layer
        self.head = Linear(output_size(layer), classes, dtype=dtype, rng=rng)
        self.params = join(layer=_in_torch(layer.params), head=self.head.params)
        top = layer
        while isinstance(top, Stacked):  # the uppermost layer, however the stacks are nested
            top = top.layers[-1]
        self.forwards = output_size(top.f if isinstance(top, Bidirectional) else top)  # features that read so

    def forward(self, x, lengths=None):
        """Read x (T, B, D), each sequence to its own end; returns the logits (B, classes) and the trace."""
        hs, _, layer_trace = self.layer.forward(x, lengths=lengths)
        T, B, _ = hs.shape
        last = (np.full(B, T) if lengths is None else np.asarray(lengths)) - 1
        ends = np.hstack([hs[last, np.arange(B), : self.forwards], hs[0, :, self.forwards :]])
        logits, head_trace = self.head.forward(ends)
        return logits, ClassifierTrace(layer_trace, head_trace, last, hs.shape)

    def backward(self, dlogits, trace):
        """Return ``grads``, with the keys of ``params``, for dlogits (B, classes)."""
        layer_trace, head_trace, last, shape = check_trace(trace, ClassifierTrace)
        dlogits = as_real("dlogits", dlogits)
        check_shape("dlogits", dlogits, (len(last), self.head.out_features))
        dends, dhead = self.head.backward(dlogits, head_trace)
        dhs = np.zeros(shape, dends.dtype)
        dhs[last, np.arange(shape[1]), : self.forwards] = dends[:, : self.forwards]
        dhs[0, :, self.forwards :] = dends[:, self.forwards :]
        _, _, dlayer = self.layer.backward(dhs, layer_trace)
        return join(layer=_in_torch(dlayer), head=dhead)

    def state_dict(self):
        """Return copies of all parameters."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        load_arrays(self.params, state)


def language_model_step(model, optimizer, tokens, *, state=None, mask=None, max_norm=None):
    """Make one update on tokens (T + 1, B): each is predicted from those before it.

    Returns the loss [nats per token] and the layer's last state, from which the next chunk can continue. ``mask`` (T,
    B) says which predictions count; ``max_norm`` clips the gradient.
    """
    tokens = as_array("tokens", tokens)
    check_shape("tokens", tokens, ("T + 1", "B"))
    logits, state, trace = model.forward(tokens[:-1], state)
    loss, dlogits = cross_entropy(logits, tokens[1:], mask)
    grads = model.backward(dlogits, trace)
    if max_norm is not None:
        clip_grad_norm(grads, max_norm)
    optimizer.step(grads)
    return loss, state


def _in_torch(arrays):
    """Name one layer's arrays as ``torch.nn`` does; a stack's have these names already."""
    named = any("_l0" in name for name in arrays)
    return arrays if named else {torch_name(name): value for name, value in arrays.items()}
