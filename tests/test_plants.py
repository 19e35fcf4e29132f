"""The plants take the steps that the equations give by hand, rest where they should, and are inverted exactly."""

from fractions import Fraction

import numpy as np
import pytest

from rnnbook.data import plants

T, B = 40, 3
RNG = np.random.default_rng(0)


def test_a_step_is_the_one_computed_by_hand():
    # 1 · 1/2 · (1 + 5/2) / (1 + 1 + 1/4) + 1/5 = 7/9 + 1/5
    assert plants.plant_step(1.0, 0.5, 0.2) == pytest.approx(float(Fraction(7, 9) + Fraction(1, 5)), abs=1e-15)
    # with another offset and gain: 1 · 1/2 · (1 + 3/2) / (9/4) + 7/10 · 1/5
    drifted = plants.Parameters(offset=1.5, gain=0.7)
    expected = float(Fraction(5, 9) + Fraction(7, 50))
    assert plants.plant_step(1.0, 0.5, 0.2, drifted) == pytest.approx(expected, abs=1e-15)
    # u = 1/2: sin(π/2) = 1, sin(3π/2) = -1, sin(5π/2) = 1
    assert plants.example_1(1.0, 2.0, 0.5) == pytest.approx(0.3 + 1.2 + 0.6 - 0.3 + 0.1, abs=1e-14)
    assert plants.example_3(2.0, 7.0, -2.0) == pytest.approx(2 / 5 - 8, abs=1e-15)


@pytest.mark.parametrize(("rest", "stays"), [(0.0, True), (0.5, False), (2.0, True)])
def test_without_input_it_rests_at_0_a_half_and_2_and_the_middle_one_is_unstable(rest, stays):
    np.testing.assert_array_equal(plants.simulate(np.zeros(T), start=(rest, rest)), rest)
    near = plants.simulate(np.zeros(500), start=(rest + 1e-3, rest + 1e-3))[-1]
    assert (abs(near - rest) < 1e-3) == stays
    assert stays or near == pytest.approx(2)


def test_it_rests_nowhere_else():
    """y = y²(y + 2.5)/(1 + 2y²) has the roots of 2y³ + y = y³ + 2.5y², that is of y(y² - 2.5y + 1)."""
    np.testing.assert_allclose(sorted(np.roots([1, -2.5, 1, 0])), [0, 0.5, 2], atol=1e-12)


@pytest.mark.parametrize("step", plants.PLANTS.values(), ids=["example 1", "example 2", "example 3"])
def test_simulating_is_stepping_with_the_load_added_to_every_output(step):
    u, load = RNG.normal(size=(T, B)), RNG.normal(size=(T, B))
    ys = plants.simulate(u, step, start=(0.3, -0.4), load=load)
    for b in range(B):
        outputs = [-0.4, 0.3]
        for t in range(T):
            outputs.append(float(step(outputs[-1], outputs[-2], u[t, b])) + load[t, b])
        np.testing.assert_allclose(ys[:, b], outputs[2:], atol=1e-12)
    np.testing.assert_allclose(plants.simulate(u[:, 0], step, (0.3, -0.4), load[:, 0]), ys[:, 0], atol=1e-14)


@pytest.mark.parametrize("parameters", [plants.NOMINAL, plants.Parameters(1.5, 0.7)])
def test_the_exact_inverse_leads_where_it_is_asked_to(parameters):
    y, y_prev, y_next = RNG.normal(size=(3, 50)) * 3
    u = plants.exact_inverse(y, y_prev, y_next, parameters)
    np.testing.assert_allclose(plants.plant_step(y, y_prev, u, parameters), y_next, atol=1e-12)
    other = plants.plant_step(y, y_prev, u, plants.Parameters(2.0, 1.1))
    assert np.abs(other - y_next).min() > 1e-6  # of this plant alone


def test_a_constant_set_point_is_followed_by_five_times_its_size():
    y_m = plants.reference_model(np.full(200, 0.3))
    np.testing.assert_allclose(y_m[:3], [0.3, 0.6 * 0.3 + 0.3, 0.6 * 0.48 + 0.2 * 0.3 + 0.3], atol=1e-15)
    assert y_m[-1] == pytest.approx(1.5, abs=1e-12)


def test_random_inputs_fill_their_range_evenly_and_are_held():
    for example, largest in ((1, 1), (2, 2), (3, 2)):
        u = plants.random_input(0, 2000, 5, example)
        assert abs(u).max() <= largest and u.std() == pytest.approx(largest / np.sqrt(3), rel=0.03)
    u = plants.random_input(0, 11, B, hold=4)
    assert u.shape == (11, B)
    np.testing.assert_array_equal(np.diff(u, axis=0)[[0, 1, 2, 4, 5, 6, 8, 9]], 0)
    assert (np.diff(u, axis=0)[[3, 7]] != 0).all()


def test_the_papers_test_inputs_have_their_periods():
    k = 25
    assert plants.paper_input(251, 1)[[0, 250]] == pytest.approx([0, 0], abs=1e-12)
    assert plants.paper_input(63, 1)[62] == pytest.approx(1, abs=1e-3)
    assert plants.paper_input(60)[k + 7] == pytest.approx(np.sin(2 * np.pi * 7 / 25), abs=1e-12)
    expected = np.sin(2 * np.pi * 7 / 25) + np.sin(2 * np.pi * 7 / 10)
    assert plants.paper_input(60, 3)[7] == pytest.approx(expected, abs=1e-12)


def test_example_1_leaves_its_training_range_in_the_papers_test_and_example_2_does_not():
    for example, leaves in ((1, True), (2, False)):
        step = plants.PLANTS[example]
        trained = np.abs(plants.simulate(plants.random_input(1, 2000, 5, example), step)).max()
        tested = np.abs(plants.simulate(plants.paper_input(500, example), step)).max()
        assert (tested > 1.2 * trained) == leaves


def test_an_unknown_example_is_named():
    for call in (lambda: plants.random_input(0, 5, 2, example=4), lambda: plants.paper_input(5, 7)):
        with pytest.raises(ValueError, match="example should be one of 1, 2, 3, but is"):
            call()
