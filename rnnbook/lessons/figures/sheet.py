"""A sheet of paper measured in inches, and the few shapes of which every drawing in the book is made."""

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from rnnbook.lessons.figures.style import COLOURS, DASHES

LINE = 1.6  # width of every line and edge, points
PAPER = "#F7F7F7"  # the ground inside a frame
CORNER = 0.12  # radius of every rounded corner, inches
SIGN = 0.15  # radius of an operation's sign, inches
PALE = "#C4C4C4"  # for what is there but does not take part


def named_colour(colour):
    """The colour of a letter or weight of the book, or the colour itself."""
    return COLOURS.get(colour, colour) if isinstance(colour, str) else colour


def tint(colour, strength=0.13):
    """The colour mixed into white: the filling of a shape whose edge has the full colour."""
    return tuple(1 - strength * (1 - np.array(to_rgb(named_colour(colour)))))


class Sheet:
    """An empty figure of width x height inches; shapes are placed by their centres, from bottom left.

    A colour is a letter of ``COLOURS`` or any colour of matplotlib. A shape carries the ``gid`` it is given,
    by which a test finds it again.
    """

    def __init__(self, width, height):
        self.figure = Figure(figsize=(width, height))
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height), aspect="equal")
        self.axes.set_axis_off()

    def text(self, x, y, text, colour="h", size=11, gid=None, **options):
        centred: Any = {"ha": "center", "va": "center", "zorder": 5}
        self.axes.text(x, y, text, color=named_colour(colour), fontsize=size, gid=gid, **(centred | options))

    def box(self, x, y, width, height, label="", colour="h", size=17, gid=None, fill=0.13, zorder=3, corner=CORNER):
        self.axes.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - height / 2),
                width,
                height,
                boxstyle=f"round,pad=0,rounding_size={corner}",
                facecolor=tint(colour, fill),
                edgecolor=named_colour(colour),
                linewidth=LINE,
                gid=gid,
                zorder=zorder,
            )
        )
        self.text(x, y, label, colour, size)

    def disc(self, x, y, radius, label="", colour="x", size=17, gid=None, fill=0.13):
        self.axes.add_patch(
            Circle(
                (x, y),
                radius,
                facecolor=tint(colour, fill),
                edgecolor=named_colour(colour),
                linewidth=LINE,
                gid=gid,
                zorder=3,
            )
        )
        self.text(x, y, label, colour, size)

    def operation(self, x, y, symbol, gid=None):
        """A small round sign for what is computed element by element: + or ×."""
        self.disc(x, y, SIGN, "", "h", gid=gid, fill=0)
        arms = {"+": [(0, 1), (1, 0)], "×": [(0.7, 0.7), (0.7, -0.7)]}[symbol]
        for dx, dy in np.array(arms) * 0.09:
            self.line((x - dx, y - dy), (x + dx, y + dy), head=False, zorder=5)

    def frame(self, left, bottom, right, top):
        """The pale outline of a block, behind what is inside it."""
        self.axes.add_patch(
            FancyBboxPatch(
                (left, bottom),
                right - left,
                top - bottom,
                boxstyle=f"round,pad=0,rounding_size={2 * CORNER}",
                facecolor=PAPER,
                edgecolor="#BDBDBD",
                linewidth=LINE,
                zorder=0,
            )
        )

    def joint(self, x, y, colour="h"):
        """The dot where a line branches."""
        self.axes.add_patch(Circle((x, y), 0.035, color=named_colour(colour), zorder=3))

    def line(self, *points, colour="h", head=True, dashed=False, bridge=False, gid=None, zorder=2):
        """A line through the points, its corners rounded; a bridge leaves a gap in the lines it crosses."""
        way = np.asarray(points, dtype=float)
        if dashed and head:  # a dashed outline would break the head: the last bit is solid
            back = (way[-2] - way[-1]) / np.hypot(*(way[-2] - way[-1]))
            self.line(way[-1] + 0.09 * back, way[-1], colour=colour, zorder=zorder)
            way[-1] += 0.08 * back
            head = False
        path = rounded(way)
        if bridge:
            zorder += 0.2
            self.axes.add_patch(
                FancyArrowPatch(
                    path=path, arrowstyle="-", color=PAPER, linewidth=3.6 * LINE, capstyle="butt", zorder=zorder
                )
            )
        self.axes.add_patch(
            FancyArrowPatch(
                path=path,
                arrowstyle="-|>,head_length=0.42,head_width=0.19" if head else "-",
                mutation_scale=14,
                color=named_colour(colour),
                linewidth=LINE,
                linestyle=DASHES if dashed else "-",
                capstyle="butt",
                joinstyle="miter",
                gid=gid,
                zorder=zorder + 0.1,
            )
        )


def rounded(points, radius=CORNER):
    """The path through points (N, 2) with each corner replaced by an arc of the radius, where it fits."""
    points = np.asarray(points, dtype=float)
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = before - corner, after - corner
        reach = min(radius, np.hypot(*into) / 2, np.hypot(*out) / 2)
        vertices += [corner + reach * into / np.hypot(*into), corner, corner + reach * out / np.hypot(*out)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])
