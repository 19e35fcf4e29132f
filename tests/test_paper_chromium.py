"""What Chromium prints and draws of a book of two small pages, each command in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest
from conftest import ROOT
from paper import pdf
from paper.chromium import opened
from paper.places import pages_of
from PIL import Image

files = ("tools/paper/*", "tools/browser.py", "book/_static/paper.css", "book/_static/pages.css")
pytestmark = [pytest.mark.slow, pytest.mark.search("tools run from end to end", *files)]
TOC = """
root: book/index
parts:
  - caption: Part
    numbered: true
    chapters: [{file: book/one}]
"""
PAGE = """<html><head><link rel="canonical" href="https://a.example/{page}.html" /></head><body>
<article>{article}</article></body></html>"""
INDEX = '<section id="first"><h1>A book</h1><p>To <a href="one.html#far">what is far</a>.</p></section>'
ONE = """<section id="one"><h1>1. One</h1>
<figure id="fig"><img alt="A red square" src="../_images/a.png" style="width: 900px; height: 600px;"/></figure>
<pre>{code}</pre>
<div class="math" id="equation-eq-one"><span class="eqno">(1.1)</span>\\[ {formula} \\]</div>
<p>{lines}</p>
<section id="far"><h2>Far</h2></section></section>"""


@pytest.fixture
def paper(tmp_path):
    """Write a book with a piece of HTML at its end, and return a function that makes a copy of it."""
    folder = tmp_path / "html"
    (folder / "book").mkdir(parents=True)
    (folder / "_images").mkdir()
    (folder / "_static").mkdir()
    (tmp_path / "_toc.yml").write_text(TOC)
    (folder / "_static" / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>')
    (folder / "_static" / "pygments.css").write_text("")
    (folder / "_static" / "mathjax").symlink_to(mathjax())
    Image.new("RGB", (90, 60), "red").save(folder / "_images" / "a.png")

    def made(*command: str, more: str = "") -> subprocess.CompletedProcess[str]:
        one = ONE.format(
            code="x" * 900, formula=r"\color{#00785A}{" + "a + " * 60 + "b}", lines="word<br>" * 120 + more
        )
        for page, article in {"book/index": INDEX, "book/one": one}.items():
            text = PAGE.replace("{page}", page).replace("{article}", article)
            (folder / f"{page}.html").write_text(text, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "paper", *command]
            + ["--site", str(folder), "--toc", str(tmp_path / "_toc.yml"), "--out", str(tmp_path)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'tools'}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
        )

    return made


def mathjax():
    from paper.formulas import mathjax as folder

    return folder()


def test_the_pdf_has_bookmarks_tags_alternative_texts_and_its_fonts(paper, tmp_path):
    result = paper("pdf")
    assert result.returncode == 0, result.stderr
    content = (tmp_path / "rnnbook.pdf").read_bytes()
    places, count = pages_of(content)
    assert places["index"] < places["one"] < places["one--far"] <= count  # chapters start pages; the text fills some
    assert f"rnnbook.pdf: {count} pages" in result.stdout
    assert b"/Marked true" in content and b"/Outlines" in content and b"/Alt (A red square)" in content
    assert content.count(b"/CIDFontType2") == content.count(b"/FontFile2") > 0 and b"/Subtype /Type1" not in content
    assert b"/URI (http" in content  # the note behind the title leads to the site


@pytest.mark.parametrize(
    "more, said",
    [
        ('<table style="width: 900px"><tr><td>wide</td></tr></table>', "wider than the printed page"),
        ('<img alt="" src="https://b.example/x.png">', "asked for what is not in the book: ['http"),
    ],
)
def test_what_would_be_cut_or_fetched_stops_it(paper, tmp_path, more, said):
    result = paper("pdf", more=more)
    assert result.returncode != 0 and said in result.stderr
    assert not (tmp_path / "rnnbook.pdf").exists()


def test_formulas_are_mathml_in_the_epub_and_pictures_on_slides(paper, tmp_path):
    for command in ("epub", "slides"):
        result = paper(command)
        assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(tmp_path / "rnnbook.epub") as book:
        tree = ElementTree.fromstring(book.read("book/one.xhtml"))
        assert 'properties="mathml"' in book.read("book/content.opf").decode()
    (formula,) = tree.iter("{http://www.w3.org/1998/Math/MathML}math")
    assert formula.get("display") == "block" and formula.get("alttext").startswith(r"\color{#00785A}{a + a")
    assert "".join(formula.itertext()).replace(" ", "") == "a+" * 60 + "b"
    deck = (tmp_path / "slides" / "one.html").read_text(encoding="utf-8")
    assert re.search(r'<svg [^>]*aria-label="\\color', deck) and "\\[" not in deck
    assert "(1.1)<br/>eq-one" in deck.replace("<br>", "<br/>")
    assert 'href="one.html"' in (tmp_path / "slides" / "index.html").read_text(encoding="utf-8")


NARROW = """<html><head><script>window.MathJax = {startup: {promise: Promise.resolve()}}</script>
<style>body { margin: 0 } pre { white-space: pre-wrap; font: 13px monospace } p { font: 16px/20px serif }</style></head>
<body><pre id="fits">1</pre><pre id="wide">WIDE</pre><pre id="huge">HUGE</pre>
<p id="short">a<br>b<br>c</p><p id="long">a<br>b<br>c<br>d</p><p id="colon">So:</p></body></html>"""


def test_a_wide_line_of_code_is_made_smaller_and_what_is_short_or_announces_something_is_kept_together():
    page = NARROW.replace("WIDE", "x " * 48).replace("HUGE", "x " * 200)
    with opened({"index.html": page}, {}) as tab:
        pdf.lay_out(tab)
        sizes = tab.evaluate("[...document.querySelectorAll('pre')].map(e => parseFloat(getComputedStyle(e).fontSize))")
        wraps = tab.evaluate("[...document.querySelectorAll('pre')].map(e => getComputedStyle(e).whiteSpace)")
        classes = tab.evaluate("[...document.querySelectorAll('p')].map(e => e.className)")
        tab.set_viewport_size({"width": pdf.WIDTH, "height": 900})
        assert tab.evaluate("wide.scrollWidth <= wide.clientWidth && wide.clientHeight < huge.clientHeight")
    assert sizes[0] == sizes[2] == 13 and 0.7 * 13 < sizes[1] < 13
    assert wraps == ["pre", "pre", "pre-wrap"]
    assert classes == ["short", "", "short announces"]
