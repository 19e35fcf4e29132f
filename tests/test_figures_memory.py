"""The drawings of the small tasks show what was handed over, in its place."""

import numpy as np
import pytest

from rnnbook.data import tasks
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


def test_tasks_can_be_drawn_one_at_a_time():
    texts = [text.get_text() for text in figures.memory_tasks("copy").axes[0].texts]
    assert "copy" in texts and "adding" not in texts


def test_lengths_may_differ_from_task_to_task_and_an_eighth_curve_is_dashed():
    cells = {f"cell {n}": [[0.1 * n, 0.1 * n]] for n in range(8)}
    figure = figures.skill_against_length({"adding": [20], "order": [80]}, {"adding": cells, "order": cells})
    for axes, T in zip(figure.axes, ["20", "80"], strict=True):
        assert [label.get_text() for label in axes.get_xticklabels()] == [T]
        drawn = [container.lines[0] for container in axes.containers]
        assert drawn[7].get_color() == drawn[0].get_color() and drawn[7].is_dashed() and not drawn[0].is_dashed()


def test_a_task_is_drawn_as_its_arrays_with_the_answers_that_count():
    batch = tasks.copy(np.random.default_rng(0), T=3, B=2)
    answers = list("····ABC··"[: len(batch.x)])
    axes = figures.task_shapes(batch, list("·ABCD!"), answers).axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_array(), batch.x[:, 0].T)
    texts = [text.get_text() for text in axes.texts]
    assert texts[len(batch.x) :] == answers and set(texts[: len(batch.x)]) == {"1"}
    assert [label.get_text() for label in axes.get_yticklabels()] == [*"·ABCD!", "answer"]
    adding = figures.task_shapes(tasks.adding(0, 4, 1), ["number", "mark"], ["", "", "", "1.2"]).axes[0]
    counted = [tuple(cell.get_facecolor()[0]) for cell in adding.collections[1:]]
    assert len(set(counted[:3])) == 1 and counted[3] != counted[0]
    with pytest.raises(ValueError, match="answers should have shape"):
        figures.task_shapes(batch, list("·ABCD!"), ["A"])
