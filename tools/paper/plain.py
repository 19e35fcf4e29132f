"""A page as paper can show it: nothing to press, nothing folded, nothing that moves."""

from __future__ import annotations

import re

from bs4 import Tag

from paper.tags import make

CHECK = re.compile(r"exercises\.\w+\.check_\w+\(")  # a cell in which it is found is an exercise's editor

# what a page has for the screen alone; a folded cell holds imports and drawing code, which nobody types from paper
FOR_THE_SCREEN = [
    "script",
    "style",
    "a.headerlink",
    "a:has(> .viewcode-link)",
    ".toctree-wrapper",
    ".cell details.hide",
    ".sd-summary-state-marker",
]


def plain(article: Tag, address: str) -> Tag:
    """Change a page into what paper can show, and return it. ``address`` is where the page is on the web.

    Folded cells go; an exercise's editor stays as code, without what it says before anything has been written; tabs and
    drop-downs are shown one after the other; in the place of a figure that moves, a sentence says where to find it.
    """
    for element in article.select(", ".join(FOR_THE_SCREEN)):
        element.decompose()
    _drop_first_answers(article)
    for tabs in article.select(".sd-tab-set"):
        _show_tabs(tabs)
    for details in article.find_all("details"):
        _show_details(details)
    for moving in article.select(".animation"):
        _say_where(moving, address)
    for element in article.select("a.image-reference, .pst-scrollable-table-container, .exercise > section"):
        element.unwrap()
    for element in article.select(".solution > section"):
        element.unwrap()
    for cell in article.select(".cell, .cell_output"):
        if not cell.find(["pre", "img", "table", "p", "figure"]):
            cell.decompose()
    for image in article.find_all("img"):
        _let_shrink(image)
    return article


def _drop_first_answers(article: Tag) -> None:
    for cell in article.select(".cell"):
        code = cell.select_one(".cell_input")
        if code and CHECK.search(code.get_text()):
            cell["class"] = " ".join([*cell.get_attribute_list("class"), "editor"])
            for output in cell.select(".cell_output"):
                output.decompose()


def _show_tabs(tabs: Tag) -> None:
    for button in tabs.find_all("input", recursive=False):
        button.decompose()
    for label in tabs.find_all("label", recursive=False):
        label.replace_with(make("p", label.get_text(" ", strip=True), classes="tab-title"))
    tabs["class"] = "tabs"


def _show_details(details: Tag) -> None:
    summary = details.find("summary")
    title = summary.get_text(" ", strip=True) if isinstance(summary, Tag) else ""
    if isinstance(summary, Tag):
        summary.replace_with(make("p", title, classes="admonition-title"))
    details.name = "div"
    details.attrs = {"class": "admonition"}


def _say_where(moving: Tag, address: str) -> None:
    moving["class"] = "on-the-web"
    last = moving.find_all("p")[-1]
    last.append(" (")
    last.append(make("a", "see it move", href=address))
    last.append(")")


def _let_shrink(image: Tag) -> None:
    style = str(image.get("style", ""))
    if width := re.search(r"width: *(\d+)px", style):
        image["width"] = width.group(1)
    image.attrs.pop("style", None)
