"""The whole book as an EPUB 3: one file a chapter, formulas as MathML, alternative texts kept."""

from __future__ import annotations

import os
import re
import time
import uuid
import zipfile
from html import escape
from pathlib import Path

from bs4 import Tag

from paper.book import Chapter
from paper.contents import NOTE, sections

KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".css": "text/css", ".xhtml": "application/xhtml+xml"}
CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
ACCESSIBILITY = """<meta property="schema:accessMode">textual</meta><meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Every figure has an alternative text, every formula is MathML.</meta>"""


def xhtml(title: str, body: str) -> str:
    """Return a whole file of the book."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en"><head><meta charset="utf-8"/>'
        f'<title>{escape(title)}</title><link rel="stylesheet" type="text/css" href="book.css"/></head>\n'
        f"<body>{body}</body></html>\n"
    )


def files(chapters: list[Chapter], title: str, author: str, version: str, address: str) -> dict[str, str]:
    """Return the texts of the book by name: the chapters, the first page and the contents.

    The chapters' formulas have to be MathML already; their links are turned from ``#name`` to ``file.xhtml#name``.
    """
    homes = {
        str(element["id"]): f"{chapter.id}.xhtml"
        for chapter in chapters
        for element in [chapter.article, *chapter.article.find_all(id=True)]
    }
    first = f'<section class="title-page"><h1>{escape(title)}</h1><p>{escape(author)}</p></section>' + NOTE.format(
        version=escape(version), address=escape(address)
    )
    texts = {"title.xhtml": xhtml(title, first), "nav.xhtml": xhtml("Contents", contents(chapters))}
    for chapter in chapters:
        turn(chapter.article, homes)
        texts[f"{chapter.id}.xhtml"] = xhtml(chapter.title, chapter.article.decode(formatter="minimal"))
    return texts


def turn(article: Tag, homes: dict[str, str]) -> None:
    """Turn a chapter's links and pictures to the book's files, and drop the roles, which EPUB knows otherwise."""
    for link in article.select('a[href^="#"]'):
        target = str(link["href"])[1:]
        link["href"] = f"{homes[target]}#{target}"
    for image in article.find_all("img", src=True):
        image["src"] = picture(str(image["src"]))
    for element in article.find_all(role=True):
        if element.name != "svg":
            del element["role"]


def picture(path: str) -> str:
    """Return where a picture of the site is in the book."""
    return "images/" + path.split("/", 1)[1].replace("/", "-")


def contents(chapters: list[Chapter]) -> str:
    """Return the navigation: the parts, their chapters, and the sections of each."""
    lines = ['<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>', '<li><a href="title.xhtml">Title</a></li>']
    in_part = False
    for chapter in chapters:
        if chapter.part:
            lines.append(("</ol></li>" if in_part else "") + f"<li><span>{escape(chapter.part)}</span><ol>")
            in_part = True
        lines.append(f'<li><a href="{chapter.id}.xhtml">{escape(chapter.title)}</a>')
        entries = [
            f'<li><a href="{chapter.id}.xhtml#{target}">{escape(name)}</a></li>'
            for target, name in sections(chapter.article)
        ]
        lines.append(f"<ol>{''.join(entries)}</ol></li>" if entries else "</li>")
    return "\n".join([*lines, "</ol></li>" if in_part else "", "</ol></nav>"])


def package(texts: dict[str, str], pictures: list[str], title: str, author: str, version: str, address: str) -> str:
    """Return the package document: what the book is, which files it has, and in which order."""
    named = uuid.uuid5(uuid.NAMESPACE_URL, f"{address}{version}")
    modified = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    order = ["title.xhtml", "nav.xhtml", *(name for name in texts if name not in ("title.xhtml", "nav.xhtml"))]
    items = [
        _item(name, "nav" if name == "nav.xhtml" else "mathml" if "<math" in texts[name] else "") for name in order
    ]
    items += [_item(name) for name in ["book.css", *pictures]]
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en"
 prefix="schema: http://schema.org/">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:uuid:{named}</dc:identifier>
<dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator><dc:language>en</dc:language>
<dc:rights>Text and figures: CC BY 4.0. Code: MIT.</dc:rights><dc:source>{escape(address)}</dc:source>
<meta property="dcterms:modified">{modified}</meta>
{ACCESSIBILITY}</metadata>
<manifest>{"".join(items)}</manifest>
<spine>{"".join(f'<itemref idref="{_id(name)}"/>' for name in order)}</spine></package>
"""


def _id(name: str) -> str:
    return "f-" + re.sub(r"[^\w.-]", "-", name)


def _item(name: str, properties: str = "") -> str:
    given = f' properties="{properties}"' if properties else ""
    return f'<item id="{_id(name)}" href="{name}" media-type="{KINDS[Path(name).suffix]}"{given}/>\n'


def light(pygments: str) -> str:
    """Return the colours of code on a white page, for a reader that knows no theme."""
    prefix = 'html[data-theme="light"] '
    return "\n".join(line.removeprefix(prefix) for line in pygments.splitlines() if line.startswith(prefix))


def write(target: Path, texts: dict[str, str], package_text: str, pictures: dict[str, bytes], css: str) -> None:
    """Pack the files: the kind of the archive first and not compressed; the same bytes for the same book."""
    members = {"META-INF/container.xml": CONTAINER.encode(), "book/content.opf": package_text.encode()}
    members |= {"book/book.css": css.encode()} | {f"book/{name}": text.encode() for name, text in texts.items()}
    members |= {f"book/{name}": content for name, content in pictures.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), b"application/epub+zip", zipfile.ZIP_STORED)
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
