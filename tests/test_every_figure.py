"""What every figure of the book is held to, whatever it shows: each is drawn once here, and read for all of it."""

import functools
import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from test_drawings import FIGURES

from rnnbook.lessons import figures
from rnnbook.lessons.figures.style import RC

OF_EACH_KIND = ["lstm_cell", "line_chart", "confusion_matrix", "scan_rounds"]  # shapes, curves, an image, a wide one
TOO_SMALL = pytest.mark.xfail(reason="the symbols below the carry are set in 8 points", raises=AssertionError)


def each_figure(*marked):
    """Those of each kind in ``make check``, where a figure that changes does not look as it was approved any more."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(
                name,
                marks=[
                    *([] if name in OF_EACH_KIND else [pytest.mark.slow]),
                    *(mark for n, mark in marked if n == name),
                ],
            )
            for name in FIGURES
        ],
    )


@functools.cache
def drawn(name):
    """A figure, and its pixels at one dot per pixel of the page."""
    figure = FIGURES[name]()
    canvas = FigureCanvasAgg(figure)
    with mpl.rc_context(RC):
        canvas.draw()
    return figure, np.asarray(canvas.buffer_rgba())[:, :, :3]


@each_figure()
def test_nothing_is_cut_off_at_the_edge(name):
    """The outermost ring of pixels is white: no shape and no letter reaches it."""
    figure, pixels = drawn(name)
    assert isinstance(figure, Figure)
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()


@each_figure(("carry_ramp", TOO_SMALL))
def test_no_text_is_smaller_than_nine_points(name):
    """What is smaller cannot be read on a phone."""
    figure, _ = drawn(name)
    for text in figure.findobj(lambda a: hasattr(a, "get_fontsize") and a.get_text() and a.get_visible()):
        assert text.get_fontsize() >= 9, text.get_text()


@each_figure()
def test_a_figure_is_a_small_palette_png_with_the_same_bytes_on_every_run_whatever_the_settings_are(name):
    figure = FIGURES[name]()
    png, shown = figures.palette_png(figure)
    with mpl.rc_context({"font.size": 23, "axes.grid": False, "figure.figsize": (2, 2)}):
        assert figures.palette_png(FIGURES[name]()) == (png, shown)
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P" and len(image.getcolors()) <= 128 and len(png) < 90_000
    assert (shown["width"], shown["height"]) == (image.width // 2, image.height // 2)
    assert shown["width"] == pytest.approx(100 * figure.get_figwidth(), abs=1)
    assert not {"Software", "date"} & set(image.info)
    pixels = np.asarray(image.convert("RGB"))
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()
