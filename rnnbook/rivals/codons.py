"""What each base of a genome is, by counting: the codons that genes prefer, and the next base given those before it.

Bases are 0 to 3 for A, C, G, T, labels 0 to 6 as in ``rnnbook.data.genomes``: three codon positions of the given
strand, 3 outside genes, three of the other strand; -1 is no label.
"""

import numpy as np

from rnnbook.errors import check_shape, check_size

NOT_CODING = 3


def words(bases, size):
    """Return the number in base 4 of the ``size`` bases from each place on, (N - size + 1,)."""
    bases = np.asarray(bases)
    check_shape("bases", bases, ("N",))
    numbers = np.zeros(max(len(bases) - size + 1, 0), np.int64)
    for j in range(size):
        numbers = numbers * 4 + bases[j : len(numbers) + j]
    return numbers


def both_strands(bases, states, S=7):
    """Return bases and states (2 N + 1,): as given, one base without a state, and as seen from the other strand.

    State s of the S states becomes S - 1 - s there; a negative one is unknown and stays so.
    """
    turned = np.where(states < 0, states, S - 1 - states)[::-1]
    return np.concatenate([bases, [0], 3 - bases[::-1]]), np.concatenate([states, [-1], turned])


def count_words(bases, labels, size):
    """Return the log odds (4^size,) of a word that begins a codon of a gene against the same word anywhere.

    Counted on both strands, one of each added. With ``size`` 3 a word is a codon, with 6 a pair of codons.
    """
    size = check_size("size", size)
    bases, labels = both_strands(bases, labels)
    found = words(bases, size)
    begins = labels[: len(found)] == 0
    in_genes = 1 + np.bincount(found[begins], minlength=4**size)
    anywhere = 1 + np.bincount(found, minlength=4**size)
    return np.log(in_genes / in_genes.sum()) - np.log(anywhere / anywhere.sum())


def window_scores(bases, log_odds, width):
    """Return scores (N, 7): for each codon position of each strand the log odds of the codons around a base, added.

    ``log_odds (4^size,)`` from ``count_words``; ``width`` codons are taken on either side of the base's own. The score
    of "not coding" is 0. Words that extend past an end of the bases are not counted.
    """
    plus = _strand_scores(bases, log_odds, width)
    minus = _strand_scores(3 - np.asarray(bases)[::-1], log_odds, width)[::-1, ::-1]
    return np.concatenate([plus, np.zeros((len(plus), 1)), minus], axis=1)


def _strand_scores(bases, log_odds, width):
    """Return the scores (N, 3) of the codon positions 1, 2, 3 on the given strand."""
    size = round(np.log(len(log_odds)) / np.log(4))
    N, edge = len(bases), 3 * (width + 2)
    at = np.zeros(N + 2 * edge + (-N) % 3)  # the log odds of the word from here on; zeros around
    found = words(bases, size)
    at[edge : edge + len(found)] = log_odds[found]
    added = at.reshape(-1, 3).cumsum(axis=0).ravel()  # with those 3, 6, 9, ... places before
    last, before = added[2 * edge - 8 :], added[1:]
    around = last[: N + 2] - before[: N + 2]  # of the words from 2 places before the bases on
    return np.stack([around[2 - k : 2 - k + N] for k in range(3)], axis=1)


class PeriodicMarkov:
    """Log probabilities of a base given the ``order`` bases before it and a state: counts from labelled bases.

    ``states (N,)`` from 0 to S - 1, -1 where unknown. A context that was seen n times keeps n / (n + strength) of the
    weight for its own counts and leaves the rest to the context that is one base shorter; below the shortest lies 1/4.
    With the three codon positions as states this is the 3-periodic Markov chain of Borodovsky & McIninch (1993).
    """

    def __init__(self, bases, states, S, order, strength=10.0):
        self.order, self.S = check_size("order", order), check_size("S", S)
        found = words(bases, order + 1)
        states = np.asarray(states)[order:]
        counts = np.zeros((S, 4 ** (order + 1)))
        np.add.at(counts, (states[states >= 0], found[states >= 0]), 1)
        p = np.full((S, 1, 4), 0.25)
        for k in range(order + 1):
            seen = counts.reshape(S, 4 ** (order - k), 4**k, 4).sum(axis=1)
            shorter = np.tile(p, (1, 4, 1)) if k else p  # the oldest base is the first of a word
            p = (seen + strength * shorter) / (seen.sum(axis=2, keepdims=True) + strength)
        self.log_p = np.log(p.reshape(S, -1))

    def log_emission(self, bases):
        """Return log p (N, S) of each base in each state; the first ``order`` bases have log 1/4."""
        head = np.full((min(self.order, len(bases)), self.S), np.log(0.25))
        return np.concatenate([head, self.log_p[:, words(bases, self.order + 1)].T])
