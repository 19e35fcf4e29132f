"""The figures of the scan show the merging that the scans do, and the numbers they were given."""

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
FIGURES = {
    "scan_rounds": figures.scan_rounds,
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
