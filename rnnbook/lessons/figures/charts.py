"""Charts of measurements, one function for each kind: arrays and named curves in, a Figure out.

Every function takes ``on``, the Figure or Axes to draw on; without it the chart gets its own figure.
"""

from textwrap import shorten

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Rectangle

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.style import COLOURS, PALETTE, canvas, panels, styled


def named(name, curves, what="label: array"):
    """The curves as {label: float array}, or TypeError: a chart names everything it shows."""
    if not isinstance(curves, dict) or not curves:
        raise TypeError(f"{name} should be a dict of {what}, but is {shorten(repr(curves), 60)}")
    return {label: np.asarray(values, dtype=float) for label, values in curves.items()}


@styled
def line_chart(x, curves, xlabel, ylabel, log="", on=None):
    """Named curves (N,) over x (N,); ``log`` names the logarithmic axes: "", "x", "y" or "xy"."""
    x, curves = np.asarray(x), named("curves", curves)
    axes = canvas(on)
    for label, y in curves.items():
        check_shape(f"curves[{label!r}]", y, x.shape)
        axes.plot(x, y, label=label)
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend()
    return axes.figure


@styled
def learning_curves(histories, label="training loss", on=None):
    """The loss after every update, on a logarithmic scale: {name: losses (N,) or a ``training.History``}."""
    if isinstance(histories, dict):
        steps = {name: getattr(history, "steps", None) for name, history in histories.items()}
        histories = {name: getattr(history, "losses", history) for name, history in histories.items()}
    axes = canvas(on)
    for name, losses in named("histories", histories, "name: losses").items():
        check_shape(f"histories[{name!r}]", losses, ("N",))
        axes.plot(steps[name] or np.arange(1, len(losses) + 1), losses, label=name)
    axes.set_yscale("log")
    axes.set(xlabel="updates of the parameters", ylabel=label)
    axes.legend()
    return axes.figure


@styled
def forecast(time, observed, predictions, label, xlabel="year", on=None):
    """A series (N,) as it was observed, and named predictions (N,) of it; NaN where there is none."""
    time, observed = np.asarray(time), np.asarray(observed, dtype=float)
    check_shape("observed", observed, time.shape)
    axes = canvas(on)
    axes.plot(time, observed, color="#9A9A9A", linestyle="-", linewidth=3.2, label="observed", zorder=1)
    for name, values in named("predictions", predictions).items():
        check_shape(f"predictions[{name!r}]", values, time.shape)
        axes.plot(time, values, label=name, linewidth=1.5)
    axes.set(xlabel=xlabel, ylabel=label, xlim=(time[0], time[-1]))
    axes.legend(ncols=len(predictions) + 1, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    return axes.figure


@styled
def error_bars(results, label, baselines=None, on=None):
    """Models compared: {name: values (S,), one per seed} as dots, with the mean and one standard deviation.

    baselines: {name: value}, each a dashed line to beat.   label: what the values measure, with its unit.
    """
    results = named("results", results)
    axes = canvas(on, height=1.1 + 0.42 * len(results) + 0.2 * len(baselines or {}))
    for row, (name, values) in enumerate(results.items()):
        values = np.atleast_1d(values)
        check_shape(f"results[{name!r}]", values, ("S",))
        colour = PALETTE[row % len(PALETTE)]
        axes.plot(values, np.full(len(values), row), "o", color=colour, markersize=5, alpha=0.4)
        deviation = values.std(ddof=1) if len(values) > 1 else 0.0
        axes.errorbar(values.mean(), row, xerr=deviation, fmt="D", color=colour, markersize=7, linewidth=2.2)
    for line, (name, value) in enumerate((baselines or {}).items()):
        axes.axvline(value, color=COLOURS["h"], linestyle=(0, (4, 2 + 2 * line)), linewidth=1.2, zorder=1)
        axes.annotate(
            name,
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 14 * line),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=10,
        )
    axes.set(
        xlabel=f"{label}\ndots: one for each seed; diamond and line: mean ± standard deviation",
        yticks=range(len(results)),
        yticklabels=list(results),
        ylim=(len(results) - 0.5, -0.5),
    )
    axes.grid(axis="y", visible=False)
    return axes.figure


@styled
def causality(influence, on=None, label=r"$\Vert\,\partial h_t\,/\,\partial x_k\,\Vert$"):
    """How far each input reaches: ``influence`` (T, T) holds the norm of dh_t / dx_k in row t, column k.

    With a different ``label``, any other measure of how strongly the state after step t depends on the input at step k.
    Colours are logarithmic. A cell that is exactly zero is hatched: there is no path from that input.
    """
    influence = np.asarray(influence, dtype=float)
    check_shape("influence", influence, ("T", len(influence)))
    if (influence < 0).any() or not influence.any():
        raise ValueError(
            "influence should be norms, 0 or more and not all 0, but "
            f"lies between {influence.min():g} and {influence.max():g}"
        )
    T = len(influence)
    axes = canvas(on, width=5.4, height=4.2)
    positive = np.ma.masked_equal(influence, 0)
    steps = np.arange(T + 1) + 0.5
    picture = axes.pcolormesh(
        steps,
        steps,
        positive,
        norm=LogNorm(positive.min(), positive.max()),
        edgecolor="white",
        linewidth=1 if T <= 30 else 0,
    )
    for t, k in np.argwhere(influence == 0):
        axes.add_patch(zero_cell((k + 0.5, t + 0.5)))
    axes.figure.colorbar(picture, ax=axes, label=label)
    axes.set(xlabel="input at step $k$", ylabel="state after step $t$", aspect="equal", ylim=(T + 0.5, 0.5))
    axes.locator_params(integer=True)
    axes.grid(visible=False)
    if positive.mask.any():
        axes.legend(handles=[zero_cell((0, 0), "exactly zero")], loc="lower left", bbox_to_anchor=(0, 1))
    return axes.figure


def zero_cell(corner, label=None):
    """A hatched square of side 1, which no colour of a scale can be mistaken for."""
    return Rectangle(corner, 1, 1, facecolor="white", edgecolor="#BBBBBB", hatch="////", linewidth=0, label=label)


@styled
def gate_raster(gates, letters):
    """What the units of each gate do at each of T letters: {name: values (T, H) from 0 to 1}, one panel per gate.

    A gate named by its letter (i, f, o, r, z) has its colour; full colour is open, 1, and white is closed, 0.
    """
    gates = named("gates", gates)
    T = len(letters)
    figure, rows = panels(len(gates), 1, height=0.7 + 1.5 * len(gates), sharex=True, squeeze=False)
    for axes, (name, values) in zip(rows[:, 0], gates.items(), strict=True):
        check_shape(f"gates[{name!r}]", values, (T, "H"))
        shades = LinearSegmentedColormap.from_list(name, ["white", COLOURS.get(name, COLOURS["h"])])
        picture = axes.pcolormesh(values.T, vmin=0, vmax=1, cmap=shades)
        axes.set(ylabel=f"units of gate {name}")
        axes.grid(visible=False)
        axes.spines[["top", "right"]].set_visible(True)
        figure.colorbar(picture, ax=axes, ticks=[0, 0.5, 1], aspect=12, pad=0.015)
    axes.set_xticks(np.arange(T) + 0.5, list(letters))
    axes.tick_params(axis="x", length=0)
    return figure


@styled
def state_heat(states, xlabel="step t"):
    """The states of a network while it reads, {title: (T, H)}: one column per step, one row per unit, -1 to 1, 0 is
    white.

    With a different ``xlabel`` the columns are something else, such as sequences.
    """
    figure, row = panels(1, len(states), height=2.7, sharey=True, squeeze=False)
    for axes, (title, values) in zip(row[0], states.items(), strict=True):
        values = np.asarray(values, dtype=float)
        check_shape(f"states[{title!r}]", values, ("T", "H"))
        steps, units = np.arange(len(values) + 1) + 0.5, np.arange(values.shape[1] + 1) + 0.5
        picture = axes.pcolormesh(steps, units, values.T, cmap="PuOr", vmin=-1, vmax=1)
        axes.set(title=title, xlabel=xlabel)
        axes.grid(visible=False)
    row[0, 0].set_ylabel("unit")
    figure.colorbar(picture, ax=list(row[0]), label="state", ticks=[-1, 0, 1], aspect=14, pad=0.015)
    return figure


@styled
def confusion_matrix(counts, labels, on=None):
    """How often class ``labels[i]``, row i, was taken for ``labels[j]``: counts (C, C), shaded by row."""
    counts = np.asarray(counts)
    C = len(labels)
    check_shape("counts", counts, (C, C))
    axes = canvas(on, width=1.8 + 0.42 * C, height=1.4 + 0.42 * C)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.argwhere(counts):
        axes.text(
            j,
            i,
            f"{counts[i, j]:g}",
            ha="center",
            va="center",
            fontsize=9.5,
            color="white" if share[i, j] > 0.55 else COLOURS["h"],
        )
    axes.set_xticks(range(C), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(C), labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.grid(visible=False)
    return axes.figure
