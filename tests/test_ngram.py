"""The counting language model: probabilities that sum to one and equal a slow reading of the definition."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from rnnbook.rivals.ngram import WittenBell

V = 5


def text(N, seed=0):
    return np.random.default_rng(seed).integers(V - 1, size=N)  # token V - 1 never occurs


def by_definition(past, context, token, V):
    """The recursion as it is written, with dictionaries."""
    if context is None:
        return 1 / V
    after = defaultdict(Counter)
    for t in range(len(context), len(past)):
        after[tuple(past[t - len(context) : t])][past[t]] += 1
    followers = after[tuple(context)]
    shorter = by_definition(past, context[1:] if context else None, token, V)
    n, d = sum(followers.values()), len(followers)
    return (followers[token] + d * shorter) / (n + d) if n else shorter


@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_equal_the_definition(order):
    past, later = text(60).tolist(), text(30, seed=1).tolist()
    p = WittenBell(past, V, order).probabilities(later)
    for k in range(order):
        for t in range(len(later)):
            expected = by_definition(past, tuple(later[max(t - k, 0) : t]), later[t], V)
            assert p[k, t] == pytest.approx(expected, abs=1e-14), (k, t)


@pytest.mark.parametrize("N", [1, 2, 3, 4])
def test_a_text_shorter_than_the_order_has_its_probabilities(N):
    past, later = text(60).tolist(), text(N, seed=1).tolist()
    p = WittenBell(past, V, order=6).probabilities(later)
    assert p.shape == (6, N)
    for k in range(6):
        for t in range(N):
            expected = by_definition(past, tuple(later[max(t - k, 0) : t]), later[t], V)
            assert p[k, t] == pytest.approx(expected, abs=1e-14), (k, t)


def test_probabilities_of_all_continuations_sum_to_one():
    model = WittenBell(text(80), V, order=3)
    for context in ([0, 1], [3, 3], [4, 4]):  # the last was never seen
        total = sum(model.probabilities([*context, token])[:, -1] for token in range(V))
        np.testing.assert_allclose(total, 1, atol=1e-14)


def test_a_token_never_seen_has_a_probability():
    assert (WittenBell(text(80), V, order=3).probabilities([0, 1, V - 1])[:, -1] > 0).all()


def test_size_counts_the_different_grams():
    past = text(50).tolist()
    different = [len({tuple(past[t : t + n]) for t in range(len(past) - n + 1)}) for n in (1, 2, 3)]
    model = WittenBell(past, V, 3)
    assert model.size() == sum(different)
    assert [model.size(order) for order in (1, 2, 3)] == [sum(different[:n]) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("tokens", "V", "order", "error", "sentence"),
    [
        ([0, 1, 5], 5, 2, ValueError, "tokens should lie between 0 and V - 1 = 4, but are 0 to 5"),
        ([-1, 1], 5, 2, ValueError, "but are -1 to 1"),
        ([0.0, 1.0], 5, 2, TypeError, "tokens should hold whole numbers"),
        ([[0, 1]], 5, 2, ValueError, "tokens should have shape"),
        ([0, 1], 5, 3, ValueError, "tokens should have order = 3 or more, but has 2"),
        ([0, 1], 100, 10, ValueError, r"V\^order should be less than 2\^63"),
        ([0, 1], 5, 0, ValueError, "order should be at least 1"),
    ],
)
def test_what_cannot_be_counted_is_refused(tokens, V, order, error, sentence):
    with pytest.raises(error, match=sentence):
        WittenBell(np.array(tokens), V, order)
