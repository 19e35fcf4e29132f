"""The book away from its site: what each step keeps, drops and turns, on pages of a few lines."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from paper import book, contents, epub, formulas, links, offline, pdf, slides, solutions
from paper.places import pages_of
from paper.plain import plain
from paper.site import Site, slug, title_of
from PIL import Image

ADDRESS = "https://a.example/"
TOC = """
format: jb-book
root: book/index
parts:
  - caption: First & best
    numbered: true
    chapters: [{file: book/one}, {file: book/two}]
  - caption: Reference
    chapters: [{file: book/api/more}]
"""
PAGE = """<html><head><link rel="canonical" href="https://a.example/{page}.html" /></head><body>
<header>frame</header><article class="bd-article">{article}</article></body></html>"""
INDEX = '<section id="the-title"><h1>The title<a class="headerlink" href="#the-title">#</a></h1><p>Words.</p></section>'
ONE = """<section id="chapter-one">
<h1><span class="section-number">1. </span>One<a class="headerlink" href="#x">#</a></h1>
<div class="cell tag_hide-input"><details class="hide"><summary>Show</summary>
<div class="cell_input"><pre>import secret</pre></div></details>
<div class="cell_output"><figure id="fig-a"><a class="image-reference" href="../_images/a.png">
<img alt="A red square" src="../_images/a.png" style="width: 30px; height: 20px;"/></a>
<figcaption><p><span class="caption-number">Fig. 1.1 </span>See
 <span class="math">\\(x_1\\)</span> in <a href="two.html#id1">two</a></p></figcaption></figure></div></div>
<div class="cell tag_hide-input" id="folded">
<details class="hide"><div class="cell_input"><pre>import os</pre></div></details></div>
<div class="animation animation-a"><p>It moves on the web.</p></div>
<section id="equations"><h2>Equations<a class="headerlink" href="#equations">#</a></h2>
<div class="math" id="equation-eq-one-sum">
<span class="eqno">(1.1)<a class="headerlink" href="#e">#</a></span>\\[ a &lt; b \\]</div>
<div class="math" id="equation-eq-one-two"><span class="eqno">(1.2)</span>\\[ c \\]</div>
<div class="math">\\[ d \\]</div>
<div class="sd-tab-set"><input type="radio"/><label>NumPy</label><div class="sd-tab-content"><p>first</p></div>
<input type="radio"/><label>PyTorch</label><div class="sd-tab-content"><p>second</p></div></div></section>
<section id="exercises"><h2>Exercises</h2>
<div class="exercise admonition" id="ex-a"><p class="admonition-title">Exercise 1.1 (Add)</p>
<section id="exercise-content"><p>Add.</p></section></div>
<div class="cell live-code"><div class="cell_input"><pre>exercises.one.check_add(None)</pre></div>
<div class="cell_output"><pre>write it first</pre></div><script>{}</script></div>
<div class="solution dropdown admonition" id="book/one-solution-1"><p class="admonition-title">Solution</p>
<section id="solution-content"><p>As in <a href="#equation-eq-one-sum">(1.1)</a>.</p></section></div>
</section></section>"""
TWO = """<section id="chapter-two"><h1>2. Two</h1>
<p id="id1">To <a href="one.html#fig-a">Fig. 1.1</a>, <a href="one.html">one</a>,
<a href="one.html#folded">what is folded</a>, <a href="one.html#chapter-one">its start</a>,
<a href="../genindex.html#A">the index</a>,
<a href="https://b.example/#q">elsewhere</a> and <a href="api/more.html#f">f</a>.</p>
<p>A &amp; B<br>C</p>
<details class="sd-dropdown"><summary>Answer<span class="sd-summary-state-marker">v</span></summary><p>42</p>
</details></section>"""
MORE = """<section id="more"><h1>More</h1>
<dl><dt id="f">f(x)</dt><dd>See <a href="../one.html#equations">there</a>.</dd></dl></section>"""


@pytest.fixture
def site(tmp_path) -> Site:
    """A book of four pages and one picture."""
    folder = tmp_path / "html"
    for page, article in {"book/index": INDEX, "book/one": ONE, "book/two": TWO, "book/api/more": MORE}.items():
        path = folder / f"{page}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.replace("{page}", page).replace("{article}", article), encoding="utf-8")
    (folder / "_images").mkdir()
    Image.new("RGB", (3, 2), "red").save(folder / "_images" / "a.png")
    return Site(folder, TOC)


def section(text: str):
    return BeautifulSoup(text, "html.parser").find("section")


def test_the_pages_come_in_the_order_of_the_contents_with_their_parts_and_address(site):
    assert site.pages == ["book/index", "book/one", "book/two", "book/api/more"]
    assert site.chapters == ["book/one", "book/two"]
    assert [part.caption for part in site.parts] == ["", "First & best", "Reference"]
    assert site.address == ADDRESS
    assert slug("book/api/more") == "api-more"
    assert title_of(site.article("book/one")) == "1. One"


def test_a_page_that_was_not_built_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="run `make book` first"):
        Site(tmp_path, TOC).article("book/one")


def test_folded_cells_go_but_the_figures_that_they_draw_stay():
    page = plain(section(ONE), ADDRESS)
    assert "import" not in page.get_text()
    image = page.find("img")
    assert (image["alt"], image["width"], "style" in image.attrs, image.parent.name) == (
        "A red square",
        "30",
        False,
        "figure",
    )
    assert page.find(id="folded") is None  # nothing is left of a cell that only imports


def test_an_exercise_keeps_its_statement_and_its_code_without_the_first_answer():
    page = plain(section(ONE), ADDRESS)
    assert page.select_one(".editor").get_text(strip=True) == "exercises.one.check_add(None)"
    assert page.select_one(".exercise > p:last-child").get_text() == "Add."
    assert page.find("script") is None and page.select(".headerlink") == []


def test_the_output_of_another_cell_stays():
    page = plain(
        section(
            "<section><div class='cell'><div class='cell_input'><pre>1</pre></div>"
            "<div class='cell_output'><pre>2</pre></div></div></section>"
        ),
        "",
    )
    assert page.get_text() == "12"


def test_tabs_and_drop_downs_are_shown_one_after_the_other():
    page = plain(section(ONE), ADDRESS)
    assert page.select_one(".tabs").get_text("|", strip=True) == "NumPy|first|PyTorch|second"
    assert page.find("input") is None
    opened = plain(section(TWO), ADDRESS).select_one(".admonition")
    assert opened.name == "div" and opened.get_text("|", strip=True) == "Answer|42"


def test_a_figure_that_moves_says_where():
    moving = plain(section(ONE), ADDRESS + "book/one.html").select_one(".on-the-web")
    assert moving.get_text() == "It moves on the web. (see it move)"
    assert moving.find("a")["href"] == ADDRESS + "book/one.html"


def test_every_link_finds_its_target_in_the_whole_book(site):
    chapters = book.read(site)
    two = next(chapter.article for chapter in chapters if chapter.id == "two")
    assert {a.get_text(): a["href"] for a in two.find_all("a")} == {
        "Fig. 1.1": "#one--fig-a",
        "one": "#one",
        "what is folded": "#one",  # it is not there any more
        "its start": "#one",
        "the index": "https://a.example/genindex.html#A",
        "elsewhere": "https://b.example/#q",
        "f": "#api-more--f",
    }
    targets = [str(e["id"]) for chapter in chapters for e in [chapter.article, *chapter.article.find_all(id=True)]]
    assert len(targets) == len(set(targets))
    for chapter in chapters:
        assert all(a["href"][1:] in targets for a in chapter.article.select('a[href^="#"]'))


def test_a_link_to_a_page_that_is_left_out_leads_to_the_web(site):
    (two,) = book.read(site, ["book/two"])
    assert two.article.find("a")["href"] == "https://a.example/book/one.html#fig-a"


def test_a_link_without_a_target_and_without_a_page_is_named():
    assert links.mend([section('<section id="a"><a href="#b--c">x</a><a href="#a--d">y</a></section>')]) == ["b--c"]


def test_solutions_stand_behind_the_last_chapter_and_links_lead_both_ways(site):
    chapters = {chapter.id: chapter for chapter in book.read(site)}
    assert list(chapters) == ["index", "one", "two", "solutions", "api-more"]
    one, collected = chapters["one"].article, chapters["solutions"].article
    assert one.select(".solution") == []
    there = one.select_one(".exercise .to-solution")["href"]
    solution = collected.find(id=there[1:])
    assert solution.select_one(".admonition-title a")["href"] == "#one--ex-a"
    assert solution.select_one(".admonition-title").get_text() == "Exercise 1.1 (Add)"
    assert solution.find_all("a")[1]["href"] == "#one--equation-eq-one-sum"
    assert [h.get_text() for h in collected.find_all(["h1", "h2"])] == ["Solutions", "1. One"]


def test_a_book_without_exercises_has_no_chapter_of_solutions(site):
    assert [chapter.id for chapter in book.read(site, ["book/index", "book/two"])] == ["index", "two"]
    assert solutions.collect({}).select(".solution") == []


def test_the_contents_name_parts_chapters_and_the_sections_of_those_with_numbers(site):
    listed = BeautifulSoup(contents.contents(book.read(site), {"one": 2}), "html.parser")
    assert [p.get_text() for p in listed.find_all("p")] == [
        *("About this book", "First & best", "1. One", "Equations", "Exercises"),
        *("2. Two", "Solutions", "Reference", "More"),
    ]  # fmt: skip
    assert [a["href"] for a in listed.select(".level-2 a")] == ["#one--equations", "#one--exercises"]
    assert listed.select_one(".number")["data-target"] == "index"


def pdf_of(*objects: bytes) -> bytes:
    return b"%PDF-1.4\n" + b"\n".join(b"%d 0 obj\n%s\nendobj" % (k, text) for k, text in enumerate(objects, 1))


def test_the_pages_of_targets_are_read_from_a_pdf():
    tree = (b"<</Type /Pages\n/Kids [4 0 R 7 0 R]>>", b"<</Type /Pages\n/Kids [6 0 R 5 0 R]\n/Parent 3 0 R>>")
    page = b"<</Type /Page>>"
    names = b"<</one [7 0 R /XYZ 0 1 0]\n/a#23b [5 0 R /XYZ 0 2 0]\n/two--x [6 0 R /XYZ 0 3 0]>>"
    content = pdf_of(b"<</Type /Catalog\n/Pages 3 0 R\n/Dests 2 0 R>>", names, tree[0], tree[1], page, page, page)
    assert pages_of(content) == ({"two--x": 1, "a#b": 2, "one": 3}, 3)
    with pytest.raises(ValueError, match="named targets"):
        pages_of(pdf_of(b"<</Type /Catalog>>"))


class Tab:
    """A page whose second heading comes to lie elsewhere until it has been printed for the ``settled``-th time."""

    def __init__(self, settled: int) -> None:
        self.settled, self.printed, self.numbers = settled, 0, {}

    def evaluate(self, script, numbers):
        self.numbers = numbers

    def pdf(self, **_):
        self.printed += 1
        return str(min(self.printed, self.settled)).encode()


def test_the_book_is_printed_until_its_contents_agree_with_its_pages(monkeypatch):
    monkeypatch.setattr(pdf, "pages_of", lambda content: ({"one": 1, "two": 5 + int(content)}, 9))
    tab = Tab(3)
    assert pdf._numbered(tab) == (b"3", 9) and tab.numbers == {"one": 1, "two": 8}
    with pytest.raises(RuntimeError, match="move with each printing"):
        pdf._numbered(Tab(99))


def test_a_formula_is_its_text_without_number_and_marks():
    page = plain(section(ONE), ADDRESS)
    assert [formulas.tex(place) for place in page.select(".math")] == ["x_1", "a < b", "c", "d"]
    picture = BeautifulSoup('<math data-x="1">\n  <mi data-y="2">a</mi>\n</math>', "html.parser").math
    formulas.clean(picture, "a < b")
    assert str(picture) == '<math alttext="a &lt; b"><mi>a</mi></math>'


ABOUT = ("A book & more", "Ada", "1.0", ADDRESS)


def test_every_file_of_the_epub_is_xml_and_every_link_and_picture_finds_its_file(site, tmp_path):
    chapters = book.read(site)
    texts = epub.files(chapters, *ABOUT)
    pictures = {"images/a.png": (site.folder / "_images/a.png").read_bytes()}
    epub.write(tmp_path / "a.epub", texts, epub.package(texts, list(pictures), *ABOUT), pictures, "p { color: red }")
    with zipfile.ZipFile(tmp_path / "a.epub") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"application/epub+zip"
        names = {name.removeprefix("book/") for name in archive.namelist() if name.startswith("book/")}
        package = ElementTree.fromstring(archive.read("book/content.opf"))
        trees = {
            name: ElementTree.fromstring(archive.read(f"book/{name}")) for name in names if name.endswith(".xhtml")
        }
    listed = {item.get("href"): item.get("id") for item in package.iter("{http://www.idpf.org/2007/opf}item")}
    assert set(listed) == names - {"content.opf"}
    spine = [item.get("idref") for item in package.iter("{http://www.idpf.org/2007/opf}itemref")]
    assert sorted(spine) == sorted(listed[name] for name in trees)
    ids = {(name, e.get("id")) for name, tree in trees.items() for e in tree.iter() if e.get("id")}
    for name, tree in trees.items():
        for element in tree.iter():
            href, source = element.get("href"), element.get("src")
            if source:
                assert (source, element.get("alt")) == ("images/a.png", "A red square")
            if href and "://" not in href and href != "book.css":
                file, _, target = href.partition("#")
                assert file in trees and (not target or (file, target) in ids), (name, href)


def test_the_same_book_gives_the_same_epub(site, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    written = []
    for name in ("a", "b"):
        texts = epub.files(book.read(site), *ABOUT)
        epub.write(tmp_path / name, texts, epub.package(texts, [], *ABOUT), {}, "")
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    assert b"1970-01-01T00:00:00Z" in zipfile.ZipFile(io.BytesIO(written[0])).read("book/content.opf")


def test_code_is_coloured_as_on_a_white_page():
    css = (
        'html[data-theme="light"] .highlight .k { color: #111 }\nhtml[data-theme="dark"] .highlight .k { color: #eee }'
    )
    assert epub.light(css) == ".highlight .k { color: #111 }"


def test_the_archive_holds_the_site_without_its_own_copies_and_is_the_same_on_any_day(site, tmp_path):
    (site.folder / "paper").mkdir()
    (site.folder / "paper/rnnbook.pdf").write_bytes(b"%PDF")
    target = tmp_path / "a.zip"
    assert offline.write(site.folder, target, "1.0", ADDRESS) == 5
    before = target.read_bytes()
    os.utime(site.folder / "book/one.html", (1, 1))
    offline.write(site.folder, target, "1.0", ADDRESS)
    assert target.read_bytes() == before
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == [
            *("rnnbook/README.txt", "rnnbook/book/_images/a.png", "rnnbook/book/book/api/more.html"),
            *("rnnbook/book/book/index.html", "rnnbook/book/book/one.html"),
            *("rnnbook/book/book/two.html", "rnnbook/serve.py"),
        ]  # fmt: skip
        assert archive.read("rnnbook/book/book/one.html") == (site.folder / "book/one.html").read_bytes()
        readme = archive.read("rnnbook/README.txt").decode()
    assert "python3 serve.py" in readme and ADDRESS in readme and "{" not in readme


def test_the_archives_program_serves_scripts_as_scripts(site, tmp_path):
    (site.folder / "a.mjs").write_text("export {}")
    offline.write(site.folder, tmp_path / "a.zip", "1.0", ADDRESS)
    zipfile.ZipFile(tmp_path / "a.zip").extractall(tmp_path)
    command = [sys.executable, str(tmp_path / "rnnbook/serve.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"BROWSER": "true"}) as server:
        try:
            address = next(word for word in server.stdout.readline().split() if word.startswith("http://127.0.0.1:"))
            with urllib.request.urlopen(address + "a.mjs") as answer:
                assert (answer.headers["Content-Type"], answer.read()) == ("text/javascript", b"export {}")
        finally:
            server.terminate()


def deck(site):
    article = plain(site.article("book/one"), "")
    links.rename(article, "book/one", [], site.address)
    return BeautifulSoup(slides.deck(article, site.folder, ADDRESS + "book/one.html"), "html.parser")


def test_a_deck_has_a_slide_for_each_figure_and_the_numbered_equations_with_their_labels(site):
    shown = deck(site).select(".slide")
    assert [slide["class"][1] for slide in shown] == ["title", "figure", "equations"]
    assert [slide.find(["h1", "h2"]).get_text() for slide in shown] == ["1. One", "1. One", "Equations"]
    assert [label.get_text(" ") for label in shown[2].select(".label")] == ["(1.1) eq-one-sum", "(1.2) eq-one-two"]
    assert "Fig. 1.1" in shown[1].figcaption.get_text()


def test_a_deck_is_one_file_whose_picture_and_links_are_whole(site):
    page = deck(site)
    image = page.find("img")
    assert image["alt"] == "A red square" and image["src"].startswith("data:image/png;base64,")
    assert page.find(src=lambda source: source and not source.startswith("data:")) is None and page.find("link") is None
    assert page.figcaption.find("a")["href"] == "https://a.example/book/two.html#id1"


def test_many_equations_of_a_section_are_spread_over_slides():
    equations = "".join(f'<div class="math"><span class="eqno">({k})</span>x</div>' for k in range(8))
    one, two = slides.blocks(section(f"<section>{equations}</section>"))
    assert (len(one), len(two)) == (slides.ON_ONE, 8 - slides.ON_ONE)


@pytest.mark.parametrize("drawn", [False, True])
def test_equations_share_a_slide_by_their_lines_before_and_after_they_are_drawn(drawn):
    sources = ["a", r"b \\ c \\ d", "e", r"f \\ g", "h"]
    inside = [f'<svg aria-label="{source}"></svg>' if drawn else f"\\[{source}\\]" for source in sources]
    equations = "".join(
        f'<div class="math"><span class="eqno">({k})</span>{text}</div>' for k, text in enumerate(inside)
    )
    assert [len(block) for block in slides.blocks(section(f"<section>{equations}</section>"))] == [3, 2]


def test_a_formula_in_a_heading_is_drawn_with_the_others_and_shown():
    article = section(
        '<section><h1>1. One</h1><section><h2>2. Where <span class="math">\\(e^A\\)</span> comes from</h2>'
        '<div class="math"><span class="eqno">(1)</span>x</div></section></section>'
    )
    (place,) = [place for heading in slides.headings(article) for place in formulas.places_of(heading)]
    assert formulas.tex(place) == "e^A"
    place.replace_with(BeautifulSoup('<svg aria-label="e^A"></svg>', "html.parser"))
    shown = BeautifulSoup(slides.deck(article, Path(), ADDRESS), "html.parser").find(id="s1").h2
    assert shown.find("svg")["aria-label"] == "e^A" and shown.get_text() == "2. Where  comes from"


def test_the_list_of_decks_links_each():
    listed = BeautifulSoup(slides.index({"a.html": "1. A & B"}), "html.parser").find("a")
    assert (listed["href"], listed.get_text()) == ("a.html", "1. A & B")


def test_pages_are_chosen_by_name_in_the_order_of_the_book(site):
    from paper.__main__ import chosen

    assert chosen(site.pages, []) == site.pages
    assert chosen(site.pages, ["two", "one"]) == ["book/one", "book/two"]
    with pytest.raises(ValueError, match="no page is called 'three'; there are index, one, two, api-more"):
        chosen(site.pages, ["three"])


def test_the_style_sheets_are_in_the_book():
    for name in ("paper.css", "pages.css"):
        assert (Path(__file__).parents[1] / "book/_static" / name).exists()
