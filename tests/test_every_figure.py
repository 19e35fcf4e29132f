"""What every figure of the book is held to, whatever it shows: each is drawn here, and read for all of it."""

import functools
import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from test_drawings import FIGURES

from rnnbook.lessons import figures

OF_EACH_KIND = ["lstm_cell", "line_chart", "confusion_matrix", "scan_rounds"]  # shapes, curves, an image, a wide one


def each_figure():
    """Those of each kind in ``make check``, where a figure that changes does not look as it was approved any more."""
    names = [pytest.param(name, marks=[] if name in OF_EACH_KIND else [pytest.mark.slow]) for name in FIGURES]
    return pytest.mark.parametrize("name", names)


@functools.cache
def drawn(name):
    """A figure, and what ``palette_png`` gives of it."""
    figure = FIGURES[name]()
    return figure, *figures.palette_png(figure)


@each_figure()
def test_nothing_is_cut_off_at_the_edge(name):
    """The outermost ring of pixels is white: no shape and no letter reaches it."""
    pixels = np.asarray(Image.open(io.BytesIO(drawn(name)[1])).convert("RGB"))
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()


@each_figure()
def test_no_text_is_smaller_than_nine_points(name):
    """What is smaller cannot be read on a phone."""
    for text in drawn(name)[0].findobj(lambda a: hasattr(a, "get_fontsize") and a.get_text() and a.get_visible()):
        assert text.get_fontsize() >= 9, text.get_text()


@each_figure()
def test_a_figure_is_a_small_palette_png_at_two_dots_per_pixel(name):
    figure, png, shown = drawn(name)
    assert isinstance(figure, Figure)
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P" and len(image.getcolors()) <= 128 and len(png) < 90_000
    assert (shown["width"], shown["height"]) == (image.width // 2, image.height // 2)
    assert shown["width"] == pytest.approx(100 * figure.get_figwidth(), abs=1)
    assert not {"Software", "date"} & set(image.info)


@pytest.mark.parametrize("name", OF_EACH_KIND)  # of all figures, test_drawings compares what is drawn, also under these
def test_a_figure_is_the_same_bytes_on_every_run_whatever_the_settings_are(name):
    with mpl.rc_context({"font.size": 23, "axes.grid": False, "figure.figsize": (2, 2)}):
        assert figures.palette_png(FIGURES[name]()) == drawn(name)[1:]
