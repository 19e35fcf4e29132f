"""From one sequence to another: an encoder that reads, a decoder that writes, and optional attention between them.

::

    m_t, h_T = encoder(x_1 … x_T)               the memory, and the state that the decoder begins with
    s_j      = decoder(y_{j-1}, s_{j-1})        one step for each token written
    c_j      = Σ_t α_jt m_t                     the context, by attention with s_j as the query
    h̃_j      = tanh(W_c [c_j; s_j] + b_c)       without attention h̃_j is s_j
    logits_j = W_y h̃_j + b_y

Source: Cho et al. (2014), Sutskever, Vinyals & Le (2014); with attention Luong, Pham & Manning (2015), without their
input feeding.
"""

from typing import Any, NamedTuple

import numpy as np

from rnnbook.errors import check_shape, check_size, described
from rnnbook.in_numpy.checks import as_array, as_generator, as_real, check_single, check_tokens, check_trace
from rnnbook.in_numpy.layers import Embedding, Linear
from rnnbook.in_numpy.parameters import join, load_arrays, torch_name


class EncoderDecoderTrace(NamedTuple):
    """What ``EncoderDecoder.forward`` stores for ``backward``: the traces of its parts."""

    source: np.ndarray  # (T, B)
    encoder: Any
    said: np.ndarray  # (S, B)
    decoder: Any
    attention: Any  # None without attention, like the next
    combined: np.ndarray | None  # h̃ (S, B, H)
    combine: np.ndarray | None  # what it was combined from, (S, B, 2H)
    head: np.ndarray  # what the last layer read, (S, B, H)


class EncoderDecoder:
    """Read source tokens (T, B), then predict each target token from those before it.

    ``encoder`` and ``decoder`` are two layers of one kind, ``RNN``, ``GRU`` or ``LSTM``, with H hidden units each;
    ``attention`` is ``AdditiveAttention`` or ``MultiplicativeAttention`` with queries and memory of size H, or None.
    ``rng``, a Generator or a seed, draws the embeddings and the linear layers. Raises TypeError or ValueError, naming
    the argument.
    """

    def __init__(self, source_size, target_size, encoder, decoder, attention=None, *, rng=None):
        check_single("encoder", encoder)
        check_single("decoder", decoder)
        if type(encoder) is not type(decoder) or encoder.hidden_size != decoder.hidden_size:
            kinds = [f"{type(layer).__name__} with {layer.hidden_size} units" for layer in (encoder, decoder)]
            raise ValueError(f"decoder should match the encoder, {kinds[0]}, but is {kinds[1]}")
        if attention is not None and not hasattr(attention, "query_size"):
            raise TypeError(f"attention should be an attention layer or None, but is {described(attention)}")
        H, rng, dtype = encoder.hidden_size, as_generator(rng), encoder.params["weight_ih"].dtype
        if attention is not None and (attention.query_size, attention.memory_size) != (H, H):
            sizes = (attention.query_size, attention.memory_size)
            raise ValueError(f"attention should have the sizes (Q, H) = {(H, H)}, but has {sizes}")
        self.encoder, self.decoder, self.attention = encoder, decoder, attention
        self.embedding_in = Embedding(source_size, encoder.input_size, dtype=dtype, rng=rng)
        self.embedding_out = Embedding(target_size, decoder.input_size, dtype=dtype, rng=rng)
        self.combine = None if attention is None else Linear(2 * H, H, dtype=dtype, rng=rng)
        self.head = Linear(H, target_size, dtype=dtype, rng=rng)
        self.params = self._joined({name: part.params for name, part in self._parts().items()})

    def forward(self, source, said, lengths=None):
        """Read source (T, B), to the ends ``lengths (B,)`` if given, and then the target tokens said (S, B).

        Returns the logits (S, B, V) of the token after each of those, the attention's weights (S, B, T) (None without
        attention), and the trace. Raises TypeError or ValueError, naming the array, if one does not fit.
        """
        check_shape("source", as_array("source", source), ("T", "B"))
        check_shape("said", as_array("said", said), ("S", np.shape(source)[1]))
        x, source = self.embedding_in.forward(source)
        memory, state, encoder = self.encoder.forward(x, lengths=lengths)
        logits, weights, _, parts = self._decode(said, memory, state, lengths)
        return logits, weights, EncoderDecoderTrace(source, encoder, *parts)

    def _decode(self, said, memory, state, lengths):
        """Return logits, weights, the decoder's last state, and the traces from ``said`` on."""
        y, said = self.embedding_out.forward(said)
        states, state, decoder = self.decoder.forward(y, state)
        if self.attention is None or self.combine is None:
            logits, head = self.head.forward(states)
            return logits, None, state, (said, decoder, None, None, None, head)
        context, weights, attention = self.attention.forward(states, memory, lengths)
        a, combine = self.combine.forward(np.concatenate([context, states], axis=-1))
        combined = np.tanh(a)  # eq-seq2seq-combine
        logits, head = self.head.forward(combined)
        return logits, weights, state, (said, decoder, attention, combined, combine, head)

    def backward(self, dlogits, trace):
        """Return ``grads``, with the keys of ``params``, for dlogits (S, B, V)."""
        trace = check_trace(trace, EncoderDecoderTrace)
        dlogits = as_real("dlogits", dlogits)
        check_shape("dlogits", dlogits, (*trace.said.shape, self.head.out_features))
        grads = {}
        dstates, grads["head"] = self.head.backward(dlogits, trace.head)
        dmemory = np.zeros((*trace.source.shape, self.encoder.hidden_size), dlogits.dtype)
        if self.attention is not None and self.combine is not None:
            da = (1 - trace.combined**2) * dstates  # eq-seq2seq-back-combine
            dparts, grads["combine"] = self.combine.backward(da, trace.combine)
            dcontext, dstates = np.split(dparts, 2, axis=-1)
            dquery, dmemory, grads["attention"] = self.attention.backward(dcontext, trace.attention)
            dstates = dstates + dquery  # a state is used twice: as the query, and combined with the context
        dy, dstate, grads["decoder"] = self.decoder.backward(dstates, trace.decoder)
        dx, _, grads["encoder"] = self.encoder.backward(dmemory, trace.encoder, dstate)
        grads["embedding_out"] = self.embedding_out.backward(dy, trace.said)[1]
        grads["embedding_in"] = self.embedding_in.backward(dx, trace.source)[1]
        return self._joined(grads)

    def free(self, source, start, steps, lengths=None):
        """Return the tokens (steps, B) that it writes after ``start``: always the likeliest one, fed back as the next
        input.

        Also the attention's weights (steps, B, T), None without attention.
        """
        check_shape("source", as_array("source", source), ("T", "B"))
        check_tokens("start", start, self.head.out_features)
        x, _ = self.embedding_in.forward(source)
        memory, state, _ = self.encoder.forward(x, lengths=lengths)
        token, said, looked = np.full((1, x.shape[1]), start), [], []
        for _ in range(check_size("steps", steps)):
            logits, weights, state, _ = self._decode(token, memory, state, lengths)
            token = logits.argmax(axis=-1)
            said.append(token)
            looked.append(weights)
        return np.concatenate(said), None if self.attention is None else np.concatenate(looked)

    def state_dict(self):
        """Return copies of all parameters."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        load_arrays(self.params, state)

    def _parts(self):
        names = ["embedding_in", "encoder", "embedding_out", "decoder", "attention", "combine", "head"]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _joined(self, arrays):
        """Join the parts' arrays under the names of a ``torch.nn.Module``: ``encoder.weight_ih_l0``, …"""
        parts = {name: arrays[name] for name in self._parts()}
        for name in ("encoder", "decoder"):
            parts[name] = {torch_name(key): value for key, value in parts[name].items()}
        return join(**parts)
