"""The pieces of the long runs on DNA, motions and speakers do what they say, and cheap parts of the records recur."""

import importlib
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from searches import LIBRARY

from rnnbook import data
from rnnbook.data.genomes import base_labels, reverse_complement

FOLDER = Path(__file__).parents[1] / "book/experiments"


@pytest.fixture(scope="module")
def load():
    """Import an experiment by its name."""
    sys.path.insert(0, str(FOLDER))
    yield lambda name: importlib.import_module(f"applications_{name}")
    sys.path.remove(str(FOLDER))
    for name in [name for name in sys.modules if name == "harness" or name.startswith("applications_")]:
        del sys.modules[name]


def record(name):
    return json.loads((FOLDER / f"applications_{name}.json").read_text(encoding="utf-8"))


# ---- DNA ---------------------------------------------------------------------------------------------------------


def tagger(dna, shared):
    torch.manual_seed(0)
    return dna.Tagger(8, shared).double()


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_the_shared_network_says_of_the_other_strand_the_same_turned_round_and_the_other_does_not(load, shared):
    dna = load("dna")
    bases = np.random.default_rng(1).integers(4, size=(2, 63))
    x = dna.one_hot(bases).double()
    turned = dna.one_hot(np.stack([reverse_complement(row) for row in bases])).double()
    torch.testing.assert_close(turned, dna.other_strand(x), rtol=0, atol=0)
    model = tagger(dna, shared)
    gap = (dna.by_base(model(turned)).flip(1, 2) - dna.by_base(model(x))).abs().max().item()
    assert gap < 1e-12 if shared else gap > 0.01


def test_a_region_is_read_as_a_whole_but_for_what_lies_beyond_the_margin(load, monkeypatch):
    dna = load("dna")
    monkeypatch.setitem(dna.SETTINGS, "window", 60)
    monkeypatch.setitem(dna.SETTINGS, "margin", 18)
    bases, model = np.random.default_rng(2).integers(4, size=200), tagger(dna, False).float()
    found = dna.logits_of(model, bases, 48, 140)
    assert found.shape == (2, 92, 7)
    start = 48 + 24  # of the second window's core
    window = dna.by_base(model(dna.one_hot(bases[None, start - 18 : start + 42])))[0, 18:42].detach().numpy()
    np.testing.assert_allclose(found[0, 24:48], window, atol=1e-6)
    seen = reverse_complement(bases[start - 18 : start + 42])
    other = dna.by_base(model(dna.one_hot(seen[None])))[0, 18:42].detach().numpy()[::-1, ::-1]
    np.testing.assert_allclose(found[1, 24:48], other, atol=1e-6)


def test_copies_are_found_on_either_strand_and_nearby_words_are_joined(load):
    dna = load("dna")
    rng = np.random.default_rng(3)
    seen, bases = rng.integers(4, size=2000), rng.integers(4, size=3000)
    bases[100:300] = seen[500:700]
    bases[200] = (bases[200] + 1) % 4  # nearly identical
    bases[1000:1150] = reverse_complement(seen[40:190])
    bases[2000:2080] = seen[900:980]  # too short
    assert dna.copies(bases, seen, k=20, gap=50, least=100) == [(100, 300), (1000, 1150)]
    assert dna.copies(bases[300:990], seen, k=20, gap=50, least=100) == []


def test_states_of_starts_and_stops_have_the_labels_of_their_bases_on_both_strands(load):
    dna = load("dna")
    genes, N = np.array([[3, 21, 1], [24, 42, -1]]), 45
    for S in (7, 19):
        states = dna.states_of(genes, N, S)
        np.testing.assert_array_equal(dna.LABEL_OF[S][states], base_labels(genes, N))
        turned = dna.states_of(np.array([[3, 21, 1], [24, 42, -1]]), N, S)  # this layout is its own mirror image
        np.testing.assert_array_equal(S - 1 - turned[::-1], states)
    assert dna.states_of(genes, N, 19)[3:21].tolist() == [0, 1, 2, *[3, 4, 5] * 4, 6, 7, 8]


def test_errors_are_counted_by_kind_and_agreement_by_block(load, monkeypatch):
    dna = load("dna")
    monkeypatch.setattr(dna, "BLOCK", 4)
    labels, answers = np.array([0, 1, 3, 3, -1, 4, 5, 2, 6, 0]), np.array([0, 3, 3, 1, 2, 2, 4, 2, 6, 0])
    assert dna.per_block(answers, labels) == [2, 1, 2]
    kinds = dna.kinds_of_error(answers, labels)
    assert list(kinds.values()) == [round(1 / 9, 5)] * 4
    assert dna.agreement(answers, labels) == pytest.approx(5 / 9)


@pytest.mark.slow
@pytest.mark.search("experiments computed again", "book/experiments/*", *LIBRARY)
def test_the_codons_in_a_window_agree_as_recorded(load):
    dna, stored = load("dna"), record("dna")
    genome = data.genome()
    labels, out = dna.prepare(genome)
    first, end = dna.region(genome, "test")
    rival = stored["rivals"]["codons in a window"]
    assert json.loads(json.dumps(out)) == stored["taken out"]
    assert dna.judged(dna.counting(genome, labels, *rival["choice"], "test"), labels[first:end]) == {
        key: rival[key] for key in ("right", "errors")
    }


# ---- Health ------------------------------------------------------------------------------------------------------


def test_time_warping_finds_the_cheapest_of_all_alignments(load):
    health = load("health")
    rng = np.random.default_rng(4)
    train, test = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 5, 2))

    def alignments(i, j):
        """Every way from (0, 0) to (i, j) in steps of one in either sequence or both."""
        if i == j == 0:
            return [[(0, 0)]]
        before = [(i - 1, j), (i, j - 1), (i - 1, j - 1)]
        return [[*way, (i, j)] for a, b in before if a >= 0 and b >= 0 for way in alignments(a, b)]

    ways = alignments(2, 2)
    apart = [
        [min(sum(np.sum((test[i, n] - train[j, m]) ** 2) for i, j in way) for way in ways) for m in range(4)]
        for n in range(5)
    ]
    found = health.warped(train, np.arange(4), test)
    np.testing.assert_array_equal(found, np.argmin(apart, axis=1))


@pytest.mark.slow
@pytest.mark.search("experiments computed again", "book/experiments/*", *LIBRARY)
def test_the_rivals_answer_as_recorded_after_three_seconds(load):
    health, stored = load("health"), record("health")
    motions = data.basic_motions()
    assert motions.test_labels.tolist() == stored["truth"]
    for name, answers in health.rivals(motions, 30).items():
        assert answers.tolist() == stored["rivals"][name][stored["tenths"].index(30)], name


# ---- Speech ------------------------------------------------------------------------------------------------------


def test_a_path_collapses_to_its_labels_and_a_spike_is_where_one_begins(load):
    speech = load("speech")
    path = [9, 2, 2, 9, 2, 4, 4, 9, 9]
    assert speech.collapse(path) == [2, 2, 4]
    assert speech.spikes(path) == [(1, 2), (4, 2), (5, 4)]
    assert speech.collapse([9, 9]) == speech.spikes([9, 9]) == []


def test_edits_are_the_fewest_that_lead_from_one_list_to_the_other(load):
    speech = load("speech")

    def fewest(a, b):
        """By trying everything."""
        if not a or not b:
            return len(a) + len(b)
        return min(fewest(a[1:], b[1:]) + (a[0] != b[0]), fewest(a[1:], b) + 1, fewest(a, b[1:]) + 1)

    for a, b in itertools.product(itertools.product(range(2), repeat=3), itertools.product(range(3), repeat=4)):
        assert speech.edits(list(a), list(b)) == fewest(list(a), list(b))


def test_every_test_utterance_is_in_one_stream_and_nobody_follows_himself(load):
    speech, vowels = load("speech"), data.japanese_vowels()
    streams, (x, lengths, speakers) = speech.test_streams(vowels)
    assert sorted(streams.ravel()) == list(range(370)) and streams.shape == (74, 5)
    assert np.all(np.diff(vowels.test_labels[streams], axis=1) != 0)
    assert streams.tolist() == record("speech")["streams"]
    b, stream = 7, streams[7]
    expected = np.concatenate([vowels.test[row] for row in stream])
    np.testing.assert_array_equal(x[: lengths[b], b], expected)
    assert not x[lengths[b] :, b].any() and set(speakers[lengths[b] :, b]) <= {-1}
    np.testing.assert_array_equal(
        speakers[: lengths[b], b], [vowels.test_labels[row] for row in stream for _ in vowels.test[row]]
    )


def test_a_majority_is_the_commonest_of_the_neighbours(load):
    speech = load("speech")
    answers = np.random.default_rng(5).integers(3, size=20)
    log_p = np.log(np.eye(9)[answers] + 1e-3)
    expected = [np.bincount(answers[max(t - 2, 0) : t + 3]).argmax() for t in range(20)]
    np.testing.assert_array_equal(speech.majority(log_p, 5), expected)
    np.testing.assert_array_equal(speech.in_context(log_p, 1)[3], np.concatenate(log_p[2:5]))


def test_a_smoothed_path_follows_the_frames_where_they_are_sure_and_stays_where_they_are_not(load):
    speech = load("speech")
    p = np.full((20, 9), 0.01)
    p[:10, 3] = p[10:, 5] = 0.92
    p[4] = np.where(np.arange(9) == 7, 0.5, 0.0625)  # one frame that says something else
    path = speech.smoothed(np.log(p), stay=0.9, power=1.0)
    assert path.tolist() == [3] * 10 + [5] * 10
