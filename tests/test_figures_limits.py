"""The figure of the seven claims shows its numbers, each row on its own scale."""

import pytest

from rnnbook.lessons import figures

ROWS = {
    "error": {"network": (8.0, "8.0"), "rival": (10.0, "10.0"), "naive": (5.0, "5.0")},
    "size": {"network": (3, "3"), "rival": (12, "12")},
}
FIGURES = {"seven_claims": lambda: figures.seven_claims(ROWS)}


def test_a_bar_is_its_share_of_the_longest_of_its_row():
    axes = FIGURES["seven_claims"]().axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.8, 1, 0.5, 0.25, 1])
    places = [bar.get_y() for bar in axes.patches]
    assert places == sorted(places) and places[3] - places[2] > places[2] - places[1]


def test_every_number_and_every_claim_is_written():
    texts = {text.get_text() for text in FIGURES["seven_claims"]().axes[0].texts}
    assert {"error", "size", "8.0  network", "10.0  rival", "3  network", "12  rival"} <= texts
