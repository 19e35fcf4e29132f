"""The long runs on spelling and sound: their pieces do what they say, and a part of the record comes out again."""

import importlib
import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from searches import LIBRARY

from rnnbook.in_numpy.search import exact, greedy
from rnnbook.in_torch.attention import MultiplicativeAttention

FOLDER = Path(__file__).parents[1] / "book/experiments"
SMALL = {"hidden": {"encoder-decoder": [5, 7], "attention": [5, 7], "CTC": 5, "transformer": [8, 6, 2, 1]}}
KINDS = list(SMALL["hidden"])


@pytest.fixture(scope="module")
def ladder():
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("pronunciation")
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("pronunciation", "pronunciation_search", "harness", "provenance"):
            sys.modules.pop(name, None)


def small(ladder, kind):
    torch.manual_seed(0)
    return ladder.build(kind, ladder.SETTINGS | SMALL).eval()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_word_in_a_batch_is_read_as_it_is_alone(kind, ladder):
    model = small(ladder, kind)
    words, targets = ["cab", "abacuses"], [[3, 4], [5, 6, 7, 8, 9]]
    both = model.loss(*ladder.spelled(words), *ladder.padded(targets))
    counts = np.array([len(target) + (kind != "CTC") for target in targets])
    alone = [
        model.loss(*ladder.spelled([word]), *ladder.padded([target])).item() for word, target in zip(words, targets)
    ]
    assert both.item() == pytest.approx((alone * counts).sum() / counts.sum(), rel=1e-5)
    answers = model.answers(*ladder.spelled(words))
    assert [answer[:6] for answer in answers] == [model.answers(*ladder.spelled([word]))[0][:6] for word in words]


@pytest.mark.parametrize("kind", ["encoder-decoder", "attention", "transformer"])
def test_greedy_answers_are_the_likeliest_symbols_given_those_before(kind, ladder):
    model = small(ladder, kind)
    x, lengths = ladder.spelled(["abc"])
    (answer,) = model.answers(x, lengths)
    told = torch.tensor([ladder.START, *answer])[:, None]
    with torch.no_grad():
        if kind == "transformer":
            logits = model.write(told, model.read(x), x)
        else:
            logits = model.write(told, *model.read(x, lengths))[0]
    assert logits.argmax(dim=2)[:, 0].tolist()[: len(answer)] == answer


@pytest.mark.parametrize("kind", ["encoder-decoder", "attention"])
def test_the_stepper_is_the_network(kind, ladder):
    search = importlib.import_module("pronunciation_search")
    model = small(ladder, kind)
    step, state = search.stepper(model, "abacus")
    written = [3, 7, 1]
    with torch.no_grad():
        told = torch.tensor([ladder.START, *written])[:, None]
        logits = model.write(told, *model.read(*ladder.spelled(["abacus"])))[0][:, 0]
    for place, symbol in enumerate([ladder.START, *written]):
        log_probs, state = step(state, symbol)
        np.testing.assert_allclose(log_probs, logits[place].log_softmax(0), atol=1e-5)
    found = greedy(*search.stepper(model, "abc"), ladder.START, ladder.END, 4)
    assert found.log_p <= exact(*search.stepper(model, "abc"), ladder.START, ladder.END, 4).log_p + 1e-12


def test_only_the_network_with_attention_attends(ladder):
    assert isinstance(small(ladder, "attention").attention, MultiplicativeAttention)
    assert small(ladder, "encoder-decoder").attention is None


def test_collapsing_and_ends(ladder):
    assert ladder.collapsed([0, 3, 3, 0, 3, 5, 5]) == [3, 3, 5] and ladder.collapsed([]) == []
    assert ladder.until_end(torch.tensor([[4, 41, 5], [1, 2, 3]])) == [[4], [1, 2, 3]]
    assert ladder.possible("ab", "KKA") and not ladder.possible("ab", "KKAA") and ladder.possible("ab", "KAKA")


def test_the_networks_have_as_many_parameters_as_recorded(ladder):
    record = json.loads((FOLDER / "pronunciation.json").read_text(encoding="utf-8"))
    sizes = {run["kind"]: run["parameters"] for run in record["networks"]}
    for kind, size in sizes.items():
        assert sum(p.numel() for p in ladder.build(kind).parameters()) == size
    assert max(sizes.values()) < 1.05 * min(sizes.values())


def test_the_recorded_shares_are_those_of_the_recorded_distances():
    record = json.loads((FOLDER / "pronunciation.json").read_text(encoding="utf-8"))
    for run in record["counting"] + record["networks"] + record["twice as long"]:
        distances, lengths = ([int(c, 36) for c in run[key]] for key in ("distances", "lengths"))
        assert len(distances) == len(record["letters"]) == record["settings"]["test"]
        assert run["words"] == pytest.approx(np.mean(np.array(distances) > 0), abs=1e-5)
        assert run["phonemes"] == pytest.approx(sum(distances) / sum(lengths), abs=1e-5)


@pytest.mark.slow
@pytest.mark.search("experiments computed again", "book/experiments/*", *LIBRARY)
def test_the_commonest_phonemes_err_as_recorded(ladder):
    record = json.loads((FOLDER / "pronunciation.json").read_text(encoding="utf-8"))
    parts, _ = ladder.split()
    words, said = parts["train"]
    best = ladder.commonest(words, ladder.align_letters(words, [one[0] for one in said]))
    answers = [sum((best[letter] for letter in word), ()) for word in parts["test"][0]]
    scored = ladder.scored(answers, parts["test"])
    assert scored.items() <= record["counting"][0].items()
    assert record["letters"] == ladder.in_characters([len(word) for word in parts["test"][0]])


@pytest.mark.parametrize("T, V", [(5, 3), (4, 4)])
def test_a_prefix_beam_that_drops_nothing_finds_the_likeliest_target(T, V, ladder):
    search, rng = importlib.import_module("pronunciation_search"), np.random.default_rng(T)
    for _ in range(10):
        y, together = rng.dirichlet(np.ones(V), T), {}
        for path in product(range(V), repeat=T):
            target = tuple(ladder.collapsed(list(path)))
            together[target] = together.get(target, 0) + np.prod(y[range(T), path])
        assert search.prefix_beam(y, V**T, least=0) == list(max(together, key=together.get))


def test_a_prefix_beam_may_prefer_many_paths_to_the_likeliest_one(ladder):
    y = np.array([[0.6, 0.4], [0.6, 0.4]])  # the likeliest path is two blanks, .36; three paths write the symbol, .64
    assert ladder.collapsed(y.argmax(axis=1).tolist()) == []
    assert importlib.import_module("pronunciation_search").prefix_beam(y, 4) == [1]
