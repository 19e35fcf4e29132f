"""The built pages of the book: which there are, in which order, and what each holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, SoupStrainer, Tag


@dataclass(frozen=True)
class Part:
    """A part of the book: its name, the names of its pages, and whether its chapters have numbers."""

    caption: str
    pages: tuple[str, ...]
    numbered: bool


@dataclass(frozen=True)
class Site:
    """The built book in a folder, in the order of a table of contents (the text of ``_toc.yml``)."""

    folder: Path
    toc: str

    @cached_property
    def parts(self) -> list[Part]:
        """The parts; the first has no name and holds the page that the book starts with."""
        toc = yaml.safe_load(self.toc)
        parts = [Part("", (toc["root"],), False)]
        for part in toc["parts"]:
            pages = tuple(chapter["file"] for chapter in part["chapters"])
            parts.append(Part(part["caption"], pages, bool(part.get("numbered"))))
        return parts

    @property
    def pages(self) -> list[str]:
        """The names of all pages, as ``book/lstm``."""
        return [page for part in self.parts for page in part.pages]

    @property
    def chapters(self) -> list[str]:
        """The names of the numbered chapters alone."""
        return [page for part in self.parts if part.numbered for page in part.pages]

    def text(self, page: str) -> str:
        """Return the HTML of a page; FileNotFoundError says what to do where the book has not been built."""
        path = self.folder / f"{page}.html"
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: run `make book` first")
        return path.read_text(encoding="utf-8")

    def article(self, page: str) -> Tag:
        """Return what a page says, without the frame around it: the outermost section of its article."""
        soup = BeautifulSoup(self.text(page), "html.parser", parse_only=SoupStrainer("article"))
        section = soup.find("section")
        if not isinstance(section, Tag):
            raise ValueError(f"{page}.html has no article with a section")
        return section

    @cached_property
    def address(self) -> str:
        """The address at which the book is published, ending with a slash, from what its first page says of itself."""
        page = self.pages[0]
        head = BeautifulSoup(self.text(page), "html.parser", parse_only=SoupStrainer("link"))
        for link in head.select('link[rel="canonical"]'):
            return str(link["href"]).removesuffix(f"{page}.html")
        raise ValueError(f"{page}.html does not name its own address (html_baseurl)")


def slug(page: str) -> str:
    """Return a page's name as a file or an identifier may have it: ``book/api/data`` becomes ``api-data``."""
    return page.removeprefix("book/").replace("/", "-")


def title_of(article: Tag) -> str:
    """Return the heading of a page, its number included."""
    heading = article.find("h1")
    return " ".join(heading.get_text().split()).rstrip("#").strip() if heading else ""
