"""Attention: weights over a memory, computed anew for every query; the context is the weighted mean.

::

    e_st = v · tanh(W q_s + U m_t)      additive: AdditiveAttention
    e_st = q_s · m_t,  q_s · W m_t      multiplicative: MultiplicativeAttention, score "dot" or "general"
    α_st = exp(e_st) / Σ_t' exp(e_st')  the weights, over the T steps of the memory
    c_s  = Σ_t α_st m_t                 the context

The memory is usually what an encoder returned for every step, the queries are the states of a decoder. Neither class
fixes which state is the query or where the context goes: in Bahdanau's decoder the query is the *previous* state and
the context enters the cell; in Luong's it is the *current* state and the context goes to the output.
Source: Bahdanau, Cho & Bengio (2015); Luong, Pham & Manning (2015); the scale: Vaswani et al. (2017).
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_choice, check_flag, check_shape, check_size
from rnnbook.in_numpy import parameters, sequences
from rnnbook.in_numpy.checks import as_generator, as_real, check_dtype, check_trace
from rnnbook.in_numpy.functions import softmax


class AttentionTrace(NamedTuple):
    """What ``forward`` stores for ``backward``, with the batch as the first axis."""

    query: np.ndarray  # (B, S, Q)
    memory: np.ndarray  # (B, T, H), zero past a sequence's end
    weights: np.ndarray  # (B, S, T)
    hidden: np.ndarray  # additive: the tanh (B, S, T, A); multiplicative: the keys W m (B, T, Q)


class AdditiveAttention:
    """Attention whose scores come from a small network with one hidden layer: v · tanh(W q + U m).

    ``params``: ``weight_query (A, Q)``, which is W, ``weight_memory (A, H)``, which is U, and ``weight_score (A,)``,
    which is v, drawn with ``rng``, a Generator or a seed, from U(-1/√n, 1/√n), n the length of a row.
    Raises TypeError or ValueError, naming the argument, for a size below one or an unknown dtype.
    Source: Bahdanau, Cho & Bengio (2015), section A.1.2.
    """

    def __init__(self, query_size, memory_size, attention_size, *, dtype=np.float32, rng=None):
        self.query_size = check_size("query_size", query_size)
        self.memory_size = check_size("memory_size", memory_size)
        A = self.attention_size = check_size("attention_size", attention_size)
        shapes = {"weight_query": (A, self.query_size), "weight_memory": (A, self.memory_size), "weight_score": (A,)}
        self.params, self.dtype = _initial_parameters(shapes, dtype, rng), check_dtype(dtype)

    def forward(self, query, memory, lengths=None):
        """Query memory (T, B, H) with query (S, B, Q), S queries per sequence.

        Returns the contexts (S, B, H), the weights (S, B, T), and the trace that
        ``backward`` needs. With ``lengths (B,)`` what is past a memory's end is
        never read and has weight zero. Raises TypeError or ValueError, naming the
        array, if query, memory or lengths do not fit.
        """
        W, U, v = self.params.values()
        q, m, inside = _check_inputs(self, query, memory, lengths)
        hidden = np.tanh((q @ W.T)[:, :, None] + (m @ U.T)[:, None])
        scores = hidden @ v  # eq-attention-additive
        context, weights = _read(scores, m, inside)
        trace = AttentionTrace(q, m, weights, hidden)
        return context.swapaxes(0, 1), weights.swapaxes(0, 1), trace

    def backward(self, dcontext, trace, dweights=None):
        """Carry dcontext (S, B, H), the loss's gradient with respect to the contexts, back to query and memory.

        ``dweights (S, B, T)`` is the gradient with respect to the weights, for a loss that uses them; zeros by default.
        Returns dquery (S, B, Q), dmemory (T, B, H), and ``grads``, with the keys and shapes of ``params``. Raises
        TypeError or ValueError, naming the argument, if one does not fit.
        """
        W, U, v = self.params.values()
        q, m, weights, hidden = _check_trace(self, trace)
        dscores, dm = _read_backward(dcontext, dweights, weights, m)

        da = (1 - hidden**2) * v * dscores[..., None]  # eq-attention-back-additive
        da_query, da_memory = da.sum(axis=2), da.sum(axis=1)  # every query is compared with every step
        grads = {
            "weight_query": _summed_product(da_query, q),
            "weight_memory": _summed_product(da_memory, m),
            "weight_score": np.tensordot(dscores, hidden, 3),
        }
        return (da_query @ W).swapaxes(0, 1), (dm + da_memory @ U).swapaxes(0, 1), grads

    def state_dict(self):
        """Return copies of the parameters, under the names that ``in_torch.AdditiveAttention`` has."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        parameters.load_arrays(self.params, state)


class MultiplicativeAttention:
    """Attention whose scores are products: q · m with ``score="dot"``, q · W m with ``score="general"``.

    ``params``: for "general" ``weight_memory (Q, H)``, which is W, drawn with ``rng``, a Generator or a seed, from
    U(-1/√H, 1/√H); for "dot" none, and Q and H must be equal. ``scaled`` divides the scores by √Q.
    Raises TypeError or ValueError, naming the argument, for a size below one, unequal sizes with "dot", an unknown
    score or dtype, or a ``scaled`` that is neither True nor False.
    Source: Luong, Pham & Manning (2015), equation 8; scaled: Vaswani et al. (2017), equation 1.
    """

    def __init__(self, query_size, memory_size, *, score="general", scaled=False, dtype=np.float32, rng=None):
        self.query_size = check_size("query_size", query_size)
        self.memory_size = check_size("memory_size", memory_size)
        check_choice("score", score, ("dot", "general"))
        if score == "dot" and self.query_size != self.memory_size:
            sizes = f"{self.memory_size} and query_size = {self.query_size}"
            raise ValueError(f'memory_size should equal query_size for score="dot", but memory_size = {sizes}')
        self.score, self.scale = score, self.query_size**-0.5 if check_flag("scaled", scaled) else 1.0
        shapes = {"weight_memory": (self.query_size, self.memory_size)} if score == "general" else {}
        self.params, self.dtype = _initial_parameters(shapes, dtype, rng), check_dtype(dtype)

    def forward(self, query, memory, lengths=None):
        """Query memory (T, B, H) with query (S, B, Q), S queries per sequence.

        Returns the contexts (S, B, H), the weights (S, B, T), and the trace that
        ``backward`` needs. With ``lengths (B,)`` what is past a memory's end is never
        read and has weight zero. Raises TypeError or ValueError, naming the array, if
        query, memory or lengths do not fit.
        """
        q, m, inside = _check_inputs(self, query, memory, lengths)
        keys = m @ self.params["weight_memory"].T if self.params else m
        scores = self.scale * (q @ keys.swapaxes(1, 2))  # eq-attention-general
        context, weights = _read(scores, m, inside)
        return context.swapaxes(0, 1), weights.swapaxes(0, 1), AttentionTrace(q, m, weights, keys)

    def backward(self, dcontext, trace, dweights=None):
        """Carry dcontext (S, B, H), the loss's gradient with respect to the contexts, back to query and memory.

        ``dweights (S, B, T)`` is the gradient with respect to the weights, for a loss that uses them; zeros by default.
        Returns dquery (S, B, Q), dmemory (T, B, H), and ``grads``, with the keys and shapes of ``params``. Raises
        TypeError or ValueError, naming the argument, if one does not fit.
        """
        q, m, weights, keys = _check_trace(self, trace)
        dscores, dm = _read_backward(dcontext, dweights, weights, m)

        dquery = self.scale * (dscores @ keys)  # eq-attention-back-query
        dkeys = self.scale * (dscores.swapaxes(1, 2) @ q)  # eq-attention-back-keys
        grads = {"weight_memory": _summed_product(dkeys, m)} if self.params else {}
        dm += dkeys @ self.params["weight_memory"] if self.params else dkeys
        return dquery.swapaxes(0, 1), dm.swapaxes(0, 1), grads

    def state_dict(self):
        """Return copies of the parameters, under the names that ``in_torch.MultiplicativeAttention`` has."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        parameters.load_arrays(self.params, state)


def _read(scores, m, inside):
    """Return the contexts (B, S, H) and the weights (B, S, T).

    ``scores (B, S, T)`` of the memory ``m (B, T, H)``.
    """
    if inside is not None:
        # exp(-∞) is zero: no weight, and no gradient
        scores = np.where(inside, scores, -np.inf)
    weights = softmax(scores)  # eq-attention-weights
    return weights @ m, weights  # eq-attention-context


def _read_backward(dcontext, dweights, weights, m):
    """Return dscores (B, S, T) and the part of dm (B, T, H) that comes through the mean."""
    (B, S, T), H = weights.shape, m.shape[2]
    dcontext = as_real("dcontext", dcontext, m.dtype)
    check_shape("dcontext", dcontext, (S, B, H))
    dcontext = dcontext.swapaxes(0, 1)
    dm = weights.swapaxes(1, 2) @ dcontext  # eq-attention-back-memory
    dalpha = dcontext @ m.swapaxes(1, 2)  # eq-attention-back-weights
    if dweights is not None:
        dweights = as_real("dweights", dweights, m.dtype)
        check_shape("dweights", dweights, (S, B, T))
        dalpha = dalpha + dweights.swapaxes(0, 1)
    mean = (weights * dalpha).sum(axis=-1, keepdims=True)
    return weights * (dalpha - mean), dm  # eq-attention-back-scores


def _summed_product(da, x):
    """Return Σ da xᵀ over all sequences and steps: a weight's gradient, for da (B, n, A) and x (B, n, H)."""
    return da.reshape(-1, da.shape[-1]).T @ x.reshape(-1, x.shape[-1])


def _initial_parameters(shapes, dtype, rng):
    """Draw each from U(-1/√n, 1/√n), n the length of its rows."""
    rng, dtype = as_generator(rng), check_dtype(dtype)
    return {n: rng.uniform(-1, 1, shape).astype(dtype) * dtype.type(shape[-1] ** -0.5) for n, shape in shapes.items()}


def _check_inputs(layer, query, memory, lengths):
    """Return query (B, S, Q), memory (B, T, H), zero past an end, and inside (B, 1, T), or None without lengths."""
    memory, inside = sequences.check_sequences(memory, lengths, layer.memory_size, layer.dtype, "memory")
    query = as_real("query", query, layer.dtype)
    check_shape("query", query, ("S", memory.shape[1], layer.query_size))
    inside = None if inside is None else inside.transpose(1, 2, 0)
    return query.swapaxes(0, 1), memory.swapaxes(0, 1), inside


def _check_trace(layer, trace):
    """Return the trace's parts; TypeError or ValueError for anything but a trace of this layer's forward."""
    trace = check_trace(trace, AttentionTrace)
    given, sizes = (trace.query.shape[-1], trace.memory.shape[-1]), (layer.query_size, layer.memory_size)
    if given != sizes or trace.hidden.ndim != (4 if "weight_score" in layer.params else 3):
        raise ValueError(f"trace should come from a {type(layer).__name__} with sizes (Q, H) = {sizes}, but does not")
    return trace
