"""The tasks ask what they say, their chance levels are those of the best guess, and fitting them lowers the loss."""

from functools import partial

import numpy as np
import pytest
from doors import told

from rnnbook.data import tasks
from rnnbook.in_numpy import GRU, Linear

T, B = 20, 500
DRAWS = {
    "adding": partial(tasks.adding, T=T, B=B),
    "copy": partial(tasks.copy, T=T, B=B),
    "temporal order": partial(tasks.temporal_order, T=T, B=B),
    "counting": partial(tasks.counting, largest=8, B=B),
    "associative recall": partial(tasks.associative_recall, pairs=3, B=B, vocabulary=6),
}
each_task = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@each_task
def test_a_seed_gives_the_same_batch_and_another_seed_another(draw):
    one, same, other = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.x, other.x)
    assert one.target.shape == one.mask.shape == one.x.shape[:2]
    assert one.mask.dtype == bool


def test_adding_marks_one_number_in_each_half_and_asks_for_their_sum_at_the_end():
    x, target, mask = DRAWS["adding"](np.random.default_rng(0))
    marks = x[:, :, 1]
    assert set(np.unique(marks)) == {0, 1}
    assert (marks[: T // 2].sum(axis=0) == 1).all()
    assert (marks[T // 2 :].sum(axis=0) == 1).all()
    assert (marks.sum(axis=1) > 0).all()  # every step is marked in some sequence
    for b in range(5):
        assert target[-1, b] == pytest.approx(sum(n for n, mark in x[:, b] if mark))
    assert mask[-1].all()
    assert mask.sum() == B
    assert x[:, :, 0].min() >= 0
    assert x[:, :, 0].max() < 1
    assert x[:, :, 0].mean() == pytest.approx(0.5, abs=0.02)


def test_the_chance_of_adding_is_the_error_of_always_answering_one():
    batch = tasks.adding(np.random.default_rng(0), T, 100_000)
    error, _ = tasks.loss(np.ones((T, 100_000, 1)), batch)
    assert error == pytest.approx(1 / 6, rel=0.01)
    assert tasks.ADDING_CHANCE == 1 / 6
    assert tasks.skill(np.ones((T, 100_000, 1)), batch, tasks.ADDING_CHANCE) == pytest.approx(0, abs=0.01)
    assert tasks.skill(batch.target[:, :, None], batch, tasks.ADDING_CHANCE) == 1


def test_copy_says_the_symbols_again_after_t_steps_and_the_signal():
    x, target, mask = tasks.copy(np.random.default_rng(0), T, B, length=3, symbols=4)
    tokens = x.argmax(axis=-1)
    assert x.shape == (T + 6, B, 6)
    assert (x.sum(axis=-1) == 1).all()
    np.testing.assert_array_equal(target[-3:], tokens[:3])
    assert set(np.unique(tokens[:3])) == {1, 2, 3, 4}
    assert (tokens[3 + T - 1] == 5).all()  # the signal, T steps after the last symbol
    assert not np.delete(tokens, [0, 1, 2, 3 + T - 1], axis=0).any()
    assert not target[:-3].any()
    assert mask.all()
    recalled = tasks.recall(tasks.copy(np.random.default_rng(0), T, B)).mask
    assert recalled[-3:].all()
    assert not recalled[:-3].any()


def test_the_baseline_of_copy_is_the_loss_of_sure_blanks_and_guessed_symbols():
    batch = tasks.copy(np.random.default_rng(0), T, B, length=5, symbols=3)
    y = np.zeros((T + 10, B, 5))
    y[:-5, :, 0] = 1e3
    y[-5:, :, [0, 4]] = -1e3
    assert tasks.loss(y, batch)[0] == pytest.approx(tasks.copy_baseline(T, length=5, symbols=3))
    assert tasks.copy_baseline(40, length=10, symbols=8) == pytest.approx(10 * np.log(8) / 60)


def test_temporal_order_numbers_the_four_pairs_among_distractors():
    x, target, mask = DRAWS["temporal order"](np.random.default_rng(0))
    tokens = x.argmax(axis=-1)
    for b in range(B):
        places = np.flatnonzero(tokens[:, b] < 2)
        assert len(places) == 2
        assert T // 10 <= places[0] < 2 * T // 10
        assert 5 * T // 10 <= places[1] < 6 * T // 10
        assert target[-1, b] == {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 3}[tuple(tokens[places, b])]
    assert np.flatnonzero((tokens < 2).any(axis=1)).tolist() == [2, 3, 10, 11]  # every place that is allowed
    assert set(np.unique(tokens)) == {0, 1, 2, 3, 4, 5}
    assert np.bincount(target[-1], minlength=4) == pytest.approx(B / 4, rel=0.25)
    assert mask.sum() == mask[-1].sum() == B
    with pytest.raises(ValueError, match="T // 10 should be"):
        tasks.temporal_order(np.random.default_rng(0), 9, B)


def test_counting_asks_for_the_end_after_as_many_b_as_a():
    x, target, mask = tasks.count_to([1, 3])
    names = np.array(list("ab."))
    assert ["".join(names[column]) for column in x.argmax(axis=-1).T] == ["ab....", "aaabbb"]
    assert ["".join(names[column]) for column in target.T] == ["b.....", "aabbb."]
    assert mask.astype(int).T.tolist() == [[0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
    drawn = tasks.counting(np.random.default_rng(0), 8, B)
    assert set(drawn.mask.sum(axis=0)) == set(range(1, 9))
    assert (drawn.x[:, :, 0].sum(axis=0) == drawn.mask.sum(axis=0)).all()


def test_ending_after_a_fixed_number_is_right_for_one_n_alone():
    batch = tasks.count_to(np.arange(1, 9))
    place = np.cumsum(batch.mask, axis=0)  # which b this is
    y = np.eye(3)[np.where(place >= 5, 2, 1)]
    assert tasks.all_right(y, batch).tolist() == [n == 5 for n in range(1, 9)]
    assert tasks.all_right(np.eye(3)[batch.target], batch).all()
    assert not tasks.all_right(np.eye(3)[np.where(batch.mask, (batch.target + 1) % 3, batch.target)], batch).any()


def test_recall_asks_every_key_once_for_the_value_behind_it():
    pairs, length, half = 3, 16, 10
    tokens, target, mask = tasks.associative_recall(np.random.default_rng(0), pairs, B, length, vocabulary=2 * half)
    assert tokens.shape == target.shape == mask.shape == (length, B)
    for column, answers, asked in zip(tokens.T, target.T, mask.T, strict=True):
        stored = dict(zip(column[0 : 2 * pairs : 2], column[1 : 2 * pairs : 2], strict=True))
        assert len(stored) == len(set(stored.values())) == pairs
        assert all(key < half <= value < 2 * half for key, value in stored.items())
        places = np.flatnonzero(asked)
        assert {int(column[t]): int(answers[t]) for t in places} == stored and len(places) == pairs
        assert (places % 2 == 0).all() and places[0] >= 2 * pairs
    noise = tokens[2 * pairs :][~mask[2 * pairs :]]
    assert_even(np.bincount(noise, minlength=2 * half), len(noise))
    asked = mask[2 * pairs :: 2].sum(axis=1)  # with a power near 0, a weight of 1/d: the first places are the likeliest
    assert (np.diff(asked) < 0).all() and asked.sum() == pairs * B
    even = tasks.associative_recall(np.random.default_rng(0), 1, 4000, length, power=1.0).mask[2::2].sum(axis=1)
    assert_even(even, 4000)
    first = tasks.associative_recall(np.random.default_rng(0), 1, 4000, 8, power=0.01).mask[2::2].sum(axis=1) / 4000
    weight = np.arange(1, 4) ** -0.99
    np.testing.assert_allclose(first, weight / weight.sum(), atol=0.04)
    assert tasks.associative_recall(0, 3, 2).x.shape == (12, 2)
    for wrong in [{"length": 11}, {"length": 13}, {"vocabulary": 4}]:
        with pytest.raises(
            ValueError, match="3 pairs need an even length of at least 12 and a vocabulary of 6, but got"
        ):
            tasks.associative_recall(0, 3, 2, **wrong)
    with pytest.raises(ValueError, match="pairs should be at least 1, but is 0"):
        tasks.associative_recall(0, 0, 2)


def assert_even(counts, draws):
    """Every one of the equally likely outcomes came as often as chance lets it: within five standard deviations."""
    share = 1 / len(counts)
    assert np.abs(np.array(counts) - draws * share).max() < 5 * np.sqrt(draws * share * (1 - share))


def test_every_place_and_every_symbol_is_drawn_equally_often():
    rng, many = np.random.default_rng(0), 4000
    marks = tasks.adding(rng, 10, many).x[:, :, 1].sum(axis=1)
    assert_even(marks[:5], many)
    assert_even(marks[5:], many)
    tokens = tasks.temporal_order(rng, 40, many).x.argmax(axis=-1)
    places = (tokens < 2).sum(axis=1)
    assert_even(places[4:8], many)
    assert_even(places[20:24], many)
    assert_even(np.bincount(tokens[8])[2:], many)  # the distractors
    said = tasks.copy(rng, 3, many).target[-3:]
    for row in said:
        assert_even(np.bincount(row)[1:], many)
    assert_even(np.bincount(4 * (said[0] - 1) + said[1] - 1), many)  # and no symbol tells the next one
    assert_even(np.bincount(tasks.counting(rng, 8, many).mask.sum(axis=0))[1:], many)


@each_task
def test_the_gradient_of_the_loss_is_its_difference_quotient(draw):
    batch = draw(np.random.default_rng(0))
    outputs = 1 if batch.target.dtype == float else 6
    rng = np.random.default_rng(1)
    y, way = (rng.normal(size=(*batch.target.shape, outputs)) for _ in range(2))
    _, dy = tasks.loss(y, batch)
    quotient = (tasks.loss(y + 1e-5 * way, batch)[0] - tasks.loss(y - 1e-5 * way, batch)[0]) / 2e-5
    assert (dy * way).sum() == pytest.approx(quotient, rel=1e-6)
    assert not dy[~batch.mask].any()


def test_skill_is_zero_for_guesses_and_one_for_right_answers():
    batch = tasks.temporal_order(np.random.default_rng(0), T, 20_000)
    guess = np.random.default_rng(1).normal(size=(T, 20_000, 4))
    assert tasks.skill(guess, batch, 1 / 4) == pytest.approx(0, abs=0.02)
    assert tasks.skill(np.eye(4)[batch.target], batch, 1 / 4) == 1


def test_fitting_learns_the_order_and_changes_layer_and_head():
    rng = np.random.default_rng(0)
    layer, head = GRU(6, 12, dtype=np.float64, rng=rng), Linear(12, 4, dtype=np.float64, rng=rng)
    before = {**layer.state_dict(), "head": head.params["weight"].copy()}
    losses = tasks.fit(layer, head, partial(tasks.temporal_order, T=10, B=32), rng, 120, 1e-2)
    batch = tasks.temporal_order(np.random.default_rng(1), 10, 200)
    assert len(losses) == 120
    assert losses[0] == pytest.approx(np.log(4), abs=0.2)
    assert tasks.skill(tasks.answer(layer, head, batch.x), batch, 1 / 4) > 0.95
    after = {**layer.state_dict(), "head": head.params["weight"]}
    assert all(not np.array_equal(after[name], before[name]) for name in before)


def test_fitting_clips_the_joint_norm_and_uses_the_rate():
    draw = partial(tasks.adding, T=4, B=8)
    moved = {}
    for lr, max_norm in [(1e-2, 1.0), (2e-2, 1.0), (1e-2, 1e-9)]:
        rng = np.random.default_rng(0)
        layer, head = GRU(2, 3, dtype=np.float64, rng=rng), Linear(3, 1, dtype=np.float64, rng=rng)
        start = head.params["weight"].copy()
        tasks.fit(layer, head, draw, rng, 1, lr, max_norm)
        moved[lr, max_norm] = np.abs(head.params["weight"] - start).max()
    assert moved[2e-2, 1.0] == pytest.approx(2 * moved[1e-2, 1.0], rel=1e-4)
    assert moved[1e-2, 1.0] == pytest.approx(1e-2, rel=1e-3)
    assert moved[1e-2, 1e-9] < 2e-3  # a gradient this small is no longer large against Adam's eps


@pytest.mark.parametrize(
    "call, error, sentence",
    [
        (lambda: tasks.copy(0, 0, 2), ValueError, "T should be at least 1, but is 0"),
        (lambda: tasks.copy(0, 2.5, 2), TypeError, "T should be a whole number, but is 2.5"),
        (lambda: tasks.copy(0, 3, 0), ValueError, "B should be at least 1, but is 0"),
        (lambda: tasks.copy(0, 3, 2, length=0), ValueError, "length should be at least 1, but is 0"),
        (lambda: tasks.copy(0, 3, 2, symbols=0), ValueError, "symbols should be at least 1, but is 0"),
        (lambda: tasks.recall(tasks.copy(0, 3, 2), 0), ValueError, "length should be at least 1, but is 0"),
        (lambda: tasks.adding(0, 1, 2), ValueError, "T should be at least 2, but is 1"),
        (lambda: tasks.adding(0, 4, -1), ValueError, "B should be at least 1, but is -1"),
        (lambda: tasks.temporal_order(0, 20.0, 2), TypeError, "T should be a whole number, but is 20.0"),
        (lambda: tasks.counting(0, 0, 2), ValueError, "largest should be at least 1, but is 0"),
        (lambda: tasks.count_to([3, 0]), ValueError, "ns should be at least 1, but holds 0"),
        (lambda: tasks.count_to([1.5]), TypeError, "ns should hold whole numbers, but has dtype float64"),
        (lambda: tasks.count_to(3), ValueError, "ns should have shape (B,), but has shape ()"),
        (lambda: tasks.associative_recall(0, 3, 0), ValueError, "B should be at least 1, but is 0"),
    ],
)
def test_a_size_that_no_task_has_is_told(call, error, sentence):
    assert told(call) == (error, sentence)


def test_numbers_of_a_small_dtype_are_counted_to():
    for one, same in zip(tasks.count_to(np.array([1, 100], np.int8)), tasks.count_to([1, 100]), strict=True):
        np.testing.assert_array_equal(one, same)


def test_copy_after_one_step_loses_no_symbol():
    x, target, _ = tasks.copy(0, 1, B)
    np.testing.assert_array_equal(x.argmax(axis=-1)[:3], target[-3:])
