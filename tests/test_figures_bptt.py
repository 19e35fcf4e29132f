"""The figures of backpropagation through time show what they were given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rnnbook.lessons import figures
from rnnbook.lessons.figures.sheet import PALE

BLUE = figures.COLOURS["W_hh"]


def shape(figure, gid):
    (found,) = figure.findobj(lambda a: a.get_gid() == gid)
    return found


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("T", [1, 4, 6])
def test_every_path_leaves_the_weight_below_its_state_and_ends_at_the_loss(T):
    figure = figures.weight_paths(T)
    loss, weight = shape(figure, "loss").get_bbox(), shape(figure, "weight").get_bbox()
    heights = []
    for k in range(1, T + 1):
        (x0, y0), *_, (x1, y1) = shape(figure, f"path-{k}")._path_original.vertices
        state = shape(figure, f"state-{k}").get_bbox()
        assert state.x0 < x0 < state.x1 and weight.x0 < x0 < weight.x1
        assert y0 == pytest.approx(weight.y1, abs=0.02)
        assert x1 == pytest.approx(loss.x0) and loss.y0 < y1 < loss.y1
        heights.append(y1)
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == T
    assert not figure.findobj(lambda a: a.get_gid() == f"path-{T + 1}")


def test_the_two_paths_of_one_step_enter_different_states():
    figure = figures.weight_paths(3)
    for path, state in [("path-through-the-state", "state-before"), ("path-immediate", "state-now")]:
        x = shape(figure, path)._path_original.vertices[0][0]
        box = shape(figure, state).get_bbox()
        assert box.x0 < x < box.x1
    assert {"immediate", "through\nthe state"} <= set(texts(figure.axes[0]))


def test_one_path_can_be_shown_alone():
    figure = figures.weight_paths(4, path=2)
    colours = [shape(figure, f"path-{k}").get_edgecolor()[:3] for k in range(1, 5)]
    assert colours == [to_rgb(BLUE if k == 2 else PALE) for k in range(1, 5)]


def test_bars_are_the_shares_and_the_last_is_marked():
    shares = [-0.5, 1.0, 3.0]
    axes = figures.path_contributions(shares, "share").axes[0]
    bars = sorted(axes.patches, key=lambda bar: bar.get_x())
    assert [bar.get_height() for bar in bars] == shares
    assert [bar.get_hatch() for bar in bars] == [None, None, "///"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["through the state", "immediate"]


def test_a_check_table_names_what_fails_and_by_how_much():
    errors = {"right": {"W": 1e-9, "b": 1e-6}, "wrong": {"W": 0.25, "b": 1.1e-6}}
    axes = figures.check_table(errors, limit=1e-6).axes[0]
    assert texts(axes) == ["ok", "ok", "0.25", "1.1e-06"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["right", "wrong"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["W", "b"]
    assert np.ma.getmaskarray(axes.images[0].get_array()).tolist() == [[True, True], [False, False]]


def test_gradients_share_one_scale_and_a_row_is_a_unit():
    a, b = np.arange(6.0).reshape(3, 2) - 2, np.full((3, 2), -5.0)
    figure = figures.state_gradients({"one": a, "two": b}, "xyz")
    first, second = (axes.images[0] for axes in figure.axes[:2])
    np.testing.assert_array_equal(first.get_array(), a.T)
    assert first.get_clim() == second.get_clim() == (-5, 5)
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["x", "y", "z"]
    assert [axes.get_title("left") for axes in figure.axes[:2]] == ["one", "two"]


def test_a_cut_is_hatched_and_the_future_is_empty():
    norms = np.tril(np.full((4, 4), 0.5))
    cut = norms.copy()
    cut[2:, :2] = 0
    figure = figures.cut_gradients({"full": norms, "cut": cut}, lowest=0.1)
    full, other = figure.axes[:2]
    assert len(full.patches) == 0 and len(other.patches) == 4
    assert sorted(patch.get_xy() for patch in other.patches) == [(s + 0.5, t + 0.5) for s in (0, 1) for t in (2, 3)]
    shown = full.collections[0].get_array().reshape(4, 4)
    assert np.ma.getmaskarray(shown).tolist() == (norms == 0).tolist()
    assert full.get_ylim() == (4.5, 0.5)  # the first loss is at the top


def test_seeds_are_dots_and_the_line_is_their_mean():
    values = np.array([[1.0, 3.0], [4.0, 8.0], [5.0, 5.0]])
    axes = figures.seeds_against([1, 2, 8], {"error": values}, "k", "error", {"naive": 9.0}, log="x").axes[0]
    mean, *dots, naive = axes.lines
    np.testing.assert_array_equal(mean.get_ydata(), [2, 6, 5])
    np.testing.assert_array_equal(np.transpose([line.get_ydata() for line in dots]), values)
    assert all(line.get_linestyle() == "None" for line in dots)
    assert list(naive.get_ydata()) == [9, 9] and texts(axes) == ["naive"]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "8"]


@pytest.mark.parametrize(
    "draw, sentence",
    [
        (lambda: figures.weight_paths(0), "T should be at least 1, but is 0"),
        (lambda: figures.weight_paths(3, path=4), "path should be one of 1, 2, 3, but is 4"),
        (lambda: figures.path_contributions(np.ones((2, 2)), ""), r"shares should have shape \(T,\)"),
        (lambda: figures.cut_gradients({"a": np.ones((2, 3))}), r"reached\['a'\] should .* \(2, 2\)"),
        (lambda: figures.state_gradients({"a": np.ones((2, 3)), "b": np.ones((3, 2))}, "ab"), r"parts\['b'\] should"),
        (lambda: figures.seeds_against([1, 2], {"a": [1, 2]}, "", ""), r"curves\['a'\] should .* \(2, S\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(draw, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw()
