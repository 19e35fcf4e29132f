"""The joint n-gram: its alignment is expectation maximisation, its counts Witten and Bell's, its search exact."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from rnnbook.rivals import WittenBell
from rnnbook.rivals.edits import edit_distance, error_rates
from rnnbook.rivals.joint_ngram import JointNgram, align_letters

WORDS = ["ab", "abe", "ca", "axe", "a", "bab", "xa"]
SAID = [("A", "B"), ("A", "B"), ("K", "A"), ("A", "K", "S"), ("A",), ("B", "A", "B"), ("K", "S", "A")]


def all_cuts(word, sounds):
    """Every way to give each letter 0, 1 or 2 of the sounds in order."""
    for sizes in product(range(3), repeat=len(word)):
        if sum(sizes) == len(sounds):
            ends = np.cumsum(sizes)
            yield tuple(tuple(sounds[end - k : end]) for k, end in zip(sizes, ends, strict=True))


def em(words, said, iterations):
    """Expectation maximisation over the list of all cuts: the probability of each pair."""
    p = Counter({pair: 1.0 for word, s in zip(words, said) for cut in all_cuts(word, s) for pair in zip(word, cut)})
    for _ in range(iterations):
        counts = Counter()
        for word, sounds in zip(words, said, strict=True):
            weights = {cut: math.prod(p[pair] for pair in zip(word, cut)) for cut in all_cuts(word, sounds)}
            for cut, weight in weights.items():
                for pair in zip(word, cut, strict=True):
                    counts[pair] += weight / sum(weights.values())
        p = Counter({pair: count / counts.total() for pair, count in counts.items()})
    return p


@pytest.mark.parametrize("iterations", [1, 2, 3, 8])
def test_the_cuts_are_those_of_expectation_maximisation_over_all_cuts(iterations):
    rng = np.random.default_rng(iterations)
    words = WORDS + ["".join(rng.choice(list("abx"), size=rng.integers(2, 6))) for _ in range(40)]
    said = SAID + [tuple(rng.choice(list("ABKS"), size=rng.integers(1, 5))) for _ in range(40)]
    p = em(words, said, iterations)
    for word, sounds, cut in zip(words, said, align_letters(words, said, iterations), strict=True):
        weights = {one: math.prod(p[pair] for pair in zip(word, one)) for one in all_cuts(word, sounds)}
        assert weights[cut] == pytest.approx(max(weights.values()), rel=1e-9)  # two cuts may be equally likely


def test_em_finds_that_x_has_two_sounds_and_the_last_e_none():
    cuts = dict(zip(WORDS, align_letters(WORDS, SAID), strict=True))
    assert cuts["axe"] == (("A",), ("K", "S"), ()) and cuts["xa"] == (("K", "S"), ("A",))
    for word, sounds in zip(WORDS, SAID, strict=True):
        assert sum(cuts[word], ()) == sounds


def test_a_word_that_cannot_be_cut_is_named():
    with pytest.raises(
        ValueError, match="'ab' should have at least one letter and at most two phonemes per letter, but has 5"
    ):
        align_letters(["ab"], ["ABCDE"])
    with pytest.raises(ValueError, match="'' should have at least one letter"):
        align_letters([""], [()])


@pytest.fixture(scope="module")
def drawn():
    """Sixty words of three letters, each letter with a sound that depends on the one before, or none."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("xyz"), size=rng.integers(2, 6))) for _ in range(60)]
    cuts = [tuple(() if rng.random() < 0.2 else (f"{a}{rng.integers(2)}",) for a in word) for word in words]
    return words, cuts


@pytest.mark.parametrize("order", [1, 2, 3])
def test_probabilities_are_witten_and_bells(order, drawn):
    """Of one long word whose first graphone is not counted by either: START has been put before all others."""
    words, cuts = drawn
    word, cut = "".join(words), sum(cuts, ())
    model = JointNgram([word], [cut], order)
    sequence = [model.START, *zip(word, cut, strict=True), model.END]
    numbers = {graphone: k for k, graphone in enumerate(dict.fromkeys(sequence[1:]))}
    tokens = np.array([numbers[graphone] for graphone in sequence[1:]])
    theirs = WittenBell(tokens, len(numbers), order).probabilities(tokens)[-1]
    for place in range(order, len(sequence)):  # before, a context holds START, which WittenBell does not know
        ours = model.log_probability(sequence[place], tuple(sequence[:place]))
        assert ours == pytest.approx(math.log(theirs[place - 1]), abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_what_may_follow_sums_to_one(order, drawn):
    model = JointNgram(*drawn, order)
    for context in [(model.START,), (model.START, ("x", ("x0",))), (("y", ("y1",)), ("z", ())), (("?", ()),)]:
        total = sum(math.exp(model.log_probability(graphone, context)) for graphone in model.counts[()])
        assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_wide_beam_finds_the_likeliest_graphones_of_all(order, drawn):
    model = JointNgram(*drawn, order)
    for word in ["xyz", "zzxy", "y"]:
        scores = {}
        for path in product(*(model.graphones[letter] for letter in word)):
            sequence = [model.START, *path, model.END]
            scores[path] = sum(model.log_probability(sequence[t], tuple(sequence[:t])) for t in range(1, len(sequence)))
        path, score = model.pronounce(word, width=1000)
        assert score == pytest.approx(max(scores.values()), abs=1e-12)
        assert scores[tuple(path)] == pytest.approx(score, abs=1e-12)
        assert model.sounds(word, width=1000) == sum((sounds for _, sounds in path), ())


def test_a_letter_never_seen_is_silent(drawn):
    model = JointNgram(*drawn, 2)
    path, _ = model.pronounce("xqy")
    assert path[1] == ("q", ()) and len(path) == 3


@pytest.mark.parametrize("first, second", [("kitten", "sitting"), ("", "abc"), ("abc", ""), ("ab", "ba"), ("a", "a")])
def test_the_edit_distance_is_the_least_of_all_ways(first, second):
    def least(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(least(a[1:], b[1:]) + (a[0] != b[0]), least(a[1:], b) + 1, least(a, b[1:]) + 1)

    assert edit_distance(first, second) == least(first, second)


def test_errors_are_counted_against_the_nearest_right_answer():
    rates = error_rates(["abc", "xy", "q"], [["abd", "abc"], ["xyzz", "xq", "x"], ["qrst"]])
    assert rates.distances == [0, 1, 3] and rates.lengths == [3, 2, 4]
    assert rates.symbols == pytest.approx(4 / 9) and rates.answers == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="should have one length, at least 1, but have 1 and 2"):
        error_rates(["a"], [["a"], ["b"]])
    with pytest.raises(ValueError, match=r"accepted\[1\] should hold at least one sequence"):
        error_rates(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="at least one symbol"):
        error_rates([""], [[""]])
