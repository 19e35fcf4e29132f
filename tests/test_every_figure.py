"""What every figure of the book is held to, whatever it shows: each is drawn here, and read for all of it.

Nothing here can change as long as ``test_drawings`` finds in a figure all that it found when somebody approved it. So a
figure approved anew is drawn, and one of sixteen others (``searches``).
"""

import functools
import inspect
import io
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import searches
import test_drawings
from matplotlib.figure import Figure
from PIL import Image
from test_drawings import FIGURES

from rnnbook.lessons import figures

OF_EACH_KIND = ["lstm_cell", "line_chart", "confusion_matrix", "scan_rounds"]  # shapes, curves, an image, a wide one
APPROVED = json.loads(test_drawings.APPROVED.read_text())
FILES = inspect.getfile(figures.palette_png), inspect.getfile(figures.set_style), __file__, test_drawings.__file__
COMMON = searches.digest(*(Path(file) for file in FILES))
DIGESTS = {name: searches.digest(COMMON, APPROVED.get(name, "")) for name in FIGURES}
CHOICE = searches.choose("figures drawn to the last pixel", FIGURES, DIGESTS)


def each_figure():
    """Those that are chosen; in ``make check`` those of each kind."""
    names = dict.fromkeys([*OF_EACH_KIND, *CHOICE.items])
    params = [pytest.param(name, marks=[] if name in OF_EACH_KIND else [pytest.mark.slow]) for name in names]
    return pytest.mark.parametrize("name", params)


@pytest.mark.slow
def test_the_chosen_figures_are_drawn(request):
    CHOICE.tell(request.node)
    for name in CHOICE.items:
        drawn(name)


@functools.cache
def drawn(name):
    """A figure, and what ``palette_png`` gives of it."""
    figure = FIGURES[name]()
    return figure, *figures.palette_png(figure)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_EACH_KIND)  # of all figures, test_drawings compares what is drawn, also under these
def test_a_figure_is_the_same_bytes_on_every_run_whatever_the_settings_are(name):
    with mpl.rc_context({"font.size": 23, "axes.grid": False, "figure.figsize": (2, 2)}):
        assert figures.palette_png(FIGURES[name]()) == drawn(name)[1:]
