"""Figures are exact drawings of their arguments, and a cell shows each once."""

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from searches import SLOW

from rnnbook.lessons import figures

in_part = pytest.mark.search(SLOW, "rnnbook/lessons/figures/*.py", "constraints.txt")

ROOT = Path(__file__).parents[1]
DRAWINGS = {
    "unrolled_network",
    "gradient_flow",
    "windowed_versus_recurrent",
    "dense_with_loop",
    "rnn_cell",
    "gru_cell",
    "lstm_cell",
}


def gids(figure, start=""):
    """The names of the shapes in a drawing that begin with ``start``, with repetitions."""
    names = [artist.get_gid() for artist in figure.findobj(lambda a: a.get_gid())]
    return sorted(name for name in names if name.startswith(start))


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")) if text.get_text()]


def contrast_on_white(colour):
    """Contrast as WCAG 2.2 defines it, from the relative luminance."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


@pytest.mark.parametrize("name", figures.COLOURS)
def test_every_letter_can_be_read_on_white(name):
    assert contrast_on_white(figures.COLOURS[name]) >= 4.5


def test_no_two_letters_share_a_colour():
    assert len(set(figures.COLOURS.values())) == len(figures.COLOURS)


def test_the_gates_have_the_colours_of_the_equations():
    gates = {
        "i": "#00785A",
        "f": "#C24A00",
        "g": "#946200",
        "o": "#0067A8",
        "r": "#A8457F",
        "z": "#007A8A",
        "n": "#7A4B2A",
        "h": "#333333",
        "c": "#6A3D9A",
        "x": "#6B6B6B",
        "gradient": "#B0003A",
    }
    assert gates.items() <= figures.COLOURS.items()


@pytest.mark.parametrize("T", [1, 2, 5, 9])
def test_unrolling_draws_T_copies_with_the_three_arrows_of_each(T):
    figure = figures.unrolled_network(T)
    steps = sorted(str(t) for t in range(1, T + 1))
    for part in ("copy", "input", "output", "arrow-ih", "arrow-hh", "arrow-hy"):
        drawn = [name.removeprefix(f"{part}-") for name in gids(figure, f"{part}-")]
        assert sorted(step for step in drawn if step != "t") == steps, part
    assert gids(figure, "initial-state") and gids(figure, "loop") and gids(figure, "folded")
    names = {f"${letter}_{{{step}}}$" for letter in "hxy" for step in [*steps, "t"]} | {"$h_{0}$"}
    assert names <= set(texts(figure))
    assert [texts(figure).count(f"$W_{{{name}}}$") for name in ("ih", "hh", "hy")] == [T + 1] * 3


def colour_of(figure, gid):
    (patch,) = figure.findobj(lambda a: a.get_gid() == gid)
    return tuple(patch.get_edgecolor()[:3])


def test_copies_share_the_colour_of_their_weights():
    figure = figures.unrolled_network(4)
    for kind in ("ih", "hh", "hy"):
        assert {colour_of(figure, name) for name in gids(figure, f"arrow-{kind}-")} == {
            to_rgb(figures.COLOURS[f"W_{kind}"])
        }
    assert colour_of(figure, "loop") == to_rgb(figures.COLOURS["W_hh"])


def test_parts_that_are_not_asked_for_are_not_drawn():
    figure = figures.unrolled_network(4, inputs=[1], outputs=[3, 4], initial_state=False, folded=False)
    assert gids(figure, "input-") == ["input-1"] and gids(figure, "output-") == ["output-3", "output-4"]
    assert gids(figure, "arrow-hh-") == ["arrow-hh-2", "arrow-hh-3", "arrow-hh-4"]
    assert not gids(figure, "initial") and not gids(figure, "folded") and not gids(figure, "loop")


def test_highlight_greys_exactly_the_future():
    figure = figures.unrolled_network(4, highlight=2)
    full = [t for t in range(1, 5) if colour_of(figure, f"copy-{t}") == to_rgb(figures.COLOURS["h"])]
    assert full == [1, 2]
    assert colour_of(figure, "arrow-hh-2") != colour_of(figure, "arrow-hh-3")


def test_arrows_end_at_the_shapes_they_join():
    figure = figures.unrolled_network(3)
    box = {t: figure.findobj(lambda a, t=t: a.get_gid() == f"copy-{t}")[0].get_bbox() for t in (1, 2, 3)}
    for t in (2, 3):
        (arrow,) = figure.findobj(lambda a, t=t: a.get_gid() == f"arrow-hh-{t}")
        (x0, y0), (x1, y1) = arrow._path_original.vertices
        assert x0 == pytest.approx(box[t - 1].x1) and x1 == pytest.approx(box[t].x0)
        assert y0 == y1 == pytest.approx((box[t].y0 + box[t].y1) / 2)


@pytest.mark.parametrize(
    "arguments, error, sentence",
    [
        ({"T": 0}, ValueError, "T should be at least 1, but is 0"),
        ({"T": 2.5}, TypeError, "T should be a whole number, but is 2.5"),
        ({"T": 3, "inputs": [0, 1]}, ValueError, r"inputs should be steps from 1 to 3, but has \[0\]"),
        ({"T": 3, "outputs": [4]}, ValueError, r"outputs should be steps from 1 to 3, but has \[4\]"),
        ({"T": 3, "highlight": 4}, ValueError, "highlight should be a step from 1 to 3, but is 4"),
    ],
)
def test_a_network_that_cannot_be_drawn_is_refused(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        figures.unrolled_network(**arguments)


def ends(figure, gid):
    """Where the line with this name starts and where it ends."""
    (patch,) = figure.findobj(lambda a: a.get_gid() == gid)
    return patch._path_original.vertices[0], patch._path_original.vertices[-1]


@pytest.mark.parametrize("T", [1, 4])
def test_the_gradient_flows_against_every_forward_arrow(T):
    figure = figures.gradient_flow(T)
    assert len(gids(figure, "copy-")) == len(gids(figure, "loss-")) == T
    for forward, back in (("hh", "state"), ("ih", "input"), ("hy", "loss")):
        for t in range(1, T + 1):
            (x0, y0), (x1, y1) = ends(figure, f"arrow-{forward}-{t}")
            (u0, v0), (u1, v1) = ends(figure, f"back-{back}-{t}")
            assert np.sign([x1 - x0, y1 - y0]).tolist() == np.sign([u0 - u1, v0 - v1]).tolist()


def test_an_arrow_of_the_gradient_is_labelled_with_what_it_alone_carries():
    figure = figures.gradient_flow(3)
    places = {text.get_gid(): text for text in figure.findobj(lambda a: str(a.get_gid()).startswith("label-"))}
    labels = {name: text.get_text() for name, text in places.items()}
    assert labels == {
        "label-next-0": r"$\mathrm{d}h_{0}$",
        **{f"label-next-{t}": rf"$\mathrm{{d}}h^{{\mathrm{{next}}}}_{{{t}}}$" for t in (1, 2)},
        **{f"label-out-{t}": rf"$\mathrm{{d}}h^{{\mathrm{{out}}}}_{{{t}}}$" for t in (1, 2, 3)},
    }
    for t in (1, 2, 3):
        (x0, y0), (x1, y1) = ends(figure, f"back-state-{t}")
        assert x1 < places[f"label-next-{t - 1}"].get_position()[0] < x0
        (x0, y0), (x1, y1) = ends(figure, f"back-loss-{t}")
        assert y1 < places[f"label-out-{t}"].get_position()[1] < y0


def test_the_gradient_is_always_dashed_in_its_colour_and_nothing_else_is():
    figure = figures.gradient_flow(3)
    for name in [*gids(figure, "arrow-"), *gids(figure, "back-")]:
        (patch,) = figure.findobj(lambda a, name=name: a.get_gid() == name)
        is_gradient = name.startswith("back-")
        assert (patch.get_linestyle() not in ("-", "solid")) == is_gradient, name
        assert (colour_of(figure, name) == to_rgb(figures.COLOURS["gradient"])) == is_gradient, name


@pytest.mark.parametrize("T, window", [(8, 3), (5, 5), (4, 1)])
def test_the_window_reaches_the_last_inputs_only_and_the_recurrence_all(T, window):
    figure = figures.windowed_versus_recurrent(T, window)
    assert gids(figure, "window-arrow-") == sorted(f"window-arrow-{t}" for t in range(T - window + 1, T + 1))
    assert len(gids(figure, "window-input-")) == len(gids(figure, "arrow-ih-")) == T
    assert len(gids(figure, "arrow-hh-")) == T - 1


def test_the_dense_layer_has_as_many_columns_as_its_stacked_input_has_rows():
    figure = figures.dense_with_loop()
    rows, columns = {}, {}
    for name in ("x", "h_prev", "h", "W_ih", "W_hh"):
        places = [gid.split("-")[1:] for gid in gids(figure, f"{name}-")]
        rows[name], columns[name] = (len({place[axis] for place in places}) for axis in (0, 1))
        assert len(places) == rows[name] * columns[name]
    assert rows["W_ih"] == rows["W_hh"] == rows["h"] == rows["h_prev"] != rows["x"]
    assert columns["W_ih"] == rows["x"] and columns["W_hh"] == rows["h_prev"]
    (x0, y0), (x1, y1) = ends(figure, "loop")
    assert x1 < x0  # it comes back


@in_part
@pytest.mark.parametrize(
    "draw, gates, operations",
    [
        (figures.gru_cell, "rzn", ["keep", "new", "reset", "sum"]),
        (figures.lstm_cell, "ifgo", ["forget", "input", "output", "sum"]),
    ],
)
def test_a_cell_shows_each_gate_once_in_its_colour_under_its_letter(draw, gates, operations):
    figure = draw()
    assert gids(figure, "gate-") == sorted(f"gate-{gate}" for gate in gates)
    for gate in gates:
        assert colour_of(figure, f"gate-{gate}") == to_rgb(figures.COLOURS[gate])
        (label,) = figure.findobj(lambda a, gate=gate: a.get_gid() == f"label-{gate}")
        assert label.get_text() == f"${gate}_t$" and label.get_color() == figures.COLOURS[gate]
    assert [name for name in gids(figure) if name in operations] == operations


def test_the_carry_of_the_lstm_runs_straight_along_the_top():
    figure = figures.lstm_cell()
    centre = {
        name: figure.findobj(lambda a, name=name: a.get_gid() == name)[0].center
        for name in ("c_prev", "forget", "sum", "c", "output", "input", "h", "h_prev")
    }
    assert centre["c_prev"][1] == centre["forget"][1] == centre["sum"][1] == centre["c"][1]
    assert centre["c_prev"][0] < centre["forget"][0] < centre["sum"][0] < centre["c"][0]
    assert all(centre["c"][1] > centre[name][1] for name in ("output", "input", "h", "h_prev"))


def test_the_rnn_block_names_every_parameter():
    assert {"$W_{ih}$", "$W_{hh}$", "$W_{hy}$", "$b_{ih} + b_{hh}$", "$a_t$", r"$\tanh$"} <= set(
        texts(figures.rnn_cell())
    )


@pytest.mark.parametrize(
    "draw, sentence",
    [
        (lambda: figures.gradient_flow(0), "T should be at least 1, but is 0"),
        (lambda: figures.windowed_versus_recurrent(3, 4), "window should be at most T = 3, but is 4"),
        (lambda: figures.windowed_versus_recurrent(3, 0), "window should be at least 1, but is 0"),
    ],
)
def test_a_drawing_that_makes_no_sense_is_refused(draw, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw()


RNG = np.random.default_rng(0)
T, B, D, H = 9, 3, 2, 7
INFLUENCE = np.tril(RNG.uniform(0.1, 1, (T, T)))
MONTHS, SERIES = np.arange(1749, 1759, 1 / 12), 100 + 90 * np.sin(np.arange(120) / 20)

# Every figure of the package, with arguments that show it: what follows holds for each of them.
FIGURES = {
    "unrolled_network": lambda: figures.unrolled_network(4),
    "gradient_flow": lambda: figures.gradient_flow(3),
    "windowed_versus_recurrent": figures.windowed_versus_recurrent,
    "dense_with_loop": figures.dense_with_loop,
    "rnn_cell": figures.rnn_cell,
    "gru_cell": figures.gru_cell,
    "lstm_cell": figures.lstm_cell,
    "line_chart": lambda: figures.line_chart([1, 2, 4], {"a": [1, 2, 3], "b": [3, 2, 1]}, "x (s)", "y (m)", log="x"),
    "learning_curves": lambda: figures.learning_curves({"RNN": 0.9 ** np.arange(50), "GRU": [1, 0.5, 0.2]}),
    "forecast": lambda: figures.forecast(MONTHS, SERIES, {"AR": SERIES + 9, "RNN": SERIES - 9}, "sunspot number"),
    "error_bars": lambda: figures.error_bars({"RNN": [17.1, 17.4, 16.8], "AR": 17.5}, "error", {"naive": 19.6}),
    "causality": lambda: figures.causality(INFLUENCE),
    "state_heat": lambda: figures.state_heat({"RNN": np.linspace(-1, 1, 12).reshape(4, 3), "GRU": np.zeros((4, 2))}),
    "gate_raster": lambda: figures.gate_raster({"z": np.eye(T, H), "r": np.eye(T, H)}, "Kowalczyk"),
    "confusion_matrix": lambda: figures.confusion_matrix([[5, 1], [0, 7]], ["Greek", "Irish"]),
}


def test_every_drawing_function_is_among_the_figures_tested_here():
    modules = {f"rnnbook.lessons.figures.{name}" for name in ("networks", "cells", "charts")}
    exported = {
        name
        for name in figures.__all__
        if getattr(figures, name).__class__.__name__ == "function" and getattr(figures, name).__module__ in modules
    }
    assert set(FIGURES) == exported


@pytest.mark.parametrize("name", sorted(set(FIGURES) - DRAWINGS - {"gate_raster"}))
def test_the_axes_of_a_chart_are_labelled(name):
    axes = FIGURES[name]().axes[0]
    assert axes.get_xlabel() and (axes.get_ylabel() or [label.get_text() for label in axes.get_yticklabels()])


def curves(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_a_line_chart_shows_its_numbers_under_their_names():
    lines = curves(FIGURES["line_chart"]())
    np.testing.assert_array_equal(lines["b"].get_xydata(), [[1, 3], [2, 2], [4, 1]])
    assert lines["a"].get_linestyle() != lines["b"].get_linestyle()
    assert lines["a"].get_color() != lines["b"].get_color()


def test_learning_curves_read_lists_and_histories():
    from rnnbook.training import History

    figure = figures.learning_curves({"a": History(steps=[5, 10], losses=[2.0, 1.0]), "b": [3, 2, 1]})
    np.testing.assert_array_equal(curves(figure)["a"].get_xydata(), [[5, 2], [10, 1]])
    np.testing.assert_array_equal(curves(figure)["b"].get_xydata(), [[1, 3], [2, 2], [3, 1]])


def test_a_forecast_shows_the_series_and_each_prediction():
    lines = curves(FIGURES["forecast"]())
    assert list(lines) == ["observed", "AR", "RNN"]
    np.testing.assert_array_equal(lines["RNN"].get_ydata(), SERIES - 9)


def test_error_bars_are_the_mean_and_standard_deviation_of_the_seeds():
    figure = figures.error_bars({"RNN": [1.0, 2.0, 6.0]}, "error")
    (bar,) = figure.axes[0].containers
    assert bar.lines[0].get_xdata() == [3.0]
    deviation = np.std([1, 2, 6], ddof=1)
    np.testing.assert_allclose(bar.lines[2][0].get_segments()[0][:, 0], [3 - deviation, 3 + deviation])


def test_causality_hatches_exactly_the_zeros():
    figure = figures.causality(INFLUENCE)
    hatched = {patch.get_xy() for patch in figure.axes[0].patches if patch.get_hatch()}
    assert hatched == {(k + 0.5, t + 0.5) for t, k in np.argwhere(INFLUENCE == 0)}
    assert len(hatched) == T * (T - 1) / 2 and "exactly zero" in texts(figure)


def test_causality_puts_the_state_on_rows_and_the_input_on_columns():
    figure = figures.causality(INFLUENCE)
    np.testing.assert_array_equal(figure.axes[0].collections[0].get_array().filled(0), INFLUENCE)


def test_causality_hatches_nothing_where_nothing_is_zero():
    assert "exactly zero" not in texts(figures.causality(np.full((3, 3), 0.5)))


def test_gradient_reach_is_the_mean_norm_over_the_batch_against_the_lag():
    dx = RNG.normal(size=(T, B, D))
    (line,) = figures.gradient_reach(dx, "RNN").axes[0].lines
    lag, norms = line.get_xydata().T
    np.testing.assert_array_equal(lag, np.arange(T)[::-1])
    expected = [np.mean([np.hypot(*dx[t, b]) for b in range(B)]) for t in range(T)]
    np.testing.assert_allclose(norms, expected, rtol=1e-12)


def test_curves_gather_on_the_figure_given_as_on():
    figure = None
    for label in ("forget bias 0", "forget bias 3"):
        figure = figures.gradient_reach(RNG.normal(size=(T, B, D)), label, on=figure)
    assert list(curves(figure)) == ["forget bias 0", "forget bias 3"]
    figure, axes = figures.panels(1, 2)
    assert (
        figures.error_bars({"a": [1, 2]}, "n", on=axes[1]) is figure and not axes[0].containers and axes[1].containers
    )


def test_a_gate_raster_has_a_panel_a_gate_a_column_a_letter_and_the_gates_colour():
    figure = figures.gate_raster({"z": np.full((3, H), 1.0), "f": np.eye(3, H)}, "abc")
    panels = [axes for axes in figure.axes if axes.get_ylabel()]
    assert [axes.get_ylabel() for axes in panels] == ["units of gate z", "units of gate f"]
    assert [label.get_text() for label in panels[-1].get_xticklabels()] == ["a", "b", "c"]
    for axes, gate in zip(panels, "zf", strict=True):
        shade = axes.collections[0].get_cmap()(1.0)[:3]
        np.testing.assert_allclose(shade, to_rgb(figures.COLOURS[gate]))
    np.testing.assert_array_equal(panels[1].collections[0].get_array(), np.eye(3, H).T)


def test_a_confusion_matrix_counts_the_true_class_in_rows():
    axes = figures.confusion_matrix([[5, 1], [0, 7]], ["Greek", "Irish"]).axes[0]
    written = {(*text.get_position(), text.get_text()) for text in axes.texts}
    assert written == {(0, 0, "5"), (1, 0, "1"), (1, 1, "7")}
    np.testing.assert_allclose(axes.images[0].get_array(), [[5 / 6, 1 / 6], [0, 1]])
    assert axes.get_ylabel() == "true" and axes.get_xlabel() == "predicted"


@pytest.mark.parametrize(
    "name, arguments, sentence",
    [
        ("line_chart", ([1, 2], {"a": [1]}, "x", "y"), "curves['a'] should have shape (2,), but has shape (1,)"),
        ("line_chart", ([1, 2], [1, 2], "x", "y"), "curves should be a dict of label: array, but is [1, 2]"),
        ("learning_curves", ([1, 2],), "histories should be a dict of name: losses, but is [1, 2]"),
        ("learning_curves", ({"a": [[1]]},), "histories['a'] should have shape (N,), but has shape (1, 1)"),
        ("forecast", (MONTHS, SERIES[1:], {}, "n"), "observed should have shape (120,), but has shape (119,)"),
        ("forecast", (MONTHS, SERIES, {"a": [1]}, "n"), "predictions['a'] should have shape (120,)"),
        ("error_bars", ({"a": [[1]]}, "n"), "results['a'] should have shape (S,), but has shape (1, 1)"),
        ("error_bars", ({}, "n"), "results should be a dict of label: array, but is {}"),
        ("error_bars", ({"a": [1, 2]}, "n", None, 3), "on should be a Figure or Axes, but is 3"),
        ("causality", (np.ones((2, 3)),), "influence should have shape (T, 2), but has shape (2, 3)"),
        ("causality", (-np.eye(2),), "influence should be norms, 0 or more and not all 0, but lies between -1"),
        ("causality", (np.zeros((2, 2)),), "influence should be norms, 0 or more and not all 0"),
        ("gradient_reach", (np.ones((2, 3)), "a"), "dx should have shape (T,), but has shape (2, 3)"),
        ("gate_raster", ({"z": np.ones((3, 4))}, "ab"), "gates['z'] should have shape (2, H), but has shape"),
        ("confusion_matrix", (np.eye(3), ["a", "b"]), "counts should have shape (2, 2), but has shape (3, 3)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(name, arguments, sentence):
    with pytest.raises((ValueError, TypeError), match=re.escape(sentence)):
        getattr(figures, name)(*arguments)


def run(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@in_part
def test_set_style_is_safe_without_a_notebook():
    assert (
        run(
            "from rnnbook.lessons import figures; figures.set_style(); "
            "import matplotlib; print(matplotlib.rcParams['lines.linewidth'])"
        )
        == "1.8\n"
    )


@pytest.mark.slow
def test_a_cell_shows_a_figure_once_in_double_density():
    """A real kernel runs a cell that ends in a figure, and one that draws with pyplot: one picture each."""
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "from rnnbook.lessons import figures\nfigures.set_style()",
        "figures.unrolled_network(3)",
        "figure = figures.unrolled_network(3)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert [len(output) for output in outputs] == [0, 1, 0, 1]
    for output in (outputs[1][0], outputs[3][0]):
        image = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
        assert image.mode == "P"
        assert output["metadata"]["image/png"]["width"] == image.width // 2


def test_a_state_is_a_cell_of_its_step_and_unit_on_one_scale_around_zero():
    first, second, _ = FIGURES["state_heat"]().axes
    np.testing.assert_allclose(first.collections[0].get_array(), np.linspace(-1, 1, 12).reshape(4, 3).T)
    assert first.collections[0].get_clim() == second.collections[0].get_clim() == (-1, 1)
    assert first.get_xlabel() == "step t"
    assert figures.state_heat({"RNN": np.zeros((4, 3))}, xlabel="word").axes[0].get_xlabel() == "word"
    with pytest.raises(ValueError, match=r"states\['RNN'\] should have shape"):
        figures.state_heat({"RNN": np.zeros(3)})
