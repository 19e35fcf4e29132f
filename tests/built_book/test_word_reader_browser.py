"""The network that reads a reader's word, in a browser: typed words, the keyboard, a phone, less motion, the dark."""

import pytest
from conftest import THEMES
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]


def column(page, number):
    """The numbers of one letter's column, as they are shown."""
    return page.locator(f".word-reader-grid tbody tr td:nth-child({number + 1})").all_inner_texts()


def test_it_reads_onion_first_and_then_what_is_typed(figure):
    page = figure("word-reader")
    assert column(page, 5) == ["0", "1", "0", "1", "1", "2"]
    assert "h2 = relu(1 + 1 − 1) = 1" in page.locator(".animation-says").inner_text()
    page.locator("input[name=word]").fill("Bananas")
    page.locator("input[name=pair]").fill("an")
    assert column(page, 7)[-1] == "2"
    page.locator("input[name=pair]").fill("a")
    assert page.locator(".animation-says").inner_text() == "Type two letters to count."
    page.locator("input[name=word]").fill("")
    assert page.locator(".animation-says").inner_text() == "Type a word."
    page.get_by_role("button", name="Another").click()
    assert page.locator("input[name=word]").input_value() == "no, not on a moon" and column(page, 17)[-1] == "2"


def test_a_keyboard_reaches_everything_and_takes_single_steps(figure):
    page = figure("word-reader")
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.innerText.slice(0, 7)"))
    assert reached[:3] == ["word", "pair", "Another"] and reached[4] == "Play"
    slider = page.locator("input[type=range]")
    assert slider.evaluate("e => e === document.activeElement")
    page.keyboard.press("Home")
    assert column(page, 1) == [""] * 6 and "5 letters to read" in page.locator(".animation-says").inner_text()
    page.keyboard.press("ArrowRight")
    assert column(page, 1) == ["1", "0", "1", "0", "0", "0"] and column(page, 2) == [""] * 6
    assert page.locator("input").evaluate_all("all => all.every(e => e.labels[0].textContent.trim().length > 0)")


def test_play_reads_letter_by_letter_and_less_motion_has_a_step_in_its_place(figure):
    page = figure("word-reader", reduced_motion="reduce")
    page.clock.install(time=0)
    page.clock.pause_at(1)  # time passes where run_for says so, and nowhere else
    button = page.locator(".animation-controls button").last
    button.click()
    assert page.locator("input[type=range]").input_value() == "1"
    button.click()
    page.clock.run_for(60_000)
    assert page.locator("input[type=range]").input_value() == "2"  # nothing moves by itself
    page.emulate_media(reduced_motion="no-preference")
    page.locator(".animation-controls button", has_text="Play").wait_for()  # the page hears of it a moment later
    button.click()
    page.clock.run_for(2_000)  # it takes a step at once, and one every 0.9 s
    assert page.locator("input[type=range]").input_value() == "5" and button.inner_text() == "Play"


@pytest.mark.parametrize("theme", THEMES)
def test_a_phone_does_not_scroll_sideways_and_the_colours_change_with_the_theme(figure, theme):
    page = figure("word-reader", theme, width=390)
    page.locator("input[name=word]").fill("an onion on no moon, one")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    paint = page.locator(".word-reader-grid td").last.evaluate("e => getComputedStyle(e).backgroundColor")
    assert paint not in ("rgba(0, 0, 0, 0)", "transparent")
    shades = {"light": "6B6800", "dark": "C9C544"}
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--rnnbook-W_hy').trim()") == (
        f"#{shades[theme]}"
    )


def test_on_paper_it_is_not_there(figure):
    page = figure("word-reader")
    page.emulate_media(media="print")
    assert not page.locator(".animation").is_visible()
