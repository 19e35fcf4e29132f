"""The Hopfield network that settles, in a browser: pointer, keyboard, calm readers, phone and dark page."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import THEMES
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]


def ink(page):
    return page.locator(".hopfield-grid button").evaluate_all("all => all.map(b => b.getAttribute('aria-pressed'))")


def says(page):
    return page.locator(".animation-says").inner_text()


def test_play_lets_the_energy_fall_until_the_stored_digit_is_back(figure):
    page = figure("hopfield-descent")
    start = ink(page)
    page.get_by_role("button", name="Restore").click()
    digit = ink(page)
    assert sum(a != b for a, b in zip(start, digit, strict=True)) == 12
    page.get_by_role("button", name="Spoil 12").click()
    assert ink(page) not in (start, digit)
    page.get_by_role("button", name="Play").click()
    page.get_by_text("At rest").wait_for()
    assert "It is the digit 2." in says(page) and ink(page) == digit
    assert page.get_by_role("button", name="Play").is_visible()
    heights = page.locator(".hopfield-stage path").evaluate(
        "p => p.getAttribute('d').match(/V[-.0-9]+/g).map(v => Number(v.slice(1)))"
    )
    assert heights == sorted(heights) and len(set(heights)) > 5  # an energy that falls is drawn lower, further down
    assert page.locator(".hopfield-stage circle").count() == 0


def test_a_pixel_turns_by_pointer_and_by_keyboard_and_the_energy_answers(figure):
    page = figure("hopfield-descent")
    page.get_by_role("button", name="Restore").click()
    pixels = page.locator(".hopfield-grid button")
    before = ink(page)
    pixels.nth(10).click()
    assert "row 2, column 3" in says(page) and "rises by" in says(page)
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert "row 3, column 4" in says(page)
    page.keyboard.press("Space")  # and back
    changed = [i for i, (a, b) in enumerate(zip(before, ink(page), strict=True)) if a != b]
    assert changed == [10] and page.locator(".hopfield-stage circle").count() == 3
    pixels.nth(0).focus()
    for key in ("ArrowUp", "ArrowLeft"):  # the edge holds
        page.keyboard.press(key)
        assert pixels.nth(0).evaluate("e => e === document.activeElement")
    assert page.locator(".hopfield-grid button[tabindex='0']").count() == 1
    page.keyboard.press("Tab")  # one stop for the whole grid
    assert page.evaluate("document.activeElement.textContent") == "Play"


def test_hebbian_storage_of_ten_digits_settles_in_none_of_them(figure):
    page = figure("hopfield-descent")
    page.get_by_label("Rule").select_option("hebbian")
    for _ in range(20):
        if "At rest" in says(page):
            break
        page.get_by_role("button", name="One sweep").click()
    assert "It is no stored digit" in says(page)
    page.get_by_label("Stored").select_option("2")
    assert page.get_by_label("Digit").input_value() == "0"  # the digit 2 is not stored any more
    assert page.locator("option:disabled").count() == 8


def test_who_asks_for_less_motion_steps_by_hand(figure):
    page = figure("hopfield-descent", reduced_motion="reduce")
    assert page.get_by_role("button", name="Play").count() == 0
    first = says(page)
    page.get_by_role("button", name="One visit").click()
    assert re.match(r"The unit in row \d, column \d has the field", says(page)) and says(page) != first


@pytest.mark.parametrize("theme", THEMES)
def test_it_fits_a_phone_and_axe_finds_nothing(figure, theme):
    page = figure("hopfield-descent", theme, width=390)
    page.get_by_role("button", name="One visit").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator(".hopfield-stage svg").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] > 150
    options = {"resultTypes": ["violations"], "preload": False}
    assert Axe().run(page, context={"include": [".animation"]}, options=options).response["violations"] == []


def test_paper_shows_the_still_instead(figure):
    page = figure("hopfield-descent")
    page.emulate_media(media="print")
    assert not page.locator(".animation").is_visible()
