"""python -m paper pdf|epub|offline|slides: make a copy of the built book that can be read away from its site.

    python -m paper pdf [--size letter]       _build/paper/rnnbook.pdf
    python -m paper epub                      _build/paper/rnnbook.epub
    python -m paper offline                   _build/paper/rnnbook-offline.zip
    python -m paper slides [lstm gru ...]     _build/paper/slides/CHAPTER.html, for all chapters where none is named
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from paper import book, epub, formulas, links, offline, pdf, slides
from paper.plain import plain
from paper.site import Site, slug
from rnnbook import __version__

ROOT = Path(__file__).resolve().parents[2]
STYLES = ROOT / "book/_static"
OUT = ROOT / "_build/paper"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="paper", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["pdf", "epub", "offline", "slides"])
    parser.add_argument("chapters", nargs="*", help="the chapters whose slides are made")
    parser.add_argument("--size", default="A4", choices=["A4", "letter"], help="of the PDF's pages")
    given = parser.parse_args(arguments)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    site = Site(ROOT / "_build/html", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    OUT.mkdir(parents=True, exist_ok=True)
    if given.what == "pdf":
        page = pdf.one_page(site, book.read(site), config["title"], config["author"], __version__, given.size)
        target = OUT / "rnnbook.pdf"
        told(target, f"{pdf.write(page, site, STYLES, target)} pages")
    elif given.what == "epub":
        make_epub(site, OUT / "rnnbook.epub", config["title"], config["author"])
    elif given.what == "offline":
        target = OUT / "rnnbook-offline.zip"
        told(target, f"{offline.write(site.folder, target, __version__, site.address)} files")
    else:
        make_slides(site, given.chapters)


def make_epub(site: Site, target: Path, title: str, author: str, pages: list[str] | None = None) -> None:
    """Write the book, or the pages named alone, as an EPUB."""
    chapters = book.read(site, pages)
    formulas.draw([chapter.article for chapter in chapters], "mathml")
    sources = sorted({str(image["src"]) for c in chapters for image in c.article.find_all("img", src=True)})
    about = (title, author, __version__, site.address)
    texts = epub.files(chapters, *about)
    pictures = {epub.picture(source): (site.folder / source).read_bytes() for source in sources}
    css = (STYLES / "paper.css").read_text(encoding="utf-8")
    css += epub.light((site.folder / "_static/pygments.css").read_text(encoding="utf-8"))
    epub.write(target, texts, epub.package(texts, list(pictures), *about), pictures, css)
    told(target, f"{len(texts)} files")


def make_slides(site: Site, names: list[str]) -> None:
    """Write the decks of the chapters named, or of all; ValueError names a chapter that there is not."""
    known = {slug(page): page for page in site.chapters}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"no chapter is called {unknown[0]!r}; there are {', '.join(known)}")
    articles = {name: plain(site.article(known[name]), "") for name in names or known}
    for name, article in articles.items():
        links.rename(article, known[name], [], site.address)
    shown = [element for article in articles.values() for block in slides.blocks(article) for element in block]
    formulas.draw(shown, "svg")
    for name, article in articles.items():
        target = OUT / "slides" / f"{name}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = slides.deck(article, site.folder, f"{site.address}{known[name]}.html")
        target.write_text(text, encoding="utf-8")
        told(target, f"{text.count('<section class=')} slides")


def told(target: Path, what: str) -> None:
    print(f"{target.relative_to(ROOT) if ROOT in target.parents else target}: {what}, {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
