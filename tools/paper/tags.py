"""New elements for a page."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

_soup = BeautifulSoup("", "html.parser")


def make(name: str, text: str = "", classes: str = "", **attributes: str) -> Tag:
    """Return a new element that holds a text."""
    tag = _soup.new_tag(name, attrs={"class": classes} if classes else {})
    for key, value in attributes.items():
        tag[key] = value
    if text:
        tag.string = text
    return tag


def parsed(text: str) -> Tag:
    """Return the one element that a piece of HTML holds."""
    tag = BeautifulSoup(text, "html.parser").find(True)
    if not isinstance(tag, Tag):
        raise ValueError(f"expected an element, got {text!r}")
    return tag
