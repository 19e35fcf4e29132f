"""The figures of the gates: the gradient's paths lead where the equations lead, and a heat map shows its numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rnnbook.lessons import figures

Z, C = np.random.default_rng(0).uniform(size=(5, 3)), np.random.default_rng(1).normal(size=(5, 3))
LETTERS = "ab (c"
FIGURES = {
    "gates_while_reading": lambda: figures.gates_while_reading(
        {"z, update gate": Z, "c, carry": C}, LETTERS, columns=2
    ),
    "gradient_paths": lambda: figures.gradient_paths("LSTM"),
}


def maps(figure):
    """The axes with a heat map, colour bars left out, and the mesh of each."""
    return [(axes, axes.collections[0]) for axes in figure.axes if axes.get_title(loc="left")]


def centres(figure):
    return {shape.get_gid(): shape.center for shape in figure.findobj(lambda a: a.get_gid() and hasattr(a, "center"))}


def test_a_gate_has_its_colour_from_closed_to_open_and_the_rest_a_sign():
    (gate, z), (carry, c) = maps(FIGURES["gates_while_reading"]())
    assert [axes.get_title(loc="left") for axes in (gate, carry)] == ["z, update gate", "c, carry"]
    np.testing.assert_array_equal(z.get_array(), Z.T)
    np.testing.assert_array_equal(c.get_array(), C.T)
    assert z.get_clim() == (0, 1) and z.get_cmap()(1.0)[:3] == to_rgb(figures.COLOURS["z"])
    assert z.get_cmap()(0.0)[:3] == (1, 1, 1)
    assert c.get_clim() == (-np.abs(C).max(), np.abs(C).max())
    red, _, blue = c.get_cmap()(0.9)[:3]
    assert blue > red  # violet above zero
    for axes in (gate, carry):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "\u2423", "(", "c"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "3"]
        bottom, top = axes.get_ylim()
        assert bottom > top  # the first unit is the top row


def test_a_title_that_only_begins_like_a_gate_is_no_gate():
    ((_, mesh),) = maps(figures.gates_while_reading({"input": C}, LETTERS))
    assert mesh.get_clim()[0] < 0
    ((_, mesh),) = maps(figures.gates_while_reading({"i": Z}, LETTERS))
    assert mesh.get_clim() == (0, 1)
    ((axes, mesh),) = maps(figures.gates_while_reading({"h": np.zeros((5, 12))}, LETTERS))  # nothing to scale by
    assert mesh.get_clim() == (-1, 1)
    assert len(axes.get_yticks()) < 12  # too many rows to name each
    with pytest.raises(ValueError, match=r"maps\['z'\] should have shape \(5, H\), but has shape \(4, 3\)"):
        figures.gates_while_reading({"z": Z[:4]}, LETTERS)


def test_what_is_left_of_a_grid_stays_empty():
    figure = figures.gates_while_reading({"z": Z, "r": Z, "h": C}, LETTERS, columns=2)
    assert len(maps(figure)) == 3 and [axes.axison for axes in figure.axes[:4]] == [True, True, True, False]


@pytest.mark.parametrize("layer, gate, state", [("GRU", "z", "h"), ("LSTM", "f", "c")])
def test_the_upper_path_meets_the_gate_alone_and_the_lower_one_the_matrix(layer, gate, state):
    figure = figures.gradient_paths(layer)
    at = centres(figure)
    assert {name for name in at if name[0] == state and name[1] == "-"} == {f"{state}-{back}" for back in range(3)}
    xs = [at[f"{state}-{back}"][0] for back in range(3)]
    assert xs == sorted(xs, reverse=True)  # time runs to the right, the gradient to the left
    for back in (1, 2):
        x, y = at[f"gate-{back}"]
        assert y == at[f"{state}-{back}"][1] and xs[back] < x < xs[back - 1]
        (box,) = figure.findobj(lambda a, back=back: a.get_gid() == f"matrix-{back}")
        assert box.get_y() + box.get_height() < y
    words = {text.get_text(): text.get_color() for text in figure.findobj(lambda a: hasattr(a, "get_text"))}
    assert words[f"${gate}_{{t}}$"] == words[f"${gate}_{{t-1}}$"] == figures.COLOURS[gate]
    assert sum("W_{hh}" in word for word in words) == 2
    assert ("h-0" in at) and (layer == "GRU" or at["h-0"][1] < at["c-0"][1])


def test_another_layer_is_refused():
    with pytest.raises(ValueError, match="layer should be"):
        figures.gradient_paths("RNN")
