"""The whole book, ready for paper: every page in plain form, every link turned, the solutions at the end."""

from __future__ import annotations

from dataclasses import dataclass

from bs4 import Tag

from paper import links, solutions
from paper.plain import plain
from paper.site import Site, slug, title_of

FIRST = "About this book"  # the heading of the first page, whose own is the book's title


@dataclass
class Chapter:
    """A chapter of the whole book: its identifier, its title, the part that it opens (if it does), and what it says."""

    id: str
    title: str
    part: str
    article: Tag


def read(site: Site, pages: list[str] | None = None) -> list[Chapter]:
    """Return the chapters of the book, or those named alone, with the solutions behind the last numbered one."""
    wanted = site.pages if pages is None else pages
    chapters = []
    for part in site.parts:
        opening = part.caption
        for page in part.pages:
            if page not in wanted:
                continue
            article = plain(site.article(page), f"{site.address}{page}.html")
            links.rename(article, page, wanted, site.address)
            heading = article.find("h1")
            if page == site.pages[0] and heading:
                heading.string = FIRST
            chapters.append(Chapter(slug(page), title_of(article), opening, article))
            opening = ""
    return _with_solutions(chapters, {slug(page) for page in site.chapters})


def _with_solutions(chapters: list[Chapter], numbered: set[str]) -> list[Chapter]:
    collected = solutions.collect({chapter.id: chapter.article for chapter in chapters})
    if collected.select_one(".solution"):
        last = max((k for k, chapter in enumerate(chapters) if chapter.id in numbered), default=len(chapters) - 1)
        chapters.insert(last + 1, Chapter(solutions.PAGE, "Solutions", "", collected))
    lost = links.mend([chapter.article for chapter in chapters])
    if lost:
        raise ValueError(f"links lead nowhere: {sorted(set(lost))[:10]}")
    return chapters
