"""Every figure is drawn as it was when somebody looked at it last and found it right.

Where a shape lies in a drawing, and in which colour, follows from nothing: a person approves it. ``drawings.json``
holds a digest of every figure's shapes, lines and texts; the other tests hold the numbers that have a meaning. After a
change that is meant, look at the figures and approve them:

    python tests/test_drawings.py
"""

import hashlib
import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import test_figures
import test_figures_applications
import test_figures_control
import test_figures_feedback_networks
import test_figures_gates
import test_figures_gradient_reach
import test_figures_language_model
import test_figures_limits
import test_figures_lstm
import test_figures_parallel
import test_figures_pronunciation
import test_figures_seq2seq
import test_figures_speed
import test_figures_state_space
import test_figures_why_recurrence
from matplotlib import collections, image, lines, patches, text
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.ticker import FixedLocator
from searches import LIBRARY, SLOW

from rnnbook.data import tasks
from rnnbook.lessons import figures

in_part = pytest.mark.search(
    SLOW, "rnnbook/lessons/figures/*.py", "tests/test_figures*.py", "tests/drawings.json", *LIBRARY, "constraints.txt"
)

APPROVED = Path(__file__).with_name("drawings.json")
ALSO = [
    test_figures_control,
    test_figures_applications,
    test_figures_feedback_networks,
    test_figures_gates,
    test_figures_gradient_reach,
    test_figures_limits,
    test_figures_parallel,
    test_figures_seq2seq,
    test_figures_pronunciation,
    test_figures_speed,
    test_figures_state_space,
    test_figures_language_model,
    test_figures_why_recurrence,
]
WAVE = np.sin(np.arange(30) / 3)
SHARES = {"a": [[0.5, 0.7], [0.6, 0.9]], "b": [0.3, 0.4]}
FIGURES = test_figures.FIGURES | {name: draw for module in ALSO for name, draw in module.FIGURES.items()}
FIGURES |= {
    "block_orders": figures.block_orders,
    "both_directions": lambda: figures.both_directions(4),
    "carry_ramp": lambda: figures.carry_ramp(WAVE[:10].reshape(5, 2), "aaabb", ["unit 1", "unit 7"]),
    "carry_story": lambda: figures.carry_story(
        test_figures_lstm.READ,
        test_figures_lstm.GATES,
        test_figures_lstm.CARRY,
        test_figures_lstm.STATE,
        {1: "write"},
    ),
    "check_table": lambda: figures.check_table({"a bug": {"W_ih": 0.5, "b": 1e-9}}, 1e-6),
    "errors_by_horizon": lambda: figures.errors_by_horizon({"A": SHARES, "B": SHARES}, {"A": "°C", "B": "ppm"}),
    "cut_gradients": lambda: figures.cut_gradients(
        {"full": np.tril(0.5 ** np.arange(36).reshape(6, 6)), "cut": np.diag(0.5 ** np.arange(6))}
    ),
    "fan_charts": lambda: figures.fan_charts(
        np.arange(30),
        2 * WAVE,
        {"ours": {"median": WAVE, 50: (WAVE - 0.5, WAVE + 0.5), 90: (WAVE - 0.9, WAVE + 0.9)}},
        "°C",
    ),
    "kinds_of_answer": figures.kinds_of_answer,
    "memory_tasks": figures.memory_tasks,
    "path_contributions": lambda: figures.path_contributions(0.5 ** np.arange(12), "share"),
    "pit_histograms": lambda: figures.pit_histograms({"a": np.abs(WAVE), "b": WAVE**2}),
    "product_against_gradient": lambda: figures.product_against_gradient(test_figures_lstm.RUNS),
    "ragged_batch": lambda: figures.ragged_batch((5, 3, 1, 4)),
    "seeds_against": lambda: figures.seeds_against(
        [1, 4], {"a": np.eye(2), "b": np.ones((2, 2))}, "k", "error", {"naive": 2.0}, log="x"
    ),
    "sampled_futures": lambda: figures.sampled_futures(
        1990 + np.arange(30) / 12, 1 + WAVE, 20, [1 + WAVE[:9], 1.2 + WAVE[1:10], 1 - WAVE[:9]], "count"
    ),
    "series_in_parts": lambda: figures.series_in_parts(
        np.arange(30), WAVE, {"past": np.arange(20), "later": np.arange(20, 30)}, "count"
    ),
    "share_against": lambda: figures.share_against([1, 4], SHARES, "size", "share"),
    "shared_batch": figures.shared_batch,
    "skill_against_length": lambda: figures.skill_against_length(
        [10, 20], {"adding": {"RNN": np.eye(2, 3), "GRU": np.ones((2, 3))}}
    ),
    "task_shapes": lambda: figures.task_shapes(tasks.adding(1, 6, 1), ["number", "mark"], [""] * 5 + ["1.2"]),
    "states_over_time": lambda: figures.states_over_time(
        1990 + np.arange(30) / 12, WAVE, np.stack([WAVE, -WAVE, WAVE**2], axis=1), "count"
    ),
    "state_gradients": lambda: figures.state_gradients(
        {"one": WAVE.reshape(10, 3), "two": np.ones((10, 3))}, "abcdefghij"
    ),
    "weight_paths": lambda: figures.weight_paths(4, path=2),
}
NO_FIGURES = {"COLOURS", "PALETTE", "palette_png", "panels", "set_style"}


def number(value):
    """Four digits of a number, which another processor's last digit does not change: no round one is at their edge."""
    return f"{1.0471285 * float(value):.4g}"


def said(value):
    """Any value as a string that is the same on every processor."""
    if isinstance(value, str | bool | None.__class__):
        return str(value)
    if np.ma.isMaskedArray(value):
        value = value.filled(np.nan)
    if isinstance(value, np.ndarray | list | tuple):
        return "[" + " ".join(map(said, value)) + "]"
    if isinstance(value, dict):
        return "{" + " ".join(f"{key}:{said(value[key])}" for key in sorted(value)) + "}"
    return number(value) if np.isreal(value) else repr(value)


def colours(value):
    """One colour or several."""
    try:
        return to_hex(value, keep_alpha=True)
    except ValueError:
        return [to_hex(colour, keep_alpha=True) for colour in value]


def look(artist):
    """What is visible of one artist, and is not drawn by another one below it."""
    if isinstance(artist, mpl.figure.Figure):
        return [artist.get_size_inches(), artist.get_layout_engine().get() if artist.get_layout_engine() else None]
    if isinstance(artist, mpl.axes.Axes):
        place = artist.get_subplotspec()
        limits = [artist.get_xlim(), artist.get_ylim(), artist.get_xscale(), artist.get_yscale(), artist.get_aspect()]
        return [*limits, artist.axison, place.get_geometry() if place else artist.get_position().bounds]
    if isinstance(artist, Axis):
        fixed = isinstance(artist.get_major_locator(), FixedLocator)
        grid = artist.get_gridlines()[0].get_visible() if artist.get_gridlines() else False
        return [artist.get_major_locator().locs if fixed else "", artist.get_label_text(), grid]
    if isinstance(artist, lines.Line2D):
        style = [artist.get_color(), artist.get_marker(), artist.get_markersize(), artist._unscaled_dash_pattern]
        return [artist.get_xydata(), colours(style[0]), str(style[1]), style[2], style[3], artist.get_linewidth()]
    if isinstance(artist, text.Text):
        where = [artist.get_position(), getattr(artist, "xy", ()), artist.get_ha(), artist.get_va()]
        style = [artist.get_fontsize(), artist.get_rotation(), str(artist.get_fontweight()), artist.get_style()]
        return [artist.get_text(), colours(artist.get_color()), *where, *style]
    if isinstance(artist, patches.Patch):
        style = [colours(artist.get_facecolor()), colours(artist.get_edgecolor()), artist.get_linewidth()]
        style += [artist._unscaled_dash_pattern, artist.get_hatch()]
        if isinstance(artist, patches.FancyArrowPatch):
            way = artist._posA_posB if artist._path_original is None else artist._path_original.vertices
            return [way, artist.get_mutation_scale(), vars(artist.get_arrowstyle()), *style]
        return [artist.get_patch_transform().transform(artist.get_path().vertices), *style]
    if isinstance(artist, collections.Collection):
        shapes = [path.vertices for path in artist.get_paths()]
        style = [colours(artist.get_facecolor()), colours(artist.get_edgecolor()), artist.get_linewidth()]
        return [*shapes, artist.get_offsets(), *style, artist.get_array(), artist.get_linestyle()]
    if isinstance(artist, image.AxesImage):
        return [artist.get_array(), artist.get_extent(), artist.get_clim(), artist.get_cmap().name]
    return []


def record(artist, found=None):
    """One line for each artist of a figure, in the order of drawing."""
    found = [] if found is None else found
    if artist.get_visible():
        label = "" if str(artist.get_label()).startswith("_") else str(artist.get_label())
        style = [artist.get_zorder(), artist.get_alpha(), artist.get_gid(), label]
        found.append(f"{type(artist).__name__} {said([*look(artist), *style])}")
        if isinstance(artist, Axis):
            texts = artist.get_ticklabels() if isinstance(artist.get_major_locator(), FixedLocator) else []
            for child in texts:
                record(child, found)
        else:
            for child in artist.get_children():
                record(child, found)
    return found


def digest(name):
    """Of a figure drawn under settings that are not the book's, which it has to be independent of."""
    with mpl.rc_context({"font.size": 23, "axes.grid": False, "figure.figsize": (2, 2)}):
        figure = FIGURES[name]()
    return hashlib.sha256("\n".join(record(figure)).encode()).hexdigest()[:16]


def test_every_figure_is_among_them():
    assert FIGURES.keys() == set(figures.__all__) - NO_FIGURES
    assert json.loads(APPROVED.read_text()).keys() == FIGURES.keys()


@in_part
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_it_was_approved(name):
    approved = json.loads(APPROVED.read_text())[name]
    assert digest(name) == approved, f"{name} has changed: look at it, then approve it by python tests/test_drawings.py"
    assert plt.get_fignums() == []  # no figure is kept by pyplot


if __name__ == "__main__":
    APPROVED.write_text(json.dumps({name: digest(name) for name in sorted(FIGURES)}, indent=1) + "\n")
