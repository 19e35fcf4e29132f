"""The built book in a real browser: every page in three views, and what a reader's hands do on it.

The views are visited once each; a test then reads what the visits found. `--dist loadgroup` gives each view a process.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.site

VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
SEEN_BY_AXE = ("light", "dark", "phone")        # the fourth view differs from these in neither colours nor layout
PER_VIEW = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in VIEWS]
PER_AXE_VIEW = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SEEN_BY_AXE]
HANDS = pytest.mark.xdist_group("dark phone")   # the tests that press and type share the shortest view's process

# Without preload: axe would load the style sheets a second time, by addresses that it resolves wrongly.
AXE = {"resultTypes": ["violations"], "preload": False}

# What a page looks like once it has settled, asked in one go.
FACTS = """() => {
    const wide = [...document.querySelectorAll("article.bd-article *")].filter(e => {
        const box = e.getBoundingClientRect();
        return box.right > innerWidth + 1 && box.width > 0 && getComputedStyle(e).position !== "absolute";
    }).slice(0, 3).map(e => `${e.tagName}.${e.className}`);
    const formulas = [...document.querySelectorAll("span.math, div.math")];
    const coloured = [...document.querySelectorAll('mjx-container [style*="color: rgb"]')];
    return {
        theme: document.documentElement.dataset.theme,
        scroll: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        wide,
        formulas: formulas.length,
        unrendered: formulas.filter(e => !e.querySelector("mjx-container")).map(e => e.textContent.slice(0, 80)),
        errors: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(e => e.textContent.slice(0, 80)),
        raw: (document.querySelector("article.bd-article")?.innerText.match(/\\\\\\(|\\\\\\[/g) || []).length,
        flat: formulas.filter(e => { const c = e.querySelector("mjx-container");
                                     return c && (c.getBoundingClientRect().width < 1); }).length,
        unmapped: coloured.filter(e => getComputedStyle(e).color === e.style.color).map(e => e.style.color),
        coloured: coloured.length,
        broken: [...document.images].filter(e => e.complete && e.naturalWidth === 0).map(e => e.src),
        wordless: [...document.images].filter(e => !e.alt.trim()).map(e => e.src),
        fonts: [...document.fonts].filter(f => f.status === "error").map(f => f.family),
        icons: [...document.querySelectorAll("svg.svg-inline--fa")].length,
        iconless: [...document.querySelectorAll("i[class*='fa-']")].length
                + document.querySelectorAll("svg.fa-circle-question[data-icon='circle-question'].missing").length,
    };
}"""


@dataclass
class Log:
    """Everything that a browser context asked for and complained of."""

    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@dataclass
class Visit:
    """One page in one view, after it has settled."""

    facts: dict
    violations: list[str]


def open_context(chromium, view: str = "light", **options):
    """Return a new browser context without cookies or storage, and its log."""
    context = chromium.new_context(**VIEWS[view], reduced_motion="reduce", **options)
    log = Log()
    context.on("request", lambda request: log.requests.append(request.url))
    context.on("response", lambda r: log.refused.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    context.on("console", lambda m: log.complaints.append(f"{m.page.url}: {m.text}") if m.type == "error" else None)
    context.on("weberror", lambda e: log.complaints.append(f"{e.page.url}: {e.error}"))
    return context, log


def settle(page) -> None:
    """Wait until formulas, fonts and icons of the page are there."""
    page.wait_for_load_state("load")
    page.evaluate("""async () => {
        if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
        await document.fonts.ready;
        for (const image of document.images) { image.loading = "eager"; }
        await Promise.all([...document.images].map(i => i.complete ? null : i.decode().catch(() => null)));
        const deadline = performance.now() + 5000;
        while (document.querySelector("i[class*='fa-']") && performance.now() < deadline) {
            await new Promise(done => setTimeout(done, 20));
        }
    }""")


_visited: dict[str, tuple[dict[str, Visit], Log]] = {}


@pytest.fixture
def visited(request, served, chromium, view):
    """Every page of the book in the view: what was seen on each, and the log of all."""
    if view not in _visited:
        context, log = open_context(chromium, view)
        page = context.new_page()
        visits = {}
        for name in served.pages:
            page.goto(served.url + name)
            if name == "index.html":                    # leads on to book/index.html
                page.wait_for_url("**/book/index.html")
            settle(page)
            violations = []
            if view in SEEN_BY_AXE:
                found = Axe().run(page, options=AXE).response["violations"]
                violations = [f"{v['id']} ({v['impact']}): {v['help']}: {node['html'][:160]}"
                              for v in found for node in v["nodes"]]
            visits[name] = Visit(page.evaluate(FACTS), violations)
        context.close()
        _visited[view] = visits, log
    return _visited[view]


def none(problems) -> None:
    """Fail and name every problem, one a line, where there is one."""
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(dict.fromkeys(problems))


def each(visits, fact):
    """Return 'page: fact: value' for each page whose fact is not empty or zero."""
    return [f"{name}: {fact}: {visit.facts[fact]}" for name, visit in visits.items() if visit.facts[fact]]


@pytest.mark.parametrize("view", PER_VIEW)
def test_no_page_asks_another_host_for_anything(visited, served):
    _, log = visited
    home = urlparse(served.url).netloc
    elsewhere = [a for a in log.requests if urlparse(a).scheme not in ("data", "blob") and urlparse(a).netloc != home]
    assert len(log.requests) > 5 * len(served.pages)       # the log works: each page loads its own styles and scripts
    none(elsewhere)


@pytest.mark.parametrize("view", PER_VIEW)
def test_no_page_misses_a_file_or_reports_an_error(visited):
    _, log = visited
    none(log.refused)
    none(log.complaints)


@pytest.mark.parametrize("view", PER_VIEW)
def test_every_formula_is_drawn(visited):
    visits, _ = visited
    assert sum(visit.facts["formulas"] for visit in visits.values()) > 0
    for fact in ("unrendered", "errors", "raw", "flat"):
        none(each(visits, fact))


@pytest.mark.parametrize("view", PER_VIEW)
def test_every_icon_font_and_picture_is_there(visited):
    visits, _ = visited
    assert visits["book/index.html"].facts["icons"] > 0
    for fact in ("iconless", "fonts", "broken", "wordless"):
        none(each(visits, fact))


@pytest.mark.parametrize("view", PER_VIEW)
def test_the_page_never_scrolls_sideways(visited):
    visits, _ = visited
    none([f"{name}: {v.facts['scroll']} px: {v.facts['wide']}" for name, v in visits.items() if v.facts["scroll"] > 0])


@pytest.mark.parametrize("view", PER_AXE_VIEW)
def test_axe_finds_no_violation(visited):
    visits, _ = visited
    none([f"{name}: {violation}" for name, visit in visits.items() for violation in visit.violations])


@pytest.mark.parametrize("view", PER_VIEW)
def test_the_page_follows_the_readers_choice_of_light_or_dark(visited, view):
    visits, _ = visited
    dark = "dark" in view
    assert {v.facts["theme"] for name, v in visits.items()} == {"dark" if dark else "light"}
    if dark:                                    # each gate's colour has a lighter one there
        assert sum(v.facts["coloured"] for v in visits.values()) > 0
        none(each(visits, "unmapped"))


@pytest.fixture
def page(served, chromium):
    """A fresh page; the test that uses it fails where the page asked another host or reported an error."""
    context, log = open_context(chromium, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.served = served
    yield page
    context.close()
    none([a for a in log.requests if not a.startswith((served.url, "data:", "blob:"))])
    none(log.refused)
    none(log.complaints)


def page_with(served, text: str) -> str:
    """Return the address of a page whose HTML holds the text."""
    for name in served.pages:
        if name.startswith("book/") and text in (served.folder / name).read_text(encoding="utf-8"):
            return served.url + name
    raise AssertionError(f"no page of the book holds {text!r}")


@HANDS
def test_one_choice_of_tab_switches_every_set_of_tabs(page, served):
    page.goto(page_with(served, "sd-tab-set"))
    settle(page)
    labels = page.locator(".sd-tab-set > label[data-sync-id]")
    names = [labels.nth(i).get_attribute("data-sync-id") for i in range(labels.count())]
    last = names[-1]
    group = [i for i, name in enumerate(names) if name == last]
    for chosen in (group[-1], names.index(next(name for name in names if name != last))):
        labels.nth(chosen).click()
        for i in [i for i, name in enumerate(names) if name == names[chosen]]:
            label = labels.nth(i)
            assert page.locator(f"#{label.get_attribute('for')}").is_checked()
            assert label.locator("xpath=following-sibling::div[1]").is_visible()


@HANDS
def test_the_copy_button_copies_the_cells_code(page, served):
    page.goto(page_with(served, "cell_input"))
    settle(page)
    cell = page.locator("div.cell_input div.highlight").first
    cell.hover()
    cell.locator("button.copybtn").click()
    page.wait_for_function("document.querySelector('button.copybtn.success') !== null")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip() != ""


@HANDS
@pytest.mark.parametrize("words", ["vanishing", "hidden state"])
def test_search_finds_the_words_and_leads_to_them(page, served, words):
    page.goto(f"{served.url}search.html?q={words.replace(' ', '+')}")
    page.locator("#search-results ul.search li a").first.wait_for(timeout=15_000)
    page.locator("#search-results ul.search li a").first.click()
    page.wait_for_load_state("load")
    text = page.locator("article.bd-article").inner_text().lower()
    assert all(word in text for word in words.split())


@HANDS
def test_the_search_field_opens_from_the_keyboard(page, served):
    page.goto(f"{served.url}book/index.html")
    settle(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("vanishing")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=vanishing*")
    page.locator("#search-results ul.search li a").first.wait_for(timeout=15_000)


@HANDS
def test_the_button_switches_to_dark_and_the_next_page_stays_dark(page, served):
    page.goto(f"{served.url}book/index.html")
    settle(page)
    for _ in range(3):                          # the button goes round: system, light, dark
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
        page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(f"{served.url}book/bibliography.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(v) for v in background[4:-1].split(",")[:3]) < 150


@HANDS
def test_the_menu_of_a_phone_opens_and_leads_to_a_chapter(served, chromium):
    context, log = open_context(chromium, "phone")
    page = context.new_page()
    page.goto(f"{served.url}book/index.html")
    settle(page)
    page.locator("button.primary-toggle:visible, label.primary-toggle:visible").first.click()
    link = page.locator(".bd-sidebar-primary a:visible, #pst-primary-sidebar-modal a:visible", has_text="Bibliography").first
    link.click()
    page.wait_for_url("**/bibliography.html")
    context.close()
    none(log.complaints)


@HANDS
def test_the_book_opens_from_a_folder_without_a_server(served, chromium):
    address = page_with(served, 'class="math').removeprefix(served.url)
    context = chromium.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((served.folder / address).as_uri())
    settle(page)
    assert page.locator("mjx-container").count() > 0
    assert page.locator("mjx-merror").count() == 0
    context.close()
    assert complaints == []
