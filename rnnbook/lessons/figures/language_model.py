"""Figures of a language model: its parts, its guesses, values over the text, and models in the order of their loss."""

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rnnbook.errors import check_shape, check_size
from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import COLOURS, PALETTE, WIDTH, styled

BLOCK, DISC, PITCH = 0.52, 0.2, 1.02  # side of a block, radius of a disc, distance of two steps, inches
STRENGTH = 0.5  # strength of the darkest shade: letters stay readable on it
VISIBLE = {" ": "␣", "\n": "↵"}  # characters that leave no ink, and what is shown instead


@styled
def character_model(text="heaven"):
    """A language model unrolled over a text: each column reads one character and should predict the next.

    From below: the character, its embedding e, the state h, the logits y, the probabilities p, the target.
    """
    if not isinstance(text, str) or len(text) < 2:
        raise ValueError(f"text should have two characters or more, but is {text!r}")
    T = len(text) - 1
    sheet = Sheet(1.75 + PITCH * T, 4.75)
    heights = {"token": 0.42, "e": 1.27, "h": 2.12, "y": 2.97, "p": 3.67, "target": 4.4}
    names = {
        "token": "it reads",
        "e": "embedding",
        "h": "recurrent layer",
        "y": "linear",
        "p": "softmax",
        "target": "it should say",
    }
    for part, y in heights.items():
        sheet.text(1.32, y, names[part], COLOURS["x"], 10, ha="right")
    for t in range(1, T + 1):
        x = 1.0 + PITCH * t
        draw_reading(sheet, x, heights, text[t - 1], text[t], t)
        if t > 1:
            sheet.line(
                (x - PITCH + BLOCK / 2, heights["h"]),
                (x - BLOCK / 2, heights["h"]),
                colour=COLOURS["W_hh"],
                gid=f"arrow-hh-{t}",
            )
    return sheet.figure


def draw_reading(sheet, x, heights, character, target, t):
    """One column: from the character that is read up to the correct next one."""
    half = BLOCK / 2
    sheet.disc(x, heights["token"], DISC, VISIBLE.get(character, character), COLOURS["x"], 14, gid=f"token-{t}")
    for part, colour in (("e", "x"), ("h", "h"), ("y", "W_hy")):
        sheet.box(x, heights[part], BLOCK, BLOCK, f"${part}_{{{t}}}$", COLOURS[colour], gid=f"{part}-{t}")
    sheet.text(x, heights["p"], f"$p_{{{t}}}$", COLOURS["W_hy"], 17, gid=f"p-{t}")
    sheet.disc(x, heights["target"], DISC, VISIBLE.get(target, target), PALETTE[1], 14, gid=f"target-{t}")
    arrows = [
        ("token", DISC, "e", half, "x"),
        ("e", half, "h", half, "W_ih"),
        ("h", half, "y", half, "W_hy"),
        ("y", half, "p", 0.14, "W_hy"),
        ("p", 0.14, "target", DISC, "x"),
    ]
    for below, start, above, end, colour in arrows:
        sheet.line(
            (x, heights[below] + start),
            (x, heights[above] - end),
            colour=COLOURS[colour],
            dashed=above == "target",
            gid=f"arrow-{above}-{t}",
        )


@styled
def guesses(text, probabilities, vocabulary, top=4):
    """What a model expected at each of T characters: ``probabilities (T, V)`` of the V in ``vocabulary``.

    Top row: the character that came, shaded by the probability the model gave it. Below: the ``top`` most probable
    ones, best first; the one that came is framed.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    T, V = len(text), len(vocabulary)
    check_shape("probabilities", probabilities, (T, V))
    top = min(check_size("top", top), V)
    figure = Figure(figsize=(WIDTH, 0.95 + 0.235 * (top + 1)))
    axes = figure.subplots()
    shades = colormaps["Blues"]
    index = {character: i for i, character in enumerate(vocabulary)}
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    for t, character in enumerate(text):
        rows = [index[character], *order[t]]
        for row, i in enumerate(rows):
            p = probabilities[t, i]
            y = row + (0.25 if row else 0)
            axes.add_patch(
                Rectangle((t, y), 1, 1, facecolor=shades(0.85 * p), edgecolor="none", gid=f"guess-{t}-{row}")
            )
            axes.text(
                t + 0.5,
                y + 0.52,
                VISIBLE.get(vocabulary[i], vocabulary[i]),
                ha="center",
                va="center",
                fontsize=9.5,
                family="DejaVu Sans Mono",
                color="white" if p > 0.6 else COLOURS["h"],
            )
            if row and i == index[character]:
                axes.add_patch(
                    Rectangle((t, y), 1, 1, fill=False, edgecolor=PALETTE[1], linewidth=1.6, zorder=3, gid=f"came-{t}")
                )
    axes.set(
        xlim=(0, T),
        ylim=(top + 1.3, -0.05),
        xticks=[],
        xlabel="character by character",
        yticks=[0.5, *(np.arange(top) + 1.75)],
        yticklabels=["text", *(f"guess {k}" for k in range(1, top + 1))],
    )
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), shades), ax=axes, label="probability", aspect=12, pad=0.015, ticks=[0, 0.5, 1]
    )
    bar.outline.set_visible(False)
    return figure


@styled
def coloured_text(text, values, label, columns=64):
    """A text with one value from -1 to 1 behind each character; violet is negative, orange is positive.

    ``values``: (N,), or {label: (N,)} of several things to compare, one block each.
    """
    blocks = values if isinstance(values, dict) else {label: values}
    columns = check_size("columns", columns)
    rows = -(-len(text) // columns)
    height = 0.3 + len(blocks) * (0.36 + 0.22 * rows)
    figure = Figure(figsize=(WIDTH, height + 0.35))
    axes = figure.subplots(len(blocks), 1, squeeze=False)[:, 0]
    shades = colormaps["PuOr_r"]
    for block, (name, value) in zip(axes, blocks.items(), strict=True):
        value = np.asarray(value, dtype=float)
        check_shape(f"values of {name}", value, (len(text),))
        for n, (character, v) in enumerate(zip(text, value, strict=True)):
            row, column = divmod(n, columns)
            block.add_patch(
                Rectangle(
                    (column, row),
                    1,
                    1,
                    facecolor=shades(0.5 + STRENGTH / 2 * np.clip(v, -1, 1)),
                    edgecolor="none",
                    gid=f"value-{n}",
                )
            )
            block.text(
                column + 0.5,
                row + 0.52,
                VISIBLE.get(character, character),
                ha="center",
                va="center",
                fontsize=9.5,
                family="DejaVu Sans Mono",
                color="black",
            )
        block.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
        block.set_title(name, loc="left", fontsize=10.5, color=COLOURS["h"])
        block.grid(visible=False)
        block.spines[:].set_visible(False)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), shades),
        ax=list(axes),
        label=label,
        pad=0.015,
        aspect=14,
        ticks=[-1, 0, 1],
        boundaries=np.linspace(-1, 1, 41),
        values=STRENGTH * np.linspace(-1, 1, 40),
    )
    bar.outline.set_visible(False)
    return figure


@styled
def ranked(values, groups, label):
    """Models from the worst to the best, {name: value}, each a dot with its number; ``groups``, {group: names}.

    A group has its own colour and marker, and a line in the legend.
    """
    for name in values:
        if not any(name in members for members in groups.values()):
            raise ValueError(f"groups should hold every name in values, but {name!r} is in none")
    order = sorted(values, key=lambda name: -values[name])
    figure = Figure(figsize=(WIDTH, 0.95 + 0.32 * len(order)))
    axes = figure.subplots()
    for number, (group, members) in enumerate(groups.items()):
        rows = [row for row, name in enumerate(order) if name in members]
        marks = [values[order[row]] for row in rows]
        axes.plot(marks, rows, "Do^s"[number % 4], color=PALETTE[number], markersize=8, label=group)
    for row, name in enumerate(order):
        axes.annotate(
            f"{values[name]:.2f}",
            (values[name], row),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
        )
    axes.set(xlabel=label, yticks=range(len(order)), yticklabels=order, ylim=(len(order) - 0.5, -0.5))
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="upper left", fontsize=10)
    return figure
