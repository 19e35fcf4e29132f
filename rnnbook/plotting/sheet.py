"""A sheet of paper measured in inches, and the few shapes that every drawing of the book is made of."""
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from .style import COLOURS

LINE = 1.6          # width of every line and edge, points
CORNER = 0.12       # radius of every rounded corner, inches
PALE = "#C4C4C4"    # what is there but does not take part


def tint(colour, strength=0.13):
    """The colour mixed into white: the filling of a shape whose edge has the full colour."""
    return tuple(1 - strength * (1 - np.array(to_rgb(colour))))


class Sheet:
    """An empty figure of width x height inches; shapes are placed by their centres, from bottom left.

    Every shape carries the ``gid`` it is given, by which a test or a browser finds it again.
    """

    def __init__(self, width, height):
        self.figure = Figure(figsize=(width, height))
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height), aspect="equal")
        self.axes.set_axis_off()

    def text(self, x, y, text, colour=COLOURS["h"], size=11, gid=None, **options):
        centred: Any = {"ha": "center", "va": "center", "zorder": 5}
        self.axes.text(x, y, text, color=colour, fontsize=size, gid=gid, **(centred | options))

    def box(self, x, y, width, height, label="", colour=COLOURS["h"], size=17, gid=None, fill=0.13, zorder=3):
        self.axes.add_patch(FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle=f"round,pad=0,rounding_size={CORNER}",
            facecolor=tint(colour, fill), edgecolor=colour, linewidth=LINE, gid=gid, zorder=zorder))
        self.text(x, y, label, colour, size)

    def disc(self, x, y, radius, label="", colour=COLOURS["x"], size=17, gid=None, fill=0.13):
        self.axes.add_patch(Circle((x, y), radius, facecolor=tint(colour, fill), edgecolor=colour,
                                   linewidth=LINE, gid=gid, zorder=3))
        self.text(x, y, label, colour, size)

    def joint(self, x, y, colour=COLOURS["h"]):
        """The dot where a line branches."""
        self.axes.add_patch(Circle((x, y), 0.035, color=colour, zorder=3))

    def line(self, *points, colour=COLOURS["h"], head=True, dashed=False, bridge=False, gid=None, zorder=2):
        """A line through the points, its corners rounded; a bridge leaves a gap in the lines it crosses."""
        path = rounded(points)
        if bridge:
            self.axes.add_patch(FancyArrowPatch(path=path, arrowstyle="-", color="white", linewidth=5 * LINE,
                                                capstyle="butt", zorder=zorder))
        self.axes.add_patch(FancyArrowPatch(
            path=path, arrowstyle="-|>,head_length=0.42,head_width=0.19" if head else "-", mutation_scale=14,
            color=colour, linewidth=LINE, linestyle=(0, (3.2, 2)) if dashed else "-",
            capstyle="butt", joinstyle="miter", gid=gid, zorder=zorder + 0.1))


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
