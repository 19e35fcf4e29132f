"""Figures of backpropagation through time: a weight's paths, what each carries, gradients as heat maps, a check."""

import numpy as np
from matplotlib.colors import LogNorm

from rnnbook.errors import check_choice, check_shape, check_size
from rnnbook.lessons.figures.charts import named
from rnnbook.lessons.figures.sheet import PALE, Sheet
from rnnbook.lessons.figures.style import COLOURS, PALETTE, canvas, panels, styled

COLUMN, TRACK = 0.5, 0.36  # width of a state's column, distance between two paths, inches


@styled
def weight_paths(T=4, path=None):
    """The paths by which one weight reaches the loss: two within one step, and T over T steps; a Figure.

    Left, W enters h_t directly (1) and through h_{t-1} (2). Right, the same applied T times: path k enters at
    step k and runs through all later states. ``path``: the one (1..T) to highlight; the others are pale.
    """
    T = check_size("T", T)
    if path is not None:
        check_choice("path", path, range(1, T + 1))
    pitch = 0.84
    sheet = Sheet(3.15 + pitch * T + 0.75, 1.55 + TRACK * max(T, 3))
    bottom, top = 0.62, 1.12 + TRACK * max(T, 3)
    draw_one_step(sheet, bottom, top)
    left = 3.15
    for t in range(1, T + 1):
        draw_column(sheet, left + pitch * t - 0.42, bottom, top, f"$h_{{{t}}}$", f"state-{t}")
    loss = left + pitch * (T + 1) - 0.42
    sheet.box(loss, (bottom + top) / 2 + 0.1, 0.4, top - bottom - 0.2, "$L$", gid="loss", fill=0)
    sheet.box((left + loss) / 2 - 0.1, 0.28, loss - left - 0.45, 0.36, "$W_{hh}$", COLOURS["W_hh"], gid="weight")
    for k in range(1, T + 1):
        x, y = left + pitch * k - 0.42, bottom + 0.42 + TRACK * (T - k)
        colour = COLOURS["W_hh"] if path in (None, k) else PALE
        sheet.line((x, 0.46), (x, y), (loss - 0.2, y), colour=colour, gid=f"path-{k}", zorder=4 + (path == k))
        sheet.joint(x, bottom + 0.12, colour)
    return sheet.figure


def draw_one_step(sheet, bottom, top):
    """The two paths of one step, numbered."""
    sheet.box(1.25, 0.28, 2.2, 0.36, "$W_{hh}$", COLOURS["W_hh"], gid="weight-of-one-step")
    before, now = 0.53, 1.97
    draw_column(sheet, before, bottom, top, "$h_{t-1}$", "state-before")
    draw_column(sheet, now, bottom, top, "$h_{t}$", "state-now")
    middle = (bottom + top) / 2
    sheet.line(
        (before, 0.46),
        (before, middle + 0.25),
        (now + 0.62, middle + 0.25),
        colour=COLOURS["W_hh"],
        gid="path-through-the-state",
        zorder=4,
    )
    sheet.line(
        (now, 0.46),
        (now, middle - 0.28),
        (now + 0.62, middle - 0.28),
        colour=COLOURS["W_hh"],
        gid="path-immediate",
        zorder=4,
    )
    for x in (before, now):
        sheet.joint(x, bottom + 0.12, COLOURS["W_hh"])
    sheet.text((before + now) / 2, middle + 0.42, "through\nthe state", COLOURS["W_hh"], 10, va="bottom")
    sheet.text(now - 0.31, middle - 0.45, "immediate", COLOURS["W_hh"], 10, ha="right")


def draw_column(sheet, x, bottom, top, label, gid):
    """A state as a tall pale column with its name on top; paths run through it."""
    sheet.box(x, (bottom + top) / 2 + 0.1, COLUMN, top - bottom - 0.2, "", PALE, gid=gid)
    sheet.text(x, top + 0.17, label, COLOURS["h"], 17)


@styled
def path_contributions(shares, label, on=None):
    """What each of T paths adds to a gradient: ``shares`` (T,), path k enters at step k; the last is immediate."""
    shares = np.asarray(shares, dtype=float)
    check_shape("shares", shares, ("T",))
    T = len(shares)
    axes = canvas(on, height=2.6)
    axes.bar(np.arange(1, T), shares[:-1], color=PALETTE[0], label="through the state")
    axes.bar([T], shares[-1:], color=PALETTE[1], hatch="///", edgecolor="white", label="immediate")
    axes.axhline(0, color=COLOURS["h"], linewidth=1)
    axes.set(xlabel="step $k$ at which the path leaves the weight", ylabel=label, xticks=range(1, T + 1))
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left")
    return axes.figure


@styled
def check_table(errors, limit, on=None):
    """The results of a gradient check: {bug: {parameter: relative error}}, filled where above ``limit``.

    Every cell shows its number or "ok", so that nothing depends on colour alone.
    """
    bugs, names = list(errors), list(next(iter(errors.values())))
    table = np.array([[errors[bug][name] for name in names] for bug in bugs], dtype=float)
    axes = canvas(on, height=0.75 + 0.36 * len(bugs))
    shades = np.ma.masked_less_equal(table, limit)
    axes.imshow(shades, cmap="YlOrBr", norm=LogNorm(3e-3, 30), aspect="auto")
    for i, j in np.ndindex(table.shape):
        wrong = table[i, j] > limit
        axes.text(
            j,
            i,
            f"{table[i, j]:.2g}" if wrong else "ok",
            ha="center",
            va="center",
            fontsize=10,
            color=COLOURS["h"] if wrong else "#757575",
            weight="bold" if wrong else "normal",
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(bugs)), bugs)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes.figure


@styled
def state_gradients(parts, read):
    """Heat maps of gradients, one above another on one colour scale: {title: (T, H)}, a row for each unit.

    ``read``: what the network read at each of the T steps, one label each. Violet is above zero, orange below.
    """
    parts = named("parts", parts, "title: gradients")
    T, H = next(iter(parts.values())).shape
    most = max(np.abs(values).max() for values in parts.values()) or 1.0
    figure, axes = panels(len(parts), 1, height=0.6 + (0.35 + 0.19 * H) * len(parts), sharex=True, squeeze=False)
    for at, (title, values) in zip(axes[:, 0], parts.items(), strict=True):
        check_shape(f"parts[{title!r}]", values, (T, H))
        picture = at.imshow(values.T, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
        at.set_title(title, loc="left", fontsize=10.5)
        at.set(yticks=[0, H - 1], yticklabels=[1, H])
        at.grid(visible=False)
    axes[len(parts) // 2, 0].set_ylabel("unit")
    axes[-1, 0].set_xticks(range(T), read)
    figure.colorbar(picture, ax=axes[:, 0], label="gradient", pad=0.02)
    return figure


@styled
def seeds_against(x, curves, xlabel, ylabel, baselines=None, log="", on=None):
    """Named experiments over x (N,), each (N, S) with one column a seed: dots, and a line through the means.

    ``baselines``: {name: value}, dashed levels.   ``log`` names the logarithmic axes: "", "x", "y" or "xy".
    """
    x, curves = np.asarray(x), named("curves", curves)
    axes = canvas(on)
    for label, values in curves.items():
        check_shape(f"curves[{label!r}]", values, (len(x), "S"))
        (line,) = axes.plot(x, values.mean(axis=1), label=label, marker="D", markersize=5)
        axes.plot(x, values, linestyle="none", marker="o", markersize=4, color=line.get_color(), alpha=0.4)
    for name, value in (baselines or {}).items():
        axes.axhline(value, color=COLOURS["h"], linestyle=(0, (4, 3)), linewidth=1.2)
        axes.annotate(
            name,
            (0, value),
            xycoords=("axes fraction", "data"),
            xytext=(4, -3),
            textcoords="offset points",
            va="top",
            fontsize=10,
        )
    if "x" in log:
        axes.set_xscale("log")
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.minorticks_off()
    if "y" in log:
        axes.set_yscale("log")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(ncols=len(curves), loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    return axes.figure
