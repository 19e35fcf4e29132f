"""What the visits of test_browser.py look for, they see: one page of the book, with a defect of every kind planted."""

from __future__ import annotations

import pytest
from browser_visit import VIEWS, each, foreign, open_context, sideways, stubborn, visit
from conftest import serve
from follows_from import in_part

pytestmark = [
    pytest.mark.site,
    in_part("planted defects seen in a browser", "_build/html/book/rosetta.html", together=True),
]

PAGE = "book/rosetta.html"  # the smallest that holds formulas
ELSEWHERE = "http://elsewhere.example"
HEAD = f"""<style>
  @font-face {{ font-family: Planted; src: url(planted-font.woff2); }}
  .planted-font {{ font-family: Planted; }}
  .planted-wide {{ width: 700px; }}
  .planted-flat mjx-container {{ display: none !important; }}
  .planted-link {{ all: unset !important; color: #34495e !important; }}
  .planted-pale {{ background: #fff; color: #ccc; }}
  html[data-theme="light"] .planted-light {{ background: #fff; color: #bbb; }}
  html[data-theme="dark"] .planted-dark {{ background: #111; color: #444; }}
  html[data-theme="dark"] .planted-mathjax [style*="rgb(1, 2, 3)"] {{ color: rgb(200, 201, 202) !important; }}
  html[data-theme="dark"] .planted-ground {{ background-image: url({ELSEWHERE}/dark.png); }}
  @media (max-width: 500px) {{ .planted-ground {{ background-image: url(planted-on-a-phone.png) !important; }} }}
  @media (max-width: 500px) {{ .planted-scroll {{ width: 200px; height: 40px; overflow: scroll; }} }}
</style>
<script>
  console.error("planted complaint");
  addEventListener("DOMContentLoaded", () => {{ throw new Error("planted exception"); }});
</script>"""
BODY = rf"""<section>
<p class="planted-font">A font that is not there.</p>
<p class="planted-wide">Wider than a phone, and no wider than a page.</p>
<p><img src="planted-missing.png" alt="A picture that is not there."><img src="../_static/logo.svg" alt=" "></p>
<p><img src="{ELSEWHERE}/picture.png" alt="A picture of another host."></p>
<p><span class="math notranslate nohighlight">\(\plantedmacro\)</span></p>
<p><span class="math notranslate nohighlight">\(\frac{{1}}\)</span></p>
<p><span class="math">planted and not a formula</span></p>
<p>Left as it was written: <code>\(planted\)</code></p>
<p class="planted-flat"><span class="math notranslate nohighlight">\(f\)</span></p>
<p><span class="math notranslate nohighlight">\(\color{{#010203}}{{h}}\)</span></p>
<p class="planted-mathjax"><span class="math notranslate nohighlight">\(\color{{#010203}}{{c}}\)</span></p>
<p class="planted-light">Pale in the light.</p><p class="planted-dark">Pale in the dark.</p>
<pre><span class="k">import</span> <span class="planted-pale">pale</span> <span class="planted-pale">code</span></pre>
<p>A long text around <a href="#planted" class="planted-link">a link that looks like it</a> and goes on after it.</p>
<p class="planted-ground">A ground.</p>
<div class="planted-scroll"><p>{"Out of the keyboard's reach on a phone. " * 9}</p></div>
<button type="button"></button><h6>Planted heading</h6><ul><p>Planted in a list</p></ul>
<input type="text" id="planted-field">
</section>"""


@pytest.fixture(scope="module")
def planted(served, chromium, tmp_path_factory):
    """The visit of the page with every defect, as `visits`, and its log; the address of its server."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "book").mkdir()
    (folder / "_static").symlink_to(served.folder / "_static")
    (folder / "_images").symlink_to(served.folder / "_images")
    html = (served.folder / PAGE).read_text(encoding="utf-8")
    assert html.count("</head>") == html.count("</article>") == 1
    (folder / PAGE).write_text(html.replace("</head>", HEAD + "</head>").replace("</article>", BODY + "</article>"))
    (folder / "book/plain.html").write_text("<title>A page without the theme</title><p>White in the dark.</p>")
    with serve(folder) as url:
        context, log = open_context(chromium)
        page = context.new_page()
        visits = {name: visit(page, url + name) for name in (PAGE, "book/plain.html")}
        context.close()
        yield visits, log, url


def names(lines: list[str]) -> list[tuple[str, str]]:
    """Return (view, what was found) of each line about the planted page."""
    return [(view, line.split(f"({view}): ")[1]) for line in lines for view in VIEWS if f"{PAGE} ({view}): " in line]


def everywhere(text: str) -> list[tuple[str, str]]:
    return sorted((view, text) for view in VIEWS)


@pytest.mark.parametrize(
    "fact, found",
    [
        ("unrendered", "['planted and not a formula']"),
        ("raw", "1"),
        ("flat", "1"),
        ("wordless", "['{url}_static/logo.svg']"),
        ("broken", f"['{{url}}book/planted-missing.png', '{ELSEWHERE}/picture.png']"),
        ("fonts", "['Planted']"),
    ],
)
def test_a_fact_of_every_view_is_seen_in_every_view(planted, fact, found):
    visits, _, url = planted
    assert sorted(names(each(visits, fact))) == everywhere(f"{fact}: {found.format(url=url)}")


def test_formulas_that_mathjax_cannot_draw_are_seen(planted):
    visits, _, _ = planted
    for facts in visits[PAGE].facts.values():
        assert {r"\plantedmacro", "Missing argument for \\frac"} == set(facts["errors"])


def test_a_colour_without_a_lighter_one_is_seen_in_the_dark(planted):
    visits, _, _ = planted
    found = names(each(visits, "unmapped", ["dark", "dark phone"]))
    assert sorted(found) == [(view, "unmapped: ['rgb(1, 2, 3)']") for view in ("dark", "dark phone")]


def test_a_page_that_is_wider_than_a_phone_is_seen_there_alone(planted):
    visits, _, _ = planted
    found = names(sideways(visits))
    assert sorted(view for view, _ in found) == ["dark phone", "phone"]
    assert all("P.planted-wide" in what for _, what in found)


def test_a_page_that_stays_white_is_seen(planted):
    visits, _, _ = planted
    assert stubborn(visits) == [f"book/plain.html ({view}): None" for view in VIEWS]


def test_what_is_missing_is_seen_also_where_one_view_alone_asks_for_it(planted):
    _, log, url = planted
    missing = {address.split()[1] for address in log.refused}
    files = ("planted-missing.png", "planted-font.woff2", "planted-on-a-phone.png")
    assert {f"{url}book/{file}" for file in files} <= missing


def test_another_host_is_seen_also_where_the_dark_page_alone_asks_it(planted):
    _, log, url = planted
    assert set(foreign(log, url)) == {f"{ELSEWHERE}/picture.png", f"{ELSEWHERE}/dark.png"}


def test_what_the_console_says_is_seen(planted):
    _, log, _ = planted
    for words in ("planted complaint", "planted exception"):
        assert [line for line in log.complaints if words in line]


@pytest.mark.parametrize(
    "view, rule, element",
    [
        ("light", "color-contrast", "Pale in the light."),
        ("dark", "color-contrast", "Pale in the dark."),
        ("light", "color-contrast", "planted-pale"),
        ("light", "link-in-text-block", "planted-link"),
        ("light", "image-alt", "logo.svg"),
        ("phone", "image-alt", "logo.svg"),
        ("phone", "scrollable-region-focusable", "planted-scroll"),
        ("light", "button-name", "button"),
        ("light", "heading-order", "Planted heading"),
        ("light", "list", "Planted in a list"),
        ("light", "label", "planted-field"),
    ],
)
def test_axe_sees_it(planted, view, rule, element):
    visits, _, _ = planted
    found = [line for line in visits[PAGE].violations if line.startswith(f"{view}: {rule} ") and element in line]
    assert found
    wrong = {"light": "Pale in the dark", "dark": "Pale in the light"}
    assert not [
        line for line in visits[PAGE].violations for v, words in wrong.items() if line.startswith(v) and words in line
    ]
