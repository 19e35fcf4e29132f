"""Figures of the gates: the paths of the gradient around and through them, and what they do while a network reads."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap

from rnnbook.errors import check_choice, check_shape
from rnnbook.lessons.figures.charts import named
from rnnbook.lessons.figures.sheet import SIGN, Sheet
from rnnbook.lessons.figures.style import COLOURS, WIDTH, panels, styled

GATES = "iforz"  # what lies between 0 and 1; everything else has a sign
GATE_SHADES, SIGNED_SHADES = 15, 31  # few enough for a palette of 128 that four or six maps share


@styled
def gates_while_reading(maps, letters, columns=1):
    """What the units hold and do after each of T letters: {title: values (T, H)}, a heat map for each.

    A title that begins with the letter of a gate, i, f, o, r or z, has that gate's colour: full colour is open, 1, and
    white is closed, 0. Everything else is signed: violet above zero, orange below, white at zero. ``columns``: how many
    maps are side by side.
    """
    maps, T = named("maps", maps), len(letters)
    rows = -(-len(maps) // columns)
    H = max(values.shape[-1] for values in maps.values())
    figure, grid = panels(rows, columns, height=0.35 + rows * (0.6 + 0.2 * min(H, 9)), squeeze=False, sharex=True)
    for axes in grid.flat[len(maps) :]:
        axes.set_axis_off()
    for axes, (title, values) in zip(grid.flat, maps.items(), strict=False):
        check_shape(f"maps[{title!r}]", values, (T, "H"))
        shades: Colormap
        if title[0] in GATES and not title[1:2].isalpha():
            colours = ["white", COLOURS[title[0]]]
            shades = LinearSegmentedColormap.from_list(title, colours, N=GATE_SHADES)
            low, high = 0.0, 1.0
        else:
            high = np.abs(values).max() or 1.0
            shades, low = colormaps["PuOr"].resampled(SIGNED_SHADES), -high
        picture = axes.pcolormesh(values.T, cmap=shades, vmin=low, vmax=high, edgecolor="white", linewidth=0.3)
        figure.colorbar(picture, ax=axes, aspect=9, pad=0.02, ticks=sorted({low, 0.0, high}), format="%.2g")
        axes.set_title(title, loc="left")
        axes.set_xticks(np.arange(T) + 0.5, [letter.replace(" ", "\u2423") for letter in letters])
        if values.shape[1] <= 9:
            axes.set_yticks(np.arange(values.shape[1]) + 0.5, range(1, values.shape[1] + 1))
        axes.tick_params(length=0, labelbottom=True)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


@styled
def gradient_paths(layer):
    """How the gradient gets from one step to the one before: the two paths of the "GRU", or those of the "LSTM".

    The upper path passes nothing but a gate; the lower one goes through the gates, the matrix and tanh.
    """
    check_choice("layer", layer, ["GRU", "LSTM"])
    sheet = Sheet(WIDTH, 2.6)
    gate, state, gradient = ("z", "h", "v") if layer == "GRU" else ("f", "c", "a")
    top, low, disc = 1.95, 0.62, 0.3
    places = (
        {2: 0.7, 1: 3.2, 0: 5.7} if layer == "LSTM" else {2: 0.75, 1: 3.5, 0: 6.25}
    )  # steps back, and where that state is drawn
    for back, x in places.items():
        sheet.disc(x, top, disc, f"${state}_{{t{-back or ''}}}$", state, size=13, gid=f"{state}-{back}")
        if layer == "LSTM":
            sheet.disc(x, low, disc, f"$h_{{t{-back or ''}}}$", "h", size=13, gid=f"h-{back}")
            sheet.line((x, low + disc), (x, top - disc), colour="gradient", dashed=True, gid=f"shown-{back}")
            sheet.text(x + 0.2, (low + top) / 2, r"$\odot\, o\,\tanh'$", "o", 12, ha="left")
    for back in (1, 2):
        right, left = places[back - 1], places[back]
        middle, step = (left + right) / 2, f"t{-(back - 1) or ''}"
        sheet.line((right - disc, top), (middle + SIGN, top), colour="gradient", dashed=True, gid=f"path-{back}")
        sheet.operation(middle, top, "×", gid=f"gate-{back}")
        sheet.text(middle, top + 0.3, f"${gate}_{{{step}}}$", gate, 15)
        sheet.line((middle - SIGN, top), (left + disc, top), colour="gradient", dashed=True)
        label = rf"$W_{{hh}}^\top\, \mathrm{{d}}{gradient}_{{{step}}}$"
        sheet.box(middle, low, 1.1, 0.42, label, "W_hh", size=13, gid=f"matrix-{back}")
        if layer == "GRU":
            down, up = right - 0.17, left + 0.17  # beside the middle of a disc
            sheet.line((down, top - 0.25), (down, low), (middle + 0.55, low), colour="gradient", dashed=True)
            sheet.line((middle - 0.55, low), (up, low), (up, top - 0.25), colour="gradient", dashed=True)
        else:
            sheet.line((right - 0.2, top - 0.22), (middle + 0.4, low + 0.21), colour="gradient", dashed=True)
            sheet.line((right - disc, low), (middle + 0.55, low), colour="gradient", dashed=True)
            sheet.line((middle - 0.55, low), (left + disc, low), colour="gradient", dashed=True)
    return sheet.figure
