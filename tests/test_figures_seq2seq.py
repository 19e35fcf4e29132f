"""The figures of one sequence to another show the weights and the spans that they were given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rnnbook.lessons import figures
from rnnbook.lessons.figures.sheet import tint

LINE, ANSWER = "3 may", "05-03"
WEIGHTS = np.random.default_rng(0).dirichlet(np.ones(5) / 3, 5)
SPANS = [(2, 5), (2, 5), (0, 0), (0, 1), (0, 1)]
FIGURES = {
    "two_decoders": figures.two_decoders,
    "attention_map": lambda: figures.attention_map(LINE, ANSWER, WEIGHTS, SPANS),
}


def found(figure, start):
    artists = {artist.get_gid(): artist for artist in figure.findobj(lambda a: a.get_gid())}
    return {name.removeprefix(start): artist for name, artist in artists.items() if name.startswith(start)}


def test_one_state_goes_from_encoder_to_decoder_and_attention_adds_its_arrows():
    figure = figures.two_decoders("ab c", "xy", {0: [(1, 0.5)], 1: [(0, 0.9), (3, 0.2)]})
    assert found(figure, "0-encoder-").keys() == found(figure, "1-encoder-").keys() == set("0123")
    assert found(figure, "0-decoder-").keys() == set("01")
    looks = found(figure, "look-")
    assert looks.keys() == {"0-1", "1-0", "1-3"}
    np.testing.assert_allclose(to_rgb(looks["1-0"].get_edgecolor()), tint("o", 0.9))
    words = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert words.count("␣") == 2 and words.count("all of it") == 1


def test_a_map_shows_each_weight_at_its_letter_and_frames_what_is_true():
    figure = FIGURES["attention_map"]()
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), WEIGHTS)
    assert axes.images[0].get_clim() == (0, 1)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3", "␣", "m", "a", "y"]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(ANSWER)
    frames = {int(row): frame.get_bbox().bounds for row, frame in found(figure, "span-").items()}
    assert frames == {row: (a - 0.5, row - 0.5, b - a, 1) for row, (a, b) in enumerate(SPANS) if b > a}
    assert not found(figures.attention_map(LINE, ANSWER, WEIGHTS), "span-")
    with pytest.raises(ValueError, match=r"weights should have shape \(5, 5\), but has shape \(4, 5\)"):
        figures.attention_map(LINE, ANSWER, WEIGHTS[:4])
