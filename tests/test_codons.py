"""Counts of codons and of bases: each number is the one that a slow loop over the definition gives."""

import numpy as np
import pytest

from rnnbook.data.genomes import base_labels, reverse_complement
from rnnbook.rivals import codons


def draw(seed, N=61):
    rng = np.random.default_rng(seed)
    return rng.integers(4, size=N), base_labels(np.array([[2, 20, 1], [18, 33, -1], [40, 58, -1]]), N)


@pytest.mark.parametrize("size", [3, 6])
def test_words_of_genes_are_counted_on_their_own_strand(size):
    bases, labels = draw(0)
    in_genes, anywhere = np.ones(4**size), np.ones(4**size)
    for strand, ys in [(bases, labels), (reverse_complement(bases), [6 - y if y >= 0 else y for y in labels[::-1]])]:
        for t in range(len(bases) - size + 1):
            word = int("".join(map(str, strand[t : t + size])), 4)
            anywhere[word] += 1
            in_genes[word] += ys[t] == 0
    anywhere_found = codons.words(codons.both_strands(bases, labels)[0], size)  # and those over the joint
    for t in range(len(bases) - size + 1, len(bases) + 1):
        anywhere[anywhere_found[t]] += 1
    expected = np.log(in_genes / in_genes.sum()) - np.log(anywhere / anywhere.sum())
    np.testing.assert_allclose(codons.count_words(bases, labels, size), expected, atol=1e-12)


@pytest.mark.parametrize("size, N, width", [(3, 61, 4), (6, 60, 2), (3, 62, 0), (3, 10, 30)])
def test_the_score_of_a_base_adds_the_codons_around_it(size, N, width):
    rng = np.random.default_rng(1)
    bases, log_odds = rng.integers(4, size=N), rng.normal(size=4**size)

    def plus(strand, t, position):
        total = 0.0
        for j in range(-width, width + 1):
            first = t - position + 3 * j
            if 0 <= first <= N - size:  # whole, wherever the base's own codon begins
                total += log_odds[int("".join(map(str, strand[first : first + size])), 4)]
        return total

    other = reverse_complement(bases)
    expected = [
        [*(plus(bases, t, k) for k in range(3)), 0, *(plus(other, N - 1 - t, k) for k in (2, 1, 0))] for t in range(N)
    ]
    np.testing.assert_allclose(codons.window_scores(bases, log_odds, width), expected, atol=1e-12)


def test_scores_of_the_other_strand_are_the_same_read_backward():
    bases, log_odds = draw(2)[0], np.random.default_rng(3).normal(size=64)
    turned = codons.window_scores(reverse_complement(bases), log_odds, 5)
    np.testing.assert_allclose(turned[::-1, ::-1], codons.window_scores(bases, log_odds, 5), atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_base_is_as_likely_as_the_counts_of_its_contexts_say(order):
    bases, labels = draw(4, 400)
    model = codons.PeriodicMarkov(bases, labels, 7, order, strength=2.5)

    def p(state, context, base, k):
        """By the definition: the counts of a context of k bases, mixed with those of the k - 1 last ones."""
        shorter = p(state, context, base, k - 1) if k else 0.25
        places = [t for t in range(order, len(bases))
                  if labels[t] == state and tuple(bases[t - k : t]) == tuple(context[order - k :])]  # fmt: skip
        seen = sum(bases[t] == base for t in places)
        return (seen + 2.5 * shorter) / (len(places) + 2.5)

    found = np.exp(model.log_emission(bases))
    np.testing.assert_array_equal(found[:order], 0.25)
    for t in [order, order + 1, 57, 399]:
        expected = [p(state, bases[t - order : t], bases[t], order) for state in range(7)]
        np.testing.assert_allclose(found[t], expected, atol=1e-12)


def test_the_four_bases_share_the_probability_of_one():
    bases, labels = draw(5, 300)
    p = np.exp(codons.PeriodicMarkov(bases, labels, 7, 2).log_p).reshape(7, 16, 4)
    np.testing.assert_allclose(p.sum(axis=2), 1, atol=1e-12)


def test_what_does_not_fit_is_named():
    bases, labels = draw(6)
    with pytest.raises(ValueError, match="size should be"):
        codons.count_words(bases, labels, 0)
    with pytest.raises(ValueError, match="bases should have shape"):
        codons.words(bases[None], 3)
    with pytest.raises(ValueError, match="order should be"):
        codons.PeriodicMarkov(bases, labels, 7, 0)
