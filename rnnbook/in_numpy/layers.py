"""Layers without memory, which stand before and after a recurrent one."""

import numpy as np

from rnnbook.errors import check_shape, check_size
from rnnbook.in_numpy.parameters import as_real, check_dtype


class Linear:
    """A dense layer y = W x + b on the last axis; ``params``: ``weight (V, H)``, ``bias (V,)``.

    Drawn from U(-1/√H, 1/√H), as ``torch.nn.Linear`` does.
    Raises TypeError or ValueError, naming the argument.
    """

    def __init__(self, in_features, out_features, *, bias=True, dtype=np.float32, rng=None):
        self.in_features = check_size("in_features", in_features)
        self.out_features = check_size("out_features", out_features)
        rng = np.random.default_rng() if rng is None else rng
        dtype = check_dtype(dtype)
        bound = 1 / np.sqrt(self.in_features)
        shapes = {"weight": (self.out_features, self.in_features)} | ({"bias": (self.out_features,)} if bias else {})
        self.params = {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}

    def forward(self, x):
        """Map x (..., H) to y (..., V); returns y and the trace that ``backward`` needs, which is x."""
        W = self.params["weight"]
        x = as_real("x", x, W.dtype)
        check_shape("x", x, (*x.shape[:-1], self.in_features))
        y = x.reshape(-1, self.in_features) @ W.T + self.params.get("bias", 0)  # eq-output
        return y.reshape(*x.shape[:-1], self.out_features), x

    def backward(self, dy, trace):
        """Return dx (..., H) and ``grads`` for dy (..., V), the loss's gradient by y."""
        x = trace
        dy = as_real("dy", dy, x.dtype)
        check_shape("dy", dy, (*x.shape[:-1], self.out_features))
        flat_dy, flat_x = dy.reshape(-1, self.out_features), x.reshape(-1, self.in_features)
        grads = {"weight": flat_dy.T @ flat_x}
        if "bias" in self.params:
            grads["bias"] = flat_dy.sum(axis=0)
        return (flat_dy @ self.params["weight"]).reshape(x.shape), grads
