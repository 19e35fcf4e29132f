"""The figures of the first two chapters show the numbers and the steps that they were given."""

import numpy as np
import pytest

from rnnbook.lessons import figures

STATES = np.array([[1, 0, 0.25], [0, -1.5, 2]])
FIGURES = {
    "states_while_reading": lambda: figures.states_while_reading(
        {"one": STATES, "two": STATES**2}, "o ", ["a", "b", "c"], numbers=True
    ),
    "sequence_kinds": figures.sequence_kinds,
}


def test_every_state_is_in_the_column_of_its_letter_and_the_row_of_its_unit():
    figure = FIGURES["states_while_reading"]()
    for axes, values in zip(figure.axes, [STATES, STATES**2], strict=True):
        written = {text.get_position(): text.get_text() for text in axes.texts}
        assert written == {
            (t + 0.5, unit + 0.5): f"{values[t, unit]:g}".replace("-", "−") for t in range(2) for unit in range(3)
        }
        np.testing.assert_array_equal(axes.collections[0].get_array(), values.T)
        assert axes.yaxis_inverted()
        assert [label.get_text() for label in axes.get_xticklabels()] == ["o", "\u2423"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    first, second = (axes.collections[0] for axes in figure.axes)
    assert first.cmap(first.norm(0.0)) != first.cmap(first.norm(-1.5)) != first.cmap(first.norm(2.0))
    assert second.norm(0.0) == 0  # nothing is below zero: white
    with pytest.raises(ValueError, match=r"maps\['odd'\] should have shape \(2, H\), but has shape \(3, 2\)"):
        figures.states_while_reading({"odd": STATES.T}, "on")
    bars = figures.states_while_reading({"slope": STATES}, "on")
    assert len(bars.axes) == 2 and not bars.axes[0].texts  # without numbers, a scale of colours
    figures.states_while_reading({"zeros": 0 * STATES}, "on")  # nothing to scale by


def test_each_kind_has_its_inputs_outputs_and_steps():
    gids = {artist.get_gid() for artist in FIGURES["sequence_kinds"]().findobj() if artist.get_gid()}
    counted = {
        kind: [
            len([g for g in gids if g.startswith(f"{kind} {what}")]) for what in ("input", "state", "step", "output")
        ]
        for kind in ["one to one", "one to many", "many to one", "many to many,\naligned", "many to many,\ndelayed"]
    }
    assert list(counted.values()) == [[1, 1, 0, 1], [1, 3, 2, 3], [3, 3, 2, 1], [3, 3, 2, 3], [2, 4, 3, 2]]
    assert "many to one output 3" in gids and "one to many input 1" in gids
    assert {"many to many,\ndelayed output 3", "many to many,\ndelayed input 2"} <= gids
