"""The player of the animations in a real browser: nothing moves unasked, and everything can be reached by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.site

CHAPTERS = {"lstm": "carry", "bptt": "backwards"}


def opened(served, chromium, chapter, **options):
    """A page that shows the chapter in a context of its own, and the list of its errors."""
    page = chromium.new_context(**options).new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{served.url}book/{chapter}.html")
    return page, errors


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("width, theme", [(1280, "light"), (390, "light"), (390, "dark")])
def test_the_slider_shows_every_frame_and_axe_finds_nothing(served, chromium, chapter, width, theme):
    page, errors = opened(served, chromium, chapter, viewport={"width": width, "height": 800}, color_scheme=theme)
    slider = page.locator(".animation input")
    slider.focus()
    said = {page.locator(".animation-says").inner_text()}
    for _ in range(int(slider.get_attribute("max"))):
        page.keyboard.press("ArrowRight")
        said.add(page.locator(".animation-says").inner_text())
    assert slider.input_value() == slider.get_attribute("max")
    assert len(said) == int(slider.get_attribute("max")) + 1  # each frame says a sentence of its own
    box = page.locator(".animation svg").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    found = Axe().run(
        page, context={"include": [".animation"]}, options={"resultTypes": ["violations"], "preload": False}
    )
    assert found.response["violations"] == [] and errors == []
    page.context.close()


def test_nothing_moves_until_play_is_pressed_and_pause_stops_it(served, chromium):
    page, errors = opened(served, chromium, "lstm", reduced_motion="no-preference")
    button, slider = page.locator(".animation button"), page.locator(".animation input")
    button.wait_for()
    page.wait_for_timeout(2500)
    assert (button.inner_text(), slider.input_value()) == ("Play", "0")
    button.focus()
    page.keyboard.press("Enter")
    assert button.inner_text() == "Pause"
    page.wait_for_function("document.querySelector('.animation input').value === '1'")
    page.keyboard.press("Enter")
    stopped = slider.input_value()
    page.wait_for_timeout(2500)
    assert (button.inner_text(), slider.input_value()) == ("Play", stopped)
    assert errors == []
    page.context.close()


def test_who_asks_for_less_motion_gets_the_slider_alone(served, chromium):
    page, _ = opened(served, chromium, "lstm", reduced_motion="reduce")
    page.locator(".animation input").wait_for()
    assert not page.locator(".animation button").is_visible()
    page.context.close()


def test_without_scripts_and_on_paper_the_still_figure_remains(served, chromium):
    page, _ = opened(served, chromium, "lstm", java_script_enabled=False)
    assert "as an animation" in page.locator(".animation").inner_text()
    assert page.locator("#fig-lstm-held img").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".animation").is_visible()
    assert page.locator("#fig-lstm-held img").is_visible()
    page.context.close()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_animation_plays_from_a_folder_without_a_server(served, chromium, chapter):
    page = chromium.new_context().new_page()
    page.goto((served.folder / f"book/{chapter}.html").as_uri())
    page.locator(".animation input").wait_for()
    page.context.close()
