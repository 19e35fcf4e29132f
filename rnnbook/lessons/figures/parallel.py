"""Figures of the scan: what is combined with what, how long it takes, what gates that do not see h cannot answer."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm

from rnnbook.errors import check_shape, check_size
from rnnbook.lessons.figures.sheet import PALE, Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, STYLES, WIDTH, panels, styled

BOX, PITCH, ROW = (0.315, 0.27), 0.353, 0.84  # a box, from column to column, from row to row, inches
DONE, OPEN, MERGE = PALETTE[0], "#767676", PALETTE[1]  # reaches back to the first step; does not; a combination
LEFT = 0.8  # the centre of the first column, from the edge of its half


@styled
def scan_rounds(T=8):
    """Two ways to combine T steps, side by side: in rounds that double the reach, and in chunks of √T steps.

    A box names the steps that it combines; it is blue once it reaches back to the first.
    """
    T = check_size("T", T)
    rounds, K = math.ceil(math.log2(T)), math.isqrt(T)
    rows = max(rounds, 3) + 1
    half = max(LEFT + PITCH * (T - 0.5), WIDTH / 2)
    sheet = Sheet(2 * half, ROW * rows + 0.2)
    top = ROW * rows - 0.42
    draw_rounds(sheet, LEFT, top, T, rounds)
    draw_chunks(sheet, half + LEFT, top, T, K)
    return sheet.figure


def draw_rounds(sheet, left, top, T, rounds):
    sheet.text(left - 0.12, top + 0.42, "in rounds", size=12, ha="left")
    first = list(range(1, T + 1))  # the first step that each box combines
    draw_row(sheet, "rounds", left, top, 0, first, "steps")
    for r in range(1, rounds + 1):
        reach, y = 2 ** (r - 1), top - ROW * r
        for k in range(T):
            x, colour = left + PITCH * k, DONE if first[k] == 1 else OPEN
            drop(sheet, (x, y + ROW), (x, y), PALE if k < reach else colour, f"keep-{r}-{k + 1}")
            if k >= reach:
                sheet.line(
                    (x - PITCH * reach, y + ROW - BOX[1] / 2),
                    (x - 0.03, y + BOX[1] / 2 + 0.02),
                    colour=MERGE,
                    gid=f"merge-{r}-{k - reach + 1}-{k + 1}",
                )
        first = [first[k] if k < reach else first[k - reach] for k in range(T)]
        draw_row(sheet, "rounds", left, top, r, first, f"round {r}")


def draw_chunks(sheet, left, top, T, K):
    sheet.text(left - 0.12, top + 0.42, f"in chunks of {K}", size=12, ha="left")
    draw_row(sheet, "chunks", left, top, 0, list(range(1, T + 1)), "steps")
    inside = [k // K * K + 1 for k in range(T)]
    for k in range(T):
        x, y = left + PITCH * k, top - ROW
        drop(sheet, (x, y + ROW), (x, y), PALE if inside[k] == k + 1 else OPEN, f"start-{k + 1}")
        if inside[k] <= k:
            hop(sheet, x, y, "inside", k)
    draw_row(sheet, "chunks", left, top, 1, inside, "in each\nchunk")
    ends = [k for k in range(T) if (k + 1) % K == 0]
    for k in ends:
        drop(sheet, (left + PITCH * k, top - ROW), (left + PITCH * k, top - 2 * ROW), OPEN, f"end-{k + 1}")
        if k >= K:
            hop(sheet, left + PITCH * k, top - 2 * ROW, "between", k, K)
    draw_row(sheet, "chunks", left, top, 2, dict.fromkeys(ends, 1), "chunk to\nchunk")
    for k in range(T):
        x, y = left + PITCH * k, top - 3 * ROW
        if k >= K and k % K == 0:
            sheet.line(
                (x - PITCH, y + ROW - BOX[1] / 2), (x - 0.03, y + BOX[1] / 2 + 0.02), colour=MERGE, gid=f"begin-{k + 1}"
            )
        if k % K:
            hop(sheet, x, y, "again", k)
    draw_row(sheet, "chunks", left, top, 3, [1] * T, "in each\nagain")


def draw_row(sheet, panel, left, top, row, first, label):
    """The boxes of a row, named by the steps that they combine: first[k] to k + 1."""
    y = top - ROW * row
    sheet.text(left - 0.22, y, label, "x", 9.5, ha="right", linespacing=1.05)
    for k, start in first.items() if isinstance(first, dict) else enumerate(first):
        colour, name = (DONE, f"{start}–{k + 1}") if start == 1 else (OPEN, f"{start}–{k + 1}")
        x = left + PITCH * k
        sheet.box(x, y, *BOX, colour=colour, fill=0.2 if start == 1 else 0.06, gid=f"{panel}-{row}-{k + 1}")
        sheet.text(x, y - 0.01, str(k + 1) if start == k + 1 else name, colour if start == 1 else "x", 9)


def drop(sheet, start, end, colour, gid):
    """The line from a box to the one below it."""
    sheet.line((start[0], start[1] - BOX[1] / 2), (end[0], end[1] + BOX[1] / 2), colour=colour, head=False, gid=gid)


def hop(sheet, x, y, name, k, steps=1):
    """An arrow along a row to column k, from ``steps`` columns before."""
    end = x - BOX[0] / 2 + (0.02 if steps == 1 else -0.01)  # no room for a head between two neighbours
    sheet.line(
        (x - PITCH * steps + BOX[0] / 2 - 0.02, y),
        (end, y),
        colour=MERGE,
        head=steps > 1,
        gid=f"{name}-{k - steps + 1}-{k + 1}",
    )


def tree_rows(T):
    """The combinations of a scan up and down a tree over T steps, a power of two, row by row.

    A row lists (first, last, of): the steps first to last as one pair, or the state after ``last`` where ``first`` is
    0, combined from the two boxes ``of``, each (row, last). A whole row can be computed at once.
    """
    rows: list[list[tuple[int, int, tuple[tuple[int, int], ...]]]] = [[(t, t, ()) for t in range(T + 1)]]
    top = int(math.log2(T))
    where = {(t, t): 0 for t in range(1, T + 1)}
    for row in range(1, top + 1):
        size = 2**row
        ends = range(size, T + 1, size)
        rows.append([(t - size + 1, t, ((row - 1, t - size // 2), (row - 1, t))) for t in ends])
        where |= {(t - size + 1, t): row for t in ends}
    rows += [[] for _ in range(max(2 * top - 1, top + 1) - top)]
    known = {0: 0}  # the row of each state
    rows[top + 1].append((0, T, ((0, 0), (where[1, T], T))))
    known[T] = top + 1
    for row, size in enumerate((2**k for k in reversed(range(top))), start=top):
        for start in range(0, T, 2 * size):
            end = start + size
            rows[row].append((0, end, ((known[start], start), (where[start + 1, end], end))))
            known[end] = row
    return rows


@styled
def scan_tree(T=8):
    """A scan of T steps, a power of two, up a tree and down again; all boxes of a row can be computed at once.

    A box names the steps that it combines to one pair, or the state that it holds; states are blue.
    """
    T, pitch, high = check_size("T", T), 0.72, 0.56
    if T < 2 or T & (T - 1):
        raise ValueError(f"T should be a power of two, 2 or more, but is {T}")
    rows = tree_rows(T)
    sheet = Sheet(1.1 + pitch * (T + 1), high * len(rows) + 0.1)
    at = {(r, last): (1.15 + pitch * last, high * (len(rows) - r - 0.5) + 0.05) for r, row in enumerate(rows)
          for _, last, _ in row}  # fmt: skip
    for r, row in enumerate(rows):
        sheet.text(0.72, at[r, row[0][1]][1], f"row {r}" if r else "given", "x", 9.5, ha="right")
        for first, last, of in row:
            (x, y), colour = at[r, last], DONE if first == 0 else OPEN
            for place in of:
                sheet.line(
                    (at[place][0], at[place][1] - BOX[1] / 2),
                    (x, y + BOX[1] / 2),
                    colour=MERGE if first == 0 else OPEN,
                    head=False,
                    gid=f"of-{r}-{last}-{place[0]}-{place[1]}",
                )
            sheet.box(x, y, 0.5, BOX[1], colour=colour, fill=0.2 if first == 0 else 0.06, gid=f"tree-{r}-{last}")
            name = f"$h_{{{last}}}$" if first == 0 else str(last) if first == last else f"{first}–{last}"
            sheet.text(x, y - 0.01, name, colour if first == 0 else "x", 11 if first == 0 else 9.5)
    return sheet.figure


@styled
def newton_passes(errors):
    """The error of every state after every pass over the sequence: {title: errors (K, T)}, a panel each.

    Colours change with every factor of 10, from 1 down to 1e-9; smaller errors are white. The dashed line is the
    guarantee: after pass k the first k states are exact.
    """
    figure, row = panels(1, len(errors), height=3.6, sharey=True, squeeze=False)
    most = max(len(values) for values in errors.values())
    edges = 10.0 ** np.arange(-9, 1)
    shades = colormaps["magma_r"].resampled(len(edges) + 1)
    for axes, (title, values) in zip(row[0], errors.items(), strict=True):
        values = np.asarray(values, dtype=float)
        check_shape(f"errors[{title!r}]", values, ("K", "T"))
        K, T = values.shape
        shown = np.ma.masked_less(values, edges[0])
        picture = axes.pcolormesh(
            np.arange(T + 1) + 0.5,
            np.arange(K + 1) + 0.5,
            shown,
            cmap=shades,
            norm=BoundaryNorm(edges, len(edges) + 1, extend="max"),
        )
        passes = np.arange(most + 1)
        axes.plot(passes + 0.5, passes + 0.5, color=PALETTE[0], linestyle=DASHES, linewidth=1.5)
        axes.set(title=title, xlabel="step t", xlim=(0.5, T + 0.5), ylim=(most + 0.5, 0.5))
        axes.grid(visible=False)
    row[0, 0].set_ylabel("pass k")
    bar = figure.colorbar(picture, ax=list(row[0]), label="error", ticks=edges[::3], aspect=18, pad=0.015, extend="max")
    bar.ax.set_yticklabels([f"$10^{{{k}}}$" for k in range(-9, 1, 3)])
    return figure


@styled
def time_against_length(lengths, times, ylabel):
    """Time against the length of the sequence, both logarithmic, one panel per size: {title: {peer: (N,)}}."""
    lengths = np.asarray(lengths)
    figure, row = panels(1, len(times), height=3.9, sharey=True, squeeze=False)
    for axes, (title, peers) in zip(row[0], times.items(), strict=True):
        for place, (peer, values) in enumerate(peers.items()):
            values = np.asarray(values, dtype=float)
            check_shape(f"times[{title!r}][{peer!r}]", values, lengths.shape)
            axes.plot(
                lengths,
                values,
                MARKERS[place],
                linestyle=STYLES[place],
                color=PALETTE[place],
                markersize=5,
                linewidth=1.5,
                label=peer,
            )
        axes.set(xscale="log", yscale="log", title=title, xlabel="length T of the sequence (steps)")
        axes.set_xticks(lengths, [f"{T:,}" for T in lengths])
        axes.minorticks_off()
    row[0, 0].set_ylabel(ylabel)
    figure.legend(*row[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, columnspacing=1.4)
    return figure


@styled
def right_after_each_step(places, right, trained, chance):
    """The share of right answers after every step, one panel per task: {task: {layer: (S, N)}}, S seeds at N places.

    The line is the median, the band runs from the worst seed to the best. ``trained``: the length of the sequences
    in training. ``chance``: {task: share right by guessing}.
    """
    places = np.asarray(places)
    marked = [0]  # no two markers closer than a fifth of their position
    for k, place in enumerate(places):
        if place >= 1.2 * places[marked[-1]]:
            marked.append(k)
    figure, row = panels(1, len(right), height=4.1, sharey=True, squeeze=False)
    for axes, (task, layers) in zip(row[0], right.items(), strict=True):
        for place, (layer, values) in enumerate(layers.items()):
            values = np.asarray(values, dtype=float)
            check_shape(f"right[{task!r}][{layer!r}]", values, ("S", len(places)))
            axes.fill_between(
                places, values.min(axis=0), values.max(axis=0), color=PALETTE[place], alpha=0.15, linewidth=0
            )
            axes.plot(
                places,
                np.median(values, axis=0),
                MARKERS[place],
                linestyle=STYLES[place],
                color=PALETTE[place],
                markersize=4.5,
                linewidth=1.5,
                label=layer,
                markevery=marked,
            )
        axes.axhline(chance[task], color=COLOURS["h"], linestyle=DASHES, linewidth=1, zorder=1)
        axes.axvline(trained, color=COLOURS["h"], linestyle=DASHES, linewidth=1, zorder=1)
        axes.set(xscale="log", title=task, xlabel="steps read", ylim=(0, 1.04))
        axes.set_xticks([1, 3, 10, trained, 160], ["1", "3", "10", f"{trained}", "160"])
        axes.minorticks_off()
        axes.annotate(
            "chance",
            (places[-1], chance[task]),
            xytext=(0, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=10,
        )
    row[0, 0].set_ylabel("share of right answers")
    figure.legend(*row[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, columnspacing=1.4)
    return figure
