"""The matrix memory that the reader moves: a keyboard reaches every slider."""

import pytest
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]


def test_its_sliders_start_where_the_chapter_does_and_a_keyboard_moves_them(figure):
    page = figure("matrix-memory")
    sliders, says = page.locator("input[type=range]"), page.locator(".animation-says")
    assert sliders.count() == 4 and "error is 0.50 with the sum only" in says.inner_text()
    for n in range(4):
        before = says.inner_text()
        page.keyboard.press("Tab")
        assert sliders.nth(n).evaluate("e => e === document.activeElement")
        assert sliders.nth(n).evaluate("e => e.labels[0].textContent.trim().length > 0")
        page.keyboard.press("ArrowLeft" if n < 3 else "ArrowRight")
        assert says.inner_text() != before
