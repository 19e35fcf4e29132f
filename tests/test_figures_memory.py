"""The drawings of the small tasks show what was handed over, in its place."""

import numpy as np
import pytest

from rnnbook.lessons import figures
from rnnbook.lessons.figures.memory import TASKS


def test_each_task_is_a_strip_of_eight_symbols_with_the_kept_ones_coloured():
    axes = figures.memory_tasks().axes[0]
    texts = [text.get_text() for text in axes.texts if text.get_text()]
    boxes = {patch.get_gid(): patch for patch in axes.patches if patch.get_gid()}
    heights = []
    for name, (symbols, asked, kept) in TASKS.items():
        start = texts.index(name)
        assert texts[start + 1 : start + 10] == [*symbols, asked]
        filled = {step for step in range(8) if boxes[f"{name}-{step}"].get_facecolor()[:3] != (1, 1, 1)}
        assert filled == set(kept)
        assert f"{name}-asks" in boxes
        heights.append(boxes[f"{name}-0"].get_y())
    assert heights == sorted(heights, reverse=True)
    assert [s for s in TASKS["adding"][0] if s.endswith("*")] == [".2*", ".5*"]
    assert TASKS["adding"][1].endswith(f"{0.2 + 0.5:.1f}"[1:])


def test_the_skill_is_drawn_by_task_and_cell_with_its_range():
    skills = {
        "adding": {"RNN": [[0.0, 0.3, 0.1], [0.1, 0.2, 0.2]], "GRU": [[0.9, 1.0, 1.0], [0.6, 1.0, 0.7]]},
        "copy": {"RNN": [[0.5, 0.7, 0.5], [0.0, 0.0, 0.0]], "GRU": [[1.0, 1.0, 1.0], [0.2, 0.4, 0.4]]},
    }
    figure = figures.skill_against_length([10, 20], skills)
    for axes, (task, cells) in zip(figure.axes, skills.items(), strict=True):
        assert axes.get_title() == task
        for drawn, (cell, values) in zip(axes.containers, cells.items(), strict=True):
            line, _, (bars,) = drawn
            assert drawn.get_label() == cell
            np.testing.assert_allclose(line.get_ydata(), np.mean(values, axis=1))
            np.testing.assert_allclose(line.get_xdata(), [10, 20], rtol=0.03)
            for segment, seeds in zip(bars.get_segments(), values, strict=True):
                np.testing.assert_allclose(segment[:, 1], [min(seeds), max(seeds)], atol=1e-12)
        assert axes.lines[-1].get_ydata()[0] == 0
        assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "20"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["RNN", "GRU"]
    with pytest.raises(ValueError, match=r"skills\['adding'\]\['RNN'\] should have shape"):
        figures.skill_against_length([10, 20, 40], skills)


def test_the_carry_is_drawn_over_its_symbols_with_a_line_where_they_change():
    carry = np.array([[1.0, 0], [2, 1], [3, 0], [2, 2], [1, 1]])
    axes = figures.carry_ramp(carry, "aaabb", ["unit 1", "unit 7"]).axes[0]
    for line, values, name in zip(axes.lines, carry.T, ["unit 1", "unit 7"], strict=False):
        np.testing.assert_array_equal(line.get_xydata(), np.c_[np.arange(1, 6), values])
        assert line.get_label() == name
    assert [line.get_xdata()[0] for line in axes.lines[2:]] == [3.5]
    assert [label.get_text() for label in axes.get_xticklabels()] == list("aaabb")
    with pytest.raises(ValueError, match=r"carry should have shape \(4, 2\)"):
        figures.carry_ramp(carry, "aabb", ["unit 1", "unit 7"])
