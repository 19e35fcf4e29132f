"""The figures of the LSTM's carry show what they were given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rnnbook.lessons import figures

READ, CARRY, STATE = np.array([0.5, -1.0, 0.25]), np.array([0.4, 0.4, -0.2]), np.array([0.0, 0.3, -0.1])
GATES = {"f": np.array([0.9, 0.5, 0.2]), "o": np.array([0.0, 1.0, 1.0])}
LAGS = np.arange(1, 21)[:, None]
RUNS = {"half open": (0.5**LAGS * [1, 0.5, 0.1], -(0.6**LAGS) * [1, 2, 9]), "open": (0.9**LAGS, 0.9**LAGS)}


def bars(axes):
    return [bar.get_height() for bar in sorted(axes.patches, key=lambda bar: bar.get_x())]


def test_a_story_shows_what_is_read_held_and_shown():
    top, gates, bottom = figures.carry_story(READ, GATES, CARRY, STATE, {2: "write"}).axes
    assert bars(top) == list(READ)
    (note,) = top.texts
    assert note.get_text() == "write" and note.xy[0] == 2
    strips = [mesh.get_array().ravel().tolist() for mesh in gates.collections]
    assert strips == [values.tolist() for values in GATES.values()]
    assert [label.get_text() for label in gates.get_yticklabels()] == ["$f$", "$o$"]
    for mesh, name in zip(gates.collections, GATES, strict=True):
        assert mesh.get_cmap()(1.0)[:3] == to_rgb(figures.COLOURS[name]) and mesh.get_clim() == (0, 1)
    assert bars(bottom) == list(STATE)
    carry = bottom.lines[0]
    assert carry.get_drawstyle() == "steps-post"
    assert list(carry.get_xdata()) == [0.5, 1.5, 2.5, 3.5] and list(carry.get_ydata()) == [0.4, 0.4, -0.2, -0.2]
    assert to_rgb(carry.get_color()) == to_rgb(figures.COLOURS["c"])


def test_product_and_gradient_are_medians_of_sizes_with_bands_over_the_units():
    figure = figures.product_against_gradient(RUNS)
    assert [axes.get_title() for axes in figure.axes] == list(RUNS)
    for axes, pair in zip(figure.axes, RUNS.values(), strict=True):
        for line, band, values in zip(axes.lines, axes.collections, pair, strict=True):
            np.testing.assert_allclose(line.get_ydata(), np.median(np.abs(values), axis=1))
            assert list(line.get_xdata()) == list(range(1, 21))
            heights = band.get_paths()[0].vertices[:, 1]
            assert heights.min() == pytest.approx(np.abs(values).min())
            assert heights.max() == pytest.approx(np.abs(values).max())
        assert axes.get_yscale() == "log"
        product, gradient = axes.lines
        assert to_rgb(product.get_color()) == to_rgb(figures.COLOURS["f"]) and product.get_linestyle() == "-"
        assert to_rgb(gradient.get_color()) == to_rgb(figures.COLOURS["gradient"])
        assert gradient.get_linestyle() == "--"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["product of the forget gates", "measured gradient"]
    assert figures.product_against_gradient(RUNS, floor=1e-3).axes[0].get_ylim()[0] == 1e-3


@pytest.mark.parametrize(
    "draw, sentence",
    [
        (lambda: figures.carry_story(READ, {"f": [1, 0]}, CARRY, STATE), r"gates\['f'\] should .* \(3,\)"),
        (lambda: figures.carry_story(READ, GATES, CARRY[:2], STATE), r"c should have shape \(3,\)"),
        (lambda: figures.carry_story(READ, GATES, CARRY, STATE[:2]), r"h should have shape \(3,\)"),
        (lambda: figures.product_against_gradient({"a": (np.ones((4, 2)), np.ones((3, 2)))}), r"runs\['a'\]"),
    ],
)
def test_what_does_not_fit_is_refused(draw, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw()
