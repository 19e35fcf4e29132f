"""The figures of uncertainty show every band, every miss and every share that their numbers say."""

import numpy as np
import pytest
from scipy import stats

from rnnbook.lessons import figures


def test_the_kinds_of_answer_differ_in_width_and_in_humps():
    figure = figures.kinds_of_answer()
    spans = []
    for axes in figure.axes:
        curves = [line.get_xydata() for line in axes.lines[:4]]
        spans.append([np.sum(xy[:, 0] - t > 0.05) for t, xy in enumerate(curves)])
        assert len(axes.lines[4].get_xdata()) == 4
    assert max(spans[0]) - min(spans[0]) <= 2 < 20 < max(spans[1]) - min(spans[1])
    x = figure.axes[2].lines[2].get_xdata()
    assert np.sum((x[1:-1] > x[:-2]) & (x[1:-1] > x[2:])) == 2, "a mixture with two humps"


def test_errors_by_horizon_show_mean_and_range():
    curves = {"A": {"one": [[1.0, 2, 3], [3, 4, 5]], "two": [5, 6, 7]}, "B": {"one": [1, 2, 4], "two": [1, 1, 1]}}
    figure = figures.errors_by_horizon(curves, {"A": "°C", "B": "ppm"})
    first, second = figure.axes
    np.testing.assert_array_equal(first.lines[0].get_xydata(), [[1, 2], [2, 3], [3, 4]])
    np.testing.assert_array_equal(second.lines[1].get_ydata(), [1, 1, 1])
    assert (first.get_ylabel(), second.get_ylabel(), second.get_title()) == ("°C", "ppm", "B")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_a_fan_marks_what_lies_outside_its_widest_band():
    time, observed = np.arange(4.0), np.array([0.0, 5, 2, -9])
    fan = {"median": np.zeros(4), 50: (-np.ones(4), np.ones(4)), 90: (-3 * np.ones(4), 3 * np.ones(4))}
    axes = figures.fan_charts(time, observed, {"ours": fan}, "°C").axes[0]
    np.testing.assert_array_equal(axes.lines[-1].get_xydata(), [[1, 5], [3, -9]])
    assert axes.get_title() == "ours: 50 % outside the 90 % interval"
    with pytest.raises(ValueError, match=r"fans\['ours'\]\[50\] should have shape \(2, 4\)"):
        figures.fan_charts(time, observed, {"ours": fan | {50: (np.ones(3), np.ones(3))}}, "°C")


def test_a_pit_histogram_counts_each_tenth():
    pit = np.repeat([0.05, 0.55, 0.95, 1.0], [1, 2, 3, 4])
    axes = figures.pit_histograms({"ours": pit, "theirs": pit[::-1]}).axes[0]
    heights = [bar.get_height() for bar in axes.patches if bar.get_width() == pytest.approx(0.1)]
    np.testing.assert_allclose(heights, [0.1, 0, 0, 0, 0, 0.2, 0, 0, 0, 0.7])
    band, even = axes.patches[0].get_extents().transformed(axes.transData.inverted()), axes.lines[0].get_ydata()
    half = (band.y1 - band.y0) / 2
    assert list(even) == [0.1, 0.1] and (band.y0 + band.y1) / 2 == pytest.approx(0.1)
    assert half == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(0.1 * 0.9 / 10), rel=1e-4)
    with pytest.raises(ValueError, match=r"values\['ours'\] should have shape \(N,\)"):
        figures.pit_histograms({"ours": pit[None]})


def test_sampled_futures_start_at_their_month_and_go_on_month_by_month():
    time, paths = 1950 + np.arange(6) / 12, [[1, 2, 3], [4, 5, 7], [0, 0, 1]]
    figure = figures.sampled_futures(time, np.arange(6.0), 3, paths, "count")
    axes = figure.axes[0]
    for line, path in zip(axes.lines, paths):
        np.testing.assert_allclose(line.get_xdata(), 1950 + np.array([3, 4, 5]) / 12, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(line.get_ydata(), path)
    assert axes.lines[0].get_linewidth() > axes.lines[1].get_linewidth() == axes.lines[2].get_linewidth()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one sampled future", "2 more", "observed"]
    with pytest.raises(ValueError, match=r"observed should have shape \(6,\)"):
        figures.sampled_futures(time, np.arange(5.0), 3, paths, "count")


def test_the_states_lie_below_the_months_at_which_they_were_read():
    time, states = 1950 + np.arange(4) / 12, np.arange(12).reshape(4, 3) / 12
    above, below, _ = figures.states_over_time(time, np.arange(4.0), states, "count").axes
    np.testing.assert_array_equal(above.lines[0].get_xydata(), np.column_stack([time, np.arange(4)]))
    picture = below.collections[0]
    np.testing.assert_array_equal(picture.get_array().reshape(3, 4), states.T)
    np.testing.assert_allclose(picture.get_coordinates()[0, :, 0], 1950 + np.arange(5) / 12)
    assert picture.get_clim() == (-1, 1)
    with pytest.raises(ValueError, match=r"states should have shape \(4, H\)"):
        figures.states_over_time(time, np.arange(4.0), states[1:], "count")
