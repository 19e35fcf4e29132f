"""The hidden Markov model agrees with the sum and the maximum over all paths, and with a case worked out by hand."""

import itertools

import numpy as np
import pytest

from rnnbook.rivals import hmm

T, B, S = 5, 4, 3


def draw(seed, zeros=False):
    """A chain and what its states say of B sequences; with ``zeros`` some moves are impossible."""
    rng = np.random.default_rng(seed)
    start, moves, says = rng.dirichlet(np.ones(S)), rng.dirichlet(np.ones(S), S), rng.random((T, B, S))
    if zeros:
        moves[[0, 1, 2], [2, 0, 1]] = 0
        start[1] = 0
        says[2, :, 2] = 0
    with np.errstate(divide="ignore"):
        return np.log(start), np.log(moves), np.log(says)


def all_paths(log_start, log_transition, log_emission):
    """Every path of one sequence, (S^T, T), and the probability of each with the observations, by the definition."""
    paths = np.array(list(itertools.product(range(S), repeat=T)))
    p = []
    for path in paths:
        product = np.exp(log_start[path[0]]) * np.exp(log_emission[0, path[0]])
        for t in range(1, T):
            product *= np.exp(log_transition[path[t - 1], path[t]]) * np.exp(log_emission[t, path[t]])
        p.append(product)
    return paths, np.array(p)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_posterior_and_the_likelihood_are_sums_over_all_paths(seed, zeros):
    start, moves, says = draw(seed, zeros)
    gamma, (_, likelihood) = hmm.posterior(start, moves, says), hmm.forward(start, moves, says)
    for b in range(B):
        paths, p = all_paths(start, moves, says[:, b])
        np.testing.assert_allclose(likelihood[b], np.log(p.sum()), atol=1e-12)
        expected = [[p[paths[:, t] == s].sum() / p.sum() for s in range(S)] for t in range(T)]
        np.testing.assert_allclose(gamma[:, b], expected, atol=1e-12)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_viterbi_path_is_the_likeliest_of_all(seed, zeros):
    start, moves, says = draw(seed, zeros)
    path, log_p = hmm.viterbi(start, moves, says)
    for b in range(B):
        paths, p = all_paths(start, moves, says[:, b])
        np.testing.assert_array_equal(path[:, b], paths[p.argmax()])
        np.testing.assert_allclose(log_p[b], np.log(p.max()), atol=1e-12)


def test_forward_and_backward_find_one_likelihood():
    start, moves, says = draw(3)
    log_alpha, forward = hmm.forward(start, moves, says)
    log_beta, backward = hmm.backward(start, moves, says)
    np.testing.assert_allclose(forward, backward, atol=1e-12)
    np.testing.assert_allclose(hmm.log_sum(log_alpha + log_beta, axis=-1), np.tile(forward, (T, 1)), atol=1e-12)


def test_two_steps_by_hand():
    """Rain or sun, tomorrow as today with probability 3/4; an umbrella is seen, then none.

    alpha_1 = (1/2 * 4/5, 1/2 * 1/5) = (2/5, 1/10); carried on: (3/10 + 1/40, 1/10 + 3/40) = (13/40, 7/40);
    times (1/5, 4/5): (13/200, 28/200). So the likelihood is 41/200, and it rains on day 2 with 13/41.
    """
    start, moves = np.log([1 / 2, 1 / 2]), np.log([[3 / 4, 1 / 4], [1 / 4, 3 / 4]])
    says = np.log([[4 / 5, 1 / 5], [1 / 5, 4 / 5]])
    log_alpha, likelihood = hmm.forward(start, moves, says)
    np.testing.assert_allclose(np.exp(log_alpha), [[2 / 5, 1 / 10], [13 / 200, 28 / 200]], atol=1e-15)
    np.testing.assert_allclose(np.exp(likelihood), 41 / 200, atol=1e-15)
    np.testing.assert_allclose(hmm.posterior(start, moves, says)[1], [13 / 41, 28 / 41], atol=1e-15)
    path, log_p = hmm.viterbi(start, moves, says)
    assert path.tolist() == [0, 1] and np.exp(log_p) == pytest.approx(2 / 5 * 1 / 4 * 4 / 5)


def test_a_long_sequence_neither_underflows_nor_loses_digits():
    start, moves, says = draw(4)
    long = np.tile(says, (2000, 1, 1))  # its likelihood is below e^-4000
    gamma, (_, likelihood) = hmm.posterior(start, moves, long), hmm.forward(start, moves, long)
    assert np.all(likelihood < -4000) and np.isfinite(likelihood).all()
    np.testing.assert_allclose(gamma.sum(axis=-1), 1, atol=1e-9)


def test_one_sequence_is_read_as_among_others():
    start, moves, says = draw(5)
    for function in (hmm.posterior, lambda *a: hmm.viterbi(*a)[0]):
        together = function(start, moves, says)
        for b in range(B):
            np.testing.assert_array_equal(function(start, moves, says[:, b]), together[:, b])


def test_transitions_are_counted_and_unknown_steps_are_not():
    states = [0, 0, 1, -1, 1, 0, 0, 2, -1]
    counts = np.exp(hmm.count_transitions(states, 4))
    np.testing.assert_allclose(counts, [[2 / 4, 1 / 4, 1 / 4, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], atol=1e-15)
    more = np.exp(hmm.count_transitions(states, 4, extra=0.5))
    np.testing.assert_allclose(more[0], [2.5 / 6, 1.5 / 6, 1.5 / 6, 0.5 / 6], atol=1e-15)


@pytest.mark.parametrize("function", [hmm.forward, hmm.backward, hmm.posterior, hmm.viterbi])
def test_arrays_that_do_not_fit_are_named(function):
    start, moves, says = draw(6)
    with pytest.raises(ValueError, match="log_start should have shape"):
        function(start[:2], moves, says)
    with pytest.raises(ValueError, match="log_transition should have shape"):
        function(start, moves[:2], says)
    with pytest.raises(ValueError, match="log_emission should have shape"):
        function(start, moves, says[0, 0])
