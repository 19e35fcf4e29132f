"""The player of the animations in a real browser: nothing moves unasked, and everything can be reached by keyboard."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_visit import THIN, settle, show
from follows_from import choose_pages, in_part

pytestmark = pytest.mark.site

CHAPTERS = {"lstm": "carry"}
alone = in_part("figures that move, in a browser", "_build/html/book/lstm.html")
# every block has given its own text away, and has something to move it with
BUILT = """[...document.querySelectorAll(".animation")].every(
    block => block.matches("[aria-label]") && block.querySelector("input, select"))"""


@alone
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_slider_shows_every_frame_and_axe_finds_nothing(opened, chapter):
    page = opened(chapter)
    block = f".animation-{CHAPTERS[chapter]}"
    slider, says = page.locator(f"{block} input"), page.locator(f"{block} .animation-says")
    last = int(slider.get_attribute("max"))
    slider.focus()
    said = {says.inner_text()}
    for _ in range(last):
        page.keyboard.press("ArrowRight")
        said.add(says.inner_text())
    assert slider.input_value() == str(last)
    assert len(said) == last + 1  # each frame says a sentence of its own
    settle(page)
    page.evaluate(THIN)
    for view in ("light", "phone", "dark phone"):
        show(page, view)
        box = page.locator(f"{block} svg").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]
        found = Axe().run(page, context={"include": [block]}, options={"resultTypes": ["violations"], "preload": False})
        assert found.response["violations"] == []
    assert not page.locator(f"{block} button").is_visible()  # who asks for less motion gets the slider alone


@alone
def test_nothing_moves_until_play_is_pressed_and_pause_stops_it(opened):
    page = opened("lstm", reduced_motion="no-preference")
    button, slider = page.locator(".animation-carry button"), page.locator(".animation-carry input")
    button.wait_for()
    page.clock.install(time=0)
    page.clock.pause_at(1)  # time passes where run_for says so, and nowhere else
    page.clock.run_for(60_000)
    assert (button.inner_text(), slider.input_value()) == ("Play", "0")
    button.focus()
    page.keyboard.press("Enter")
    assert (button.inner_text(), slider.input_value()) == ("Pause", "0")
    page.clock.run_for(1_000)  # a frame moves 0.7 s and rests 1.1 s
    assert (button.inner_text(), slider.input_value()) == ("Pause", "1")
    page.clock.run_for(1_800)
    assert (button.inner_text(), slider.input_value()) == ("Pause", "2")
    page.keyboard.press("Enter")
    page.clock.run_for(60_000)
    assert (button.inner_text(), slider.input_value()) == ("Play", "2")


@alone
def test_without_scripts_and_on_paper_the_still_figure_remains(opened):
    page = opened("lstm", java_script_enabled=False)
    assert "as an animation" in page.locator(".animation-carry").inner_text()
    assert page.locator("#fig-lstm-held img").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".animation-carry").is_visible()
    assert page.locator("#fig-lstm-held img").is_visible()


def test_every_figure_that_moves_is_built_from_a_folder_without_a_server(request, site, chromium):
    pages = [p for p in site.pages if 'class="animation ' in (site.folder / p).read_text(encoding="utf-8")]
    assert len(pages) > 10
    choice = choose_pages("figures that move, from a folder", site.folder, pages, Path(__file__))
    choice.tell(request.node)
    page, complaints = chromium.new_page(), []
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    for name in choice.items:
        page.goto((site.folder / name).as_uri())
        page.wait_for_function(BUILT, timeout=300_000)
    page.close()
    assert complaints == []


@alone
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_from_a_folder_without_a_server(served, chromium, chapter):
    page = chromium.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((served.folder / f"book/{chapter}.html").as_uri())
    settle(page)
    assert page.locator("mjx-container").count() > 0
    assert page.locator("mjx-merror").count() == 0
    page.locator(f".animation-{CHAPTERS[chapter]} input").wait_for()
    page.close()
    assert complaints == []
