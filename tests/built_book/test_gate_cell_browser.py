"""The cells whose gates the reader sets, in a real browser: by keyboard, on a phone, in the dark, without scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_visit import THIN, settle, show
from follows_from import in_part

pytestmark = [
    pytest.mark.site,
    in_part("figures that move, in a browser", "_build/html/book/lstm.html", "_build/html/book/gru.html"),
]

BLOCK = ".animation-gate-cell"
CELLS = {"lstm": ("f", "new carry is 1.00"), "gru": ("z", "new state is 0.80")}


@pytest.mark.parametrize("chapter", CELLS)
def test_a_gate_is_set_by_keyboard_and_the_sentence_follows(opened, chapter):
    gate, sentence = CELLS[chapter]
    page = opened(chapter)
    slider, says = page.locator(f"{BLOCK} input[name={gate}]"), page.locator(f"{BLOCK} .animation-says")
    slider.focus()
    page.keyboard.press("End")  # the gate is open
    assert slider.input_value() == "1"
    assert sentence in says.inner_text() and "comes back as 1.00" in says.inner_text()
    before = says.inner_text()
    button = page.locator(f"{BLOCK} button")
    button.focus()
    page.keyboard.press("Enter")
    assert (says.inner_text() != before) == (chapter == "lstm")  # a belt that is open goes on adding
    settle(page)
    page.evaluate(THIN)
    for view in ("light", "phone", "dark phone"):
        show(page, view)
        box = page.locator(f"{BLOCK} svg").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]
        found = Axe().run(page, context={"include": [BLOCK]}, options={"resultTypes": ["violations"], "preload": False})
        assert found.response["violations"] == []


@pytest.mark.parametrize("chapter", CELLS)
def test_without_scripts_the_block_says_what_the_page_has(opened, chapter):
    page = opened(chapter, java_script_enabled=False)
    assert "you can play with this unit" in page.locator(BLOCK).inner_text()
    assert page.locator(f"#fig-{chapter}-cell img").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(BLOCK).is_visible()
