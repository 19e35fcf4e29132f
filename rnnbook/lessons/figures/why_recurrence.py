"""Figures of the first two chapters: the states of a network while it reads, and the kinds of sequence tasks."""

import numpy as np
from matplotlib.colors import Normalize

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.networks import BLOCK
from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import COLOURS, panels, styled

SIGNED, POSITIVE = (
    ("PuOr", -1.6, 1.6),
    ("Purples", 0, 1.6),
)  # numbers stay readable on the palest and on the darkest shade


@styled
def states_while_reading(maps, letters, units=None, numbers=False):
    """What each unit holds after each of T letters: {title: values (T, H)}, a heat map for each, one below another.

    Values below zero are orange and those above violet; a map without values below zero has white at zero.
    ``units``: a name for each row.   ``numbers``: write every value into its cell.
    """
    maps = {title: np.asarray(values, dtype=float) for title, values in maps.items()}
    T, H = len(letters), next(iter(maps.values())).shape[-1]
    height = sum(0.75 + 0.27 * values.shape[-1] for values in maps.values())
    figure, rows = panels(len(maps), 1, height=height, squeeze=False)
    for axes, (title, values) in zip(rows[:, 0], maps.items(), strict=True):
        check_shape(f"maps[{title!r}]", values, (T, "H"))
        most = np.abs(values).max() or 1.0
        shades, low, high = SIGNED if values.min() < 0 else POSITIVE
        norm = Normalize(low * most, high * most) if numbers else Normalize(most * np.sign(low), most)
        picture = axes.pcolormesh(values.T, cmap=shades, norm=norm, edgecolor="white", linewidth=0.5)
        if numbers:
            for (t, unit), value in np.ndenumerate(values):
                axes.text(t + 0.5, unit + 0.5, f"{value + 0:g}".replace("-", "−"), ha="center", va="center", size=12)
        else:
            figure.colorbar(picture, ax=axes, aspect=10, pad=0.015)
        axes.set_title(title, loc="left")
        axes.set_xticks(np.arange(T) + 0.5, [letter.replace(" ", "\u2423") for letter in letters])
        axes.set_yticks(np.arange(H) + 0.5, units or [str(unit + 1) for unit in range(H)])
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


KINDS = {  # title: (steps with an input, steps with an output, number of steps)
    "one to one": ([1], [1], 1),
    "one to many": ([1], [1, 2, 3], 3),
    "many to one": ([1, 2, 3], [3], 3),
    "many to many,\naligned": ([1, 2, 3], [1, 2, 3], 3),
    "many to many,\ndelayed": ([1, 2], [3, 4], 4),
}


@styled
def sequence_kinds():
    """Five small networks side by side: at which steps each has an input (below) and an output (above)."""
    pitch, gap, side = 0.46, 0.12, 0.5 * BLOCK
    sheet = Sheet(sum(steps * pitch for _, _, steps in KINDS.values()) + gap * len(KINDS) + 0.4, 2.6)
    left = 0.3
    for title, (inputs, outputs, steps) in KINDS.items():
        for t in range(1, steps + 1):
            x = left + pitch * (t - 0.5)
            sheet.box(x, 1.05, side, side, "", COLOURS["h"], gid=f"{title} state {t}")
            if t > 1:
                sheet.line((x - pitch + side / 2, 1.05), (x - side / 2, 1.05), colour="W_hh", gid=f"{title} step {t}")
            if t in inputs:
                sheet.disc(x, 0.3, 0.12, colour="x", gid=f"{title} input {t}")
                sheet.line((x, 0.42), (x, 1.05 - side / 2), colour="W_ih")
            if t in outputs:
                sheet.disc(x, 1.8, 0.12, colour="W_hy", gid=f"{title} output {t}")
                sheet.line((x, 1.05 + side / 2), (x, 1.68), colour="W_hy")
        sheet.text(left + pitch * steps / 2, 2.28, title, "h", 10)
        left += pitch * steps + gap
    return sheet.figure
