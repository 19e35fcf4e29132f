"""A plant's next output from its last outputs and inputs, by least squares: the linear model and three nonlinear ones.

An ARX model is a weighted sum of the last outputs and inputs. A NARX model is the same sum over nonlinear features of
them: all their products, the powers of the inputs alone (Hammerstein's form), or tanh of random linear combinations.
Each is fitted one step ahead, in closed form. Source: Ljung (1999), chapters 4 and 5.
"""

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_shape, check_size


def lagged(u, y, lags):
    """Return what is known before each output: (T - lags, B, 2 lags), outputs first, each newest first.

    u, y (T, B): the output ``y[t]`` follows the input ``u[t]``. Row 0 belongs to ``y[lags]`` and holds
    ``y[lags - 1] … y[0]``, then ``u[lags] … u[1]``.
    """
    check_shape("u", u, ("T", "B"))
    check_shape("y", y, u.shape)
    T = len(u)
    outputs = [y[lags - k : T - k] for k in range(1, lags + 1)]
    inputs = [u[lags - k : T - k] for k in range(lags)]
    return np.stack([*outputs, *inputs], axis=-1)


def linear(x):
    """Return the features of an ARX model: x (..., D) itself, and the constant 1."""
    return np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)


def products(degree):
    """Return the function that makes all products of at most ``degree`` of the numbers in x (..., D), including 1."""

    def features(x):
        columns = [[np.ones_like(x[..., 0])]]
        chosen: list[tuple[int, ...]] = [()]
        for d in range(1, degree + 1):
            shorter = dict(zip(chosen, columns[-1], strict=True))
            chosen = list(combinations_with_replacement(range(x.shape[-1]), d))
            columns.append([shorter[those[:-1]] * x[..., those[-1]] for those in chosen])
        return np.stack([column for level in columns for column in level], axis=-1)

    return features


def powers_of_input(degree):
    """Return the function that makes the outputs in x (..., 2 lags), and the inputs' powers up to ``degree``."""

    def features(x):
        outputs, inputs = np.split(x, 2, axis=-1)
        return linear(np.concatenate([outputs, *(inputs**d for d in range(1, degree + 1))], axis=-1))

    return features


def random_tanh(rng, D, count, scale):
    """Return the function that makes ``count`` features tanh(w x + b) of x (..., D), drawn once and never trained.

    ``rng`` is a Generator or a seed; ``scale`` is the standard deviation of every w, and b is from U(-1, 1).
    """
    rng = np.random.default_rng(rng)
    w, b = scale * rng.normal(size=(D, count)), rng.uniform(-1, 1, count)
    return lambda x: linear(np.tanh(x @ w + b))


class Narx(NamedTuple):
    """A weighted sum of ``features`` of the last ``lags`` outputs and inputs: ``weights`` has one number for each."""

    weights: np.ndarray
    lags: int
    features: Callable
    bound: float

    def predict(self, x):
        """Return the next outputs (...) from what is known (..., 2 lags), as ``lagged`` orders it."""
        return self.features(x) @ self.weights

    def one_step(self, u, y):
        """Return the predictions (T - lags, B) of ``y[lags:]``, each from the true outputs before it."""
        return self.predict(lagged(u, y, self.lags))  # eq-control-one-step

    def free_run(self, u, y):
        """Return the same predictions where only ``y[:lags]`` is true, and the model continues from its own
        predictions.

        A polynomial may run away: its predictions are kept between minus and plus ``bound``.
        """
        lags, ys = self.lags, list(y[: self.lags])
        for t in range(lags, len(u)):
            known = np.stack([*ys[-1 : -lags - 1 : -1], *u[t : t - lags : -1]], axis=-1)
            ys.append(np.clip(self.predict(known), -self.bound, self.bound))  # eq-control-free-run
        return np.stack(ys[lags:])


def fit_narx(u, y, lags, features=linear):
    """Fit a ``Narx`` to inputs and outputs u, y (T, B) by least squares, one step ahead.

    ``features``: ``linear`` for the ARX model, or what one of the other functions above returns. The bound of a free
    run is twice the largest output seen. Raises ValueError if there are fewer steps than weights.
    """
    lags = check_size("lags", lags)
    made = features(lagged(u, y, lags))
    made = made.reshape(-1, made.shape[-1])
    if len(made) < made.shape[1]:
        raise ValueError(f"y should have at least {made.shape[1]} steps after its lags, but has {len(made)}")
    weights, *_ = np.linalg.lstsq(made, y[lags:].ravel(), rcond=None)
    return Narx(weights, lags, features, 2 * float(np.abs(y).max()))
