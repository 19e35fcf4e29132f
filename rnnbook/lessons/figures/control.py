"""Figures of the chapter *Can a network learn a machine, and steer it?*"""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.charts import named
from rnnbook.lessons.figures.style import COLOURS, PALETTE, canvas, panels, styled

TRUTH = "#9A9A9A"


@styled
def control_loop():
    """The loop: the reference model, the controller, the plant, and what comes in from outside."""
    axes = canvas(height=2.7)
    axes.set(xlim=(0, 10), ylim=(0, 3.6))
    axes.axis("off")
    boxes = {"reference\nmodel": 1.0, "controller": 4.0, "plant": 7.0}
    for name, left in boxes.items():
        colour = COLOURS["c"] if name == "controller" else COLOURS["h"]
        shape = FancyBboxPatch((left, 1.5), 1.7, 1.1, boxstyle="round,pad=0.06", facecolor="white", edgecolor=colour)
        axes.add_patch(shape)
        axes.text(left + 0.85, 2.05, name, ha="center", va="center", color=colour)
    arrows = [
        ((0.0, 2.05), (0.94, 2.05), "$r_t$", (0.35, 2.25)),
        ((2.76, 2.05), (3.94, 2.05), r"$y^{\mathrm{m}}_t$", (3.3, 2.25)),
        ((5.76, 2.05), (6.94, 2.05), "$u_t$", (6.3, 2.25)),
        ((8.76, 2.05), (9.95, 2.05), "$y_t$", (9.5, 2.25)),
        ((7.85, 3.5), (7.85, 2.66), "load $d_t$", (8.45, 3.2)),
    ]
    for start, end, text, where in arrows:
        axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=13, color=COLOURS["h"]))
        axes.text(*where, text, ha="center", va="bottom" if start[1] == end[1] else "center")
    axes.plot([9.2, 9.2, 4.85], [2.05, 0.6, 0.6], color=COLOURS["h"], linestyle="-", linewidth=1.4)
    axes.add_patch(FancyArrowPatch((4.85, 0.6), (4.85, 1.44), arrowstyle="-|>", mutation_scale=13, color=COLOURS["h"]))
    axes.text(7.0, 0.45, r"the meter: $y_{t-1}$ and $y_{t-2}$, with noise", ha="center", va="top")
    return axes.figure


@styled
def plant_runs(u, y, runs):
    """The input u (T,) above; below it the plant's outputs y (T,) and those of free-running models, {name: (T,)}."""
    u, y = np.asarray(u), np.asarray(y)
    check_shape("u", u, ("T",))
    check_shape("y", y, u.shape)
    figure, (above, below) = panels(2, 1, height=4.6, sharex=True, height_ratios=[1, 2.6])
    above.plot(u, color=COLOURS["x"], linestyle="-", drawstyle="steps-mid")
    above.set_ylabel("input")
    below.plot(y, color=TRUTH, linestyle="-", linewidth=4, label="the plant", zorder=1)
    for name, values in named("runs", runs).items():
        check_shape(f"runs[{name!r}]", values, u.shape)
        below.plot(values, label=name, linewidth=1.5)
    below.set(xlabel="step", ylabel="output", xlim=(0, len(u) - 1))
    figure.legend(*below.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


@styled
def one_step_and_free(errors):
    """Two errors of every model, one panel per test: {test: {model: (one step (S,) or None, free run (S,))}}.

    A hollow marker is a seed's one-step error, a filled one that of its free run; a line joins the two medians.
    """
    figure, row = panels(
        1, len(errors), height=1.5 + 0.36 * len(next(iter(errors.values()))), sharey=True, squeeze=False
    )
    for axes, (test, models) in zip(row[0], errors.items(), strict=True):
        for k, (model, (one, free)) in enumerate(models.items()):
            free, colour = np.asarray(free, dtype=float), PALETTE[k % len(PALETTE)]
            check_shape(f"errors[{test!r}][{model!r}][1]", free, ("S",))
            axes.plot(
                free, np.full(len(free), k), "o", color=colour, markersize=6, alpha=0.6, gid=f"free-{test}-{model}"
            )
            if one is not None:
                one = np.asarray(one, dtype=float)
                check_shape(f"errors[{test!r}][{model!r}][0]", one, free.shape)
                axes.plot(one, np.full(len(one), k), "o", color=colour, fillstyle="none", markersize=6)
                axes.plot([np.median(one), np.median(free)], [k, k], "-", color=colour, linewidth=1.2, zorder=1)
        axes.axvline(1, color=COLOURS["h"], linestyle=(0, (3.2, 2)), linewidth=1)
        axes.set(xscale="log", title=test, xlabel="error, as a share\nof the outputs'\nstandard deviation")
        axes.set_yticks(range(len(models)), list(models))
        axes.set_ylim(len(models) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
    return figure


@styled
def tracking(y_m, cases):
    """The reference y_m (T,) and the outputs that follow it, one panel per case: {title: {controller: outputs
    (T,)}}."""
    y_m = np.asarray(y_m)
    check_shape("y_m", y_m, ("T",))
    figure, rows = panels(len(cases), 1, height=0.9 + 1.75 * len(cases), sharex=True, squeeze=False)
    for axes, (title, runs) in zip(rows[:, 0], cases.items(), strict=True):
        axes.plot(y_m, color=TRUTH, linestyle="-", linewidth=4, label="reference", zorder=1)
        for name, values in named(f"cases[{title!r}]", runs).items():
            check_shape(f"cases[{title!r}][{name!r}]", values, y_m.shape)
            axes.plot(values, label=name, linewidth=1.5)
        axes.set(ylabel="output", xlim=(0, len(y_m) - 1))
        axes.set_title(title, loc="left")
    rows[-1, 0].set_xlabel("step")
    figure.legend(*rows[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


@styled
def errors_in_trouble(errors, bound=None):
    """The tracking error of every controller, a column a situation: {controller: {situation: (S,)}}.

    One dot per seed. Anything beyond ``bound`` is drawn at the right edge as a triangle.
    """
    situations = list(next(iter(errors.values())))
    figure, row = panels(1, len(situations), height=1.3 + 0.33 * len(errors), sharey=True, sharex=True, squeeze=False)
    for axes, situation in zip(row[0], situations, strict=True):
        for k, (controller, found) in enumerate(errors.items()):
            values, colour = np.asarray(found[situation], dtype=float), PALETTE[k % len(PALETTE)]
            check_shape(f"errors[{controller!r}][{situation!r}]", values, ("S",))
            far = np.zeros(len(values), bool) if bound is None else values > bound
            axes.plot(values[~far], np.full((~far).sum(), k), "o", color=colour, markersize=5.5, alpha=0.65)
            axes.plot(np.full(far.sum(), bound), np.full(far.sum(), k), ">", color=colour)
        axes.set_title(situation, fontsize=10.5)
        axes.set_yticks(range(len(errors)), list(errors))
        axes.set_ylim(len(errors) - 0.5, -0.5)
        axes.grid(axis="y", visible=True)
    if bound is not None:
        row[0, 0].set_xlim(-0.04 * bound, 1.06 * bound)
    figure.supxlabel("tracking error, as a share of the reference's standard deviation", fontsize=10.5)
    return figure
