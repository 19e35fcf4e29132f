"""Slides for teachers: for each chapter one HTML file with its figures, their captions and its equations."""

from __future__ import annotations

import base64
import mimetypes
from html import escape
from pathlib import Path

from bs4 import Tag

from paper.formulas import tex
from paper.site import title_of

HERE = Path(__file__).parent
ON_ONE = 6  # lines of numbered equations that share a slide


def blocks(article: Tag) -> list[list[Tag]]:
    """Return what the slides of a chapter show, in its order: a figure alone, or numbered equations of one section."""
    found: list[list[Tag]] = []
    home, lines = None, 0
    for element in article.select("figure, div.math:has(> .eqno)"):
        if element.name == "figure":
            found.append([element])
            home = None
            continue
        section = element.find_parent("section")
        if home is None or section is not home or lines + lines_of(element) > ON_ONE:
            found.append([])
            lines = 0
        found[-1].append(element)
        home, lines = section, lines + lines_of(element)
    return found


def lines_of(equation: Tag) -> int:
    """Return how many lines an equation has, whether it is TeX or a picture with its TeX as alternative text."""
    picture = equation.find("svg")
    return 1 + (str(picture["aria-label"]) if isinstance(picture, Tag) else tex(equation)).count(r"\\")


def headings(article: Tag) -> list[Tag]:
    """Return the headings, each the title of the slides of its section; they may hold formulas."""
    return list(article.find_all(["h1", "h2", "h3"]))


def deck(article: Tag, folder: Path, address: str) -> str:
    """Return the deck of a chapter, whose formulas are pictures already; ``folder`` is that of the site."""
    title = title_of(article)
    first = (
        f"<h1>{escape(title)}</h1><p>Figures and equations</p>"
        f'<p>From <i>Recurrent Neural Networks, Step by Step</i>, CC BY 4.0: <a href="{address}">{address}</a></p>'
    )
    pages = [slide("title", "title", first, title)]
    for k, elements in enumerate(blocks(article), 1):
        heading = f"<h2>{section_of(elements[0])}</h2>"
        if elements[0].name == "figure":
            pages.append(slide(f"s{k}", "figure", heading + figure(elements[0], folder), title))
        else:
            pages.append(slide(f"s{k}", "equations", heading + "".join(map(equation, elements)), title))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}: slides</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{(HERE / 'slides.css').read_text(encoding='utf-8')}</style></head>\n<body><main>\n"
        + "\n".join(pages)
        + f"\n</main><script>{(HERE / 'slides.js').read_text(encoding='utf-8')}</script></body></html>\n"
    )


def slide(name: str, kind: str, body: str, title: str) -> str:
    return f'<section class="slide {kind}" id="{name}">{body}<p class="foot">{escape(title)}</p></section>'


def section_of(element: Tag) -> str:
    """Return what the heading of the section that an element is in holds."""
    section = element.find_parent("section")
    heading = section.find(["h1", "h2", "h3"]) if section else None
    return " ".join(heading.decode_contents().split()) if isinstance(heading, Tag) else ""


def figure(element: Tag, folder: Path) -> str:
    """Return a figure with its picture inside the file."""
    image = element.find("img")
    caption = element.find("figcaption")
    if not isinstance(image, Tag):
        raise ValueError(f"the figure {element.get('id')} has no picture")
    path = folder / str(image["src"])
    kind = mimetypes.guess_type(path.name)[0]
    data = base64.b64encode(path.read_bytes()).decode()
    picture = (
        f'<div class="picture"><img src="data:{kind};base64,{data}" alt="{escape(str(image.get("alt", "")))}"></div>'
    )
    return f"<figure>{picture}{caption.decode() if isinstance(caption, Tag) else ''}</figure>"


def equation(element: Tag) -> str:
    """Return a numbered equation with the label that names it in the text and in the package's code."""
    number = element.select_one(".eqno")
    label = str(element.get("id", "")).split("equation-", 1)[-1]
    formula = "".join(str(child) for child in element.children if child is not number)
    text = number.get_text() if number else ""
    named = f'<div class="label">{text}<br>{escape(label)}</div>'
    return f'<div class="equation"><div class="formula">{formula}</div>{named}</div>'


def index(decks: dict[str, str]) -> str:
    """Return the page that lists the decks, given as file and title."""
    items = "\n".join(f'<li><a href="{escape(name)}">{escape(title)}</a></li>' for name, title in decks.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Slides</title>'
        '<meta name="viewport" content="width=device-width"><style>:root { color-scheme: light dark; }\n'
        "body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui, sans-serif; }\n"
        "ul { list-style: none; padding: 0; }</style></head><body><main><h1>Slides</h1>\n"
        "<p>The figures and numbered equations of each chapter. The arrow keys and the space bar move; printed, each "
        f"slide is a page. Text and figures: CC BY 4.0.</p>\n<ul>\n{items}\n</ul></main></body></html>\n"
    )
