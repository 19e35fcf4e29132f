"""A Chromium that sees no network: it is given the files of the book, and any other request is an error."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from browser import find
from playwright.sync_api import Page, Route, sync_playwright

HOST = "http://book.invalid/"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip


class Answers:
    """What a page is given: texts by name, and folders by the first part of an address. It notes what it refuses."""

    def __init__(self, texts: Mapping[str, str], folders: Mapping[str, Path]) -> None:
        self.texts, self.folders = texts, folders
        self.refused: list[str] = []

    def __call__(self, route: Route) -> None:
        url = route.request.url
        content = self.content(url)
        if content is None:
            self.refused.append(url)
            route.abort()
        else:
            kind = mimetypes.guess_type(urlsplit(url).path)[0] or "application/octet-stream"
            route.fulfill(body=content, content_type=f"{kind}; charset=utf-8" if kind.startswith("text") else kind)

    def content(self, url: str) -> bytes | None:
        """Return what an address holds; None where it is elsewhere or nothing is there."""
        if not url.startswith(HOST):
            return None
        path = unquote(urlsplit(url).path).lstrip("/")
        if path in self.texts:
            return self.texts[path].encode()
        first, _, rest = path.partition("/")
        file = self.folders[first] / rest if first in self.folders else None
        return file.read_bytes() if file is not None and file.is_file() else None


@contextmanager
def opened(texts: Mapping[str, str], folders: Mapping[str, Path]) -> Iterator[Page]:
    """Open ``index.html`` of ``texts`` for the length of the ``with`` block.

    The page may ask for each of ``texts`` and for the files of each of ``folders`` by ``/name/path``. RuntimeError
    names what else it asked for, or says that no browser is there.
    """
    path = find()
    if path is None:
        raise RuntimeError("no Chromium is found: `make browser` installs one, or set CHROMIUM=/path/to/browser")
    answers = Answers(texts, folders)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            page = browser.new_page()
            page.set_default_timeout(0)
            page.route("**/*", answers)
            page.goto(HOST + "index.html", timeout=0)
            yield page
        finally:
            browser.close()
    if answers.refused:
        raise RuntimeError(f"the page asked for what is not in the book: {answers.refused[:5]}")
