"""Figures of batches whose sequences differ in length, and of layers that read from both ends."""

import numpy as np
from matplotlib.patches import Rectangle

from rnnbook.errors import check_shape, check_size
from rnnbook.lessons.figures.sheet import Sheet, tint
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, STYLES, WIDTH, canvas, styled

NAMES = "abcdef"


@styled
def ragged_batch(lengths=(3, 6, 2, 4)):
    """Up to six sequences as they are, padded, sorted, and packed: every step keeps its colour and its name.

    lengths: the number of steps of each; the sum is at most 16, so that the packed row fits the page.
    """
    lengths = [check_size("lengths", T) for T in lengths]
    if len(lengths) > len(NAMES) or sum(lengths) > 16:
        raise ValueError(
            f"lengths should be at most 6 with a sum of at most 16, but are {len(lengths)} with a sum of {sum(lengths)}"
        )
    T, B = max(lengths), len(lengths)
    order = sorted(range(B), key=lambda b: -lengths[b])
    side = min(0.27, 2.0 / T)
    sheet = Sheet(WIDTH, 2.25 + side * B)
    top = 1.8 + side * B
    pitch = (WIDTH - 0.3 - side * T) / 2
    as_they_come = range(B)
    for place, (title, rows, padding) in enumerate(
        [("as they come", as_they_come, False), ("padded", as_they_come, True), ("sorted", order, True)]
    ):
        left = 0.2 + pitch * place
        sheet.text(left + side * T / 2, top + 0.24, title, size=11.5, weight="bold")
        for row, b in enumerate(rows):
            for t in range(T if padding else lengths[b]):
                inside = t < lengths[b]
                square(
                    sheet,
                    left + side * t,
                    top - side * (row + 1),
                    side,
                    b if inside else None,
                    t,
                    gid=f"{title}-{row}-{t}",
                )
        if place:
            middle = left - (pitch - side * T) / 2
            sheet.line((middle - 0.18, top - side * B / 2), (middle + 0.18, top - side * B / 2))
    sizes = [sum(length > t for length in lengths) for t in range(T)]
    for t, size in enumerate(sizes):
        sheet.text(left + side * (t + 0.5), top - side * B - 0.15, str(size), "gradient", 11, gid=f"size-{t}")
    sheet.text(left - 0.08, top - side * B - 0.15, "batch sizes", "gradient", 10, ha="right")
    side = min(0.4, (WIDTH - 0.4) / (sum(lengths) + 0.35 * (T - 1)))
    gap = 0.35 * side
    x = (WIDTH - side * sum(lengths) - gap * (T - 1)) / 2
    sheet.text(x, 1.2, "packed: one row for each real step, step after step", size=11.5, weight="bold", ha="left")
    for t, size in enumerate(sizes):
        for b in order[:size]:
            square(sheet, x, 0.58, side, b, t, gid=f"packed-{t}-{b}")
            x += side
        sheet.text(x - side * size / 2, 0.4, str(size), "gradient", 11)
        sheet.text(x - side * size / 2, 0.16, f"$t = {t + 1}$", "x", 10)
        x += gap
    return sheet.figure


def square(sheet, x, y, side, sequence, t, gid):
    """One step of a sequence, a tinted square with its name; hatched where it is padding (sequence None)."""
    if sequence is None:
        sheet.axes.add_patch(
            Rectangle((x, y), side, side, facecolor="white", edgecolor="#BBBBBB", hatch="////", linewidth=0.8, gid=gid)
        )
        return
    sheet.axes.add_patch(
        Rectangle(
            (x, y),
            side,
            side,
            facecolor=tint(PALETTE[sequence], 0.35),
            edgecolor=PALETTE[sequence],
            linewidth=1.2,
            gid=gid,
            zorder=3,
        )
    )
    sheet.text(x + side / 2, y + side / 2, f"{NAMES[sequence]}{t + 1}", "#111111", 9.5)


@styled
def both_directions(T=5):
    """Two layers read one sequence, from its start and from its end; each state shows which inputs it has read.

    The column at the end, ``outputs[-1]``, is framed, and the two last states, ``h_n``, have a thick edge: only one of
    the two is in the frame.
    """
    T = check_size("T", T)
    pitch, width, height = min(1.12, 5.6 / T), min(0.9, 4.4 / T), 0.4
    sheet = Sheet(WIDTH, 3.4)
    centres = [1.5 + pitch * t for t in range(T)]
    rows = {"forward": (2.25, COLOURS["W_ih"]), "backward": (1.45, COLOURS["W_hh"])}
    for name, (y, colour) in rows.items():
        sheet.text(0.05, y, name, colour, 11.5, ha="left")
        for t, x in enumerate(centres):
            seen = range(t + 1) if name == "forward" else range(t, T)
            last = len(seen) == T
            sheet.axes.add_patch(
                Rectangle(
                    (x - width / 2, y - height / 2),
                    width,
                    height,
                    facecolor="white",
                    edgecolor=colour,
                    linewidth=3.2 if last else 1.4,
                    gid=f"{name}-{t}",
                    zorder=3,
                )
            )
            for k in seen:
                bit = (width - 0.14) / T
                sheet.axes.add_patch(
                    Rectangle(
                        (x - width / 2 + 0.07 + bit * k, y - height / 2 + 0.07),
                        bit * 0.84,
                        height - 0.14,
                        facecolor=tint(colour, 0.75),
                        linewidth=0,
                        gid=f"{name}-{t}-saw-{k}",
                        zorder=4,
                    )
                )
            if t + 1 < T:
                ends = [(x + width / 2, y), (centres[t + 1] - width / 2, y)]
                sheet.line(*(ends if name == "forward" else ends[::-1]), colour=colour)
    for t, x in enumerate(centres):
        sheet.text(x, 0.72, f"$x_{{{t + 1}}}$", "x", 15)
        for shift, (y, _) in zip((-0.14, 0.14), reversed(rows.values()), strict=True):  # one passes behind a box
            sheet.line((x + shift * width, 0.88), (x + shift * width, y - height / 2), colour="x", zorder=1)
    wrong = Rectangle(
        (centres[-1] - width / 2 - 0.11, 1.45 - height / 2 - 0.11),
        width + 0.22,
        0.8 + height + 0.22,
        facecolor="none",
        edgecolor=COLOURS["gradient"],
        linewidth=1.8,
        linestyle=DASHES,
        gid="outputs-last",
        zorder=2,
    )
    sheet.axes.add_patch(wrong)
    sheet.text(centres[-1], 2.75, "outputs[-1]", "gradient", 11.5, family="monospace")
    sheet.text(centres[0], 2.75, "outputs[0]", "x", 11.5, family="monospace")
    sheet.text(WIDTH / 2, 3.12, "h_n: the two boxes with a thick edge, which have read every input", "h", 11.5)
    sheet.text(WIDTH / 2, 0.28, "the bars in a box: the inputs it has read", "x", 10.5)
    return sheet.figure


@styled
def share_against(x, shares, xlabel, ylabel, on=None):
    """Shares against a number x (N,) on a logarithmic axis: {name: (S, N)}, one row for each seed or draw.

    The line joins the means; the bars run from the smallest to the largest of the S.
    """
    x = np.asarray(x)
    axes = canvas(on, height=3.5)
    for place, (name, values) in enumerate(shares.items()):
        values = np.atleast_2d(np.asarray(values, dtype=float))
        check_shape(f"shares[{name!r}]", values, ("S", len(x)))
        low, high = values.min(axis=0), values.max(axis=0)
        mean = values.mean(axis=0).clip(low, high)  # the mean of equal values is rounded
        axes.errorbar(
            x,
            mean,
            yerr=[mean - low, high - mean],
            label=name,
            marker=MARKERS[place],
            linestyle=STYLES[place],
            color=PALETTE[place],
            elinewidth=1,
        )
    axes.set(xscale="log", xlabel=xlabel, ylabel=ylabel, ylim=(0, None))
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.minorticks_off()
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return axes.figure
