"""The whole book as one PDF: one page of HTML, printed by Chromium with tags and bookmarks."""

from __future__ import annotations

import re
from html import escape
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import Page

from paper.book import Chapter
from paper.chromium import opened
from paper.contents import contents, title_page
from paper.places import pages_of
from paper.site import Site, slug

WIDTH = 627  # pixels of text beside the margins of pages.css, on A4; a letter's page is wider
TRIES = 4
MATHJAX = """window.MathJax = {
  options: {processHtmlClass: "math", ignoreHtmlClass: "mathjax_ignore", enableMenu: false, enableAssistiveMml: false}
};"""
# a font is asked for only once something that needs it has been laid out
SETTLED = """async () => {
  await MathJax.startup.promise;
  document.body.getBoundingClientRect();
  await document.fonts.ready;
}"""
# a formula that is wider than the text is made smaller
FITTED = """() => {
  for (const formula of document.querySelectorAll("div.math mjx-container")) {
    const number = formula.parentElement.querySelector(".eqno");
    const room = formula.parentElement.clientWidth - (number ? 2 * number.offsetWidth + 16 : 0);
    const width = formula.querySelector("mjx-math").getBoundingClientRect().width;
    if (width > room) formula.style.fontSize = Math.floor(100 * parseFloat(getComputedStyle(formula).fontSize)
                                                          * room / width) / 100 + "px";
  }
}"""
# a table that a cell has printed, or code, with a line that is wider than the text is made smaller, so that no line is
# broken; one that would become too small to read is broken after all
UNBROKEN = """() => {
  const blocks = [...document.querySelectorAll("pre")];
  for (const block of blocks) block.style.whiteSpace = "pre";
  const wide = blocks.filter(block => block.scrollWidth > block.clientWidth).map(block => {
    const style = getComputedStyle(block), padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    return [block, (block.clientWidth - padding - 1) / (block.scrollWidth - padding), parseFloat(style.fontSize)];
  });
  for (const [block, share, size] of wide) {
    if (share < 0.7) block.style.whiteSpace = "pre-wrap";
    else block.style.fontSize = Math.floor(100 * size * share) / 100 + "px";
  }
}"""
# what has at most three lines is not torn: Chromium leaves the third alone on the next page; and what ends with a
# colon stays with what it announces
KEPT = """() => {
  const texts = [...document.querySelectorAll("p, dd, figcaption, li:not(:has(li))")];
  const short = texts.filter(
    text => text.getBoundingClientRect().height < 3.9 * parseFloat(getComputedStyle(text).lineHeight));
  for (const text of short) text.classList.add("short");
  for (const text of texts) if (text.textContent.trim().endsWith(":")) text.classList.add("announces");
}"""
TOO_WIDE = """width => [...document.querySelectorAll("body *")].filter(
  element => element.getBoundingClientRect().right > width + 1 && !element.closest("mjx-container")
).map(element => `${element.tagName}.${element.className} ${element.textContent.slice(0, 60)}`)"""
NUMBERED = """numbers => {
  for (const place of document.querySelectorAll(".number[data-target]"))
    place.textContent = numbers[place.dataset.target] ?? "";
}"""


def fonts() -> Path:
    """Return the folder of the fonts that Matplotlib brings: the printed book looks the same on every machine."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("Matplotlib, whose fonts the PDF uses, is missing: run `make book`")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


def one_page(
    site: Site, chapters: list[Chapter], title: str, author: str, version: str, address: str, size: str = "A4"
) -> str:
    """Return the HTML of the whole book on one page; each chapter is a named page, whose running head is its title."""
    depths = {slug(page): 2 for page in site.chapters}
    body = [title_page(title, author, version, address), contents(chapters, depths)]
    body += [_chapter(chapter) for chapter in chapters]
    sheets = ["/site/_static/pygments.css", "/styles/paper.css", "/styles/pages.css"]
    links = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    rules = f"@page {{ size: {size}; }}\n" + "\n".join(map(_rules, chapters))
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>{links}<style>{rules}</style><script>{MATHJAX}</script>"
        '<script defer src="/site/_static/mathjax/tex-chtml.js"></script></head>\n<body>'
        + "\n".join(body)
        + "</body></html>"
    )


def _chapter(chapter: Chapter) -> str:
    heading = chapter.article.find("h1")
    if chapter.part and heading:
        heading["data-part"] = chapter.part
    chapter.article["class"] = "chapter mathjax_ignore"
    for image in chapter.article.find_all("img", src=True):
        image["src"] = "/site/" + str(image["src"]).removeprefix("/site/")
    return str(chapter.article)


def _rules(chapter: Chapter) -> str:
    """Return the rules that make a chapter a named page with a running head."""
    title = chapter.title.replace("\\", "\\\\").replace('"', '\\"')
    selector = re.sub(r"([^\w-])", r"\\\1", chapter.id)
    return (
        f'@page chapter-{chapter.id} {{ @top-left {{ content: "{title}"; }} }}\n'
        f"#{selector} {{ page: chapter-{chapter.id}; }}"
    )


def write(page: str, site: Site, styles: Path, target: Path) -> int:
    """Print a page to a PDF, with the pages' numbers in its contents, and return how many pages it has.

    It is printed twice: where each heading comes to lie is known once the first PDF is there. Chromium does not always
    break the same page at the same places; then it is printed again. RuntimeError names what is wider than the text, or
    says that the numbers are still wrong after the last try.
    """
    with opened({"index.html": page}, {"site": site.folder, "styles": styles, "fonts": fonts()}) as tab:
        lay_out(tab)
        content, count = _numbered(tab)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return count


def lay_out(tab: Page) -> None:
    """Wait until every formula is drawn, make each fit and the code too, and mark what stays on one page.

    RuntimeError names what else is wider than the text.
    """
    screen = tab.viewport_size
    tab.set_viewport_size({"width": WIDTH, "height": 900})
    tab.emulate_media(media="print")
    tab.evaluate(SETTLED)
    for change in (FITTED, UNBROKEN, KEPT):
        tab.evaluate(change)
    wide = tab.evaluate(TOO_WIDE, WIDTH)
    # back to how the page was opened: with either of the two left on, printing the whole book came to no end
    tab.emulate_media(media="null")
    if screen:
        tab.set_viewport_size(screen)
    tab.evaluate(SETTLED)
    if wide:
        raise RuntimeError("wider than the printed page, so that it would be cut:\n" + "\n".join(wide[:20]))


def _numbered(tab: Page) -> tuple[bytes, int]:
    """Return a PDF whose contents name the pages on which the headings are, and how many pages it has."""
    numbers, _ = pages_of(_printed(tab))
    for _ in range(TRIES):
        tab.evaluate(NUMBERED, numbers)
        content = _printed(tab)
        found, count = pages_of(content)
        if found == numbers:
            return content, count
        numbers = found
    raise RuntimeError("the numbers in the contents are not those of the pages, which move with each printing")


def _printed(tab: Page) -> bytes:
    return tab.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
