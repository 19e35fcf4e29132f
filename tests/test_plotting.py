"""Figures are exact drawings of their arguments, readable, shown once, and the same bytes on every run."""
import base64
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from rnnbook import plotting

ROOT = Path(__file__).parents[1]


def gids(figure, start=""):
    """The names of the shapes in a drawing that begin with ``start``, with repetitions."""
    names = [artist.get_gid() for artist in figure.findobj(lambda a: a.get_gid())]
    return sorted(name for name in names if name.startswith(start))


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")) if text.get_text()]


def contrast_on_white(colour):
    """Contrast as WCAG 2.2 defines it, from the relative luminance."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


@pytest.mark.parametrize("name", plotting.COLOURS)
def test_every_letter_can_be_read_on_white(name):
    assert contrast_on_white(plotting.COLOURS[name]) >= 4.5


def test_no_two_letters_share_a_colour():
    assert len(set(plotting.COLOURS.values())) == len(plotting.COLOURS)


def test_the_gates_have_the_colours_of_the_equations():
    gates = {"i": "#00785A", "f": "#C24A00", "g": "#946200", "o": "#0067A8", "r": "#A8457F", "z": "#007A8A",
             "n": "#7A4B2A", "h": "#333333", "c": "#6A3D9A", "x": "#6B6B6B", "gradient": "#B0003A"}
    assert gates.items() <= plotting.COLOURS.items()


@pytest.mark.parametrize("T", [1, 2, 5, 9])
def test_unrolling_draws_T_copies_with_the_three_arrows_of_each(T):
    figure = plotting.unrolled_network(T)
    steps = sorted(str(t) for t in range(1, T + 1))
    for part in ("copy", "input", "output", "arrow-ih", "arrow-hh", "arrow-hy"):
        drawn = [name.removeprefix(f"{part}-") for name in gids(figure, f"{part}-")]
        assert sorted(step for step in drawn if step != "t") == steps, part
    assert gids(figure, "initial-state") and gids(figure, "loop") and gids(figure, "folded")
    names = {f"${letter}_{{{step}}}$" for letter in "hxy" for step in [*steps, "t"]} | {"$h_{0}$"}
    assert names <= set(texts(figure))
    assert [texts(figure).count(f"$W_{{{name}}}$") for name in ("ih", "hh", "hy")] == [T + 1] * 3


def colour_of(figure, gid):
    (patch,) = figure.findobj(lambda a: a.get_gid() == gid)
    return tuple(patch.get_edgecolor()[:3])


def test_copies_share_the_colour_of_their_weights():
    figure = plotting.unrolled_network(4)
    for kind in ("ih", "hh", "hy"):
        assert {colour_of(figure, name) for name in gids(figure, f"arrow-{kind}-")} == {
            to_rgb(plotting.COLOURS[f"W_{kind}"])}
    assert colour_of(figure, "loop") == to_rgb(plotting.COLOURS["W_hh"])


def test_parts_that_are_not_asked_for_are_not_drawn():
    figure = plotting.unrolled_network(4, inputs=[1], outputs=[3, 4], initial_state=False, folded=False)
    assert gids(figure, "input-") == ["input-1"] and gids(figure, "output-") == ["output-3", "output-4"]
    assert gids(figure, "arrow-hh-") == ["arrow-hh-2", "arrow-hh-3", "arrow-hh-4"]
    assert not gids(figure, "initial") and not gids(figure, "folded") and not gids(figure, "loop")


def test_highlight_greys_exactly_the_future():
    figure = plotting.unrolled_network(4, highlight=2)
    full = [t for t in range(1, 5) if colour_of(figure, f"copy-{t}") == to_rgb(plotting.COLOURS["h"])]
    assert full == [1, 2]
    assert colour_of(figure, "arrow-hh-2") != colour_of(figure, "arrow-hh-3")


def test_arrows_end_at_the_shapes_they_join():
    figure = plotting.unrolled_network(3)
    box = {t: figure.findobj(lambda a, t=t: a.get_gid() == f"copy-{t}")[0].get_bbox() for t in (1, 2, 3)}
    for t in (2, 3):
        (arrow,) = figure.findobj(lambda a, t=t: a.get_gid() == f"arrow-hh-{t}")
        (x0, y0), (x1, y1) = arrow._path_original.vertices
        assert x0 == pytest.approx(box[t - 1].x1) and x1 == pytest.approx(box[t].x0)
        assert y0 == y1 == pytest.approx((box[t].y0 + box[t].y1) / 2)


@pytest.mark.parametrize("arguments, error, sentence", [
    ({"T": 0}, ValueError, "T should be at least 1, but is 0"),
    ({"T": 2.5}, TypeError, "T should be a whole number, but is 2.5"),
    ({"T": 3, "inputs": [0, 1]}, ValueError, r"inputs should be steps from 1 to 3, but has \[0\]"),
    ({"T": 3, "outputs": [4]}, ValueError, r"outputs should be steps from 1 to 3, but has \[4\]"),
    ({"T": 3, "highlight": 4}, ValueError, "highlight should be a step from 1 to 3, but is 4"),
])
def test_a_network_that_cannot_be_drawn_is_refused(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        plotting.unrolled_network(**arguments)


# Every figure of the package, with arguments that show it: what follows holds for each of them.
FIGURES = {
    "unrolled_network": lambda: plotting.unrolled_network(4),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_on_every_run(name):
    first, second = plotting.palette_png(FIGURES[name]()), plotting.palette_png(FIGURES[name]())
    assert first == second


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_small_palette_png_at_two_dots_per_pixel(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    png, shown = plotting.palette_png(figure)
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P" and len(image.getcolors()) <= 128 and len(png) < 60_000
    assert (shown["width"], shown["height"]) == (image.width // 2, image.height // 2)
    assert shown["width"] == pytest.approx(100 * figure.get_figwidth(), abs=1)
    assert not {"Software", "date"} & set(image.info)


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_smaller_than_nine_points(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    for text in figure.findobj(lambda a: hasattr(a, "get_fontsize") and a.get_text() and a.get_visible()):
        assert text.get_fontsize() >= 9, text.get_text()


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off_at_the_edge(name):
    """The outermost ring of pixels is white: no shape and no letter reaches it."""
    image = np.asarray(Image.open(io.BytesIO(plotting.palette_png(FIGURES[name]())[0])).convert("RGB"))
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 255).all()


def run(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_set_style_is_safe_without_a_notebook():
    assert run("from rnnbook import plotting; plotting.set_style(); "
               "import matplotlib; print(matplotlib.rcParams['lines.linewidth'])") == "1.8\n"


def test_a_cell_shows_a_figure_once_in_double_density():
    """A real kernel runs a cell that ends in a figure, and one that draws with pyplot: one picture each."""
    import nbformat
    from nbclient import NotebookClient
    cells = ["from rnnbook import plotting\nplotting.set_style()",
             "plotting.unrolled_network(3)",
             "figure = plotting.unrolled_network(3)",
             "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert [len(output) for output in outputs] == [0, 1, 0, 1]
    for output in (outputs[1][0], outputs[3][0]):
        image = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
        assert image.mode == "P"
        assert output["metadata"]["image/png"]["width"] == image.width // 2
