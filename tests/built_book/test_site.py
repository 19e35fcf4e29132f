"""The built book, read as files: nothing from other hosts, no dead link, no picture without words, no raw markup."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
import yaml
from bs4 import BeautifulSoup, NavigableString, Tag
from conftest import ROOT
from repository import pages_url

pytestmark = pytest.mark.site

CONTENT = "article.bd-article"
LOADING_LINKS = {"stylesheet", "preload", "icon", "modulepreload", "manifest", "dns-prefetch", "preconnect"}


COLOURED = re.compile(r'<span class="[a-z0-9]{1,3}">([^<]*)</span>')  # a word of code: most of what there is to read


@pytest.fixture(scope="module")
def soups(site):
    pages = {name: (site.folder / name).read_text(encoding="utf-8") for name in site.pages}
    return {name: BeautifulSoup(COLOURED.sub(r"\1", html), "html.parser") for name, html in pages.items()}


def prose(tag):
    """Yield the strings of a tag that stand in no code, no script and no formula."""
    for child in tag.children:
        if isinstance(child, Tag):
            if child.name not in ("pre", "code", "script", "style") and "math" not in child.get("class", []):
                yield from prose(child)
        elif type(child) is NavigableString:  # no comment
            yield child


def table_of_contents() -> list[str]:
    """Return every file that _toc.yml names."""

    def files(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("file", "root"):
                    yield value
                else:
                    yield from files(value)
        elif isinstance(node, list):
            for value in node:
                yield from files(value)

    return list(files(yaml.safe_load((ROOT / "_toc.yml").read_text())))


def test_every_page_of_the_table_of_contents_is_built_and_no_other_source(site):
    special = {"index.html", "genindex.html", "search.html", "py-modindex.html"}
    built = {name for name in site.pages if name not in special and not name.startswith("_modules/")}
    assert built == {f"{name}.html" for name in table_of_contents()}
    assert {"index.html", "genindex.html", "search.html"} <= set(site.pages)


def test_every_chapter_and_page_in_the_book_folder_is_in_the_table_of_contents():
    pages = [*(ROOT / "book").iterdir(), *(ROOT / "book" / "api").iterdir()]
    sources = {str(path.relative_to(ROOT).with_suffix("")) for path in pages if path.suffix in (".md", ".ipynb")}
    assert sources == set(table_of_contents())


def test_no_page_loads_anything_from_another_host(soups):
    problems = []
    for name, soup in soups.items():
        for tag in soup.find_all(True):
            for attribute in ("src", "srcset", "data", "poster", "href", "action"):
                value = tag.get(attribute)
                if not isinstance(value, str) or not re.match(r"\s*(https?:)?//", value):
                    continue
                if tag.name == "a" or (tag.name == "link" and not set(tag.get("rel", [])) & LOADING_LINKS):
                    continue  # a link that the reader follows, or that nobody loads
                problems.append(f"{name}: <{tag.name} {attribute}={value!r}>")
        for script in soup.find_all("script"):
            if re.search(r"(unpkg|jsdelivr|cdnjs|bootstrapcdn|googleapis|gstatic)\.", script.text):
                problems.append(f"{name}: a script names a content delivery network")
    assert not problems, "\n".join(problems)


def test_no_style_sheet_loads_anything_from_another_host(site):
    loads = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"]?)((?:https?:)?//[^'")\s]+)""")
    problems = [
        f"{path.relative_to(site.folder)}: {found}"
        for path in site.folder.rglob("*.css")
        for found in loads.findall(path.read_text())
    ]
    assert not problems, "\n".join(problems)


def test_every_picture_has_words_that_are_not_its_path(soups):
    problems = []
    for name, soup in soups.items():
        for picture in soup.find_all("img"):
            alt = (picture.get("alt") or "").strip()
            if not alt or "_images" in alt or "_static" in alt or re.search(r"\.(png|svg|jpe?g)$", alt):
                problems.append(f"{name}: {picture.get('src')} has alt={alt!r}")
    assert not problems, "\n".join(problems)


def test_every_figure_says_its_finding_in_caption_and_alternative_text(soups):
    problems = []
    for name, soup in soups.items():
        for figure in soup.select(f"{CONTENT} figure"):
            caption = figure.find("figcaption")
            words = " ".join(caption.get_text(" ", strip=True).split()) if caption else ""
            if len(words) < 30:
                problems.append(f"{name}: a figure's caption is {words!r}")
            for picture in figure.find_all("img"):
                if len(picture.get("alt", "")) < 40:
                    problems.append(f"{name}: a figure's alternative text is {picture.get('alt')!r}")
        for picture in soup.select(f"{CONTENT} img"):
            if picture.find_parent("figure") is None and picture.find_parent("div", class_="cell_output"):
                problems.append(f"{name}: {picture.get('src')} is not in a figure with a caption")
    assert not problems, "\n".join(problems)


def test_every_link_and_anchor_within_the_book_leads_somewhere(site, soups):
    problems = []
    anchors = {
        name: {tag.get("id") for tag in soup.find_all(id=True)} | {tag.get("name") for tag in soup.find_all("a")}
        for name, soup in soups.items()
    }
    for name, soup in soups.items():
        page = site.folder / name
        for tag, attribute in [("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")]:
            for element in soup.find_all(tag):
                address = urlparse(element.get(attribute) or "")
                if address.scheme or address.netloc or not (address.path or address.fragment):
                    continue
                target = Path(page.parent / unquote(address.path)).resolve() if address.path else page
                if target.is_dir():
                    target /= "index.html"
                if not target.exists():
                    problems.append(f"{name}: {element[attribute]} does not exist")
                elif address.fragment and target.suffix == ".html":
                    if unquote(address.fragment) not in anchors[str(target.relative_to(site.folder))]:
                        problems.append(f"{name}: {element[attribute]} has no such anchor")
    assert not problems, "\n".join(sorted(set(problems)))


def test_no_markup_is_left_unrendered(soups):
    markup = re.compile(r"\{[a-z:-]+\}`[^`]*`|:::|```|\$\$|\\(?:frac|begin|color|mathbf)|\*\*\w|\(eq-[\w-]+\)=?")
    problems = []
    for name, soup in soups.items():
        for article in soup.select(CONTENT):
            for found in markup.findall(" ".join(prose(article))):
                problems.append(f"{name}: {found!r}")
    assert not problems, "\n".join(problems)


def test_every_page_has_a_title_of_its_own_an_icon_and_says_its_language(soups):
    titles: dict[str, str] = {}
    for name, soup in soups.items():
        assert soup.html.get("lang") == "en", name
        assert soup.select("link[rel~=icon][href]"), f"{name} names no icon, so browsers ask for one that is not there"
        title = " ".join(soup.title.text.split())
        assert title not in titles, f"{name} and {titles[title]} have the title {title!r}"
        titles[title] = name


def test_each_chapter_can_be_launched_and_downloaded(site, soups):
    chapters = [name for name in table_of_contents() if (ROOT / f"{name}.ipynb").exists()]
    assert chapters, "the table of contents names no notebook"
    options = yaml.safe_load((ROOT / "_config.yml").read_text())
    slug = os.environ.get("GITHUB_REPOSITORY") or options["repository"]["url"].removeprefix("https://github.com/")
    for chapter in chapters:
        links = {a["href"] for a in soups[f"{chapter}.html"].find_all("a", href=True)}
        assert f"https://mybinder.org/v2/gh/{slug}/main?urlpath=lab/tree/{chapter}.ipynb" in links
        assert f"https://colab.research.google.com/github/{slug}/blob/main/{chapter}.ipynb" in links
        download = f"_sources/{chapter}.ipynb"
        assert (site.folder / download).exists()
        assert f"../{download}" in links


def test_each_page_tells_other_sites_its_title_and_address(soups):
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    for name in table_of_contents():
        soup = soups[f"{name}.html"]
        if not os.environ.get("GITHUB_REPOSITORY"):
            assert soup.find("meta", property="og:url")["content"] == f"{pages_url(url)}{name}.html"
        assert soup.find("meta", property="og:title")["content"]
        assert soup.find("meta", property="og:description")["content"]


def test_the_packages_code_fits_the_column_of_a_page(soups):
    """84 characters are visible between the margins; what stands further right, an equation's label say, is not."""
    code = {
        name: soup.select(f"{CONTENT} div.highlight-python pre")
        for name, soup in soups.items()
        if name.startswith("book/")
    }
    assert sum(map(len, code.values())) > 20
    long = [
        f"{name}: {line}"
        for name, blocks in code.items()
        for block in blocks
        for line in block.get_text().split("\n")
        if len(line) > 84
    ]
    assert not long, "\n".join(long)
