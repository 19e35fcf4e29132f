"""The figure that shows what a prediction depends on: keyboard, pointer, typed text, narrow pages."""

import pytest
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]


@pytest.fixture
def page(figure):
    return figure("connectivity", width=390, also=["connectivity-weights"])


def test_a_keyboard_reaches_the_field_and_the_slider_which_moves_the_prediction(page):
    page.keyboard.press("Tab")
    assert page.locator("input[type=text]").evaluate("e => e === document.activeElement")
    page.keyboard.press("Tab")
    slider, says = page.locator("input[type=range]"), page.locator(".connectivity-result")
    assert slider.evaluate("e => e === document.activeElement && e.labels[0].textContent.trim().length > 0")
    before = says.inner_text()
    page.keyboard.press("ArrowLeft")
    assert says.inner_text() != before
    assert page.locator(".predicted").count() == 3
    assert slider.get_attribute("aria-valuetext").endswith(": n")  # saying: the last but one


def test_the_pointer_chooses_a_character_and_nothing_after_it_is_coloured(page):
    row = page.locator(".connectivity-row").first.locator("span")
    row.nth(8).hover()
    page.locator(".connectivity-row").first.locator("span:nth-of-type(9).predicted").wait_for()
    weights = row.evaluate_all("all => all.map(e => Number(e.style.getPropertyValue('--weight')))")
    assert max(weights[:8]) == 1 and not any(weights[8:])
    assert row.nth(8).get_attribute("class") == "predicted"


def test_typed_text_is_read_and_a_strange_character_is_named(page):
    field, says = page.locator("input[type=text]"), page.locator(".connectivity-result")
    field.fill("heaven")
    assert page.locator(".connectivity-row").count() == 3
    assert says.inner_text().startswith("Probability of “n”")
    field.fill("heav€n")
    assert says.inner_text() == "These networks never saw €." and page.locator(".connectivity-row").count() == 0
    field.fill("h")
    assert says.inner_text().startswith("Type two characters")


def test_it_fits_a_narrow_page(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
