"""The built book in a real browser: every page, loaded once and seen in four views.

A class is a part of the book; its pages are visited once, and each test reads what the visits found. With
`--dist loadscope` each part can have a process of its own. A page of which nothing has changed since its visit last
passed is visited as one of sixteen (``searches``); `test_site.py` reads all.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import browser_visit
import pytest
import searches
from axe_playwright_python.base import AXE_SCRIPT
from browser_visit import Log, Visit, each, foreign, open_context, sideways, stubborn, visit
from follows_from import choose_pages

pytestmark = pytest.mark.site


def parts(site) -> dict[str, list[str]]:
    """Return the pages of each part: the chapters, which hold formulas, the reference pages, the sources.

    Chapters are two parts, so that no process visits alone while the others have ended.
    """
    pages = [name for name in site.pages if name != "index.html"]  # that one only leads on: test_browser_hands.py
    notebooks = {f"book/{path.stem}.html" for path in (site.folder / "_sources/book").glob("*.ipynb")}
    chapters = [name for name in pages if name in notebooks]
    return {
        "chapters": chapters[::2],
        "more chapters": chapters[1::2],
        "reference": [name for name in pages if name not in notebooks and not name.startswith("_modules/")],
        "sources": [name for name in pages if name.startswith("_modules/")],
    }


def test_every_page_belongs_to_one_part(site):
    assert sorted(sum(parts(site).values(), ["index.html"])) == sorted(site.pages)


@pytest.fixture(scope="class")
def choice(request, site) -> searches.Choice:
    """Which pages of the part that the test's class names are visited: see ``searches``."""
    visitors = inspect.getsource(EveryPage), AXE_SCRIPT, Path(browser_visit.__file__)
    return choose_pages("pages visited in four views", site.folder, parts(site)[request.cls.part], *visitors)


@pytest.fixture(scope="class")
def visited(request, served, chromium, choice) -> tuple[dict[str, Visit], Log]:
    """What was seen on each page that is visited, and the log of all."""
    context, log = open_context(chromium)
    page, pages = context.new_page(), parts(served)[request.cls.part]
    visits = {name: visit(page, served.url + name, pages.index(name)) for name in choice.items}
    context.close()
    return visits, log


def none(problems) -> None:
    """Fail and name every problem, one a line, where there is one."""
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(dict.fromkeys(problems))


class EveryPage:
    """What holds of every page in every view."""

    def test_every_page_that_is_chosen_is_visited(self, request, choice, visited):
        choice.tell(request.node)
        assert tuple(visited[0]) == choice.items != ()

    def test_no_page_asks_another_host_for_anything(self, visited, served):
        visits, log = visited
        assert len(log.requests) > 5 * len(visits)  # the log works: each page loads its own styles and scripts
        none(foreign(log, served.url))

    def test_no_page_misses_a_file_or_reports_an_error(self, visited):
        _, log = visited
        none(log.refused)
        none(log.complaints)

    def test_every_formula_is_drawn(self, visited):
        visits, _ = visited
        for fact in ("unrendered", "errors", "raw", "flat"):
            none(each(visits, fact))

    def test_every_icon_font_and_picture_is_there(self, visited):
        visits, _ = visited
        assert all(facts["icons"] for visit in visits.values() for facts in visit.facts.values())
        for fact in ("iconless", "fonts", "broken", "wordless"):
            none(each(visits, fact))

    def test_the_page_never_scrolls_sideways(self, visited):
        visits, _ = visited
        assert {facts["width"] for visit in visits.values() for facts in visit.facts.values()} == {390, 1280}
        none(sideways(visits))

    def test_the_page_follows_the_readers_choice_of_light_or_dark(self, visited):
        visits, _ = visited
        none(stubborn(visits))

    def test_each_quantitys_colour_has_a_lighter_one_in_the_dark(self, visited):
        visits, _ = visited
        none(each(visits, "unmapped", ["dark", "dark phone"]))

    def test_axe_finds_no_violation(self, visited):
        visits, _ = visited
        none([f"{name}: {violation}" for name, visit in visits.items() for violation in visit.violations])


@pytest.mark.slow
class TestChapters(EveryPage):
    part = "chapters"

    def test_the_chapters_hold_formulas_in_colour(self, visited, site):
        visits, _ = visited
        for name, seen in visits.items():
            text = (site.folder / name).read_text(encoding="utf-8")
            assert (seen.facts["light"]["formulas"] > 0) == ('class="math' in text), name
            has_colours = r"\color{#" in text
            coloured = {facts["coloured"] for facts in seen.facts.values()}
            assert len(coloured) == 1 and (coloured != {0}) == has_colours, name


@pytest.mark.slow
class TestMoreChapters(TestChapters):
    part = "more chapters"


@pytest.mark.slow
class TestReference(EveryPage):
    part = "reference"


@pytest.mark.slow
class TestSources(EveryPage):
    part = "sources"
