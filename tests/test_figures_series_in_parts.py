"""A series is drawn whole, each part in its place, named and coloured."""

import numpy as np
import pytest

from rnnbook.lessons import figures

TIME, SERIES = np.arange(1900.0, 1907.0), np.array([3.0, 1, 4, 1, 5, 9, 2])
PARTS = {"past": np.array([0, 1, 2, 3]), "future": np.array([4, 5, 6])}


def test_every_part_shows_its_own_values_and_its_name_above_its_middle():
    axes = figures.series_in_parts(TIME, SERIES, PARTS, "count").axes[0]
    for line, text, (name, part) in zip(axes.lines, axes.texts, PARTS.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.c_[TIME[part], SERIES[part]])
        assert line.get_label() == text.get_text() == name
        assert text.xy[0] == (TIME[part[0]] + TIME[part[-1]]) / 2
        assert line.get_color() == text.get_color()
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches]
    assert spans == [(1900, 1903), (1904, 1906)]
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xlim()) == ("year", "count", (1900, 1906))


def test_a_series_of_another_length_is_told_in_a_sentence():
    with pytest.raises(ValueError, match=r"series should have shape \(7,\), but has shape \(6,\)"):
        figures.series_in_parts(TIME, SERIES[1:], PARTS, "count")
