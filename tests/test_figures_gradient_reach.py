"""The figures of the gradient's reach show what they were given, and cut off only what they say."""

import numpy as np
import pytest

from rnnbook.lessons import figures
from rnnbook.lessons.figures.style import PALETTE

LAGS = np.array([0, 4, 8])
START = {"RNN": np.array([[1, 0.5, 0.1], [1, 0.4, 0.3], [1, 0.2, 0.2]]), "LSTM": np.ones((2, 3))}
AFTER = {"RNN": np.array([[1, 0.6, 0.5]]), "LSTM": np.full((2, 3), 2.0)}
MEASURED = {
    title: {"all": cells, "one": {"LSTM": cells["LSTM"]}} for title, cells in [("start", START), ("after", AFTER)]
}
REACH, SUCCESS = {"RNN": [1e-3, 1e-4], "GRU": [0.1, 0.2]}, {"RNN": [0.5, 0.6], "GRU": [1.0, 0.9]}
BY_LENGTH = {"GRU": np.array([[1.0, 0.5], [0.8, 0.6], [0.9, 0.7]])}
PATHS = {"GRU": {"RNN": (0.9**LAGS, 0.5**LAGS)}, "LSTM": {"RNN": (0.8**LAGS, 0.7**LAGS), "b": (LAGS + 1.0, LAGS + 2.0)}}
SURFACE = np.add.outer([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0])
DESCENTS = {"free": [[0.5, 0.5], [2.5, 1.5]], "clipped": [[0.5, 0.5], [0.6, 0.6], [0.7, 0.6]]}
FIGURES = {
    "gradient_reach": lambda: figures.gradient_reach(0.5 ** np.arange(5)[::-1], "RNN"),
    "path_against_gradient": lambda: figures.path_against_gradient(LAGS, PATHS),
    "gradient_heat": lambda: figures.gradient_heat({"RNN": [[1, 1e-3], [-1e-4, 0.0]], "LSTM": np.ones((2, 3))}),
    "loss_cliff": lambda: figures.loss_cliff([0, 1, 2, 3], [0, 1, 2], SURFACE, DESCENTS),
    "gradient_relay": figures.gradient_relay,
    "gradient_against_lag": lambda: figures.gradient_against_lag(LAGS, MEASURED, {"start": {"RNN": 0.9**LAGS}}),
    "reach_and_success": lambda: figures.reach_and_success(REACH, SUCCESS, [15, 100], BY_LENGTH),
}


def discs(figure, row):
    found = figure.findobj(lambda a: (a.get_gid() or "").startswith(f"gradient-{row}-"))
    return [disc.get_radius() for disc in sorted(found, key=lambda disc: -disc.center[0])]


def test_the_area_of_a_disc_is_the_gradient_after_so_many_steps():
    figure = figures.gradient_relay(factors=(0.5, 1.0), steps=4)
    np.testing.assert_allclose(np.square(discs(figure, 0)) / discs(figure, 0)[0] ** 2, 0.5 ** np.arange(5))
    np.testing.assert_allclose(discs(figure, 1), discs(figure, 1)[0])
    words = [text.get_text() for text in figure.axes[0].texts]
    assert {"vanishes", "arrives", "× 0.5 a step", "$h_T$", "$h_{T-4}$"} <= set(words)
    assert not {"explodes", "$h_{T-5}$", "$h_{T-0}$"} & set(words)


def curves(axes):
    return {line.get_label(): line for line in axes.lines}


def test_a_cell_is_the_median_of_its_seeds_inside_the_band_of_all():
    axes = FIGURES["gradient_against_lag"]().axes[0]
    np.testing.assert_array_equal(curves(axes)["RNN"].get_xydata(), [[0, 1], [4, 0.4], [8, 0.2]])
    band = axes.collections[0].get_paths()[0].vertices
    assert {(4.0, 0.2), (4.0, 0.5), (8.0, 0.1), (8.0, 0.3)} <= {tuple(point) for point in band}


def test_bounds_are_drawn_dashed_beside_their_cell_and_nowhere_else():
    figure = FIGURES["gradient_against_lag"]()
    top_left, top_right, bottom_left, _ = figure.axes
    (bound,) = [line for line in top_left.lines if np.array_equal(line.get_ydata(), 0.9**LAGS)]
    assert bound.get_color() == PALETTE[0] and bound.is_dashed()
    assert "bound" in curves(top_left) and "bound" not in curves(bottom_left)
    assert len(top_right.lines) == 2 and len(bottom_left.lines) == 1


def test_a_cell_keeps_its_colour_in_every_panel_and_every_panel_its_scale():
    axes = FIGURES["gradient_against_lag"]().axes
    assert {curves(panel)["LSTM"].get_color() for panel in axes} == {PALETTE[1]}
    assert {panel.get_yscale() for panel in axes} == {"log"} and len({panel.get_ylim() for panel in axes}) == 1
    assert [panel.get_title() for panel in axes] == ["start", "after", "", ""]
    assert all(axes[0].get_shared_y_axes().joined(axes[0], panel) for panel in axes)
    assert axes[1].lines[0].get_ydata().tolist() == [1, 0.6, 0.5]


def test_every_run_is_a_dot_and_every_length_a_mean_from_worst_to_best():
    left, right = FIGURES["reach_and_success"]().axes
    np.testing.assert_array_equal(curves(left)["GRU"].get_xydata(), [[0.1, 1.0], [0.2, 0.9]])
    (bar,) = right.containers
    np.testing.assert_allclose(bar.lines[0].get_ydata(), [0.9, 0.6])
    ends = np.array(bar.lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(ends, [[0.8, 1.0], [0.5, 0.7]])
    assert bar.lines[0].get_color() == curves(left)["GRU"].get_color()
    assert [label.get_text() for label in right.get_xticklabels()] == ["15", "100"]


def test_curves_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"measured\['start'\]\['all'\]\['RNN'\] should have shape"):
        figures.gradient_against_lag(LAGS, {"start": {"all": {"RNN": np.ones((2, 4))}}})
    with pytest.raises(ValueError, match=r"success\['RNN'\] should have shape"):
        figures.reach_and_success(REACH, {**SUCCESS, "RNN": [1.0]}, [15, 100], BY_LENGTH)
    with pytest.raises(ValueError, match=r"by_length\['GRU'\] should have shape"):
        figures.reach_and_success(REACH, SUCCESS, [15], BY_LENGTH)
    with pytest.raises(ValueError, match=r"panels_of\['GRU'\]\['RNN'\] should have shape"):
        figures.path_against_gradient(LAGS, {"GRU": {"RNN": (LAGS, [1.0])}})
    with pytest.raises(ValueError, match="loss should have shape"):
        figures.loss_cliff([0, 1], [0, 1, 2], SURFACE, DESCENTS)


def test_a_path_is_dashed_beside_the_whole_gradient_in_its_colour():
    left, right = FIGURES["path_against_gradient"]().axes
    whole, alone = left.lines[:2]
    np.testing.assert_array_equal(whole.get_ydata(), 0.9**LAGS)
    np.testing.assert_array_equal(alone.get_ydata(), 0.5**LAGS)
    assert alone.is_dashed() and not whole.is_dashed() and alone.get_color() == whole.get_color() == PALETTE[0]
    assert right.lines[2].get_color() == PALETTE[1] and left.get_yscale() == "log"


def test_every_units_gradient_is_a_cell_of_its_lag_whatever_its_sign():
    first, second, _ = FIGURES["gradient_heat"]().axes
    np.testing.assert_allclose(first.collections[0].get_array(), [[1, 1e-4], [1e-3, 1e-8]])
    assert second.get_title() == "LSTM" and second.collections[0].get_array().shape == (3, 2)


def test_the_descents_lie_on_the_loss_in_the_order_of_their_points():
    axes = FIGURES["loss_cliff"]().axes[0]
    for line, (name, points) in zip(axes.lines, DESCENTS.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), points)
        assert line.get_label() == name
    assert axes.get_xlim() == (0, 3) and axes.get_ylim() == (0, 2)
