"""Figures of the gradient going backward: how far it reaches, by which paths, what follows from it, what clipping
does."""

import numpy as np
from matplotlib.colors import LogNorm

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, STYLES, WIDTH, canvas, panels, styled


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
def gradient_reach(dx, label, on=None):
    """The size of the gradient that reaches each step, against its distance from the last one.

    dx: the gradient (T, B, D) of the last step with respect to every input, or its norms (T,) at once.
    To compare several, pass the returned Figure back as ``on``.
    """
    dx = np.asarray(dx, dtype=float)
    if dx.ndim == 3:
        norms = np.sqrt((dx**2).sum(axis=2)).mean(axis=1)
    else:
        check_shape("dx", dx, ("T",))
        norms = dx
    axes = canvas(on)
    axes.plot(np.arange(len(norms))[::-1], np.ma.masked_equal(norms, 0), label=label)
    axes.set_yscale("log")
    axes.set(xlabel="lag: steps between the input and the last output", ylabel="norm of the gradient")
    axes.legend()
    return axes.figure


@styled
def gradient_against_lag(lags, measured, bounds=None, floor=1e-20, ceiling=1e5):
    """How much of the gradient is left after every lag: the book's central figure.

    ``lags`` (N,). ``measured``: {title of a column: {title of a row: {cell: norms (S, N), one row for each seed}}}; the
    line is the median over the seeds, the band runs from the smallest to the largest. ``bounds``: {title of a column:
    {cell: (N,)}}, drawn dashed in that cell's colour. Anything beyond floor or ceiling is cut off.
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
def path_against_gradient(lags, panels_of, floor=1e-20):
    """One path of the gradient beside the whole: {title: {start: (all (N,), one path (N,))}}, a panel each.

    Solid lines are the whole gradient; dashed ones, in the same colour, what the path alone would leave.
    """
    figure, row = panels(1, len(panels_of), height=3.2, sharey=True, squeeze=False)
    for axes, (title, starts) in zip(row[0], panels_of.items(), strict=True):
        for place, (start, (whole, alone)) in enumerate(starts.items()):
            for norms, style in ((whole, "-"), (alone, DASHES)):
                check_shape(f"panels_of[{title!r}][{start!r}]", np.asarray(norms), (len(lags),))
                label = start if style == "-" else None
                axes.plot(lags, norms, color=PALETTE[place], linestyle=style, label=label)
        axes.set(title=title, xlabel="lag k (steps back from the last)", yscale="log", ylim=(floor, 1e2))
        axes.plot([], [], color=COLOURS["h"], linestyle=DASHES, label="that path alone")
        axes.legend(loc="lower left")
    row[0, 0].set_ylabel("norm of the gradient at lag k")
    return figure


@styled
def gradient_heat(gradients, floor=1e-8):
    """The gradient of every unit at every lag, {title: (N, H)}: the darker, the larger; below ``floor`` it is white."""
    figure, row = panels(1, len(gradients), height=2.6, sharex=True, squeeze=False)
    for axes, (title, values) in zip(row[0], gradients.items(), strict=True):
        values = np.abs(np.asarray(values, dtype=float))
        check_shape(f"gradients[{title!r}]", values, ("N", "H"))
        lags, units = np.arange(len(values) + 1) - 0.5, np.arange(values.shape[1] + 1) + 0.5
        picture = axes.pcolormesh(
            lags, units, np.maximum(values, floor).T, norm=LogNorm(floor, 1), cmap="Reds", rasterized=True
        )
        axes.set(title=title, xlabel="lag k (steps back)", yticks=range(1, values.shape[1] + 1))
        axes.grid(visible=False)
    row[0, 0].set_ylabel("unit")
    figure.colorbar(picture, ax=list(row[0]), label="size of the gradient", aspect=14, pad=0.015)
    return figure


@styled
def loss_cliff(w, b, loss, paths):
    """A loss over two parameters, w (N,) across and b (M,) upwards, loss (M, N); and descents {name: (K, 2)} on it."""
    loss = np.asarray(loss, dtype=float)
    check_shape("loss", loss, (len(b), len(w)))
    axes = canvas(height=3.8)
    picture = axes.contourf(w, b, loss, levels=24, cmap="Greys")
    axes.figure.colorbar(picture, ax=axes, label="loss", pad=0.015)
    for place, (name, path) in enumerate(paths.items()):
        path = np.asarray(path, dtype=float)
        check_shape(f"paths[{name!r}]", path, ("K", 2))
        colour = (COLOURS["gradient"], COLOURS["o"], COLOURS["i"])[place]
        axes.plot(*path.T, MARKERS[place] + "-", color=colour, markersize=4, linewidth=1.4, label=name)
    axes.set(xlabel="$w$", ylabel="$b$", xlim=(w[0], w[-1]), ylim=(b[0], b[-1]))
    axes.grid(visible=False)
    axes.legend(loc="lower left", frameon=True, facecolor="white", framealpha=1, edgecolor="none")
    return axes.figure
