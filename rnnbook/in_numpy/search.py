"""Search for a likely sequence under a model that writes symbol by symbol: greedy, beam, exact.

All three call the model as ``step(state, symbol) -> (log_probs, state)``: the log probability (V,) of each symbol after
``symbol`` [nats], and the state to continue from. The state may be anything that ``step`` does not modify.

::

    found = beam(step, state, start, end, width=5, max_length=30)

A sequence ends with the symbol ``end``, which is not among ``symbols`` and whose probability is in ``log_p``. It is
ranked by log p / lp, lp = ((5 + U) / 6)^α, where U counts its symbols (Wu et al. 2016); with α = 0 by log p itself.
"""

import heapq
from itertools import count
from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_number, check_shape, check_size
from rnnbook.in_numpy.checks import as_numbers


class Found(NamedTuple):
    """A sequence, its log probability [nats], the score it was ranked by, and how many calls of the model it took.

    After ``max_length`` symbols only the end may follow. ``ended`` is False if that has no probability: then ``log_p``
    is that of the symbols alone.
    """

    symbols: tuple[int, ...]
    log_p: float
    score: float
    calls: int
    ended: bool = True


def length_penalty(length, alpha):
    """Return lp = ((5 + length) / 6)^alpha, by which a log probability is divided."""
    return ((5 + length) / 6) ** alpha  # eq-search-penalty


def greedy(step, state, start, end, max_length):
    """Return the sequence of the likeliest next symbols."""
    symbols: list[int] = []
    log_p, symbol = 0.0, start
    for calls in range(1, check_size("max_length", max_length) + 2):
        log_probs, state = step(state, symbol)
        symbol = int(np.argmax(_checked(log_probs))) if calls <= max_length else end
        if log_probs[symbol] == -np.inf:
            return Found(tuple(symbols), log_p, log_p, calls, False)
        log_p += float(log_probs[symbol])
        if symbol == end:
            break
        symbols.append(symbol)
    return Found(tuple(symbols), log_p, log_p, calls)


def beam(step, state, start, end, width, max_length, alpha=0.0):
    """Return the best sequence found by following ``width`` sequences side by side.

    In each round every sequence is extended by every symbol, and the ``width`` likeliest are kept; those that end are
    set aside. The search stops when no unfinished sequence could still become the best. A wider beam does not guarantee
    a likelier sequence: what the narrow one kept may be crowded out. With ``width=1`` it is ``greedy``.
    """
    bound = length_penalty(check_size("max_length", max_length), _checked_alpha(alpha))
    check_size("width", width)
    live: list[tuple] = [((), 0.0, state, start)]  # symbols, log probability, state, last symbol
    finished: list[tuple] = []  # score, log probability, symbols
    calls = 0
    for length in range(max_length + 1):
        longer: list[tuple] = []
        for symbols, log_p, old, symbol in live:
            log_probs, new = step(old, symbol)
            calls += 1
            allowed = enumerate(_checked(log_probs)) if length < max_length else [(end, log_probs[end])]
            longer += [(log_p + float(p), symbols, k, new) for k, p in allowed]
        longer = heapq.nlargest(width, longer, key=lambda sequence: sequence[0])
        finished += [(p / length_penalty(length, alpha), p, symbols) for p, symbols, k, _ in longer if k == end]
        before, live = live, [((*symbols, k), p, new, k) for p, symbols, k, new in longer if k != end and p > -np.inf]
        score, log_p, symbols = max(finished, default=(-np.inf, -np.inf, ()))
        if not live or score >= live[0][1] / bound:
            break
    if log_p > -np.inf:
        return Found(symbols, log_p, score, calls)
    symbols, log_p, _, _ = before[0]
    return Found(symbols, log_p, log_p / bound, calls, False)


def exact(step, state, start, end, max_length, alpha=0.0, max_calls=1_000_000):
    """Return the best of all sequences of at most ``max_length`` symbols: best first, with a bound.

    A log probability only falls as a sequence grows. So log p / lp(max_length) bounds every sequence that begins with
    it, and the first complete sequence to reach the top is the best. Raises RuntimeError after ``max_calls`` steps.
    Source of the bound: Stahlberg & Byrne (2019), who search depth first.
    """
    bound = length_penalty(check_size("max_length", max_length), _checked_alpha(alpha))
    check_size("max_calls", max_calls)
    tie, calls, best = count(), 0, -np.inf
    heap: list[tuple] = [(-0.0, next(tie), (), 0.0, state, start)]  # smallest first: the score, negated
    while heap:
        top, _, symbols, log_p, state, symbol = heapq.heappop(heap)
        if symbol == end and calls:
            return Found(symbols, log_p, -top, calls)
        if calls == max_calls:
            raise RuntimeError(f"exact should find the best sequence within max_calls = {max_calls} steps, but did not")
        log_probs, state = step(state, symbol)
        calls += 1
        for k, log_q in enumerate(_checked(log_probs)):
            total = log_p + float(log_q)
            if k == end:
                score, sequence = total / length_penalty(len(symbols), alpha), symbols
                best = max(best, score)
            elif len(symbols) < max_length:
                score, sequence = total / bound, (*symbols, k)
            else:
                continue
            if -np.inf < score >= best:  # anything worse cannot reach the top before the best one
                heapq.heappush(heap, (-score, next(tie), sequence, total, state, k))
    raise ValueError("no sequence of at most max_length symbols has a probability above 0")


def _checked_alpha(alpha):
    return check_number("alpha", alpha, "be at least 0", lambda number: 0 <= number < np.inf)


def _checked(log_probs):
    log_probs = as_numbers("log_probs", log_probs)
    check_shape("log_probs", log_probs, ("V",))
    return log_probs
