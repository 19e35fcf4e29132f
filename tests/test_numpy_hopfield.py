"""Hopfield's network keeps what it is said to keep: energies that never rise, patterns that stay."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbook.in_numpy import hopfield

a_few_times = settings(derandomize=True, max_examples=25, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)


def signs(rng, *shape):
    return rng.choice([-1.0, 1.0], size=shape)


def symmetric(rng, N):
    W = rng.integers(-4, 5, size=(N, N)).astype(float)  # whole numbers, so that ties happen
    W = np.triu(W, 1)
    return W + W.T


def test_hebbian_weights_are_the_sum_over_patterns_written_out():
    patterns = signs(np.random.default_rng(0), 3, 5)
    W = hopfield.hebbian(patterns)
    for i, j in itertools.product(range(5), repeat=2):
        assert W[i, j] == (0 if i == j else sum(xi[i] * xi[j] for xi in patterns))


def test_the_energy_is_the_double_sum_over_pairs():
    rng = np.random.default_rng(1)
    W, s = rng.normal(size=(5, 5)), signs(rng, 3, 5)
    for b, E in enumerate(hopfield.energy(W, s)):
        expected = -0.5 * sum(W[i, j] * s[b, i] * s[b, j] for i in range(5) for j in range(5))
        assert E == pytest.approx(expected, abs=1e-12)


@a_few_times
@given(N=st.integers(2, 9), B=st.integers(1, 4), seed=seeds)
def test_the_energy_never_rises_and_falls_with_every_flip_of_one_unit_at_a_time(N, B, seed):
    rng = np.random.default_rng(seed)
    W, s = symmetric(rng, N), signs(rng, B, N)
    for i in rng.integers(0, N, size=4 * N):
        after = hopfield.visit_units(W, s, [i])
        fall = hopfield.energy(W, s) - hopfield.energy(W, after)
        flipped = np.any(after != s, axis=1)
        np.testing.assert_array_equal(fall, flipped * 2 * np.abs(s @ W[i]))  # exactly twice the field
        assert (fall[flipped] > 0).all()  # so that no state ever comes back
        s = after


@a_few_times
@given(N=st.integers(2, 9), seed=seeds)
def test_a_unit_agrees_with_its_field_after_its_visit_and_stays_at_a_tie(N, seed):
    rng = np.random.default_rng(seed)
    W, s = symmetric(rng, N), signs(rng, 3, N)
    i = int(rng.integers(N))
    field = s @ W[i]
    after = hopfield.visit_units(W, s, [i])
    assert (after[:, i] * field == np.abs(field)).all()
    np.testing.assert_array_equal(after[field == 0], s[field == 0])
    np.testing.assert_array_equal(np.delete(after, i, 1), np.delete(s, i, 1))


def test_later_units_see_what_the_earlier_ones_have_become():
    W = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # unit 0 listens to 1, 1 to 2, 2 to 0
    s = np.array([[1.0, -1, 1]])
    assert hopfield.visit_units(W, s, [0, 1, 2]).tolist() == [[-1, 1, -1]]
    assert hopfield.visit_units(W, s, [2, 1, 0]).tolist() == [[1, 1, 1]]
    assert hopfield.synchronous_step(W, s).tolist() == [[-1, 1, 1]]
    assert s.tolist() == [[1, -1, 1]]  # the argument is not written into


@a_few_times
@given(N=st.integers(2, 9), B=st.integers(1, 4), seed=seeds)
def test_with_symmetric_weights_every_state_comes_to_rest_in_a_fixed_point(N, B, seed):
    rng = np.random.default_rng(seed)
    W, start = symmetric(rng, N), signs(rng, B, N)
    s, sweeps, at_rest = hopfield.settle(W, start, rng, max_sweeps=200)
    assert at_rest.all() and (sweeps >= 1).all()
    np.testing.assert_array_equal(hopfield.visit_units(W, s, range(N)), s)
    np.testing.assert_array_equal(s[sweeps == 1], start[sweeps == 1])
    assert (hopfield.energy(W, s) <= hopfield.energy(W, start)).all()


def test_states_do_not_hear_each_other_and_the_argument_stays():
    rng = np.random.default_rng(2)
    W, start = symmetric(rng, 30), signs(rng, 12, 30)
    given_to_it = start.copy()
    together = hopfield.settle(W, given_to_it, np.random.default_rng(3))
    assert len(set(together.sweeps)) >= 3  # some come to rest while others move on
    np.testing.assert_array_equal(given_to_it, start)
    for b in range(12):
        alone = hopfield.settle(W, start[b : b + 1], np.random.default_rng(3))
        for field, value in zip(alone, together, strict=True):
            np.testing.assert_array_equal(field[0], value[b])


def test_every_sweep_visits_every_unit_once_in_an_order_of_its_own(monkeypatch):
    visited, visit = [], hopfield.visit_units
    monkeypatch.setattr(
        hopfield, "visit_units", lambda W, s, order: (visited.append(tuple(order)), visit(W, s, order))[1]
    )
    chase = np.roll(np.eye(8), 1, axis=0) * np.where(np.arange(8) == 0, -1, 1)  # an odd ring: it never comes to rest
    for seed in (0, 1):
        hopfield.settle(chase, np.ones((2, 8)), np.random.default_rng(seed), max_sweeps=6)
    assert len(visited) == 12 and all(sorted(order) == list(range(8)) for order in visited)
    assert len(set(visited)) == 12


def test_a_tie_leaves_every_unit_as_it_is_when_all_are_updated_at_once():
    s = np.array([[1.0, -1, 1], [-1, -1, 1]])
    W = np.array([[0.0, 1, 1], [1, 0, 0], [1, 0, 0]])
    assert hopfield.synchronous_step(W, s).tolist() == [[1, 1, 1], [-1, -1, -1]]


def test_two_units_that_pull_in_opposite_directions_never_come_to_rest():
    W = np.array([[0.0, 1], [-1, 0]])
    settled = hopfield.settle(W, [[1, 1], [1, -1]], np.random.default_rng(0), max_sweeps=7)
    assert settled.sweeps.tolist() == [7, 7] and not settled.at_rest.any()


@a_few_times
@given(N=st.integers(2, 8), seed=seeds)
def test_synchronous_updates_end_in_a_fixed_point_or_a_cycle_of_two(N, seed):
    rng = np.random.default_rng(seed)
    W = symmetric(rng, N) + 0.5 * np.eye(N)  # a small diagonal decides every tie as "stay"
    s = signs(rng, 6, N)
    for _ in range(2**N):
        s = hopfield.synchronous_step(W, s)
    twice = hopfield.synchronous_step(W, hopfield.synchronous_step(W, s))
    np.testing.assert_array_equal(twice, s)


def test_patterns_at_low_load_are_fixed_points_and_mend_a_tenth_of_wrong_units():
    rng = np.random.default_rng(4)
    patterns = signs(rng, 6, 200)
    W = hopfield.hebbian(patterns)
    np.testing.assert_array_equal(hopfield.visit_units(W, patterns, range(200)), patterns)
    wrong = patterns * np.where(np.arange(200) % 10 == 0, -1, 1)
    np.testing.assert_array_equal(hopfield.settle(W, wrong, rng).s, patterns)


@a_few_times
@given(M=st.integers(1, 5), seed=seeds)
def test_the_pseudo_inverse_rule_holds_patterns_that_are_alike(M, seed):
    rng = np.random.default_rng(seed)
    patterns = np.tile(signs(rng, 1, 12), (M, 1))
    patterns[np.arange(M), rng.permutation(12)[:M]] *= -1  # two patterns differ in two units of twelve
    W = hopfield.pseudo_inverse(patterns)
    assert not np.diag(W).any() and np.array_equal(W, W.T)
    kept = 1 - np.linalg.norm(np.linalg.qr(patterns.T)[0], axis=1) ** 2  # 1 - p_ii of the projection
    np.testing.assert_allclose(patterns @ W, patterns * kept, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(hopfield.settle(W, patterns, rng).s, patterns)


def test_the_softmax_step_equals_attention_in_torch():
    rng = np.random.default_rng(5)
    patterns, s = rng.normal(size=(7, 5)), rng.normal(size=(3, 5))
    q, k = torch.tensor(s), torch.tensor(patterns)
    for beta in (0.3, 5**-0.5, 4.0):
        attended = torch.nn.functional.scaled_dot_product_attention(q, k, k, scale=beta)
        np.testing.assert_allclose(hopfield.softmax_step(patterns, s, beta), attended, rtol=0, atol=1e-12)


@a_few_times
@given(M=st.integers(1, 6), N=st.integers(1, 5), beta=st.sampled_from([0.1, 1.0, 7.0]), seed=seeds)
def test_the_softmax_step_lowers_its_energy_by_half_the_squared_step_or_more(M, N, beta, seed):
    rng = np.random.default_rng(seed)
    patterns, s = rng.normal(size=(M, N)), 3 * rng.normal(size=(4, N))
    after = hopfield.softmax_step(patterns, s, beta)
    fall = hopfield.softmax_energy(patterns, s, beta) - hopfield.softmax_energy(patterns, after, beta)
    assert (fall >= 0.5 * np.sum((after - s) ** 2, axis=1) - 1e-12).all()


def test_the_softmax_step_goes_down_the_gradient_of_its_energy():
    rng = np.random.default_rng(6)
    patterns, s, beta = rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), 0.7
    for b, i in itertools.product(range(2), range(3)):
        shift = np.zeros((2, 3))
        shift[b, i] = 1e-5
        high, low = (hopfield.softmax_energy(patterns, s + d, beta)[b] for d in (shift, -shift))
        step = (s - hopfield.softmax_step(patterns, s, beta))[b, i]
        assert (high - low) / 2e-5 == pytest.approx(step, abs=1e-9)


def test_a_large_score_does_not_overflow():
    patterns, s = 1e3 * np.eye(3), 1e3 * np.eye(3)[:2]
    np.testing.assert_allclose(hopfield.softmax_step(patterns, s, 5.0), s)
    assert np.isfinite(hopfield.softmax_energy(patterns, s, 5.0)).all()


W4, S4 = np.zeros((4, 4)), np.ones((2, 4))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: hopfield.hebbian([[1, 0, -1]]), r"patterns should hold -1 and \+1 only, but holds 0"),
        (lambda: hopfield.hebbian([1, -1]), r"patterns should have shape \(M, N\), but has shape \(2,\)"),
        (lambda: hopfield.pseudo_inverse([[1, 2.5]]), r"patterns should hold -1 and \+1 only, but holds 2.5"),
        (lambda: hopfield.energy(W4, S4[0]), r"s should have shape \(B, N\), but has shape \(4,\)"),
        (lambda: hopfield.energy(W4, S4[:, :3]), r"s should have shape \(B, 4\), but has shape \(2, 3\)"),
        (lambda: hopfield.energy(W4[:3], S4), r"W should have shape \(3, 3\), but has shape \(3, 4\)"),
        (lambda: hopfield.visit_units(W4, 0 * S4, [0]), r"s should hold -1 and \+1 only, but holds 0"),
        (lambda: hopfield.synchronous_step(W4, np.nan * S4), r"s should hold -1 and \+1 only, but holds nan"),
        (lambda: hopfield.settle(W4, S4, np.random.default_rng(0), 0), "max_sweeps should be at least 1, but is 0"),
        (lambda: hopfield.softmax_step(S4, S4, 0), "beta should be greater than 0, but is 0"),
        (lambda: hopfield.softmax_step(S4, S4, np.nan), "beta should be greater than 0, but is nan"),
        (lambda: hopfield.softmax_energy(S4, S4[:, :3], 1.0), r"s should have shape \(B, 4\), but has shape"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_whole_numbers_are_no_real_states():
    with pytest.raises(TypeError, match="s should hold floating-point numbers"):
        hopfield.softmax_step(S4, S4.astype(int), 1.0)
