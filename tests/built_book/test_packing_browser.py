"""Packing in a browser: a step a press, playing and pausing, the keyboard, less motion, phone, paper, dark page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import THEMES
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]
BLOCK = ".animation-packing"


def packed(page):
    """The packed rows as the page shows them, a list for each step."""
    return [group.split() for group in page.locator(".packing-rows li:has(span)").all_inner_texts()]


def test_each_press_packs_one_step_and_the_keyboard_is_enough(figure):
    page = figure("packing")
    says = page.locator(".animation-says")
    assert "15 real steps and 9 of padding" in says.inner_text() and packed(page) == []
    assert page.locator("tbody th").all_inner_texts() == ["a", "b", "c", "d", "size"]
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    assert page.locator("tbody th").all_inner_texts() == ["b", "d", "a", "c", "size"]
    for t in range(1, 7):
        page.keyboard.press("Enter")
        assert len(packed(page)) == t
    whole = [["b1", "d1", "a1", "c1"], ["b2", "d2", "a2", "c2"], ["b3", "d3", "a3"], ["b4", "d4"], ["b5"], ["b6"]]
    assert packed(page) == whole and "b ends here" in says.inner_text()
    assert page.locator(".packing-size").all_inner_texts() == ["4", "4", "3", "2", "1", "1"]
    page.keyboard.press("Enter")  # past the end nothing happens
    assert packed(page) == whole
    page.get_by_role("button", name="Previous").focus()
    page.keyboard.press("Enter")
    assert packed(page) == whole[:-1]


def test_another_length_packs_another_batch(figure):
    page = figure("packing")
    page.locator("input[type=range]").nth(1).focus()  # the length of a
    page.keyboard.press("End")
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("End")
    assert len(packed(page)) == 8 and packed(page)[-1] == ["a8"]
    assert "20 of 20 rows" in page.locator(".packing-title").inner_text()


def test_it_plays_to_the_end_pauses_and_moves_only_when_asked(figure):
    page = figure("packing")
    page.clock.install(time=0)
    page.clock.pause_at(1)  # time passes where run_for says so, and nowhere else
    page.clock.run_for(10_000)
    assert packed(page) == []
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(4_000)
    some = packed(page)
    assert 0 < len(some) < 6
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(10_000)
    assert packed(page) == some
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(20_000)
    assert len(packed(page)) == 6 and page.get_by_role("button", name="Play").is_visible()


def test_who_asks_for_less_motion_steps_by_hand_and_paper_has_the_still(figure):
    page = figure("packing", reduced_motion="reduce")
    assert not page.get_by_role("button", name="Play").is_visible()
    page.get_by_role("button", name="Next").click()
    assert page.locator("tbody th").first.inner_text() == "b"
    page.emulate_media(media="print")
    assert not page.locator(BLOCK).is_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_it_fits_a_phone_and_axe_finds_nothing(figure, theme):
    page = figure("packing", theme, width=390)
    page.locator("input[type=range]").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert len(packed(page)) == 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    options = {"resultTypes": ["violations"], "preload": False}
    assert Axe().run(page, context={"include": [BLOCK]}, options=options).response["violations"] == []
