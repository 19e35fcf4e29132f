"""The figures of spelling and sound show the shares, moves and sequences that they were given."""

import numpy as np
import pytest

from rnnbook.lessons import figures

SHARES = {
    "EM": (("K", "AE", "T"), np.eye(3)),
    "attention": (("K", "AA"), [[0.5, 0.5, 0], [0, 0.25, 0.75]]),
}
SHARE = np.array([[0.4, 0.6, 0, 0, 0], [0, 0.3, 0.2, 0.5, 0], [0, 0, 0, 0.7, 0.3]])
SYMBOLS = ["", "A", "", "B", ""]
ROUNDS = [
    [{"written": ["K"], "p": 0.6, "kept": True}, {"written": ["S"], "p": 0.3, "kept": True},
     {"written": ["T"], "p": 0.05, "kept": False}],
    [{"written": ["K", "end"], "p": 0.28, "kept": False}, {"written": ["S", "AE"], "p": 0.29, "kept": True},
     {"written": ["K", "AA"], "p": 0.31, "kept": True}],
]  # fmt: skip
FIGURES = {
    "spelling_alignments": lambda: figures.spelling_alignments("cat", SHARES),
    "ctc_lattice": lambda: figures.ctc_lattice(SYMBOLS, SHARE, 2 * SHARE),
    "beam_tree": lambda: figures.beam_tree(ROUNDS),
}


def names(figure, start):
    found = {artist.get_gid() for artist in figure.findobj(lambda a: a.get_gid())}
    return {name.removeprefix(start) for name in found if name.startswith(start)}


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_each_panel_has_its_shares_letters_and_phonemes():
    figure = FIGURES["spelling_alignments"]()
    for axes, (title, (sounds, values)) in zip(figure.axes, SHARES.items(), strict=True):
        assert axes.get_title() == title
        np.testing.assert_array_equal(axes.images[0].get_array(), values)
        assert [label.get_text() for label in axes.get_xticklabels()] == ["c", "a", "t"]
        assert [label.get_text() for label in axes.get_yticklabels()] == list(sounds)
        assert axes.images[0].get_clim() == (0, 1)
    with pytest.raises(ValueError, match=r"shares\['EM'\] should have shape \(3, 4\)"):
        figures.spelling_alignments("cats", SHARES)


def test_the_lattice_has_the_states_with_a_share_and_the_moves_that_are_allowed():
    figure = FIGURES["ctc_lattice"]()
    assert names(figure, "state-") == {"0-0", "0-1", "1-1", "1-2", "1-3", "2-3", "2-4"}
    assert names(figure, "move-") == {"0-0-1", "0-1-1", "0-1-2", "0-1-3", "1-1-3", "1-2-3", "1-3-3", "1-3-4"}
    assert {"A", "B", "blank", "t = 1", "t = 3", ".800", "1.400"} <= set(words(figure))


def test_no_move_skips_the_blank_between_equal_symbols():
    assert "0-1-3" not in names(figures.ctc_lattice(["", "A", "", "A", ""], SHARE), "move-")
    with pytest.raises(ValueError, match=r"share should have shape \(T, 3\)"):
        figures.ctc_lattice(["", "A", ""], SHARE)


def test_the_tree_keeps_what_the_beam_keeps_and_joins_it_to_what_it_continues():
    figure = FIGURES["beam_tree"]()
    assert names(figure, "keep-") == {"0-0", "0-1", "1-0", "1-2"} and names(figure, "drop-") == {"0-2", "1-1"}
    written = words(figure)
    assert written == ["start", "round 1", "K .600", "S .300", "T .050", "round 2", "AA .310", "end .280", "AE .290"]
    assert [text.get_fontweight() for text in figure.axes[0].texts if text.get_text() == "end .280"] == ["normal"]
