"""The built book in a reader's hands: tabs, buttons, search, the menu of a phone."""

from __future__ import annotations

import pytest
from browser_visit import NARROW, foreign, open_context, settle

pytestmark = pytest.mark.site


@pytest.fixture
def page(served, chromium):
    """A fresh page; the test that uses it fails where the page asked another host or reported an error."""
    context, log = open_context(chromium, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.served = served
    yield page
    context.close()
    assert (foreign(log, served.url), log.refused, log.complaints) == ([], [], [])


def page_with(served, text: str) -> str:
    """Return the address of the smallest page of the book whose HTML holds the text."""
    pages = sorted(
        (name for name in served.pages if name.startswith("book/")), key=lambda n: (served.folder / n).stat().st_size
    )
    for name in pages:
        if text in (served.folder / name).read_text(encoding="utf-8"):
            return served.url + name
    raise AssertionError(f"no page of the book holds {text!r}")


def test_the_root_leads_on_to_the_book(page, served):
    page.goto(served.url)
    page.wait_for_url("**/book/index.html")


def test_one_choice_of_tab_switches_every_set_of_tabs(page, served):
    page.goto(page_with(served, "sd-tab-set"))
    settle(page)
    labels = page.locator(".sd-tab-set > label[data-sync-id]")
    names = [labels.nth(i).get_attribute("data-sync-id") for i in range(labels.count())]
    last = names[-1]
    group = [i for i, name in enumerate(names) if name == last]
    for chosen in (group[-1], names.index(next(name for name in names if name != last))):
        labels.nth(chosen).click()
        for i in [i for i, name in enumerate(names) if name == names[chosen]]:
            label = labels.nth(i)
            assert page.locator(f"#{label.get_attribute('for')}").is_checked()
            assert label.locator("xpath=following-sibling::div[1]").is_visible()


def test_the_copy_button_copies_the_cells_code(page, served):
    page.goto(page_with(served, "cell_input"))
    settle(page)
    cell = page.locator("div.cell:not(.tag_hide-input) > div.cell_input div.highlight").first  # one that is not folded
    cell.hover()
    cell.locator("button.copybtn").click()
    page.wait_for_function("document.querySelector('button.copybtn.success') !== null")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip() != ""


@pytest.mark.parametrize("words", ["vanishing", "hidden state"])
def test_search_finds_the_words_and_leads_to_them(page, served, words):
    page.goto(f"{served.url}search.html?q={words.replace(' ', '+')}")
    page.locator("#search-results ul.search li a").first.wait_for()
    page.locator("#search-results ul.search li a").first.click()
    page.wait_for_url("**/book/**")
    text = page.locator("article.bd-article").inner_text().lower()
    assert all(word in text for word in words.split())


def test_the_search_field_opens_from_the_keyboard(page, served):
    page.goto(f"{served.url}book/index.html")
    settle(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("vanishing")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=vanishing*")
    page.locator("#search-results ul.search li a").first.wait_for()


def test_the_button_switches_to_dark_and_the_next_page_stays_dark(page, served):
    page.goto(f"{served.url}book/index.html")
    settle(page)
    for _ in range(3):  # the button goes round: system, light, dark
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
        page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(f"{served.url}book/bibliography.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(v) for v in background[4:-1].split(",")[:3]) < 150


def test_the_menu_of_a_phone_opens_and_leads_to_a_chapter(served, chromium):
    context, log = open_context(chromium, viewport=NARROW)
    page = context.new_page()
    page.goto(f"{served.url}book/index.html")
    settle(page)
    page.locator("button.primary-toggle:visible, label.primary-toggle:visible").first.click()
    menu = page.locator(".bd-sidebar-primary a:visible, #pst-primary-sidebar-modal a:visible")
    menu.filter(has_text="Bibliography").first.click()
    page.wait_for_url("**/bibliography.html")
    context.close()
    assert log.complaints == []
