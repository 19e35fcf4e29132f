"""A hidden Markov model: the probability of each state at each step, and the likeliest path, in log space.

A chain of S hidden states moves by ``log_transition (S, S)``, from row to column, starting from ``log_start (S,)``;
``log_emission (T, ..., S)`` is the log probability of each step's observation in each state. Any axes between time and
states are sequences side by side. A probability of zero is -inf. Source: Rabiner (1989), whose letters alpha, beta and
gamma are used.
"""

import numpy as np

from rnnbook.errors import check_shape, check_size


def forward(log_start, log_transition, log_emission):
    """Return log p(observations up to t, state at t) (T, ..., S), and the log likelihood of all of them (...)."""
    log_emission = _check(log_start, log_transition, log_emission)
    log_alpha = np.empty(log_emission.shape)
    log_alpha[0] = log_start + log_emission[0]
    for t in range(1, len(log_emission)):
        reached = log_sum(log_alpha[t - 1][..., :, None] + log_transition, axis=-2)
        log_alpha[t] = reached + log_emission[t]  # eq-applications-forward
    return log_alpha, log_sum(log_alpha[-1], axis=-1)


def backward(log_start, log_transition, log_emission):
    """Return log p(observations after t given the state at t) (T, ..., S), and the log likelihood of all (...)."""
    log_emission = _check(log_start, log_transition, log_emission)
    log_beta = np.zeros(log_emission.shape)
    for t in range(len(log_emission) - 2, -1, -1):
        after = (log_emission[t + 1] + log_beta[t + 1])[..., None, :]
        log_beta[t] = log_sum(log_transition + after, axis=-1)
    return log_beta, log_sum(log_start + log_emission[0] + log_beta[0], axis=-1)


def posterior(log_start, log_transition, log_emission):
    """Return the probability of each state at each step given all observations (T, ..., S)."""
    log_alpha, log_likelihood = forward(log_start, log_transition, log_emission)
    log_beta, _ = backward(log_start, log_transition, log_emission)
    return np.exp(log_alpha + log_beta - np.asarray(log_likelihood)[..., None])


def viterbi(log_start, log_transition, log_emission):
    """Return the likeliest path (T, ...) of states, and its log probability together with the observations (...).

    Of equally good states the one with the lowest number is taken.
    """
    log_emission = _check(log_start, log_transition, log_emission)
    best = log_start + log_emission[0]
    came_from = np.empty(log_emission.shape, np.int64)
    for t in range(1, len(log_emission)):
        reached = best[..., :, None] + log_transition
        came_from[t] = reached.argmax(axis=-2)
        best = reached.max(axis=-2) + log_emission[t]
    path = np.empty(log_emission.shape[:-1], np.int64)
    path[-1] = best.argmax(axis=-1)
    for t in range(len(path) - 1, 0, -1):
        path[t - 1] = np.take_along_axis(came_from[t], path[t][..., None], axis=-1)[..., 0]
    return path, best.max(axis=-1)


def count_transitions(states, S, extra=0.0):
    """Return log transition probabilities (S, S) counted from labelled states (N,), plus ``extra`` for every pair.

    A negative state is unknown, and no step from it or to it is counted. A state that was never left stays where it is.
    """
    states = np.asarray(states)
    check_shape("states", states, ("N",))
    S = check_size("S", S)
    known = (states[:-1] >= 0) & (states[1:] >= 0)
    counts = np.full((S, S), float(extra))
    np.add.at(counts, (states[:-1][known], states[1:][known]), 1)
    never = counts.sum(axis=1) == 0
    counts[never, never] = 1
    with np.errstate(divide="ignore"):
        return np.log(counts / counts.sum(axis=1, keepdims=True))


def log_sum(log_terms, axis):
    """Return log sum exp along an axis; -inf where every term is."""
    top = log_terms.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(log_terms - top).sum(axis=axis)) + top.squeeze(axis)


def _check(log_start, log_transition, log_emission):
    log_emission = np.asarray(log_emission, dtype=np.float64)
    if log_emission.ndim < 2 or log_emission.size == 0:
        raise ValueError(f"log_emission should have shape (T, ..., S), but has shape {log_emission.shape}")
    S = log_emission.shape[-1]
    check_shape("log_start", np.asarray(log_start), (S,))
    check_shape("log_transition", np.asarray(log_transition), (S, S))
    return log_emission
