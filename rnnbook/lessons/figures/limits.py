"""Figures of the gradient on its way back: how far it reaches, what comes of it, what clipping does."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, STYLES, WIDTH, panels, styled


@styled
def gradient_relay(factors=(0.75, 1.0, 1.15), steps=8):
    """A gradient handed back step by step, once for each factor: the size of a disc is the size of the gradient.

    factors: what every step multiplies it by.   steps: how many steps back are drawn.
    """
    sheet = Sheet(WIDTH, 0.45 + 0.85 * len(factors))
    top, pitch = 0.85 * len(factors), (WIDTH - 2.25) / steps
    for k in range(steps + 1):
        name = "$h_T$" if k == 0 else f"$h_{{T-{k}}}$"
        sheet.text(WIDTH - 0.42 - pitch * k, top + 0.2, name, COLOURS["h"], 13)
    for row, factor in enumerate(factors):
        y = top - 0.4 - 0.85 * row
        word = "vanishes" if factor < 1 else "explodes" if factor > 1 else "arrives"
        sheet.text(0.05, y + 0.11, f"× {factor:g} a step", COLOURS["h"], 12, ha="left")
        sheet.text(0.05, y - 0.13, word, COLOURS["gradient"], 10, ha="left")
        radii = [min(0.13 * np.sqrt(factor) ** k, 0.42) for k in range(steps + 1)]
        centres = [WIDTH - 0.42 - pitch * k for k in range(steps + 1)]
        for k in range(steps):
            start, end = centres[k] - radii[k], centres[k + 1] + radii[k + 1]
            if start - end > 0.08:
                sheet.line((start, y), (end, y), colour=COLOURS["gradient"], dashed=True, gid=f"back-{row}-{k}")
        for k, (x, radius) in enumerate(zip(centres, radii, strict=True)):
            sheet.disc(x, y, radius, colour=COLOURS["gradient"], gid=f"gradient-{row}-{k}", fill=0.25)
    return sheet.figure


@styled
def gradient_against_lag(lags, measured, bounds=None, floor=1e-20, ceiling=1e5):
    """How much of the gradient is left after every lag: the book's central figure.

    ``lags`` (N,). ``measured``: {title of a column: {title of a row: {cell: norms (S, N), one row for each seed}}};
    the line is the median over the seeds, the band runs from the smallest to the largest.
    ``bounds``: {title of a column: {cell: (N,)}}, drawn dashed in that cell's colour. What lies beyond floor or
    ceiling is cut off.
    """
    lags, bounds = np.asarray(lags), bounds or {}
    rows = list(next(iter(measured.values())))
    places: dict[str, int] = {}
    figure, grid = panels(
        len(rows), len(measured), height=0.8 + 2.7 * len(rows), sharex=True, sharey=True, squeeze=False
    )
    for cell in (cell for by_row in measured.values() for row in rows for cell in by_row[row]):
        places.setdefault(cell, len(places))  # a cell has one colour in the whole figure
    for column, (title, by_row) in enumerate(measured.items()):
        for axes, row in zip(grid[:, column], rows, strict=True):
            for cell, norms in by_row[row].items():
                place = places[cell]
                norms = np.asarray(norms, dtype=float)
                check_shape(f"measured[{title!r}][{row!r}][{cell!r}]", norms, ("S", len(lags)))
                colour, style = PALETTE[place % len(PALETTE)], STYLES[place % len(STYLES)]
                axes.fill_between(lags, norms.min(axis=0), norms.max(axis=0), color=colour, alpha=0.13, linewidth=0)
                axes.plot(lags, np.median(norms, axis=0), color=colour, linestyle=style, label=cell)
                if cell in bounds.get(title, {}):
                    axes.plot(lags, bounds[title][cell], color=colour, linestyle=DASHES, linewidth=1)
            axes.set(yscale="log", ylim=(floor, ceiling), xlim=(lags[0], lags[-1]))
            if row == rows[0]:
                axes.set_title(title)
            if column == 0:
                axes.set_ylabel(f"{row}\nnorm of the gradient at lag k")
                handles, _ = axes.get_legend_handles_labels()
                if bounds.get(title, {}).keys() & by_row[row].keys():
                    handles += axes.plot([], [], color=COLOURS["h"], linestyle=DASHES, linewidth=1, label="bound")
                axes.legend(
                    handles=handles,
                    loc="best",
                    borderaxespad=0.1,
                    labelspacing=0.1,
                    fontsize=9.5,
                    frameon=True,
                    facecolor="white",
                    edgecolor="none",
                    framealpha=1,
                )
            if row == rows[-1]:
                axes.set_xlabel("lag k (steps back from the last)")
    return figure


@styled
def reach_and_success(reach, success, lengths, by_length, chance=0.5):
    """Two statements side by side: what is left of the gradient, and whether the task was solved.

    reach, success: {cell: (S,)}, one number for each seed, before and after training: a dot for each run.
    lengths (N,) and by_length {cell: (S, N)}: the success against the length of the sequence.
    """
    figure, (left, right) = panels(1, 2, height=3.9, sharey=True)
    places = {cell: place for place, cell in enumerate(reach)}
    for cell, x in reach.items():
        check_shape(f"success[{cell!r}]", np.asarray(success[cell]), (len(x),))
        place = places[cell]
        left.plot(
            x,
            success[cell],
            MARKERS[place],
            color=PALETTE[place % len(PALETTE)],
            markersize=6.5,
            alpha=0.75,
            label=cell,
            clip_on=False,
            linestyle="none",
            markeredgewidth=0,
        )
    left.set(
        xscale="log",
        xlabel="gradient at the digit, before training",
        ylabel="held-out accuracy after training",
        ylim=(0.4, 1.03),
    )
    for cell, values in by_length.items():
        values = np.asarray(values, dtype=float)
        check_shape(f"by_length[{cell!r}]", values, ("S", len(lengths)))
        place = places[cell]
        right.errorbar(
            np.asarray(lengths) * (1 + 0.02 * (len(right.containers) - 2)),
            values.mean(axis=0),
            yerr=[values.mean(axis=0) - values.min(axis=0), values.max(axis=0) - values.mean(axis=0)],
            fmt=MARKERS[place] + "-",
            color=PALETTE[place % len(PALETTE)],
            markersize=6,
            linewidth=1.4,
            elinewidth=1,
        )
    right.set(xscale="log", xlabel="length T of the sequence (steps)")
    right.set_xticks(lengths, [str(T) for T in lengths])
    right.minorticks_off()
    for axes in (left, right):
        axes.axhline(chance, color=COLOURS["h"], linestyle=DASHES, linewidth=1, zorder=1)
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside upper center", ncols=5, handletextpad=0.2, columnspacing=1.2
    )
    return figure


@styled
def with_and_without(runs, ylabel, level=None, ceiling=None):
    """The same runs under two settings, a panel each: {title: {seed: losses (N,)}}.

    ``level`` = (value, name) is drawn dashed; losses above ``ceiling`` are cut off, and NaN leaves a gap.
    """
    figure, row = panels(1, len(runs), height=3.1, sharey=True, squeeze=False)
    for axes, (title, curves) in zip(row[0], runs.items(), strict=True):
        for place, (name, losses) in enumerate(curves.items()):
            check_shape(f"runs[{title!r}][{name!r}]", np.asarray(losses), ("N",))
            losses = np.minimum(losses, ceiling) if ceiling else np.asarray(losses)
            axes.plot(
                np.arange(1, len(losses) + 1),
                losses,
                color=PALETTE[place % len(PALETTE)],
                linestyle="-",
                linewidth=0.9,
                label=name,
            )
        if level is not None:
            axes.axhline(level[0], color=COLOURS["h"], linestyle=DASHES, linewidth=1.2)
        axes.set(title=title, xlabel="updates of the parameters")
    if ceiling:
        row[0, 0].set_ylim(top=ceiling)
    row[0, 0].set_ylabel(ylabel)
    if level is not None:
        row[0, 0].annotate(
            level[1],
            (0.03, level[0]),
            xycoords=("axes fraction", "data"),
            xytext=(0, -5),
            textcoords="offset points",
            va="top",
            fontsize=10,
        )
    row[0, -1].legend(loc="upper right", ncols=2)
    return figure
