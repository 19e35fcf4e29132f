"""Layers without memory, which come before and after a recurrent one.

``forward`` returns the outputs and a trace; ``backward`` takes the trace and returns the gradient with respect to the
inputs and ``grads``, a dict with the keys of ``params``.
"""

import numpy as np

from rnnbook.errors import check_flag, check_number, check_shape, check_size, described
from rnnbook.in_numpy import parameters
from rnnbook.in_numpy.checks import as_generator, as_real, check_dtype, check_tokens


class Linear:
    """A dense layer y = W x + b on the last axis; ``params``: ``weight (V, H)``, ``bias (V,)``.

    Drawn with ``rng``, a Generator or a seed, from U(-1/√H, 1/√H), as ``torch.nn.Linear`` does.
    Raises TypeError or ValueError, naming the argument.
    """

    def __init__(self, in_features, out_features, *, bias=True, dtype=np.float32, rng=None):
        self.in_features = check_size("in_features", in_features)
        self.out_features = check_size("out_features", out_features)
        rng, dtype = as_generator(rng), check_dtype(dtype)
        bound = 1 / np.sqrt(self.in_features)
        shapes: dict[str, tuple[int, ...]] = {"weight": (self.out_features, self.in_features)}
        if check_flag("bias", bias):
            shapes["bias"] = (self.out_features,)
        self.params = {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}

    def forward(self, x):
        """Map x (..., H) to y (..., V); returns y and the trace that ``backward`` needs, which is x."""
        W = self.params["weight"]
        x = as_real("x", x, W.dtype)
        check_shape("x", x, (*x.shape[:-1], self.in_features))
        y = x.reshape(-1, self.in_features) @ W.T + self.params.get("bias", 0)  # eq-output
        return y.reshape(*x.shape[:-1], self.out_features), x

    def backward(self, dy, trace):
        """Return dx (..., H) and ``grads`` for dy (..., V), the gradient of the loss with respect to y."""
        x = _check_trace(trace, "x", "f", self.in_features)
        dy = as_real("dy", dy, x.dtype)
        check_shape("dy", dy, (*x.shape[:-1], self.out_features))
        flat_dy, flat_x = dy.reshape(-1, self.out_features), x.reshape(-1, self.in_features)
        grads = {"weight": flat_dy.T @ flat_x}  # eq-bptt-output-weights
        if "bias" in self.params:
            grads["bias"] = flat_dy.sum(axis=0)  # eq-bptt-output-weights
        dx = flat_dy @ self.params["weight"]  # eq-bptt-output-state
        return dx.reshape(x.shape), grads

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn.Linear``."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        parameters.load_arrays(self.params, state)


class Embedding:
    """A table with one row of D numbers for each of V tokens; ``params``: ``weight (V, D)``.

    Drawn with ``rng``, a Generator or a seed, from N(0, 1), as ``torch.nn.Embedding`` does.
    Raises TypeError or ValueError, naming the argument.
    """

    def __init__(self, num_embeddings, embedding_dim, *, dtype=np.float32, rng=None):
        self.num_embeddings = check_size("num_embeddings", num_embeddings)
        self.embedding_dim = check_size("embedding_dim", embedding_dim)
        rng, dtype = as_generator(rng), check_dtype(dtype)
        shape = (self.num_embeddings, self.embedding_dim)
        self.params = {"weight": rng.normal(size=shape).astype(dtype)}

    def forward(self, tokens):
        """Map tokens (...), whole numbers below V, to their rows (..., D); returns these and the trace."""
        tokens = check_tokens("tokens", tokens, self.num_embeddings)
        return self.params["weight"][tokens], tokens

    def backward(self, dy, trace):
        """Return None, since a token has no gradient, and ``grads`` for dy (..., D): each row's sum over its uses."""
        tokens, weight = _check_trace(trace, "tokens", "iu"), self.params["weight"]
        check_tokens("trace", tokens, self.num_embeddings)
        dy = as_real("dy", dy, weight.dtype)
        check_shape("dy", dy, (*tokens.shape, self.embedding_dim))
        dweight = np.zeros_like(weight)
        np.add.at(dweight, tokens.reshape(-1), dy.reshape(-1, self.embedding_dim))  # eq-bptt-embedding
        return None, {"weight": dweight}

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn.Embedding``."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state):
        """Take every parameter from ``state``, or none if one does not fit."""
        parameters.load_arrays(self.params, state)


class Dropout:
    """Set each number to zero with probability p, and scale the others by 1 / (1 - p), which keeps the mean.

    It has no parameters; ``rng``, a Generator or a seed, draws which numbers. Raises ValueError for a p outside 0 to 1.
    Source: Srivastava et al. (2014); as ``torch.nn.Dropout``.
    """

    def __init__(self, p=0.5, *, rng=None):
        self.p = check_number("p", p, "lie between 0 and 1", lambda p: 0 <= p <= 1)
        self.rng, self.params = as_generator(rng), {}

    def forward(self, x, training=True):
        """Map x (...) to y of its shape; returns y and the trace. Without ``training``, y is x."""
        x = as_real("x", x)
        if not check_flag("training", training) or self.p == 0:
            return x, None
        scale = 0 if self.p == 1 else 1 / (1 - self.p)
        kept = (self.rng.random(x.shape) >= self.p) * x.dtype.type(scale)
        return x * kept, kept

    def backward(self, dy, trace):
        """Return dx and ``grads``, which are empty."""
        if trace is None:
            return dy, {}
        kept = _check_trace(trace, "what was kept", "f")
        dy = as_real("dy", dy)
        check_shape("dy", dy, kept.shape)
        return dy * kept, {}


def _check_trace(trace, what, kinds, size=None):
    """Return the array that is a trace; TypeError for anything else, ValueError if its last axis does not fit."""
    if not isinstance(trace, np.ndarray) or trace.dtype.kind not in kinds:
        given = f"an array of dtype {trace.dtype}" if isinstance(trace, np.ndarray) else described(trace)
        raise TypeError(f"trace should be the array that forward returned ({what}), but is {given}")
    if size is not None:
        check_shape("trace", trace, (*trace.shape[:-1], size))
    return trace
