"""Figures of sequence to sequence: what the decoder may read, and where its attention is."""

import numpy as np
from matplotlib.patches import Rectangle

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.sheet import PALE, Sheet, tint
from rnnbook.lessons.figures.style import COLOURS, panels, styled

PITCH, BOX = 0.56, 0.4  # from column to column, the side of a box, inches
READ, SAID = "3 may", "05-03"
LOOKS = {0: [(3, 0.55), (4, 0.3)], 1: [(2, 0.5), (4, 0.3)], 2: [], 3: [(0, 0.6)], 4: [(0, 0.7)]}  # drawn, not measured


@styled
def two_decoders(read=READ, said=SAID, looks=None):
    """Left, one state between encoder and decoder; right, every state of the encoder can be queried.

    ``looks``: {character of ``said``: [(letter of ``read``, weight), …]}, the arrows of attention.
    """
    looks = LOOKS if looks is None else looks
    half = max(len(read), len(said)) * PITCH + 0.9
    sheet = Sheet(2 * half, 3.35)
    for k, (title, attends) in enumerate([("one vector carries everything", False), ("with attention", True)]):
        left = k * half + 0.6
        sheet.text(left - 0.3, 3.1, title, size=12, ha="left")
        _row(sheet, left, 0.75, read, "x", f"{k}-encoder")
        for t, letter in enumerate(read):
            sheet.text(left + PITCH * t, 0.25, "␣" if letter == " " else letter, "x", 12, family="DejaVu Sans Mono")
        _row(sheet, left, 2.2, said, "h", f"{k}-decoder")
        for s, letter in enumerate(said):
            sheet.text(left + PITCH * s, 2.72, letter, "h", 12, family="DejaVu Sans Mono")
        end = left + PITCH * (len(read) - 1)
        way = [(end + BOX / 2, 0.75), (end + 0.42, 0.75), (end + 0.42, 1.25), (left - 0.42, 1.25), (left - 0.42, 2.2)]
        sheet.line(*way, (left - BOX / 2, 2.2), colour="c" if not attends else PALE, gid=f"{k}-state")
        if not attends:
            sheet.text(end + 0.1, 1.42, "all of it", "c", 10.5, ha="right")
            continue
        for s, places in looks.items():
            for t, weight in places:
                start, stop = (left + PITCH * t, 0.75 + BOX / 2), (left + PITCH * s, 2.2 - BOX / 2)
                sheet.line(start, stop, colour=tint("o", weight), gid=f"look-{s}-{t}", zorder=4)
    return sheet.figure


def _row(sheet, left, y, letters, colour, gid):
    """A row of states, one for each letter, and the arrows between them."""
    for k in range(len(letters)):
        x = left + PITCH * k
        sheet.box(x, y, BOX, BOX, colour=colour, gid=f"{gid}-{k}")
        if k:
            sheet.line((x - PITCH + BOX / 2, y), (x - BOX / 2, y), colour=colour)


@styled
def attention_map(line, answer, weights, spans=None):
    """The weights (S, T) of S characters of ``answer`` on the T letters of ``line``, a row for each character.

    ``spans`` (S, 2), if given, are the letters [from, to) that each follows from, and are framed.
    """
    weights = np.asarray(weights, dtype=float)
    check_shape("weights", weights, (len(answer), len(line)))
    figure, axes = panels(1, 1, height=0.26 * len(answer) + 0.9)
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(line)), ["␣" if letter == " " else letter for letter in line])
    axes.set_yticks(range(len(answer)), list(answer))
    for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        label.set_fontfamily("DejaVu Sans Mono")
    axes.set(xlabel="read", ylabel="said")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for row, (start, end) in enumerate(() if spans is None else spans):
        if end > start:
            box = Rectangle((start - 0.5, row - 0.5), end - start, 1, fill=False, edgecolor=COLOURS["f"], linewidth=1.6)
            box.set_gid(f"span-{row}")
            axes.add_patch(box)
    return figure
