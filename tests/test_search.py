"""Greedy, beam and exact search against a list of all sequences of small models."""

from itertools import product

import numpy as np
import pytest

from rnnbook.in_numpy.functions import log_softmax
from rnnbook.in_numpy.search import beam, exact, greedy, length_penalty

V, LONGEST, START, END = 4, 4, 9, 2


def model(seed, sharpness=2.0):
    """A model whose state is all that it has read: log probabilities drawn anew for every beginning."""

    def step(state, symbol):
        read = (*state, symbol)
        return log_softmax(sharpness * np.random.default_rng([seed, *read]).normal(size=V)), read

    return step


def everything(step, alpha=0.0):
    """{symbols: (score, log p)} of all sequences of at most LONGEST symbols, each multiplied out by itself."""
    found = {}
    for length in range(LONGEST + 1):
        for symbols in product([k for k in range(V) if k != END], repeat=length):
            log_p, state, before = 0.0, (), START
            for symbol in (*symbols, END):
                log_probs, state = step(state, before)
                log_p, before = log_p + log_probs[symbol], symbol
            found[symbols] = (log_p / ((5 + length) / 6) ** alpha, log_p)
    return found


def arguments(seed):
    return model(seed), (), START, END


@pytest.mark.parametrize("alpha", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("seed", range(12))
def test_exact_search_finds_the_best_of_all_sequences(seed, alpha):
    found, all_of_them = exact(*arguments(seed), LONGEST, alpha), everything(model(seed), alpha)
    best = max(all_of_them, key=all_of_them.get)
    assert found.symbols == best and found.ended
    assert (found.score, found.log_p) == pytest.approx(all_of_them[best], abs=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("seed", range(6))
def test_a_beam_that_holds_everything_is_exact(seed, alpha):
    found, best = beam(*arguments(seed), V ** (LONGEST + 1), LONGEST, alpha), exact(*arguments(seed), LONGEST, alpha)
    assert found.symbols == best.symbols and found.ended
    assert found[1:3] == pytest.approx(best[1:3], abs=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_no_beam_finds_more_than_there_is_and_what_it_says_of_its_find_is_true(seed):
    all_of_them = everything(model(seed))
    for width in (1, 2, 3, 5):
        found = beam(*arguments(seed), width, LONGEST)
        if found.ended:
            assert found.log_p == pytest.approx(all_of_them[found.symbols][1], abs=1e-12)
            assert found.log_p <= exact(*arguments(seed), LONGEST).log_p + 1e-12


@pytest.mark.parametrize("seed", range(30))
def test_a_beam_of_one_is_greedy(seed):
    one, other = beam(*arguments(seed), 1, LONGEST), greedy(*arguments(seed), LONGEST)
    assert one.symbols == other.symbols and one.ended == other.ended
    assert one.log_p == pytest.approx(other.log_p, abs=1e-12)


def test_greedy_takes_the_likeliest_symbol_each_time():
    for seed in range(10):
        found, state, before = greedy(*arguments(seed), LONGEST), (), START
        for symbol in [*found.symbols, END][:LONGEST]:  # the last end is forced
            log_probs, state = model(seed)(state, before)
            assert log_probs[symbol] == log_probs.max()
            before = symbol


def tree(branches):
    """A model of symbols a, b = 0, 1 and the end: {what was read: probabilities of a, b, end}."""

    def step(state, symbol):
        read = state if symbol == START else (*state, symbol)
        with np.errstate(divide="ignore"):
            return np.log(np.array([*branches.get(read, (0, 0))[:2], branches.get(read, (0, 0, 1))[2], 0])), read

    return step


GARDEN = {(): (0.55, 0.45, 0), (0,): (0.5, 0.5, 0), (0, 0): (0, 0, 1), (0, 1): (0, 0, 1), (1,): (0, 0.9, 0.1)}


def test_greedy_is_led_down_the_garden_path_and_a_beam_of_two_is_not():
    first, second = greedy(tree(GARDEN), (), START, 2, 4), beam(tree(GARDEN), (), START, 2, 2, 4)
    assert first.symbols == (0, 0) and first.log_p == pytest.approx(np.log(0.275))
    assert second.symbols == (1, 1) and second.log_p == pytest.approx(np.log(0.405))


def test_a_wider_beam_can_find_less():
    """A beam of 2 keeps (0) and (1); what a beam of 3 keeps in the second round crowds out what would have won."""
    worse = []
    for seed in range(300):
        found = [beam(*arguments(seed), width, LONGEST) for width in (1, 2, 3)]
        worse += [(seed, w) for w in (0, 1) if found[w].ended and found[w + 1].log_p < found[w].log_p - 1e-9]
    assert worse


def test_normalising_prefers_the_longer_sequence_where_plain_search_stops_early():
    short = {(): (0.5, 0, 0.5), (0,): (0.96, 0, 0.04), (0, 0): (0.96, 0, 0.04), (0, 0, 0): (0, 0, 1)}
    plain = exact(tree(short), (), START, 2, 3)
    normal = exact(tree(short), (), START, 2, 3, alpha=1.0)
    assert plain.symbols == () and normal.symbols == (0, 0, 0)
    assert normal.score == pytest.approx(normal.log_p / (8 / 6)) and length_penalty(1, 0.7) == 1


def test_exact_search_asks_for_less_than_there_is():
    calls = [exact(model(seed, 4.0), (), START, END, LONGEST).calls for seed in range(10)]
    assert max(calls) < sum(3**n for n in range(LONGEST + 1))


def test_a_sequence_that_does_not_end_is_said_not_to():
    endless = {(): (0.7, 0.3, 0)} | {read: (1, 0, 0) for n in range(1, 6) for read in product([0, 1], repeat=n)}
    for found in (greedy(tree(endless), (), START, 2, 3), beam(tree(endless), (), START, 2, 2, 3)):
        assert not found.ended and found.symbols == (0, 0, 0) and found.log_p == pytest.approx(np.log(0.7))
    with pytest.raises(ValueError, match="no sequence of at most max_length symbols"):
        exact(tree(endless), (), START, 2, 3)


def test_wrong_arguments_are_told_in_a_sentence():
    with pytest.raises(ValueError, match="width should be at least 1, but is 0"):
        beam(*arguments(0), 0, 3)
    with pytest.raises(ValueError, match="max_length should be at least 1"):
        greedy(*arguments(0), 0)
    with pytest.raises(ValueError, match="alpha should be at least 0, but is -1"):
        exact(*arguments(0), 3, alpha=-1)
    with pytest.raises(RuntimeError, match="within max_calls = 2 steps"):
        exact(tree(GARDEN), (), START, 2, 4, max_calls=2)
    with pytest.raises(ValueError, match=r"log_probs should have shape \(V,\)"):
        greedy(lambda state, symbol: (np.zeros((2, 3)), state), (), START, END, 3)
