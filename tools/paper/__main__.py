"""python -m paper pdf|epub|offline|slides [pages]: copies of the built book that can be read away from its site.

    python -m paper pdf [--size letter]     rnnbook.pdf
    python -m paper epub                    rnnbook.epub
    python -m paper offline                 rnnbook-offline.zip
    python -m paper slides                  slides/CHAPTER.html, and slides/index.html, which lists them

They are written to _build/paper. With the names of pages (``lstm glossary``) the first two hold these alone, as does
``slides``, which has a deck for each numbered chapter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from paper import book, epub, formulas, links, offline, pdf, slides
from paper.plain import plain
from paper.site import Site, slug, title_of
from rnnbook import __version__

ROOT = Path(__file__).resolve().parents[2]
STYLES = ROOT / "book/_static"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="paper", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["pdf", "epub", "offline", "slides"])
    parser.add_argument("pages", nargs="*", help="pages to take, as lstm; all where none is named")
    parser.add_argument("--size", default="A4", choices=["A4", "letter"], help="of the PDF's pages")
    parser.add_argument("--site", type=Path, default=ROOT / "_build/html", help="the folder of the built pages")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml", help="their table of contents")
    parser.add_argument("--out", type=Path, default=ROOT / "_build/paper", help="the folder to write to")
    given = parser.parse_args(arguments)
    site = Site(given.site, given.toc.read_text(encoding="utf-8"))
    given.out.mkdir(parents=True, exist_ok=True)
    name = "-".join(given.pages) or "rnnbook"
    if given.what == "pdf":
        make_pdf(site, given.out / f"{name}.pdf", chosen(site.pages, given.pages), given.size)
    elif given.what == "epub":
        make_epub(site, given.out / f"{name}.epub", chosen(site.pages, given.pages))
    elif given.what == "slides":
        make_slides(site, given.out / "slides", chosen(site.chapters, given.pages))
    else:
        target = given.out / "rnnbook-offline.zip"
        told(target, f"{offline.write(site.folder, target, __version__, site.address)} files")


def chosen(pages: list[str], names: list[str]) -> list[str]:
    """Return the pages that have the names, in the book's order, or all; ValueError says which name there is not."""
    known = {slug(page): page for page in pages}
    for name in names:
        if name not in known:
            raise ValueError(f"no page is called {name!r}; there are {', '.join(known)}")
    return [page for page in pages if slug(page) in names] if names else pages


def about(site: Site) -> tuple[str, str, str, str]:
    """Return the book's title, its author, its version and its address."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config["title"], config["author"], __version__, site.address


def make_pdf(site: Site, target: Path, pages: list[str], size: str) -> None:
    page = pdf.one_page(site, book.read(site, pages), *about(site), size=size)
    told(target, f"{pdf.write(page, site, STYLES, target)} pages")


def make_epub(site: Site, target: Path, pages: list[str]) -> None:
    chapters = book.read(site, pages)
    formulas.draw([chapter.article for chapter in chapters], "mathml")
    sources = sorted({str(image["src"]) for c in chapters for image in c.article.find_all("img", src=True)})
    texts = epub.files(chapters, *about(site))
    pictures = {epub.picture(source): (site.folder / source).read_bytes() for source in sources}
    css = (STYLES / "paper.css").read_text(encoding="utf-8")
    css += epub.light((site.folder / "_static/pygments.css").read_text(encoding="utf-8"))
    epub.write(target, texts, epub.package(texts, list(pictures), *about(site)), pictures, css)
    told(target, f"{len(texts)} files")


def make_slides(site: Site, folder: Path, pages: list[str]) -> None:
    articles = {page: plain(site.article(page), "") for page in pages}
    for page, article in articles.items():
        links.rename(article, page, [], site.address)
    shown = [
        element
        for article in articles.values()
        for block in [slides.headings(article), *slides.blocks(article)]
        for element in block
    ]
    formulas.draw(shown, "svg")
    folder.mkdir(parents=True, exist_ok=True)
    for page, article in articles.items():
        target = folder / f"{slug(page)}.html"
        text = slides.deck(article, site.folder, f"{site.address}{page}.html")
        target.write_text(text, encoding="utf-8")
        told(target, f"{text.count('<section class=')} slides")
    index = slides.index({f"{slug(page)}.html": title_of(article) for page, article in articles.items()})
    (folder / "index.html").write_text(index, encoding="utf-8")


def told(target: Path, what: str) -> None:
    name = target.relative_to(ROOT) if ROOT in target.parents else target
    print(f"{name}: {what}, {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
