"""The figures of control show the runs and the errors that they were given."""

import numpy as np
import pytest

from rnnbook.lessons import figures

WAVE = np.sin(np.arange(30) / 3)
PAIRS = {"random": {"ARX": ([0.2, 0.4, 0.3], [0.5, 0.7, 0.6]), "GRU": (None, [0.1, 0.2, 0.3])}}
ERRORS = {"PID": {"as it is": [0.1, 0.2], "load": [0.3, 0.9]}, "inverse": {"as it is": [0, 0], "load": [2.0, 0.4]}}
FIGURES = {
    "control_loop": figures.control_loop,
    "plant_runs": lambda: figures.plant_runs(np.sign(WAVE), WAVE, {"ARX": WAVE / 2}),
    "one_step_and_free": lambda: figures.one_step_and_free(PAIRS),
    "tracking": lambda: figures.tracking(WAVE, {"as it is": {"PID": WAVE / 2}, "load": {"PID": WAVE / 3}}),
    "errors_in_trouble": lambda: figures.errors_in_trouble(ERRORS, bound=0.8),
}


def test_the_loop_names_its_parts_and_its_signals():
    words = " ".join(text.get_text() for text in figures.control_loop().axes[0].texts)
    assert all(name in words for name in ("reference", "controller", "plant", "load", "noise", "$u_t$", "$y_t$"))


def test_a_free_run_lies_over_the_plants_outputs_below_the_input():
    above, below = FIGURES["plant_runs"]().axes
    np.testing.assert_array_equal(above.lines[0].get_ydata(), np.sign(WAVE))
    np.testing.assert_array_equal([line.get_ydata() for line in below.lines], [WAVE, WAVE / 2])
    assert [line.get_label() for line in below.lines] == ["the plant", "ARX"]
    with pytest.raises(ValueError, match=r"runs\['ARX'\] should have shape \(30,\)"):
        figures.plant_runs(WAVE, WAVE, {"ARX": WAVE[1:]})


def test_hollow_is_one_step_full_is_free_and_the_line_joins_the_medians():
    axes = FIGURES["one_step_and_free"]().axes[0]
    free, one, medians, free_gru, chance = axes.lines
    np.testing.assert_array_equal(free.get_xdata(), PAIRS["random"]["ARX"][1])
    np.testing.assert_array_equal(one.get_xdata(), PAIRS["random"]["ARX"][0])
    assert (free.get_fillstyle(), one.get_fillstyle()) == ("full", "none")
    np.testing.assert_allclose(medians.get_xdata(), [0.3, 0.6])
    np.testing.assert_array_equal(free_gru.get_xdata(), PAIRS["random"]["GRU"][1])
    assert set(free_gru.get_ydata()) == {1} and set(chance.get_xdata()) == {1}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ARX", "GRU"]
    with pytest.raises(ValueError, match="should have shape"):
        figures.one_step_and_free({"random": {"ARX": ([0.1], [0.2, 0.3])}})


def test_every_case_shows_the_reference_and_who_follows_it():
    figure = FIGURES["tracking"]()
    for axes, part in zip(figure.axes, (2, 3), strict=True):
        np.testing.assert_array_equal([line.get_ydata() for line in axes.lines], [WAVE, WAVE / part])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["as it is", "load"]


def test_an_error_is_a_dot_of_its_seed_and_a_triangle_at_the_edge_beyond_the_bound():
    left, right = FIGURES["errors_in_trouble"]().axes
    assert [left.get_title(), right.get_title()] == ["as it is", "load"]
    dots, edge, dots_inverse, edge_inverse = right.lines
    assert (list(dots.get_xdata()), list(edge.get_xdata())) == ([0.3], [0.8])
    assert (list(dots_inverse.get_xdata()), list(edge_inverse.get_xdata())) == ([0.4], [0.8])
    assert edge.get_marker() == ">" and list(left.lines[0].get_xdata()) == [0.1, 0.2]
