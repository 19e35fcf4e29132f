"""Figures of the scan: who is merged with whom, how long it takes, and what a gate that is blind to h can't answer."""

import math

import numpy as np

from rnnbook.errors import check_shape, check_size
from rnnbook.lessons.figures.sheet import PALE, Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, STYLES, WIDTH, panels, styled

BOX, PITCH, ROW = (0.315, 0.27), 0.353, 0.84  # a box, from column to column, from row to row, inches
DONE, OPEN, MERGE = PALETTE[0], "#767676", PALETTE[1]  # reaches back to the first step; does not; a merging
LEFT = 0.8  # the centre of the first column, from the edge of its half


@styled
def scan_rounds(T=8):
    """Two ways to merge T steps, side by side: in rounds that double the reach, and in chunks of √T steps.

    A box names the steps that are merged in it; it is blue once it reaches back to the first.
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
    first = list(range(1, T + 1))  # the first step that is merged in each box
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
    """The boxes of a row, named by the steps merged in them: first[k] to k + 1."""
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


@styled
def time_against_length(lengths, times, ylabel):
    """Time against the length of the sequence, both logarithmic, a panel a size: {title: {peer: (N,)}}."""
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
    """The share of right answers after every step, a panel a task: {task: {layer: (S, N)}}, S seeds at N places.

    The line is the median, the band runs from the worst seed to the best. ``trained``: the length of the sequences
    in training. ``chance``: {task: share right by guessing}.
    """
    places = np.asarray(places)
    marked = [0]  # no two markers nearer than a fifth of their place
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
