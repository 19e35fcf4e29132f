"""Which files the tests in a browser follow from: they are items of searches (``searches``)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import searches
import yaml
from conftest import ROOT

VISITORS = ("tests/conftest.py", "tests/built_book/browser_visit.py", "constraints.txt")  # axe, Playwright, the theme
SCRIPTS = ("book/_static/*", "book/_ext/*.*", "book/_ext/live_code/*.py", "book/_ext/live_code/static/*.*")
LOADED = re.compile(r'(?:src|href)="([^"?#:]+\.(?:js|css))[?"]')
SLUG = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].removeprefix("https://github.com/")


def in_part(what: str, *files: str, **options):
    """Mark tests as items of a search: they follow from the book's scripts and styles, and from these files."""
    return pytest.mark.search(what, *VISITORS, *SCRIPTS, "_config.yml", *files, **options)


def page_and_files(folder: Path, name: str) -> list[str | Path]:
    """Return all that a page of the built book follows from: its name, its text, its scripts and styles.

    A figure's script is loaded by a script; the page has its name as a class.
    """
    page = folder / name
    html = page.read_text(encoding="utf-8")
    files = {(page.parent / address).resolve() for address in LOADED.findall(html)}
    files |= {path.resolve() for path in (folder / "_static").glob("*.js") if path.stem in html}
    fork = os.environ.get("GITHUB_REPOSITORY", SLUG)
    return [name, html.replace(fork, SLUG), *sorted(files)]


def choose_pages(what: str, folder: Path, pages: list[str], *visitors: Path | str) -> searches.Choice:
    """Return which pages are looked at by what visits them."""
    return searches.choose(what, pages, {p: searches.digest(*page_and_files(folder, p), *visitors) for p in pages})
