"""The figures of the matrix state show the numbers that they were given."""

import numpy as np
import pytest

from rnnbook.lessons import figures

S = np.array([[0.5, -1.25, 2.0], [0.0, -0.004, 1.0]])
STATES = {"LSTM": 76, "delta rule": 1444, "softmax attention": 10240}
RIGHT = {"LSTM": [0.1, 0.2, 0.3], "delta rule": [0.9, 1.0, 0.95], "softmax attention": [1.0]}
FIGURES = {
    "matrix_memory": lambda: figures.matrix_memory({"one": S, "two": 2 * S}),
    "recall_against_state": lambda: figures.recall_against_state(STATES, RIGHT, 4.0, ["softmax attention"]),
}


def test_every_number_of_a_matrix_stands_in_its_cell():
    figure = FIGURES["matrix_memory"]()
    assert [axes.get_title() for axes in figure.axes] == ["one", "two"]
    for axes, factor in zip(figure.axes, [1, 2], strict=True):
        written = {text.get_position(): text.get_text() for text in axes.texts}
        expected = {
            (j, i): f"{round(factor * S[i, j], 2) + 0:.2f}".replace("-", "−") for i in range(2) for j in range(3)
        }
        assert written == expected
        np.testing.assert_allclose(axes.images[0].get_array(), factor * S / 4)  # one scale for both
    with pytest.raises(ValueError, match=r"matrices\['odd'\] should have shape \(K, V\), but has shape \(3,\)"):
        figures.matrix_memory({"odd": S[0]})
    figures.matrix_memory({"empty": np.zeros((2, 2))})  # nothing to scale by


def test_recall_is_drawn_at_the_size_of_the_state():
    (axes,) = FIGURES["recall_against_state"]().axes
    means = {line.get_label(): line for line in axes.lines if line.get_label() in RIGHT}
    for name, values in RIGHT.items():
        (x,), (y,) = means[name].get_data()
        assert x == STATES[name] and y == pytest.approx(np.mean(values))
        assert (means[name].get_markerfacecolor() == "white") == (name == "softmax attention")
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert [list(line.get_ydata()) for line in dots] == list(RIGHT.values())
    assert [set(line.get_xdata()) for line in dots] == [{x} for x in STATES.values()]
    assert axes.lines[-1].get_xdata()[0] == 4.0 and axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["counting bound"]
    assert len(figures.recall_against_state(STATES, RIGHT).axes[0].lines) == 6  # without a bound
