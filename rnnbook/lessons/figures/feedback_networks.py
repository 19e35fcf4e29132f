"""Figures of the networks that came before: energies that fall, recalled images, capacities, Jordan and Elman."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.charts import named
from rnnbook.lessons.figures.networks import BLOCK, DISC, draw_input, draw_output
from rnnbook.lessons.figures.sheet import PALE, Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, STYLES, WIDTH, canvas, panels, styled

W_YH = "#9A3412"  # from the output back to the hidden units


@styled
def energy_descent(energies, images, shown, level):
    """The energy of B runs after every update, (B, K + 1), with pictures of one of them as it falls.

    images: {update: (rows, columns)}, the state of run ``shown`` at that update, linked to its point in the chart.
    level = (energy, name): a dashed line with its name, such as the energy of the stored patterns.
    """
    energies = np.asarray(energies, dtype=float)
    check_shape("energies", energies, ("B", "K + 1"))
    figure = Figure(figsize=(WIDTH, 4.3))
    grid = figure.add_gridspec(2, len(images), height_ratios=[1, 3.2])
    axes = figure.add_subplot(grid[1, :])
    for run, values in enumerate(energies):
        bold = run == shown
        axes.step(
            np.arange(len(values)),
            values,
            where="post",
            linestyle="-",
            zorder=3 if bold else 2,
            color=PALETTE[0] if bold else "#9A9A9A",
            linewidth=2.4 if bold else 1,
        )
    axes.axhline(level[0], color=COLOURS["h"], linestyle=DASHES, linewidth=1.2)
    axes.annotate(
        level[1],
        (1, level[0]),
        xycoords=("axes fraction", "data"),
        xytext=(-4, -4),
        fontsize=10,
        textcoords="offset points",
        ha="right",
        va="top",
    )
    low, high = energies.min(), energies.max()
    axes.set(
        xlabel="units visited",
        ylabel="energy E",
        xlim=(0, energies.shape[1] - 1),
        ylim=(low - 0.14 * (high - low), high + 0.06 * (high - low)),
    )
    for place, (update, image) in enumerate(images.items()):
        picture = figure.add_subplot(grid[0, place])
        draw_image(picture, image)
        point = (update, energies[shown, update])
        axes.plot(*point, "o", color=PALETTE[0], markersize=6, zorder=4)
        figure.add_artist(
            ConnectionPatch(
                (0.5, -0.03),
                point,
                picture.transAxes,
                axes.transData,
                color=PALETTE[0],
                linewidth=0.9,
                linestyle=DASHES,
            )
        )
    return figure


def draw_image(axes, image):
    """One small picture without axes: +1 is ink, -1 is paper."""
    axes.imshow(-np.asarray(image, dtype=float), cmap="gray", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color="#9A9A9A")


@styled
def energy_panels(traces):
    """The energy after each update under several rules, one panel each: {title: energies (K,)}; rises are marked."""
    figure, row = panels(1, len(traces), height=3.1, squeeze=False)
    for axes, (title, values) in zip(row[0], named("traces", traces, "title: energies").items(), strict=True):
        check_shape(f"traces[{title!r}]", values, ("K",))
        steps = np.arange(len(values))
        axes.plot(steps, values, color=PALETTE[0], linestyle="-", linewidth=1.4)
        up = 1 + np.flatnonzero(np.diff(values) > 1e-9)
        axes.plot(steps[up], values[up], "^", color=PALETTE[1], markersize=4.5, linestyle="none")
        axes.set(title=f"{title}\nrises (▲): {len(up)}", xlabel="updates")
    row[0, 0].set_ylabel("energy E")
    return figure


@styled
def recall_gallery(rows):
    """Rows of images to compare column by column: {name of the row: images (n, height, width) from -1 to +1}."""
    rows = named("rows", rows, "name: images")
    n = len(next(iter(rows.values())))
    figure, grid = panels(len(rows), n, height=0.58 * len(rows), squeeze=False)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        check_shape(f"rows[{name!r}]", images, (n, "height", "width"))
        for axes, image in zip(line, images, strict=True):
            draw_image(axes, image)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    return figure


@styled
def recall_against_stored(stored, overlaps, start):
    """The overlap after recall against the number of patterns stored, one panel for each kind of pattern.

    stored (K,); overlaps: {kind: {rule: (K,)}}, NaN where a rule was not tried; ``start``: the overlap before
    recall, drawn dashed.
    """
    stored = np.asarray(stored)
    figure, row = panels(1, len(overlaps), height=3.5, sharey=True, squeeze=False)
    for axes, (kind, rules) in zip(row[0], overlaps.items(), strict=True):
        for place, (rule, values) in enumerate(rules.items()):
            check_shape(f"overlaps[{kind!r}][{rule!r}]", np.asarray(values), stored.shape)
            axes.plot(
                stored, values, MARKERS[place] + "-", color=PALETTE[place], markersize=5, linewidth=1.5, label=rule
            )
        axes.axhline(start, color=COLOURS["h"], linestyle=DASHES, linewidth=1.2)
        axes.set(xscale="log", title=kind, xlabel="patterns stored, M", ylim=(0, 1.04))
        axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    row[0, 0].set_ylabel("overlap with the stored pattern")
    row[0, -1].annotate(
        "at the start",
        (1, start),
        xycoords=("axes fraction", "data"),
        xytext=(-2, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=10,
    )
    figure.legend(*row[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(rules))
    return figure


@styled
def capacity_curves(loads, curves, marks, halves=None, on=None):
    """Named curves (K,) over the load M/N (K,), with marked loads: {name: load}, each a dashed line.

    halves: {name of a curve: half widths of its intervals (K,)}, drawn as bars.
    """
    loads = np.asarray(loads, dtype=float)
    axes = canvas(on)
    for place, (label, y) in enumerate(named("curves", curves).items()):
        check_shape(f"curves[{label!r}]", y, loads.shape)
        axes.plot(
            loads,
            y,
            MARKERS[place],
            linestyle=STYLES[place],
            color=PALETTE[place],
            markersize=5,
            linewidth=1.5,
            label=label,
        )
        if halves and label in halves:
            check_shape(f"halves[{label!r}]", np.asarray(halves[label]), loads.shape)
            axes.errorbar(loads, y, halves[label], fmt="none", ecolor=PALETTE[place], elinewidth=1.2, capsize=2)
    for name, load in marks.items():
        axes.axvline(load, color=COLOURS["h"], linestyle=DASHES, linewidth=1.2, zorder=1)
        axes.annotate(
            name,
            (load, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            fontsize=10,
            textcoords="offset points",
            ha="center",
            va="bottom",
        )
    axes.set(xlabel="load M / N (patterns per unit)", ylabel="overlap at the end", ylim=(0, 1.04))
    axes.legend(loc="lower left")
    return axes.figure


@styled
def jordan_and_elman():
    """Two networks over three steps, side by side: Jordan's feeds back its output, Elman's its hidden state."""
    sheet = Sheet(WIDTH, 3.5)
    middle, pitch = 1.5, 1.13
    for side, name, left in (
        ("jordan", "Jordan: the output comes back", 0.5),
        ("elman", "Elman: the hidden state comes back", 4.2),
    ):
        sheet.text(left + pitch, 3.25, name, "h", 11.5)
        for k, step in enumerate((1, 2, 3)):
            x = left + pitch * k
            sheet.box(x, middle, BLOCK, BLOCK, f"$h_{{{step}}}$", "h", gid=f"{side}-hidden-{step}")
            draw_input(sheet, x, middle, step, labels=k == 0)
            draw_output(sheet, x, middle, step, labels=k == 0)
            if k and side == "elman":
                sheet.line(
                    (x - pitch + BLOCK / 2, middle), (x - BLOCK / 2, middle), colour="W_hh", gid=f"elman-loop-{step}"
                )
            elif k:
                top, turn = middle + 1.12, x - pitch / 2 + 0.06
                sheet.line(
                    (x - pitch + DISC, top),
                    (turn, top),
                    (turn, middle),
                    (x - BLOCK / 2, middle),
                    colour=W_YH,
                    gid=f"jordan-loop-{step}",
                )
    sheet.text(0.5 + pitch * 1.5 - 0.16, middle + 0.5, "$W_{yh}$", W_YH, 14)
    sheet.text(4.2 + pitch / 2, middle + 0.18, "$W_{hh}$", "W_hh", 14)
    sheet.line((3.53, 0.15), (3.53, 3.35), colour=PALE, head=False)
    return sheet.figure


@styled
def errors_over_bits(errors, period=3, chance=0.25, on=None):
    """The squared error at consecutive bits: {network: (S, K)}, the mean and the range of S seeds.

    Every ``period``-th bit is shaded: the one that can be predicted. ``chance`` is drawn dashed.
    """
    axes = canvas(on, height=3.4)
    for place, (name, values) in enumerate(named("errors", errors, "network: errors").items()):
        check_shape(f"errors[{name!r}]", values, ("S", "K"))
        bits = np.arange(1, values.shape[1] + 1) + 0.07 * (place - (len(errors) - 1) / 2)
        mean = values.mean(axis=0)
        axes.errorbar(
            bits,
            mean,
            yerr=[mean - values.min(axis=0), values.max(axis=0) - mean],
            fmt=MARKERS[place] + "-",
            color=PALETTE[place],
            markersize=5.5,
            linewidth=1.4,
            elinewidth=1,
            label=name,
        )
    K = values.shape[1]
    for bit in range(period, K + 1, period):
        axes.axvspan(bit - 0.4, bit + 0.4, color="#EFEFEF", zorder=0)
    axes.axhline(chance, color=COLOURS["h"], linestyle=DASHES, linewidth=1.2, zorder=1)
    axes.set(
        xlabel="bit to predict (shaded: the XOR of the two before it)",
        ylabel="mean squared error",
        xticks=range(1, K + 1),
        ylim=(0, None),
    )
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=len(errors))
    return axes.figure
