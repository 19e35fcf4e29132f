"""Hopfield's network in NumPy: storage, energy, recall, and the softmax update that is attention.

::

    W = Σ ξ ξᵀ, diagonal 0         storage: units that agree in a pattern ξ support each other
    a_i = Σ_j w_ij s_j             the input to unit i from the others
    s_i ← sgn(a_i)                 recall, one unit at a time; at a tie it stays
    E = -½ sᵀ W s                  never rises while one unit at a time is updated and W is symmetric

Patterns ξ are (M, N) and states s (B, N): M patterns or B states of N units, each -1 or +1. W is (N, N). Hebbian
weights are whole numbers, so every sum is exact and a tie is really a tie. The factor 1/N in some texts changes only
the unit of the energy.

Source: Hopfield (1982); the softmax update: Ramsauer et al. (2021).
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_number, check_shape, check_size
from rnnbook.in_numpy.checks import as_generator, as_numbers, as_real, check_tokens
from rnnbook.in_numpy.functions import log_softmax, softmax


class Settled(NamedTuple):
    """What ``settle`` returns."""

    s: np.ndarray  # (B, N), the states at the end
    sweeps: np.ndarray  # (B,), how often all units were visited; if at_rest, the last visit changed nothing
    at_rest: np.ndarray  # (B,), False where max_sweeps was reached first


def hebbian(patterns):
    """Return W (N, N), the sum of ξ ξᵀ over the patterns (M, N), with a zero diagonal.

    Raises ValueError if a number is not -1 or +1. Source: Hopfield (1982), after Hebb (1949).
    """
    patterns = check_signs("patterns", patterns)
    W = patterns.T @ patterns  # eq-feedback-hebb
    np.fill_diagonal(W, 0)
    return W


def pseudo_inverse(patterns):
    """Return W (N, N), the projection on the span of the patterns (M, N), with a zero diagonal.

    Every pattern is a fixed point while M patterns span fewer than N directions, however alike they are.
    Raises ValueError if a number is not -1 or +1. Source: Personnaz, Guyon & Dreyfus (1985).
    """
    patterns = check_signs("patterns", patterns)
    W = np.linalg.pinv(patterns) @ patterns  # eq-feedback-projection
    W = np.round((W + W.T) / 2, 12)  # symmetric to the last digit, and zero where rounding left a trace of a weight
    np.fill_diagonal(W, 0)
    return W


def energy(W, s):
    """Return E (B,) of the states s (B, N) [units of W]. Raises ValueError for a shape that does not fit."""
    W, s = check_network(W, s)
    return -0.5 * np.sum(s * (s @ W.T), axis=1)  # eq-feedback-energy


def visit_units(W, s, order):
    """Return the states s (B, N) after the units in ``order`` were updated.

    One after another: each sees the new values of the earlier ones. Raises TypeError or
    ValueError for what does not fit.
    """
    W, s = check_network(W, s)
    s, order = s.copy(), check_order(order, len(W))
    for i in order:
        a_i = s @ W[i]  # eq-feedback-field
        s[:, i] = np.where(a_i == 0, s[:, i], np.sign(a_i))  # eq-feedback-update
    return s


def synchronous_step(W, s):
    """Return the states s (B, N) after all units were updated at once; the energy may rise."""
    W, s = check_network(W, s)
    a = s @ W.T
    return np.where(a == 0, s, np.sign(a))  # eq-feedback-synchronous


def settle(W, s, rng, max_sweeps=100):
    """Update the states s (B, N) unit by unit, in a newly drawn order for each sweep, until none changes.

    ``rng``, a Generator or a seed, draws the orders. Returns ``Settled``. With symmetric weights every state comes to
    rest; with others it may never do so, and ``at_rest`` says which.
    """
    W, s = check_network(W, s)
    rng, s, B = as_generator(rng), s.copy(), len(s)
    sweeps, moving = np.zeros(B, int), np.arange(B)
    for _ in range(check_size("max_sweeps", max_sweeps)):
        after = visit_units(W, s[moving], rng.permutation(len(W)))
        changed = np.any(after != s[moving], axis=1)
        s[moving] = after
        sweeps[moving] += 1
        moving = moving[changed]
        if not len(moving):
            break
    return Settled(s, sweeps, ~np.isin(np.arange(B), moving))


def softmax_step(patterns, s, beta):
    """Return the states s (B, N) after one update: the mean of the patterns (M, N),
    weighted by similarity.

    Patterns and states are any real numbers; ``beta`` > 0 says how much the similarity
    counts [1 / unit of s²]. It is attention with the states as queries and the patterns
    as keys and values. Source: Ramsauer et al. (2021).
    """
    patterns, s = check_memory(patterns, s, beta)
    p = softmax(beta * s @ patterns.T)  # eq-feedback-weights
    return p @ patterns  # eq-feedback-softmax


def softmax_energy(patterns, s, beta):
    """Return E (B,) = ½ sᵀs - ln Σ exp(β ξᵀs) / β of the states s (B, N), which ``softmax_step`` never raises.

    Source: Ramsauer et al. (2021), without their constants.
    """
    patterns, s = check_memory(patterns, s, beta)
    scores = beta * s @ patterns.T
    log_sum = (scores - log_softmax(scores))[:, 0]
    return 0.5 * np.sum(s**2, axis=1) - log_sum / beta  # eq-feedback-softmax-energy


def check_signs(name, array):
    """Return the array (M, N) in float64; ValueError if it has the wrong shape or holds anything but -1 and +1."""
    array = as_numbers(name, array, np.float64)
    check_shape(name, array, ("M" if name == "patterns" else "B", "N"))
    others = array[np.abs(array) != 1]
    if others.size:
        raise ValueError(f"{name} should hold -1 and +1 only, but holds {others[0]:g}")
    return array


def check_network(W, s):
    """Return W (N, N) and s (B, N), both checked, in float64."""
    W = as_numbers("W", W, np.float64)
    check_shape("W", W, ("N", "N"))
    check_shape("W", W, (len(W), len(W)))
    if not np.isfinite(W).all():
        raise ValueError("W should hold finite numbers, but holds NaN or infinity")
    s = check_signs("s", s)
    check_shape("s", s, ("B", len(W)))
    return W, s


def check_order(order, N):
    """Return units, each from 0 to N - 1, as an array; TypeError or ValueError for anything else."""
    order = np.zeros(0, int) if isinstance(order, (list, tuple)) and not order else order
    order = check_tokens("order", order, N)
    if order.ndim != 1:
        raise ValueError(f"order should have one axis, but has shape {order.shape}")
    return order


def check_memory(patterns, s, beta):
    """Return real patterns (M, N) and states (B, N) that fit; ValueError for these, or for beta not above 0."""
    patterns, s = as_real("patterns", patterns), as_real("s", s)
    check_shape("patterns", patterns, ("M", "N"))
    check_shape("s", s, ("B", patterns.shape[1]))
    check_number("beta", beta, "be greater than 0", lambda beta: 0 < beta < np.inf)
    return patterns, s
