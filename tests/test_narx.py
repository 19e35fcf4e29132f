"""The least-squares models of a plant find the weights that made the data, and run free from what they said."""

import itertools

import numpy as np
import pytest

from rnnbook.data import plants
from rnnbook.rivals import narx
from rnnbook.rivals.narx import fit_narx, lagged, linear, powers_of_input, products, random_tanh

T, B = 60, 3


@pytest.fixture
def u():
    return np.random.default_rng(0).uniform(-1, 1, (T, B))


def test_what_is_known_before_an_output_is_the_outputs_before_it_and_the_inputs_up_to_it():
    u, y = np.arange(5.0)[:, None], 10 * np.arange(5.0)[:, None]
    expected = [[10, 0, 2, 1], [20, 10, 3, 2], [30, 20, 4, 3]]
    np.testing.assert_array_equal(lagged(u, y, 2)[:, 0], expected)


def test_the_linear_model_finds_a_linear_plant(u):
    ys = plants.simulate(u, lambda y, y_prev, u_t: 0.3 * y + 0.6 * y_prev + 0.5 * u_t + 0.1)
    found = fit_narx(u, ys, 2)
    np.testing.assert_allclose(found.weights, [0.3, 0.6, 0.5, 0, 0.1], atol=1e-12)
    np.testing.assert_allclose(found.one_step(u, ys), ys[2:], atol=1e-12)
    np.testing.assert_allclose(found.free_run(u, ys), ys[2:], atol=1e-12)


def test_products_are_all_monomials_up_to_their_degree():
    x = np.random.default_rng(0).normal(size=(7, 3))
    made = products(4)(x)
    powers = [p for p in itertools.product(range(5), repeat=3) if sum(p) <= 4]
    expected = np.stack([np.prod(x ** np.array(p), axis=1) for p in powers], axis=1)
    assert made.shape == expected.shape == (7, 35)
    order = [np.argsort(columns[0]) for columns in (made, expected)]
    np.testing.assert_allclose(made[:, order[0]], expected[:, order[1]], atol=1e-12)


def test_powers_of_the_input_leave_the_outputs_linear():
    made = powers_of_input(3)(np.array([2.0, 3.0, 5.0, 7.0]))
    np.testing.assert_array_equal(made, [2, 3, 5, 7, 25, 49, 125, 343, 1])


def test_random_features_are_the_same_for_the_same_seed_and_bounded():
    x = np.random.default_rng(0).normal(size=(50, 4)) * 100
    made = random_tanh(3, 4, 9, 0.5)(x)
    assert made.shape == (50, 10) and np.abs(made).max() <= 1 and (made[:, -1] == 1).all()
    np.testing.assert_array_equal(made, random_tanh(3, 4, 9, 0.5)(x))
    assert np.abs(made - random_tanh(4, 4, 9, 0.5)(x)).max() > 0.1


def test_one_step_reads_the_true_outputs_and_a_free_run_its_own(u):
    ys = plants.simulate(u)
    model = fit_narx(u, ys, 2)
    one, free, past = model.one_step(u, ys), model.free_run(u, ys), list(ys[:2])
    for t in range(2, T):
        w = model.weights
        np.testing.assert_allclose(
            one[t - 2], w[0] * ys[t - 1] + w[1] * ys[t - 2] + w[2] * u[t] + w[3] * u[t - 1] + w[4]
        )
        past.append(w[0] * past[-1] + w[1] * past[-2] + w[2] * u[t] + w[3] * u[t - 1] + w[4])
    np.testing.assert_allclose(free, past[2:], atol=1e-12)
    assert np.abs(one - free).max() > 0.01
    changed = ys.copy()
    changed[2:] += 5
    np.testing.assert_array_equal(model.free_run(u, changed), free)


def test_a_free_run_that_runs_away_is_held_at_twice_the_largest_output(u):
    ys = plants.simulate(0.1 * u)
    model = fit_narx(0.1 * u, ys, 1, products(3))._replace(weights=np.full(10, 3.0))
    free = model.free_run(u, ys)
    assert np.isfinite(free).all() and np.abs(free).max() == model.bound == 2 * np.abs(ys).max()


def test_too_few_steps_and_a_wrong_shape_are_named(u):
    with pytest.raises(ValueError, match=r"y should have at least 35 steps after its lags, but has 24"):
        fit_narx(u[:10], u[:10], 2, products(3))
    with pytest.raises(ValueError, match=r"y should have shape \(60, 3\)"):
        lagged(u, u[:-1], 2)
    assert narx.linear is linear
