"""What several tests share: the root of the repository, the built book, a server and a browser for its pages."""

from __future__ import annotations

import contextlib
import functools
import gc
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

if shutil.which("nvidia-smi") is None:
    # Triton decides when it is first imported, by whichever test does that, whether it compiles or interprets
    os.environ.setdefault("TRITON_INTERPRET", "1")

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"


def pytest_collection_modifyitems(items):
    """Put notebooks and modules with slow tests first: at the end no process waits long for the last of another."""

    def scope(item):  # what --dist loadscope gives to one process
        return item.nodeid.rsplit("::", 1)[0]

    long = {scope(item) for item in items if item.get_closest_marker("slow") or item.path.suffix == ".ipynb"}
    items.sort(key=lambda item: scope(item) not in long)


def pytest_collection_finish():
    """Spare every collection of garbage from here on the modules and the ten thousand tests, which stay to the end."""
    gc.collect()
    gc.freeze()


# A browser that speaks to nobody by itself: every request in the log is then the page's own.
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # a request elsewhere is logged and fails


@dataclass(frozen=True)
class Site:
    """The built book: its folder and its pages, each as a path relative to the folder."""

    folder: Path
    pages: tuple[str, ...]
    url: str = ""


@pytest.fixture(scope="session")
def site() -> Site:
    pages = tuple(sorted(str(p.relative_to(HTML)) for p in HTML.rglob("*.html") if "_static" not in p.parts))
    assert pages, "there is no built book: run `make book` first"
    return Site(HTML, pages)


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for many files

    def log_message(self, format, *args):  # the tests keep a log of their own
        pass


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine for the length of the `with` block; the value is its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def served(site):
    """The built book, served on this machine for as long as the tests run."""
    with serve(site.folder) as url:
        yield Site(site.folder, site.pages, url)


@pytest.fixture(scope="session")
def chromium():
    """A Chromium with an empty profile of its own."""
    from browser import find
    from playwright.sync_api import sync_playwright

    path = find()
    assert path, "the browser tests need a Chromium: `make test` installs one, or set CHROMIUM=/path/to/browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def opened(served, chromium):
    """Open a chapter in a context of its own; the test that uses it fails where the page reported an error."""
    from browser_visit import open_context

    contexts = []

    def open_chapter(chapter, **options):
        context, log = open_context(chromium, **options)
        contexts.append((context, log))
        page = context.new_page()
        page.goto(f"{served.url}book/{chapter}.html")
        return page

    yield open_chapter
    for context, log in contexts:
        context.close()
        assert log.complaints == []


# a page with one block for a figure that moves, in the theme's colours
PAGE = """<html lang="en" data-theme="{theme}"><head><title>a page</title></head>
<body style="{colours}; color: var(--pst-color-text-base); background: var(--pst-color-background)"><main>
<h1>A page</h1><div class="animation animation-{name}">A still text.</div></main></body></html>"""
THEMES = {
    "light": "--pst-color-background: white; --pst-color-text-base: #222; --pst-color-primary: #00c;"
             " --pst-color-border: #bbb",
    "dark": "--pst-color-background: #121212; --pst-color-text-base: #eee; --pst-color-primary: #9bf;"
            " --pst-color-border: #555",
}  # fmt: skip


@pytest.fixture
def figure(chromium):
    """Put a figure of book/_static alone on a page: its script, and those in ``also``, after the one they share."""
    contexts = []

    def open_page(name, theme="light", width=1000, also=(), **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(300_000)  # a busy machine is slow, not wrong
        contexts.append(context)
        page = context.new_page()
        page.set_content(PAGE.format(theme=theme, colours=THEMES[theme], name=name))
        for style in ("custom.css", "animation.css"):
            page.add_style_tag(path=ROOT / "book/_static" / style)
        for script in ("figure", name, *also):
            page.add_script_tag(path=ROOT / f"book/_static/{script}.js")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def no_chance(monkeypatch):
    """NumPy's new arrays hold NaN, not what was computed rightly in their memory before; what overflows is silent."""
    import numpy as np

    def filled(make):
        def empty(*arguments, **options):
            array = make(*arguments, **options)
            if array.dtype.kind == "f":
                array.fill(np.nan)
            return array

        return empty

    for name in ("empty", "empty_like"):
        monkeypatch.setattr(np, name, filled(getattr(np, name)))
    with np.errstate(all="ignore"):
        yield
