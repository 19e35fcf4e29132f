"""One name for every target in the whole book, so that a link finds its target wherever a page is put."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from bs4 import Tag

from paper.site import slug


def name(page: str, target: str) -> str:
    """Return the name of a page's target in the whole book; with no target, that of the page."""
    return re.sub(r"[^\w.-]", "-", f"{slug(page)}--{target}" if target else slug(page))


def rename(article: Tag, page: str, pages: Collection[str], address: str) -> None:
    """Give the targets of a page their names in the whole book, and turn its links to them.

    A link to one of ``pages`` becomes ``#name``; one to another page of the site becomes an absolute address, and a
    picture's becomes its path in the site. A target that is named twice keeps its first place.
    """
    seen = set()
    article["id"], first = "", article.get("id", "")
    for element in article.find_all(id=True):
        new = name(page, str(element["id"]))
        if new in seen or element["id"] in ("exercise-content", "solution-content"):
            del element["id"]
        else:
            element["id"] = new
        seen.add(new)
    article["id"] = name(page, "")
    for link in article.find_all("a", href=True):
        link["href"] = turned(str(link["href"]), page, pages, address)
        if link["href"] == f"#{name(page, str(first))}":
            link["href"] = f"#{article['id']}"
    for image in article.find_all("img", src=True):
        image["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(str(image["src"]))))


def turned(href: str, page: str, pages: Collection[str], address: str) -> str:
    """Return where a link of a page leads in the whole book."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return href
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path)) if parts.path else f"{page}.html"
    if path.removesuffix(".html") in pages:
        return f"#{name(path.removesuffix('.html'), unquote(parts.fragment))}"
    return f"{address}{path}" + (f"#{parts.fragment}" if parts.fragment else "")


def mend(articles: Collection[Tag]) -> list[str]:
    """Turn each link to a target that is not there any more to the page that had it; return those without a page."""
    targets = {str(element["id"]) for article in articles for element in [article, *article.find_all(id=True)]}
    lost = []
    for article in articles:
        for link in article.select('a[href^="#"]'):
            target = str(link["href"])[1:]
            if target in targets:
                continue
            start = target.split("--", 1)[0]
            if start in targets:
                link["href"] = f"#{start}"
            else:
                lost.append(target)
    return lost
