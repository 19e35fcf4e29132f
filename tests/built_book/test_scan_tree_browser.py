"""The scan tree in a browser: keyboard, a row a press, play and pause, less motion, phone and dark page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import THEMES
from follows_from import in_part

pytestmark = [pytest.mark.site, in_part("figures that move, in a browser")]


def counts(page):
    return [cell.inner_text() for cell in page.locator(".scan-tree-counts td").all()]


@pytest.mark.parametrize("way, depth, work", [("tree", 5, 15), ("rounds", 4, 18)])
def test_the_keyboard_steps_through_every_row_while_the_loop_takes_a_step_each(figure, way, depth, work):
    page = figure("scan-tree")
    page.locator("select").select_option(way)
    page.get_by_role("button", name="Next").focus()
    assert counts(page) == ["0", "0", "0 of 8"] * 2
    said, boxes = [page.locator(".animation-says").inner_text()], [page.locator(".scan-tree-node").count()]
    for row in range(1, 9):
        page.keyboard.press("Enter")
        said.append(page.locator(".animation-says").inner_text())
        boxes.append(page.locator(".scan-tree-node").count())
        assert counts(page)[3:] == [str(row), str(row), f"{row} of 8"]
        assert counts(page)[0] == str(min(row, depth))
    assert counts(page)[:3] == [str(depth), str(work), "8 of 8"]
    assert boxes[0] == 9 + 1 and boxes[-1] == 9 + work + 9 and boxes == sorted(boxes)
    assert len(set(said)) == depth + 3  # each row its own sentence, one while the loop goes on, one when it is done
    page.keyboard.press("Enter")  # past the end nothing happens
    assert counts(page)[3] == "8"
    page.get_by_role("button", name="Previous").focus()
    page.keyboard.press("Enter")
    assert counts(page)[3] == "7"
    page.locator("input[name=row]").focus()
    page.keyboard.press("Home")
    assert page.locator(".animation-says").inner_text() == said[0]


def test_another_first_state_changes_the_states_and_no_pair(figure):
    page = figure("scan-tree")
    page.locator("input[name=row]").focus()
    page.keyboard.press("End")
    texts = lambda: [box.text_content() for box in page.locator(".scan-tree-node").all()]  # noqa: E731
    before = texts()
    page.locator("input[name=h0]").focus()
    page.keyboard.press("Home")
    after = texts()
    changed = {old for old, new in zip(before, after, strict=True) if old != new}
    assert len(changed) == 9 and all(text.startswith("h") for text in changed)  # h0 to h8


def test_nothing_moves_until_play_is_pressed_and_pause_stops_it(figure):
    page = figure("scan-tree", reduced_motion="no-preference")
    play = page.get_by_role("button", name="Play")
    page.clock.install(time=0)
    page.clock.pause_at(1)
    page.clock.run_for(60_000)
    assert counts(page)[3] == "0"
    play.focus()
    page.keyboard.press("Enter")
    page.clock.run_for(3_300)
    assert counts(page)[3] == "2"
    page.keyboard.press("Enter")
    page.clock.run_for(60_000)
    assert counts(page)[3] == "2" and play.inner_text() == "Play"
    page.keyboard.press("Enter")
    page.clock.run_for(60_000)
    assert counts(page)[3] == "8" and play.inner_text() == "Play"


def test_who_asks_for_less_motion_has_no_play(figure):
    page = figure("scan-tree", reduced_motion="reduce")
    assert not page.get_by_role("button", name="Play").is_visible()
    assert page.get_by_role("button", name="Next").is_visible()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("way", ["tree", "rounds"])
def test_it_fits_a_phone_and_axe_finds_nothing(figure, theme, way):
    page = figure("scan-tree", theme, width=390)
    page.locator("select").select_option(way)
    page.locator("input[name=row]").focus()
    page.keyboard.press("End")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    options = {"resultTypes": ["violations"], "preload": False}
    assert Axe().run(page, context={"include": [".animation"]}, options=options).response["violations"] == []


def test_on_paper_it_gives_way_to_the_still_figure(figure):
    page = figure("scan-tree")
    page.emulate_media(media="print")
    assert not page.locator(".animation").is_visible()
