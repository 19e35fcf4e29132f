"""One style for every figure: colours, sizes, and small, sharp PNGs with the same bytes on every run."""

import functools
import io
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# One colour for each letter throughout the book; all have a contrast of 4.5 : 1 or more on white.
COLOURS = {
    "i": "#00785A",
    "f": "#C24A00",
    "g": "#946200",
    "o": "#0067A8",  # gates of the LSTM
    "r": "#A8457F",
    "z": "#007A8A",
    "n": "#7A4B2A",  # gates of the GRU
    "h": "#333333",
    "c": "#6A3D9A",
    "x": "#6B6B6B",  # state, carry, input
    "gradient": "#B0003A",  # always dashed
    "W_ih": "#1A7F37",
    "W_hh": "#3D48B8",
    "W_hy": "#6B6800",  # weights, in drawings
}

# Okabe & Ito's palette: the curves of a chart, told apart with every common colour vision deficiency.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = "os^vDPX*<>"
DASHES = (0, (3.2, 2))  # for the gradient, and for a level that curves are compared with
STYLES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1))]

WIDTH = 7.0  # inches of a figure that fills the text column; 700 pixels on the page
DENSITY = 200  # dots per inch: two for each pixel of the page

RC: Any = {
    "figure.figsize": (WIDTH, 3.2),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "mathtext.fontset": "cm",
    "axes.titlesize": 11,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=PALETTE, linestyle=STYLES),
    "lines.linewidth": 1.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "image.cmap": "viridis",
    "axes.unicode_minus": True,
}


def set_style():
    """Apply the book's style, and in a notebook show every figure as a palette PNG of double density.

    Outside a notebook only the style is set. Call it once, in a chapter's first cell.
    """
    mpl.rcParams.update(RC)
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    import matplotlib.pyplot as plt

    plt.close(plt.figure())  # at the first figure the inline backend installs its formatter, then ours
    shell.display_formatter.formatters["image/png"].for_type(Figure, palette_png)


def palette_png(figure, colours=128):
    """The figure as (PNG bytes, {"width", "height"} in pixels of the page), at two dots per pixel.

    The colours are reduced to a palette, which makes the file about a fifth of matplotlib's; nothing in it depends on
    the date or the version, so the same figure gives the same bytes.
    """
    from PIL import Image

    raw = io.BytesIO()
    with mpl.rc_context(RC):
        figure.savefig(raw, format="png", dpi=DENSITY)
    image = Image.open(raw).convert("RGB")
    small = image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue(), {"width": image.width // 2, "height": image.height // 2}


def styled(draw):
    """The drawing function, which then works in the book's style wherever it is called."""

    @functools.wraps(draw)
    def draw_in_style(*args, **kwargs):
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return draw_in_style


def canvas(on=None, height=3.2, width=WIDTH):
    """The axes to draw on: a new figure's (inches), or those of a figure or axes given as ``on``.

    The figure is not registered with pyplot: a cell shows it once, as its last expression, and keeps nothing.
    """
    if on is None:
        return Figure(figsize=(width, height)).subplots()
    if isinstance(on, Axes):
        return on
    if isinstance(on, Figure):
        return on.axes[0]
    raise TypeError(f"on should be a Figure or Axes, but is {on!r}")


@styled
def panels(rows, columns, height=3.2, **sharing):
    """A figure with rows x columns of axes, for charts side by side: returns (figure, axes)."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(rows, columns, **sharing)
