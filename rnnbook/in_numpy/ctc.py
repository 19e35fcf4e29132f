"""Connectionist temporal classification: the loss of a label sequence whose alignment to the steps is unknown.

::

    l' = blank, l₁, blank, l₂, …, l_U, blank              S = 2U + 1 states
    α_t(s) = y_t(l'_s) [α_{t-1}(s) + α_{t-1}(s-1) + α_{t-1}(s-2) where l'_s may follow l'_{s-2} at once]
    p(l | x) = α_T(S) + α_T(S-1)
    dlogits_t(k) = y_t(k) - the share of the paths that are at symbol k in step t

All computed in logarithms. The gradient is with respect to the logits, before the softmax. Source: Graves, Fernández,
Gomez & Schmidhuber (2006), whose β includes y_t as well.
"""

import numpy as np

from rnnbook.errors import check_shape, check_size
from rnnbook.in_numpy.checks import as_array, as_real, as_whole, check_step_number, check_tokens
from rnnbook.in_numpy.functions import log_softmax


def ctc_loss(logits, targets, lengths=None, target_lengths=None, *, blank=0):
    """Return -log p(target) [nats] of each sequence (B,), and the gradient of their sum with respect to the logits.

    logits (T, B, V); targets (B, U), whole numbers from 0 to V - 1 that are not ``blank``. Of sequence b the first
    ``lengths[b]`` steps and the first ``target_lengths[b]`` symbols count, all if not given; the gradient is zero at
    the other steps. A target needs a step for each symbol and one more between two equal neighbours: with fewer its
    loss is ``inf`` and its gradient ``nan``, so that it cannot go unnoticed. Raises TypeError or ValueError, naming the
    array.
    """
    logits = as_real("logits", logits)
    check_shape("logits", logits, ("T", "B", "V"))
    T, B, V = logits.shape
    blank = check_step_number("blank", blank, V)
    targets = as_array("targets", targets)
    check_shape("targets", targets, (B, targets.shape[1] if targets.ndim == 2 else "U"))
    lengths = _check_ends("lengths", lengths, B, T, 1)
    ends = _check_ends("target_lengths", target_lengths, B, targets.shape[1], 0)
    inside = np.arange(targets.shape[1]) < ends[:, None]
    targets = check_tokens("targets", targets if targets.size else targets.astype(int), V, inside)
    if np.any((targets == blank) & inside):
        raise ValueError(f"targets should not hold the blank, {blank}: it is for CTC to place")
    losses, dlogits = np.zeros(B, logits.dtype), np.zeros_like(logits)
    log_y = log_softmax(logits)
    for b in range(B):
        log_y_b = log_y[: lengths[b], b]
        extended = extend(targets[b, : ends[b]], blank)
        share, log_p = ctc_posterior(log_y_b, extended)
        losses[b] = -log_p
        at_symbol = np.zeros_like(log_y_b) if log_p > -np.inf else np.full_like(log_y_b, np.nan)
        np.add.at(at_symbol.T, extended, share.T)
        dlogits[: lengths[b], b] = np.exp(log_y_b) - at_symbol  # eq-ctc-gradient
    return losses, dlogits


def extend(target, blank=0):
    """Return a target (U,) with a blank before, between and after its symbols, (2U + 1,)."""
    extended = np.full(2 * len(target) + 1, blank)
    extended[1::2] = target
    return extended


def ctc_alpha(log_y, extended):
    """Return log α (T, S) of all paths that are in state s after step t.

    ``log_y (T, V)``: the log probabilities.
    """
    may_skip = np.zeros(len(extended), bool)
    # never from blank to blank: these are equal, too
    may_skip[2:] = extended[2:] != extended[:-2]
    log_alpha = np.full((len(log_y), len(extended)), -np.inf, log_y.dtype)
    log_alpha[0, :2] = log_y[0, extended[:2]]  # eq-ctc-start
    for t in range(1, len(log_y)):
        stay = log_alpha[t - 1]
        one, two = np.full_like(stay, -np.inf), np.full_like(stay, -np.inf)
        one[1:], two[2:] = stay[:-1], stay[:-2]
        two[~may_skip] = -np.inf
        ways = np.logaddexp(np.logaddexp(stay, one), two)
        log_alpha[t] = log_y[t, extended] + ways  # eq-ctc-alpha
    return log_alpha


def ctc_beta(log_y, extended):
    """Return log β (T, S) of all paths from state s in step t to the end, including y_t."""
    return ctc_alpha(log_y[::-1], extended[::-1])[::-1, ::-1]  # eq-ctc-beta


def ctc_posterior(log_y, extended):
    """Return the probability (T, S) of state s in step t, given the target, and log p(target) [nats].

    If the target is impossible, log p is -inf and every probability nan.
    """
    log_alpha = ctc_alpha(log_y, extended)
    log_p = np.logaddexp.reduce(log_alpha[-1, -2:])  # eq-ctc-probability
    twice = log_y[:, extended]  # in α and in β; where it is -inf, so are both, and no path is there
    log_share = log_alpha + ctc_beta(log_y, extended) - np.where(twice > -np.inf, twice, 0)
    if log_p == -np.inf:
        return np.full_like(log_share, np.nan), log_p
    return np.exp(log_share - log_p), log_p  # eq-ctc-posterior


def collapse(path, blank=0):
    """Return, as a list, what a path of symbols writes: repeats are merged first, then blanks removed.

    >>> collapse([0, 3, 3, 0, 3, 5])
    [3, 3, 5]
    """
    path = list(path)
    return [symbol for symbol, before in zip(path, [blank, *path]) if symbol not in (blank, before)]  # eq-ctc-collapse


def ctc_greedy(logits, lengths=None, *, blank=0):
    """Return what the likeliest path of each sequence writes, B lists; logits (T, B, V), or log probabilities.

    The likeliest path need not write the likeliest target: many paths write the same.
    """
    logits = as_real("logits", logits)
    check_shape("logits", logits, ("T", "B", "V"))
    T, B, V = logits.shape
    check_step_number("blank", blank, V)
    best = logits.argmax(axis=2)
    return [collapse(best[:end, b].tolist(), blank) for b, end in enumerate(_check_ends("lengths", lengths, B, T, 1))]


def _check_ends(name, ends, B, most, least):
    """Return whole numbers (B,) from ``least`` to ``most``, by default ``most``."""
    if ends is None:
        return np.full(B, most)
    ends = as_whole(name, ends)
    check_shape(name, ends, (check_size("B", B),))
    if ends.min() < least or ends.max() > most:
        raise ValueError(f"{name} should lie between {least} and {most}, but are {ends.min()} to {ends.max()}")
    return ends
