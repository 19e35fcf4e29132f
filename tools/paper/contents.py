"""The first pages of the printed book: its title, what is different on paper, and the table of contents."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from bs4 import Tag

from paper.book import Chapter

NOTE = """
<p>Text and figures: CC BY 4.0. Code: MIT. This is version {version}; the newest is at
<a href="{address}">{address}</a>.</p>
<p>This copy says what the web pages say. What differs:</p>
<ul>
<li>Figures that move on the web are stills here, and a link leads to the one that moves.</li>
<li>Cells that are folded on the web, which import modules and draw figures, are left out. The notebooks have them.</li>
<li>An exercise shows its statement and the code to start from. Your answer is checked on its web page, or in
its notebook.</li>
<li>Solutions come after the last chapter.</li>
</ul>
"""


def title_page(title: str, author: str, version: str, address: str) -> str:
    """Return the first page, and the note behind it."""
    return (
        f'<section class="title-page"><img src="/site/_static/logo.svg" alt=""><p class="title">{escape(title)}</p>'
        f'<p class="author">{escape(author)}</p><p class="version">Version {escape(version)}</p></section>'
        f'<section class="note">{NOTE.format(version=escape(version), address=escape(address))}</section>'
    )


def contents(chapters: list[Chapter], depths: Mapping[str, int]) -> str:
    """Return the table of contents, its numbers still empty: parts, chapters and, at a depth of 2, their sections."""
    lines = ['<nav class="contents" id="contents"><h1>Contents</h1>']
    for chapter in chapters:
        if chapter.part:
            lines.append(f'<p class="in-part">{escape(chapter.part)}</p>')
        lines.append(line(chapter.id, chapter.title, 1))
        if depths.get(chapter.id, 1) > 1:
            lines += [line(*entry, 2) for entry in sections(chapter.article)]
    return "\n".join([*lines, "</nav>"])


def sections(article: Tag) -> list[tuple[str, str]]:
    """Return the identifier and the title of each section of a chapter that is headed by an h2."""
    found = []
    for heading in article.find_all("h2"):
        section = heading.find_parent("section")
        if section is not None and section.get("id"):
            found.append((str(section["id"]), " ".join(heading.get_text().split())))
    return found


def line(target: str, title: str, level: int) -> str:
    """Return a line of the contents: the title, a row of dots, and the place of the page's number."""
    return (
        f'<p class="line level-{level}"><a href="#{target}"><span class="name">{escape(title)}</span>'
        f'<span class="dots"></span><span class="number" data-target="{target}"></span></a></p>'
    )
