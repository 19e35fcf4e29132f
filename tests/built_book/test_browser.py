"""The built book in a real browser: every page, loaded once and seen in four views.

A class is a part of the book; its pages are visited once, and each test reads what the visits found. With
`--dist loadscope` each part can have a process of its own.
"""

from __future__ import annotations

import pytest
from browser_visit import Log, Visit, each, foreign, open_context, sideways, stubborn, total, visit

pytestmark = pytest.mark.site


def parts(site) -> dict[str, list[str]]:
    """Return the pages of each part: the chapters, which hold formulas, the reference pages, the sources.

    Chapters are two parts, so that no process visits alone while the others have ended. A source page is code in one
    template, and there are seven times as many as chapters: the three longest are visited and every eighth.
    `test_site.py` reads all of them.
    """
    pages = [name for name in site.pages if name != "index.html"]  # that one only leads on: test_browser_hands.py
    notebooks = {f"book/{path.stem}.html" for path in (site.folder / "_sources/book").glob("*.ipynb")}
    chapters = [name for name in pages if name in notebooks]
    sources = [name for name in pages if name.startswith("_modules/")]
    longest = sorted(sources, key=lambda name: (site.folder / name).stat().st_size)[-3:]
    return {
        "chapters": chapters[::2],
        "more chapters": chapters[1::2],
        "reference": [name for name in pages if name not in notebooks and not name.startswith("_modules/")],
        "sources": sorted({*longest, *sources[::8]}),
    }


def test_every_page_but_sources_belongs_to_one_part_and_some_sources_do(site):
    visited = sorted(sum(parts(site).values(), ["index.html"]))
    assert len(visited) == len(set(visited)) and set(visited) <= set(site.pages)
    left = [name for name in site.pages if name not in visited]
    assert all(name.startswith("_modules/") for name in left)
    assert len(parts(site)["sources"]) > len(left) / 8


@pytest.fixture(scope="class")
def visited(request, served, chromium) -> tuple[dict[str, Visit], Log]:
    """Every page of the part that the test's class names: what was seen on each, and the log of all."""
    context, log = open_context(chromium)
    page = context.new_page()
    visits = {name: visit(page, served.url + name, turn) for turn, name in enumerate(parts(served)[request.cls.part])}
    context.close()
    return visits, log


def none(problems) -> None:
    """Fail and name every problem, one a line, where there is one."""
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(dict.fromkeys(problems))


class EveryPage:
    """What holds of every page in every view."""

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

    def test_the_chapters_hold_formulas_in_colour(self, visited):
        visits, _ = visited
        assert total(visits, "formulas", "light") > 0
        assert total(visits, "coloured", "dark") == total(visits, "coloured", "light") > 0


@pytest.mark.slow
class TestMoreChapters(TestChapters):
    part = "more chapters"


@pytest.mark.slow
class TestReference(EveryPage):
    part = "reference"


@pytest.mark.slow
class TestSources(EveryPage):
    part = "sources"
