"""A counting language model: n-grams with Witten and Bell's smoothing. The baseline of the text chapters."""

import numpy as np

from rnnbook.errors import check_shape, check_size


class WittenBell:
    """Probabilities of the next token from counts of what followed the last 0, 1, … ``order - 1`` tokens.

    A context that was seen n times, with d different tokens after it, keeps n / (n + d) of the weight for its
    own counts and leaves d / (n + d) to the context that is one token shorter; below the shortest lies 1 / V.
    ``tokens (N,)`` are whole numbers from 0 to V - 1. Raises ValueError, naming the argument, if they are not,
    or if V^order does not fit into 63 bits.
    Source: Witten & Bell (1991), method C, interpolated with the shorter contexts.
    """

    def __init__(self, tokens, V, order):
        self.V, self.order = check_size("V", V), check_size("order", order)
        if self.V**self.order >= 2**63:
            raise ValueError(f"V^order should be less than 2^63, but is {self.V}^{self.order}")
        tokens = self._check(tokens)
        if len(tokens) < self.order:
            raise ValueError(f"tokens should have order = {self.order} or more, but has {len(tokens)}")
        self.tables = []
        for k in range(self.order):
            grams, counts = np.unique(self._grams(tokens, k), return_counts=True)
            contexts, first = np.unique(grams // self.V, return_index=True)
            followers = np.diff(np.append(first, len(grams)))
            self.tables.append((grams, counts, contexts, np.add.reduceat(counts, first), followers))

    def probabilities(self, tokens):
        """Return (order, N): row k holds the probability of each token (N,) given the k before it.

        The first k tokens of row k have fewer before them, and are conditioned on those.
        """
        tokens = self._check(tokens)
        p = np.full(len(tokens), 1 / self.V)
        rows = []
        for k, (grams, counts, contexts, totals, followers) in enumerate(self.tables):
            asked = self._grams(tokens, k)
            seen = _look_up(grams, counts, asked)
            n, d = (_look_up(contexts, table, asked // self.V) for table in (totals, followers))
            p = p.copy()
            shorter = p[k:]
            p[k:] = np.where(n > 0, (seen + d * shorter) / np.maximum(n + d, 1), shorter)  # eq-lm-witten-bell
            rows.append(p)
        return np.stack(rows)

    def size(self, order=None):
        """Return how many counts the model keeps, or those of its first ``order`` orders."""
        return sum(len(table[0]) for table in self.tables[:order])

    def _grams(self, tokens, k):
        """Each token with the k before it as one number in base V, (N - k,); none where N is less than k."""
        grams = np.zeros(max(len(tokens) - k, 0), np.int64)
        for j in range(k + 1):
            grams = grams * self.V + tokens[j : j + len(grams)]
        return grams

    def _check(self, tokens):
        tokens = np.asarray(tokens)
        check_shape("tokens", tokens, ("N",))
        if not np.issubdtype(tokens.dtype, np.integer):
            raise TypeError(f"tokens should hold whole numbers, but has dtype {tokens.dtype}")
        if tokens.min() < 0 or tokens.max() >= self.V:
            raise ValueError(
                f"tokens should lie between 0 and V - 1 = {self.V - 1}, but are {tokens.min()} to {tokens.max()}"
            )
        return tokens.astype(np.int64)


def _look_up(keys, values, asked):
    """The value of each queried key in a sorted table, 0 for keys that are not in it."""
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)
