"""The built book, made ready for paper: nothing is lost on the way from the pages."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from bs4 import BeautifulSoup, SoupStrainer
from conftest import ROOT
from paper import book, epub
from paper.site import Site, slug

pytestmark = pytest.mark.site
NAMES = ["index", "lstm", "glossary", "bibliography", "verdicts"]  # a page of each kind; the whole takes `make epub`


@pytest.fixture(scope="module")
def chapters(site):
    paper = Site(site.folder, (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return {chapter.id: chapter.article for chapter in book.read(paper, [f"book/{name}" for name in NAMES])}


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_formula_and_exercise_of_a_page_is_still_there(site, chapters, name):
    strainer = SoupStrainer("article")
    page = BeautifulSoup(
        (site.folder / f"book/{name}.html").read_text(encoding="utf-8"), "html.parser", parse_only=strainer
    )
    for folded in page.select("details.hide"):
        folded.decompose()
    solutions = page.select(".solution")
    for kind in ("figure", ".math", ".exercise", "table", "h2", ".citation"):
        moved = sum(len(solution.select(kind)) for solution in solutions)
        assert len(chapters[name].select(kind)) == len(page.select(kind)) - moved, kind
    assert all(image.get("alt") for image in chapters[name].find_all("img"))
    if solutions:
        collected = chapters["solutions"].find(id=f"solutions--{slug(name)}")
        assert len(collected.select(".solution")) == len(solutions)


def test_nothing_is_left_that_needs_a_screen(chapters):
    for name, article in chapters.items():
        assert article.select("script, button, input, details, .animation, .headerlink") == [], name


def test_every_page_of_the_epub_is_xml(chapters):
    listed = [book.Chapter(name, name, "", article) for name, article in chapters.items()]
    texts = epub.files(listed, "A book", "Ada", "1.0", "https://a.example/")
    assert set(texts) == {"title.xhtml", "nav.xhtml", *(f"{name}.xhtml" for name in chapters)}
    for text in texts.values():
        ElementTree.fromstring(text)
