"""The stepper of backpropagation through time in a browser: keyboard, one quantity a press, phone and dark page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import THEMES
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]


def filled(page):
    return page.locator(".bptt-steps-box td div").count()


def test_each_press_shows_one_quantity_more_and_the_keyboard_is_enough(figure):
    page = figure("bptt-steps")
    says, place = page.locator(".animation-says"), page.locator("input[type=range]").first
    last = int(place.get_attribute("max"))
    page.get_by_role("button", name="Next").focus()
    said, shown = [says.inner_text()], [filled(page)]
    for _ in range(last):
        page.keyboard.press("Enter")
        said.append(says.inner_text())
        shown.append(filled(page))
    assert len(set(said)) == last + 1 and place.input_value() == str(last)
    assert shown == sorted(shown) and shown[0] == 5 and shown[-1] == 3 + 6 + 8 + 3 + 6 + 8 + 6 + 6
    page.keyboard.press("Enter")  # past the end nothing happens
    assert says.inner_text() == said[-1]
    page.get_by_role("button", name="Previous").focus()
    page.keyboard.press("Enter")
    assert says.inner_text() == said[-2]
    place.focus()
    page.keyboard.press("Home")
    assert says.inner_text() == said[0]


def test_a_weaker_recurrence_sends_less_back(figure):
    page = figure("bptt-steps")
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("End")
    first = page.locator(".animation-says").inner_text()
    slider = page.locator("input[type=range]").nth(1)
    slider.focus()
    page.keyboard.press("Home")
    assert "It is 0.000, 0.000." in page.locator(".animation-says").inner_text() != first


@pytest.mark.parametrize("theme", THEMES)
def test_it_fits_a_phone_and_axe_finds_nothing(figure, theme):
    page = figure("bptt-steps", theme, width=390)
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("End")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    options = {"resultTypes": ["violations"], "preload": False}
    assert Axe().run(page, context={"include": [".animation"]}, options=options).response["violations"] == []
