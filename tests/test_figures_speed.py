"""The figures of speed show every rung, every size and every case where its number says."""

import itertools
from collections import Counter

import numpy as np
import pytest

from rnnbook.lessons import figures


def test_a_call_is_a_box_and_each_rung_has_its_own():
    axes = figures.calls_on_each_rung(steps=3, elementwise=5).axes[0]
    kinds = Counter(patch.get_gid() for patch in axes.patches if patch.get_gid())
    assert kinds == {
        "input-0": 3, "state-0": 3, "small-0": 15,
        "input-1": 1, "state-1": 3, "small-1": 15,
        "input-2": 1, "state-2": 3, "small-2": 3,
        "input-3": 1, "state-3": 3, "small-3": 3, "launch": 1,
    }  # fmt: skip
    boxes = {row: sorted((patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches
                         if (patch.get_gid() or "").endswith(f"-{row}")) for row in range(4)}  # fmt: skip
    for row, spans in boxes.items():
        gaps = [after - end for (_, end), (after, _) in itertools.pairwise(spans)]
        assert min(gaps) > 0.05 if row < 3 else max(gaps[1:]) < 1e-9, "a gap is a call"
    assert max(end for spans in boxes.values() for _, end in spans) < axes.get_xlim()[1]


def test_each_program_reads_all_units_and_computes_its_own_before_all_wait():
    axes = figures.spread_units(programs=3, steps=2).axes[0]
    kinds = Counter(patch.get_gid() for patch in axes.patches if patch.get_gid())
    each = {f"{kind}-{k}-{step}": many for kind, many in (("read", 3), ("own", 1)) for k in range(3) for step in (0, 1)}
    assert kinds == each | {f"weights-{k}": 1 for k in range(3)} | {"wait-0": 1, "wait-1": 1}
    patches = {gid: [patch for patch in axes.patches if patch.get_gid() == gid] for gid in kinds}
    for k, step in itertools.product(range(3), range(2)):
        read, (own,) = patches[f"read-{k}-{step}"], patches[f"own-{k}-{step}"]
        assert own.get_edgecolor() == read[k].get_edgecolor() == patches[f"weights-{k}"][0].get_edgecolor()
        assert len({patch.get_edgecolor() for patch in read}) == 3
        (bar,) = patches[f"wait-{step}"]
        assert max(patch.get_x() for patch in read) < own.get_x() < bar.get_x()
        assert bar.get_y() < own.get_y() and own.get_y() + own.get_height() < bar.get_y() + bar.get_height()
        assert step == 1 or bar.get_x() < patches[f"read-{k}-1"][0].get_x()


def test_the_ladder_has_a_bar_for_each_rung_and_the_floor_in_each_panel():
    sizes = {"small": ({"slow": 8.0, "quick": 2.0}, 0.5), "large": ({"slow": 30.0, "quick": 20.0}, 18.0)}
    figure = figures.ladder(sizes)
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["slow", "quick"]
    for axes, (title, (times, floor)) in zip(figure.axes, sizes.items(), strict=True):
        assert axes.get_title() == title
        assert [bar.get_width() for bar in axes.patches] == list(times.values())
        assert list(axes.lines[0].get_xdata()) == [floor, floor]
    labels = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert labels == ["4.0 ×", "1.0 ×", "1.5 ×", "1.0 ×"]


def test_a_step_is_drawn_as_it_grows_with_the_floor_below():
    groups = {"B = 1": {"slow": [9.0, 9.0, 20.0], "quick": [1.0, 2.0, 16.0]},
              "B = 8": {"slow": [9, 12, 99], "quick": [3, 9, 98]}}  # fmt: skip
    floors = {"B = 1": [0.1, 1.0, 10.0], "B = 8": [0.8, 8.0, 80.0]}
    figure = figures.step_time([4, 16, 64], groups, floors)
    for axes, (title, rungs) in zip(figure.axes, groups.items(), strict=True):
        assert axes.get_title() == title and axes.get_xscale() == axes.get_yscale() == "log"
        for line, values in zip(axes.lines, [*rungs.values(), floors[title]], strict=True):
            np.testing.assert_array_equal(line.get_xydata(), np.c_[[4, 16, 64], values])
        low, high = axes.get_ylim()
        assert low < 1 and high > 99
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["slow", "quick", "arithmetic alone"]
    with pytest.raises(ValueError, match=r"groups\['B = 1'\]\['slow'\] should have shape \(2,\)"):
        figures.step_time([4, 16], groups, floors)


def test_ratios_stand_at_their_case_and_the_peer_at_one():
    ratios = {"RNN": {"ours": [0.5, 2.0], "theirs": [1.5, 0.8]}, "GRU": {"ours": [0.3, 0.9], "theirs": [1.0, 4.0]}}
    figure = figures.ratio_dots(["short", "long"], ratios, "relative time")
    for axes, (title, peers) in zip(figure.axes, ratios.items(), strict=True):
        assert axes.get_title() == title and axes.get_xscale() == "log"
        for line, values in zip(axes.lines, peers.values(), strict=False):
            np.testing.assert_array_equal(line.get_xdata(), values)
            np.testing.assert_array_equal(np.round(line.get_ydata()), [0, 1])
        assert list(axes.lines[-1].get_xdata()) == [1, 1]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["short", "long"]
    with pytest.raises(ValueError, match=r"ratios\['RNN'\]\['ours'\] should have shape \(1,\)"):
        figures.ratio_dots(["short"], ratios, "relative time")


def test_the_roofline_has_a_roof_for_each_place_and_every_point_where_its_numbers_say():
    points = {"slow": ([0.5, 16], [1e9, 4e9]), "quick": ([0.5, 16], [5e9, 9e10])}
    figure = figures.roofline(points, 1e11, {"memory": 1e10, "cache": 8e10})
    memory, cache, *drawn = figure.axes[0].lines
    for line, rate in ((memory, 1e10), (cache, 8e10)):
        x, y = line.get_xydata().T
        assert x.min() < 0.5 and x.max() > 16
        np.testing.assert_allclose(y, [min(100, 1e-9 * rate * one) for one in x], rtol=1e-12)
    for line, (x, y) in zip(drawn, points.values(), strict=True):
        np.testing.assert_allclose(line.get_xdata(), x, rtol=0.05)  # moved aside, so that all are seen
        np.testing.assert_allclose(line.get_ydata(), [1e-9 * one for one in y])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["roof: memory", "roof: cache", "slow", "quick"]
    with pytest.raises(ValueError, match=r"points\['slow'\]\[1\] should have shape \(1,\)"):
        figures.roofline({"slow": ([1.0], [1.0, 2.0])}, 1.0, {})


def test_the_ticks_of_the_ratios_reach_as_far_as_the_ratios_and_one_is_among_them():
    for least, count in ((0.3, 6), (0.2, 7), (0.1, 4), (0.03, 5)):
        axes = figures.ratio_dots(["one"], {"RNN": {"ours": [least]}}, "relative time").axes[0]
        ticks = list(axes.get_xticks())
        assert len(ticks) == count and 1 in ticks and min(ticks) < 2.5 * least


STEP = {"slow": [9.0, 9.0, 20.0], "quick": [1.0, 2.0, 16.0]}
FIGURES = {
    "calls_on_each_rung": figures.calls_on_each_rung,
    "spread_units": figures.spread_units,
    "ladder": lambda: figures.ladder({"1 sequence": ({"slow": 8.0, "quick": 2.0}, 0.5)}),
    "step_time": lambda: figures.step_time([4, 16, 64], {"B = 1": STEP}, {"B = 1": [0.1, 1.0, 10.0]}),
    "roofline": lambda: figures.roofline({"slow": ([0.5, 16], [1e9, 4e9])}, 1e11, {"memory": 1e10, "cache": 8e10}),
    "ratio_dots": lambda: figures.ratio_dots(["short", "long"], {"RNN": {"ours": [0.5, 2.0]}}, "relative time"),
}
