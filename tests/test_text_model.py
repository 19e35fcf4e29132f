"""The network against the strongest counter: how the text is cut, counted, read while learning, and mixed."""

import importlib

import numpy as np
import pytest
import torch

from rnnbook.in_numpy import RNN, LanguageModel
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.rivals.ngram import WittenBell

V = 5


@pytest.fixture
def load(monkeypatch):
    from pathlib import Path

    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "book/experiments"))
    return importlib.import_module


def text(seed, N):
    return np.random.default_rng(seed).integers(V, size=N)


def test_a_counter_that_learns_predicts_with_the_counts_of_everything_before(load):
    past, before, read = text(0, 40), text(1, 7), text(2, 60)
    before[-2:] = past[-2:]  # so that a counter trained on past + read has seen the same n-grams
    found, _ = load("text_model").counter(WittenBell(past, V, 3), before, read, learning=True)
    for t in (0, 1, 2, 3, 10, 59):
        so_far = WittenBell(np.concatenate([past, read[:t]]), V, 3)
        expected = so_far.probabilities(np.concatenate([past, read[: t + 1]]))[:, -1]
        np.testing.assert_allclose(found[:, t], expected, rtol=0, atol=1e-12)


def test_a_counter_that_does_not_learn_gives_the_probabilities_of_the_package(load):
    past, before, read = text(0, 40), text(1, 7), text(2, 60)
    ngrams = WittenBell(past, V, 4)
    found, _ = load("text_model").counter(ngrams, before, read, learning=False)
    expected = ngrams.probabilities(np.concatenate([before, read]))[:, -len(read) :]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_earlier_values_of_the_same_key_are_summed(load):
    keys, values = np.array([3, 1, 3, 3, 1]), np.array([10, 20, 30, 40, 50])
    assert load("text_model").earlier(keys, values).tolist() == [0, 0, 10, 40, 20]


@pytest.fixture
def tiny(load, monkeypatch):
    """A network with random weights in place of the stored one, and its settings made small."""
    program, training = load("text_model"), load("text_model_training")
    torch.manual_seed(0)
    model = training.CharacterModel(V, 6).eval()
    monkeypatch.setattr(program, "SETTINGS", program.SETTINGS | {"warm_up": 200, "streams": 2, "chunk": 4, "blocks": 3})
    return program, model


@torch.no_grad()
def in_one_go(model, before, read):
    """The probability of each character of a text, read in one stream behind the characters before it."""
    whole = torch.cat([before, read])[:, None]
    p = model(whole[:-1])[0].softmax(-1)
    return p[torch.arange(len(whole) - 1), 0, whole[1:, 0]][-len(read) :].numpy()


def test_blocks_read_side_by_side_equal_one_stream(tiny):
    program, model = tiny
    before, read = (torch.tensor(text(seed, N)) for seed, N in ((1, 300), (2, 61)))
    found = program.fixed_network(model, before, read)
    np.testing.assert_allclose(found, in_one_go(model, before, read), rtol=0, atol=1e-5)  # a block knows 200 before it


def test_a_network_at_the_rate_zero_learns_nothing(tiny):
    program, model = tiny
    before, read = (torch.tensor(text(seed, N)) for seed, N in ((1, 300), (2, 61)))
    found = program.learning_network(model, before, read, 0.0)
    np.testing.assert_allclose(found, in_one_go(model, before, read), rtol=0, atol=1e-5)


def test_a_network_that_learns_predicts_each_chunk_before_it_learns_from_it(tiny):
    program, model = tiny
    before, read, given = torch.tensor(text(1, 300)), torch.tensor(text(2, 61)), str(model.state_dict())
    found, still = (program.learning_network(model, before, read, rate) for rate in (0.5, 0.0))
    starts, T = program.columns_of(before, read, 2)[1], program.SETTINGS["chunk"]
    for a in starts:  # the first chunk of each stream comes from the network as it was
        np.testing.assert_allclose(found[a : a + T], still[a : a + T], rtol=0, atol=1e-7)
        assert np.abs(found[a + T : a + 3 * T] - still[a + T : a + 3 * T]).min() > 1e-5
    other = read.clone()
    other[T - 1] = (other[T - 1] + 1) % V  # the last character of the first chunk of the first stream
    changed = program.learning_network(model, before, other, 0.5)
    np.testing.assert_allclose(changed[: T - 1], found[: T - 1], rtol=0, atol=1e-7)
    assert abs(changed[T] - found[T]) > 1e-5
    assert str(model.state_dict()) == given  # it learns in a copy


@pytest.mark.parametrize("learning", [False, True])
def test_a_counter_says_how_long_a_context_it_has_met_and_whether_one_character_followed(learning, load):
    past, before, read = text(0, 40), text(1, 7), text(2, 30)
    _, known = load("text_model").counter(WittenBell(past, V, 4), before, read, learning)
    whole, joins = np.concatenate([before, read]), []
    for t in range(len(read)):
        seen = "".join(map(str, past)), "".join(map(str, np.concatenate([before[-3:], read[:t]])))
        for k in range(3, -1, -1):
            context = "".join(map(str, whole[t + 7 - k : t + 7]))
            parts = seen if learning else seen[:1]
            after = [
                part[i + k]
                for part, start in zip(parts, (0, 3 - k), strict=False)
                for i in range(start, len(part) - k)
                if part[i : i + k] == context
            ]
            if after:
                joins.append(2 * k + (len(set(after)) == 1))
                break
    assert known.tolist() == joins


def test_the_weights_of_a_mixture_need_fewer_bits_than_any_others_near_them(load, monkeypatch):
    program, rng = load("text_model"), np.random.default_rng(0)
    monkeypatch.setattr(program, "SETTINGS", program.SETTINGS | {"rounds": 3000, "prior": 0})
    p, known = rng.uniform(0.01, 1, size=(3, 400)), rng.integers(2, size=400)
    w = program.mixing_weights(p, known, 2)
    np.testing.assert_allclose(w.sum(axis=1), 1, rtol=0, atol=1e-12)
    least = program.bits(program.mixture(w, p, known))
    for kind in range(2):
        for a, b in ((0, 1), (1, 2), (2, 0)):
            other = w.copy()
            moved = min(0.02, other[kind, a])
            other[kind, a], other[kind, b] = other[kind, a] - moved, other[kind, b] + moved
            assert program.bits(program.mixture(other, p, known)) >= least - 1e-9
    assert least < min(program.bits(row) for row in p)


def test_a_kind_without_places_gets_the_weights_of_all_places(load):
    program, rng = load("text_model"), np.random.default_rng(0)
    p = rng.uniform(0.01, 1, size=(2, 300))
    w = program.mixing_weights(p, np.zeros(300, int), 3)
    np.testing.assert_allclose(w[1], w[2], rtol=0, atol=1e-12)
    np.testing.assert_allclose(w[1], w[0], rtol=0, atol=0.02)


def test_block_bits_add_up_to_the_bits_of_the_text(load):
    program, p = load("text_model"), np.random.default_rng(0).uniform(0.01, 1, size=205)
    blocks = program.block_bits(p)
    assert len(blocks) == 20
    assert sum(blocks) / 205 == pytest.approx(program.bits(p), abs=0.01)


def test_the_page_of_code_has_the_gradients_of_the_package(load):
    program, rng = load("character_rnn"), np.random.default_rng(0)
    p = {name: w[..., :] for name, w in program.parameters(V, rng).items()}
    x, target = rng.integers(V, size=(2, 6, 3))
    loss, g, last = program.loss_and_gradients(p, x, target, np.zeros((3, program.H)))
    model = LanguageModel(V, RNN(program.D, program.H, dtype=np.float64))
    names = {"E": "embedding.weight", "W_ih": "layer.weight_ih_l0", "W_hh": "layer.weight_hh_l0",
             "b_h": "layer.bias_ih_l0", "W_hy": "head.weight", "b_y": "head.bias"}  # fmt: skip
    state = {name: p[short] for short, name in names.items()}
    model.load_state_dict(state | {"layer.bias_hh_l0": np.zeros(program.H)})
    logits, state, trace = model.forward(x)
    expected, dlogits = cross_entropy(logits, target)
    grads = model.backward(dlogits, trace)
    assert loss == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(last, state, rtol=0, atol=1e-12)
    for short, name in names.items():
        np.testing.assert_allclose(g[short], grads[name], rtol=0, atol=1e-12, err_msg=short)


@pytest.mark.slow
def test_the_page_of_code_learns_a_text_that_repeats_itself_and_then_writes_it(load):
    program = load("character_rnn")
    tokens, losses = np.tile([0, 1, 2, 3], 300), []
    p = program.parameters(4, np.random.default_rng(0))
    program.train(p, tokens, 80, lambda i, loss: losses.append(loss))
    assert losses[0] > 1 > 0.1 > losses[-1]
    assert program.sample(p, 0, 8, np.random.default_rng(1)) == [1, 2, 3, 0, 1, 2, 3, 0]
