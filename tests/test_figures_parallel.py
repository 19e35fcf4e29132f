"""The figures of the scan show the combinations that the scans make, and the numbers they were given."""

import numpy as np
import pytest

from rnnbook.lessons import figures
from rnnbook.lessons.figures.style import PALETTE

LENGTHS = [64, 256, 1024]
TIMES = {"small": {"GRU": [1, 4, 17], "chunked": [0.2, 0.6, 2.4]}, "large": {"GRU": [1, 3, 9], "chunked": [2, 5, 8]}}
PLACES = [1, 20, 160]
RIGHT = {
    "set": {"GRU": [[1, 1, 1], [1, 0.9, 0.8], [1, 0.6, 0.3]], "minGRU": [[1, 1, 0.9], [1, 1, 1], [1, 1, 1]]},
    "toggle": {"GRU": [[1, 1, 1]] * 3, "minGRU": [[1, 0.6, 0.5], [1, 0.4, 0.5], [1, 0.5, 0.3]]},
}
CHANCE = {"set": 0.5, "toggle": 0.25}
ERRORS = {"few": [[0.5, 2e-3, 0.2], [0, 1e-6, 30]], "many": [[1e-3, 0, 0], [0, 0, 1e-12], [0, 0, 1e-8]]}
FIGURES = {
    "scan_rounds": figures.scan_rounds,
    "scan_tree": figures.scan_tree,
    "newton_passes": lambda: figures.newton_passes(ERRORS),
    "time_against_length": lambda: figures.time_against_length(LENGTHS, TIMES, "time"),
    "right_after_each_step": lambda: figures.right_after_each_step(PLACES, RIGHT, 20, CHANCE),
}


def names(figure, start):
    found = {artist.get_gid() for artist in figure.findobj(lambda a: a.get_gid())}
    return {name.removeprefix(start) for name in found if name.startswith(start)}


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("T", [2, 3, 8, 9])
def test_every_step_is_merged_with_the_one_that_the_round_reaches(T):
    figure, expected, reach, r = figures.scan_rounds(T), set(), 1, 1
    while reach < T:
        expected |= {f"{r}-{t - reach}-{t}" for t in range(reach + 1, T + 1)}
        reach, r = 2 * reach, r + 1
    assert names(figure, "merge-") == expected


def test_a_box_names_what_is_merged_in_it():
    written = words(figures.scan_rounds(8))
    start = written.index("round 2") + 1
    assert written[start : start + 8] == ["1", "1–2", "1–3", "1–4", "2–5", "3–6", "4–7", "5–8"]
    start = written.index("chunk to\nchunk") + 1
    assert written[start : start + 4] == ["1–2", "1–4", "1–6", "1–8"]
    assert written[-8:] == ["1", *(f"1–{t}" for t in range(2, 9))]


@pytest.mark.parametrize("T", [4, 8, 9, 12])
def test_chunks_are_merged_inside_then_between_then_inside_again(T):
    figure, K = figures.scan_rounds(T), int(T**0.5)
    inside = {f"{t}-{t + 1}" for t in range(1, T) if t % K}
    assert names(figure, "inside-") == names(figure, "again-") == inside
    assert names(figure, "between-") == {f"{t - K}-{t}" for t in range(2 * K, T + 1, K)}
    assert names(figure, "begin-") == {str(t + 1) for t in range(K, T, K)}


@pytest.mark.parametrize("T", [2, 4, 8, 16])
def test_every_box_of_the_tree_is_combined_of_two_neighbours_in_rows_above(T):
    figure = figures.scan_tree(T)
    boxes = {tuple(map(int, name.split("-"))) for name in names(figure, "tree-")}
    lines = [tuple(map(int, name.split("-"))) for name in names(figure, "of-")]
    held = {(0, t): {t} for t in range(T + 1)}  # the steps in each box; the initial state is step 0
    for row, last in sorted(boxes):
        if row:
            held[row, last] = set.union(*(held[r, t] for at_row, at, r, t in lines if (at_row, at) == (row, last)))
            parts = [held[r, t] for at_row, at, r, t in lines if (at_row, at) == (row, last)]
            assert len(parts) == 2 and parts[0].isdisjoint(parts[1])
            assert held[row, last] == set(range(min(held[row, last]), last + 1))
            assert all(r < row for at_row, at, r, _ in lines if (at_row, at) == (row, last))
    states = sorted(last for (row, last), steps in held.items() if 0 in steps and row)
    assert states == list(range(1, T + 1))
    assert len(boxes) == T + 1 + 2 * T - 1
    assert max(row for row, _ in boxes) == max(2 * int(np.log2(T)) - 1, int(np.log2(T)) + 1)


def test_a_box_of_the_tree_is_named_by_its_steps_or_its_state():
    written = words(figures.scan_tree(4))
    assert written == ["given", "$h_{0}$", "1", "2", "3", "4", "row 1", "1–2", "3–4", "row 2", "1–4", "$h_{2}$",
                       "row 3", "$h_{4}$", "$h_{1}$", "$h_{3}$"]  # fmt: skip
    with pytest.raises(ValueError, match="power of two, 2 or more, but is 6"):
        figures.scan_tree(6)


def test_an_error_is_a_cell_that_is_white_below_a_billionth():
    figure = FIGURES["newton_passes"]()
    for axes, (title, values) in zip(figure.axes, ERRORS.items(), strict=False):
        mesh, expected = axes.collections[0], np.array(values)
        shown = mesh.get_array()
        np.testing.assert_array_equal(np.ma.getmaskarray(shown), expected < 1e-9)
        np.testing.assert_array_equal(shown[~shown.mask], expected[expected >= 1e-9])
        assert axes.get_title() == title and axes.get_xlim() == (0.5, 3.5) and axes.get_ylim() == (3.5, 0.5)
        exact = axes.lines[0].get_xydata()  # after pass k the first k states
        np.testing.assert_array_equal(exact[:, 0], exact[:, 1])
    with pytest.raises(ValueError, match=r"errors\['flat'\] should have shape \(K, T\)"):
        figures.newton_passes({"flat": [1.0, 2.0]})


def test_a_time_is_a_point_of_its_peer_on_logarithmic_axes():
    figure = FIGURES["time_against_length"]()
    for axes, (title, peers) in zip(figure.axes, TIMES.items(), strict=True):
        assert axes.get_title() == title and axes.get_xscale() == axes.get_yscale() == "log"
        for line, (peer, values) in zip(axes.lines, peers.items(), strict=True):
            assert line.get_label() == peer
            np.testing.assert_array_equal(line.get_xydata(), np.c_[LENGTHS, values])
        assert [label.get_text() for label in axes.get_xticklabels()] == ["64", "256", "1,024"]
    with pytest.raises(ValueError, match=r"times\['small'\]\['GRU'\] should have shape \(2,\)"):
        figures.time_against_length([1, 2], TIMES, "time")


def test_right_answers_are_the_median_in_the_band_of_all_seeds_beside_chance_and_training():
    figure = FIGURES["right_after_each_step"]()
    for axes, (task, layers) in zip(figure.axes, RIGHT.items(), strict=True):
        for place, (layer, values) in enumerate(layers.items()):
            line, band = axes.lines[place], axes.collections[place].get_paths()[0].vertices
            assert line.get_label() == layer and line.get_color() == PALETTE[place]
            np.testing.assert_allclose(line.get_ydata(), np.median(values, axis=0))
            for x, low, high in zip(PLACES, np.min(values, axis=0), np.max(values, axis=0), strict=True):
                assert {(x, low), (x, high)} <= {tuple(point) for point in band}
        chance, trained = axes.lines[-2:]
        assert set(chance.get_ydata()) == {CHANCE[task]} and set(trained.get_xdata()) == {20}
    with pytest.raises(ValueError, match=r"right\['set'\]\['GRU'\] should have shape \(S, 2\)"):
        figures.right_after_each_step([1, 2], RIGHT, 1, CHANCE)
