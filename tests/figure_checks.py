"""What every figure of the book is held to; `draw` is a function that draws one."""

import io

import numpy as np
import pytest
from PIL import Image

from rnnbook.lessons import figures


def same_small_palette_png(draw, within=1):
    """Two runs give the same bytes; 700 pixels wide on the page; nothing is cut off at the upper and lower edge."""
    png, shown = figures.palette_png(draw())
    assert (png, shown) == figures.palette_png(draw())
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P" and len(png) < 90_000 and shown["width"] == pytest.approx(700, abs=within)
    for edge in np.asarray(image.convert("RGB"))[[0, -1]]:
        assert (edge == 255).all()


def no_text_below_nine_points(draw):
    """What is smaller cannot be read on a phone."""
    figure = draw()
    figure.draw_without_rendering()
    for text in figure.findobj(lambda a: hasattr(a, "get_fontsize") and a.get_text() and a.get_visible()):
        assert text.get_fontsize() >= 9, text.get_text()
