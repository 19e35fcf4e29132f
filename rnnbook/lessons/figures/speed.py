"""Figures of where a recurrent layer's time goes: calls, the ladder, a step as it grows, ratios case by case."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, WIDTH, panels, styled

FRACTIONS = {1 / 2: "½", 1 / 4: "¼", 1 / 8: "1/8", 1 / 16: "1/16", 1 / 32: "1/32", 1 / 64: "1/64"}
FLOOR = {"color": COLOURS["h"], "linestyle": DASHES, "linewidth": 1.6}


@styled
def calls_on_each_rung(steps=3, elementwise=6):
    """What is called forward on four rungs, one strip each: a box is a call, and a gap is what a call costs.

    steps: how many are drawn.   elementwise: the calls between two products, in the first two strips.
    """
    strips = ["loop over cells", "one input product", "gates in C", "one kernel"]
    sheet = Sheet(WIDTH, 0.55 + 0.62 * len(strips))
    height, wide, tiny, gap, between = 0.36, 0.36, 0.06, 0.06, 0.12

    def call(x, y, kind, width, label="", colour="x", size=10.5, fill=0.2):
        """Draw one call starting at x; returns where it ends."""
        sheet.box(x + width / 2, y, width, height, label, colour, size, kind, fill, corner=0.03)
        return x + width

    for row, name in enumerate(strips):
        x, y = 1.5, 0.62 * (len(strips) - row) - 0.2
        one_launch = row == 3
        sheet.text(0.05, y, name, ha="left")
        if row > 0:
            x = call(x, y, f"input-{row}", 1.0, r"$W_{ih}\,x_1 \ldots x_T$", "W_ih", 11) + between
        start = x
        for _ in range(steps):
            if row == 0:
                x = call(x, y, f"input-{row}", wide, "$W_{ih}$", "W_ih") + gap
            x = call(x, y, f"state-{row}", wide, "$W_{hh}$", "W_hh") + (0 if one_launch else gap)
            for _ in range(elementwise if row < 2 else 1):
                x = call(x, y, f"small-{row}", tiny if row < 2 else 0.2, fill=0.35) + (0 if one_launch else gap)
            x += 0 if one_launch else between - gap
        if one_launch:
            sheet.box((start + x) / 2, y, x - start + 0.1, height + 0.1, gid="launch", fill=0, zorder=2, corner=0.06)
            x += between
        sheet.text(x, y, "…", size=13, ha="left")
    y = 0.62 * len(strips) + 0.28
    for x, colour, words in ((1.5, "W_ih", "product with the input"), (3.6, "W_hh", "with the state"),
                             (5.1, "x", "element by element")):  # fmt: skip
        sheet.box(x + 0.08, y, 0.16, 0.16, colour=colour, fill=0.3, corner=0.03)
        sheet.text(x + 0.25, y, words, size=10, ha="left")
    return sheet.figure


@styled
def spread_units(programs=4, steps=2):
    """The units of a layer spread over programs that wait for each other after each step: a row for each program.

    A row of squares is a whole state, with one colour for each program; a square alone is what one program computes.
    """
    sheet = Sheet(WIDTH, 0.8 + 0.6 * programs)
    side, first, pace = 0.2, 1.75, 2.75
    colours = [PALETTE[k % len(PALETTE)] for k in range(programs)]
    rows = [0.6 * (programs - k) + 0.05 for k in range(programs)]
    top, bottom = rows[0] + 0.26, rows[-1] - 0.26
    for k, y in enumerate(rows):
        sheet.text(0.05, y, f"program {k + 1}", ha="left")
        sheet.box(1.25, y, 0.5, 0.4, "$W_{hh}$", colours[k], 10.5, f"weights-{k}", corner=0.04)
        for step in range(steps):
            x = first + step * pace
            for unit, colour in enumerate(colours):
                here = x + 0.15 + unit * side
                sheet.box(here, y, side, side, colour=colour, gid=f"read-{k}-{step}", fill=0.5, corner=0.01)
            own = x + 0.15 + programs * side + 0.55
            sheet.line((own - 0.55, y), (own - side / 2 - 0.03, y))
            sheet.box(own, y, side, side, colour=colours[k], gid=f"own-{k}-{step}", fill=0.5, corner=0.01)
            sheet.line((own + side / 2, y), (own + 0.47, y))
    for step in range(steps):
        x = first + step * pace + 0.15 + programs * side + 1.1
        sheet.box(x, (top + bottom) / 2, 0.14, top - bottom, gid=f"wait-{step}", fill=0.25, corner=0.03)
        sheet.text(x, top + 0.17, "wait for all", size=10.5)
        sheet.text(x - 0.55, bottom - 0.16, f"$h_{step + 1}$", size=12)
        sheet.text(x - 1.1 - programs * side / 2, bottom - 0.16, f"$h_{step}$", size=12)
    return sheet.figure


@styled
def ladder(sizes, floor="arithmetic alone", unit="µs"):
    """One bar for every rung, a panel for each size: {title: ({rung: time of a step}, the floor's time)}.

    The dashed line is the time that no rung can beat; the number at a bar is its multiple of the last rung's.
    """
    rungs = list(next(iter(sizes.values()))[0])
    figure, row = panels(1, len(sizes), height=1.25 + 0.36 * len(rungs), sharey=True, squeeze=False)
    for axes, (title, (times, least)) in zip(row[0], sizes.items(), strict=True):
        values = [float(times[rung]) for rung in rungs]
        drawn = axes.barh(rungs, values, color=PALETTE[0], height=0.64)
        axes.bar_label(drawn, [f"{v / values[-1]:.1f} ×" for v in values], padding=4, fontsize=10)
        line = axes.axvline(least, label=floor, **FLOOR)
        axes.margins(x=0.24)
        axes.set(title=title, xlabel=f"time of a step ({unit})")
        axes.grid(axis="y", visible=False)
    row[0, 0].invert_yaxis()
    figure.legend(handles=[line], loc="outside upper right")
    return figure


@styled
def step_time(hidden, groups, floors, floor="arithmetic alone"):
    """The time of a step against the number of units, both logarithmic, a panel for each batch size.

    ``hidden`` (N,). ``groups``: {title: {rung: µs (N,)}}. ``floors``: {title: µs (N,)}, dashed.
    """
    hidden = np.asarray(hidden)
    every = np.concatenate([np.ravel(values) for rungs in groups.values() for values in rungs.values()])
    figure, row = panels(1, len(groups), height=3.7, sharey=True, squeeze=False)
    for axes, (title, rungs) in zip(row[0], groups.items(), strict=True):
        for place, (rung, values) in enumerate(rungs.items()):
            values = np.asarray(values, dtype=float)
            check_shape(f"groups[{title!r}][{rung!r}]", values, hidden.shape)
            axes.plot(hidden, values, MARKERS[place] + "-", color=PALETTE[place], markersize=5, label=rung)
        bound = np.asarray(floors[title], dtype=float)
        check_shape(f"floors[{title!r}]", bound, hidden.shape)
        axes.plot(hidden, bound, label=floor, **FLOOR)
        axes.set(xscale="log", yscale="log", title=title, xlabel="units H", ylim=(every.min() / 3, every.max() * 1.6))
        axes.set_xticks(hidden, [str(H) for H in hidden])
        axes.minorticks_off()
    row[0, 0].set_ylabel("time of a step (µs)")
    handles, labels = row[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, columnspacing=1.2)
    return figure


@styled
def ratio_dots(cases, ratios, label):
    """Ratios to one peer, a panel for each group: ``ratios`` {title: {peer: (N,)}}, ``cases`` the N rows' names.

    The axis is logarithmic; the line at one is the peer that the others are compared with.
    """
    least = min(0.25, *(float(np.min(values)) for peers in ratios.values() for values in peers.values()))
    ticks = [2.0**k for k in range(int(np.floor(np.log2(least))), 4)]
    ticks = ticks if len(ticks) < 8 else ticks[len(ticks) % 2 :: 2]  # keep the tick at one
    figure, row = panels(1, len(ratios), height=1.3 + 0.42 * len(cases), sharey=True, sharex=True, squeeze=False)
    for axes, (title, peers) in zip(row[0], ratios.items(), strict=True):
        for place, (peer, values) in enumerate(peers.items()):
            values = np.asarray(values, dtype=float)
            check_shape(f"ratios[{title!r}][{peer!r}]", values, (len(cases),))
            y = np.arange(len(cases)) + 0.16 * (place - (len(peers) - 1) / 2)
            axes.plot(values, y, MARKERS[place], color=PALETTE[place], markersize=6, label=peer)
        axes.axvline(1, color=COLOURS["h"], linewidth=1.2, zorder=1)
        axes.set(xscale="log", title=title, ylim=(len(cases) - 0.5, -0.5))
        axes.minorticks_off()
        axes.set_xticks(ticks, [FRACTIONS.get(tick, f"{tick:g}") for tick in ticks])
    row[0, 0].set_yticks(range(len(cases)), cases)
    row[0, len(ratios) // 2].set_xlabel(label)
    handles, labels = row[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, columnspacing=1.2)
    return figure


@styled
def roofline(points, peak, reads):
    """The rate of a computation against its operations for each byte that it reads, both logarithmic, under its roofs.

    ``points``: {rung: (operations a byte (N,), operations a second (N,))}. ``peak`` is the operations a second of the
    flat roof, ``reads`` {place: bytes a second} has a slanted roof for each place that the bytes can come from.
    """
    everywhere = np.concatenate([np.ravel(x) for x, _ in points.values()])
    span = np.geomspace(everywhere.min() / 2, everywhere.max() * 2, 200)
    figure, axes = panels(1, 1, height=4.0)
    for place, (name, rate) in enumerate(reads.items()):
        roof = np.minimum(peak, rate * span)
        axes.plot(span, roof / 1e9, **FLOOR | {"linestyle": ("-", "--", ":")[place % 3]}, label=f"roof: {name}")
    for place, (rung, (x, y)) in enumerate(points.items()):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        check_shape(f"points[{rung!r}][1]", y, x.shape)
        nudge = 1.06 ** (place - (len(points) - 1) / 2)  # points of equal size would hide each other
        axes.plot(x * nudge, y / 1e9, MARKERS[place], color=PALETTE[place], markersize=7, label=rung)
    axes.set(xscale="log", yscale="log", xlabel="operations for each byte of weights", ylabel="10⁹ operations a second")
    figure.legend(loc="outside upper center", ncols=3, columnspacing=1.2)
    return figure
