"""The figures of the networks that came before show what they were given, each thing in its place."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import ConnectionPatch

from rnnbook.lessons import figures
from rnnbook.lessons.figures.feedback_networks import W_YH
from rnnbook.lessons.figures.style import COLOURS, PALETTE

ENERGIES = np.array([[0.0, -1, -1, -4], [2.0, 1, -3, -3]])
PICTURES = {0: np.ones((3, 2)), 2: -np.ones((3, 2))}
TRACES = {"down": [3.0, 1, 1, 0], "up and down": [0.0, 2, 1, 4]}
ROWS = {"stored": np.ones((2, 3, 4)), "spoilt": -np.ones((2, 3, 4))}
STORED = [1, 10, 1000]
OVERLAPS = {
    "digits": {"Hebb": [1.0, 0.6, 0.5], "softmax": [1.0, 1.0, 0.9]},
    "random": {"Hebb": [1.0, 0.7, 0.1], "softmax": [1.0, np.nan, np.nan]},
}
ERRORS = {"Elman": np.tile([0.25, 0.3, 0.0], (2, 2)) + [[0], [0.02]], "Jordan": np.full((2, 6), 0.2)}
FIGURES = {
    "energy_descent": lambda: figures.energy_descent(ENERGIES, PICTURES, 1, (-3.0, "stored")),
    "energy_panels": lambda: figures.energy_panels(TRACES),
    "recall_gallery": lambda: figures.recall_gallery(ROWS),
    "recall_against_stored": lambda: figures.recall_against_stored(STORED, OVERLAPS, 0.8),
    "capacity_curves": lambda: figures.capacity_curves([0.1, 0.2], {"N = 5": [1, 0.4]}, {"0.138": 0.138}),
    "jordan_and_elman": figures.jordan_and_elman,
    "errors_over_bits": lambda: figures.errors_over_bits(ERRORS),
}


def test_every_run_is_a_staircase_and_the_pictures_hang_on_the_one_shown():
    figure = FIGURES["energy_descent"]()
    chart, *pictures = figure.axes
    for line, values in zip(chart.lines, ENERGIES, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), values)
        assert line.get_drawstyle() == "steps-post"
    assert [to_rgb(line.get_color()) == to_rgb(PALETTE[0]) for line in chart.lines[:2]] == [False, True]
    assert chart.lines[2].get_ydata()[0] == -3 and chart.texts[0].get_text() == "stored"
    ends = [artist.xy2 for artist in figure.artists if isinstance(artist, ConnectionPatch)]
    assert ends == [(0, 2), (2, -3)]
    for axes, picture in zip(pictures, PICTURES.values(), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), -picture)
    with pytest.raises(ValueError, match=r"energies should have shape \(B, K \+ 1\)"):
        figures.energy_descent(ENERGIES[0], PICTURES, 0, (0, ""))


def test_every_rise_of_the_energy_is_marked_and_counted():
    first, second = FIGURES["energy_panels"]().axes
    assert first.get_title() == "down\nrises (▲): 0" and second.get_title() == "up and down\nrises (▲): 2"
    curve, marks = second.lines
    np.testing.assert_array_equal(curve.get_ydata(), TRACES["up and down"])
    np.testing.assert_array_equal(marks.get_xydata(), [[1, 2], [3, 4]])


def test_ink_is_dark_and_every_row_has_its_name():
    axes = FIGURES["recall_gallery"]().axes
    assert [a.get_ylabel() for a in axes] == ["stored", "", "spoilt", ""]
    shades = [a.images[0].to_rgba(a.images[0].get_array())[0, 0, 0] for a in axes]
    assert shades == [0, 0, 1, 1]
    with pytest.raises(ValueError, match=r"rows\['spoilt'\] should have shape \(2, height, width\)"):
        figures.recall_gallery({**ROWS, "spoilt": np.ones((3, 3, 4))})


def test_each_kind_of_pattern_has_its_panel_and_each_rule_its_colour():
    figure = FIGURES["recall_against_stored"]()
    for axes, (kind, rules) in zip(figure.axes, OVERLAPS.items(), strict=True):
        assert axes.get_title() == kind and axes.get_xscale() == "log"
        for place, (line, (rule, values)) in enumerate(zip(axes.lines, rules.items(), strict=False)):
            np.testing.assert_array_equal(line.get_xydata(), np.c_[STORED, values])
            assert (line.get_label(), line.get_color()) == (rule, PALETTE[place])
        assert axes.lines[-1].get_ydata()[0] == 0.8
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Hebb", "softmax"]
    with pytest.raises(ValueError, match=r"overlaps\['digits'\]\['Hebb'\] should have shape \(2,\)"):
        figures.recall_against_stored([1, 2], OVERLAPS, 0.8)


def test_a_capacity_is_drawn_over_its_load_with_the_marks_named():
    axes = FIGURES["capacity_curves"]().axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0.1, 1], [0.2, 0.4]])
    assert axes.lines[1].get_xdata()[0] == 0.138 and axes.texts[0].get_text() == "0.138"
    with pytest.raises(ValueError, match=r"curves\['a'\] should have shape \(2,\)"):
        figures.capacity_curves([0.1, 0.2], {"a": [1]}, {})


def test_an_interval_is_a_bar_around_its_own_curve_and_none_is_drawn_where_there_is_none():
    halves = {"a": [0.1, 0.05]}
    axes = figures.capacity_curves([0.1, 0.2], {"a": [0.8, 0.5], "b": [0.3, 0.2]}, {}, halves).axes[0]
    (drawn,) = axes.containers
    for segment, load, low, high in zip(drawn[2][0].get_segments(), [0.1, 0.2], [0.7, 0.45], [0.9, 0.55], strict=True):
        np.testing.assert_allclose(segment, [[load, low], [load, high]], atol=1e-12)
    assert to_rgb(drawn[2][0].get_color()[0][:3]) == to_rgb(PALETTE[0])
    with pytest.raises(ValueError, match=r"halves\['a'\] should have shape \(2,\)"):
        figures.capacity_curves([0.1, 0.2], {"a": [0.8, 0.5]}, {}, {"a": [0.1]})


def way(figure, gid):
    (line,) = figure.findobj(lambda a: a.get_gid() == gid)
    vertices = line._path_original.vertices
    return vertices[0], vertices[-1], tuple(line.get_edgecolor()[:3])


def centre(figure, gid):
    (shape,) = figure.findobj(lambda a: a.get_gid() == gid)
    box = shape.get_path().get_extents(shape.get_patch_transform())
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])


def test_jordan_feeds_back_the_output_and_elman_the_hidden_state():
    figure = figures.jordan_and_elman()
    for step in (2, 3):
        start, end, colour = way(figure, f"elman-loop-{step}")
        before, after = centre(figure, f"elman-hidden-{step - 1}"), centre(figure, f"elman-hidden-{step}")
        assert start[1] == end[1] == before[1] and before[0] < start[0] < end[0] < after[0]
        assert colour == to_rgb(COLOURS["W_hh"])
        start, end, colour = way(figure, f"jordan-loop-{step}")
        before, after = centre(figure, f"jordan-hidden-{step - 1}"), centre(figure, f"jordan-hidden-{step}")
        assert start[1] > before[1] + 0.9 and before[0] < start[0]  # it leaves from the output, above
        assert end[1] == after[1] and start[0] < end[0] < after[0]
        assert colour == to_rgb(W_YH)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("$W_{yh}$") == words.count("$W_{hh}$") == 1
    assert words.count("$y_{2}$") == words.count("$x_{3}$") == 2


def test_errors_are_the_mean_and_range_of_the_seeds_with_every_third_bit_shaded():
    axes = FIGURES["errors_over_bits"]().axes[0]
    for drawn, (name, values) in zip(axes.containers, ERRORS.items(), strict=True):
        line, _, (bars,) = drawn
        assert drawn.get_label() == name
        np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0))
        np.testing.assert_allclose(line.get_xdata(), np.arange(1, 7), atol=0.2)
        for segment, seeds in zip(bars.get_segments(), values.T, strict=True):
            np.testing.assert_allclose(segment[:, 1], [seeds.min(), seeds.max()], atol=1e-12)
    assert [patch.get_x() + patch.get_width() / 2 for patch in axes.patches] == pytest.approx([3, 6])
    with pytest.raises(ValueError, match=r"errors\['a'\] should have shape \(S, K\)"):
        figures.errors_over_bits({"a": [0.1, 0.2]})
