"""The formulas, drawn beforehand by the MathJax that the pages use: as MathML, or as pictures (SVG)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from bs4 import NavigableString, Tag

from paper.chromium import opened
from paper.tags import parsed

Kind = Literal["mathml", "svg"]
PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>formulas</title>
<script>window.MathJax = {startup: {typeset: false}, options: {enableMenu: false}, svg: {fontCache: "none"}};</script>
<script src="/mathjax/tex-svg.js"></script></head><body></body></html>"""
DRAWN = """async ([formulas, kind]) => {
  await MathJax.startup.promise;
  const drawn = [];
  for (const [tex, display] of formulas)
    drawn.push(kind === "mathml" ? await MathJax.tex2mmlPromise(tex, {display}) :
               MathJax.startup.adaptor.innerHTML(await MathJax.tex2svgPromise(tex, {display})));
  return drawn;
}"""


def mathjax() -> Path:
    """Return the folder of MathJax, in the wheel that the pages take it from."""
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the wheel sphinx-mathjax-offline is missing: run `make book`")
    return Path(spec.origin).parent / "static" / "mathjax"


def drawn(formulas: Collection[tuple[str, bool]], kind: Kind) -> dict[tuple[str, bool], str]:
    """Return each formula, given as TeX and whether it stands on a line of its own, as a piece of HTML.

    ValueError names those that MathJax cannot read.
    """
    with opened({"index.html": PAGE}, {"mathjax": mathjax()}) as tab:
        texts = tab.evaluate(DRAWN, [[list(formula) for formula in formulas], kind])
    wrong = [tex for (tex, _), text in zip(formulas, texts) if "merror" in text]
    if wrong:
        raise ValueError(f"MathJax cannot read {wrong[:5]}")
    return dict(zip(formulas, texts))


def draw(articles: Iterable[Tag], kind: Kind) -> None:
    """Put into the place of every formula's TeX what it looks like; the TeX stays as its alternative text."""
    places = [place for article in articles for place in places_of(article)]
    formulas = {(tex(place), place.name == "div"): place for place in places}
    pictures = drawn(list(formulas), kind) if formulas else {}
    for place in places:
        source, display = tex(place), place.name == "div"
        picture = parsed(pictures[source, display])
        clean(picture, source)
        for child in list(place.children):
            if isinstance(child, NavigableString):
                child.extract()
        place.append(picture)


def places_of(article: Tag) -> list[Tag]:
    """Return the elements that hold a formula each, the given one among them where it does."""
    own = [article] if "math" in article.get_attribute_list("class") else []
    return [*own, *article.select(".math")]


def tex(place: Tag) -> str:
    r"""Return the TeX of a formula: the text of its element without the number, ``\(`` and ``\)``."""
    text = "".join(child for child in place.children if isinstance(child, NavigableString)).strip()
    return text[2:-2].strip()


def clean(picture: Tag, source: str) -> None:
    """Leave out of a formula what only MathJax reads, and give it its TeX as an alternative text."""
    for element in [picture, *picture.find_all(True)]:
        for key in [key for key in element.attrs if key.startswith("data-")]:
            del element[key]
    for text in picture.find_all(string=lambda text: text is not None and not text.strip(" \n")):
        text.extract()
    if picture.name == "math":
        picture["alttext"] = source
    else:
        picture.attrs.pop("focusable", None)
        picture["role"], picture["aria-label"] = "img", source
