"""The built book in a real browser: every page in three views, and what a reader's hands do on it.

A view is a class; its pages are visited once, and each test reads what the visits found. With `--dist loadscope` each
view can have a process of its own.
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

# What axe looks for: everything on the light page; in the dark what depends on colours, since nothing else differs
# there; on the phone what does not. Without preload: axe would load the style sheets again, from wrong addresses.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
AXE = {"resultTypes": ["violations"], "preload": False}
RULES = {
    "light": AXE,
    "dark": {**AXE, "runOnly": {"type": "rule", "values": COLOUR_RULES}},
    "phone": {**AXE, "rules": {rule: {"enabled": False} for rule in COLOUR_RULES}},
}

# Code is hundreds of coloured words, and axe looks at each. Words of one colour on one ground have one answer, so one
# of each stays and the others become plain text; what MathJax draws goes, what it says to a screen reader stays.
THIN = """() => {
    const colour = element => getComputedStyle(element).backgroundColor;
    const ground = element => {
        while (element && colour(element) === "rgba(0, 0, 0, 0)") element = element.parentElement;
        return element ? colour(element) : "";
    };
    const seen = new Set(), again = [];
    for (const box of document.querySelectorAll("pre, dt.sig")) {
        const behind = ground(box);
        for (const word of box.querySelectorAll("span")) {
            if (word.childElementCount) continue;
            const style = getComputedStyle(word);
            const look = [style.color, style.backgroundColor, style.fontWeight, style.fontSize, behind].join();
            if (seen.has(look)) again.push(word); else seen.add(look);
        }
    }
    for (const word of again) word.replaceWith(word.textContent);
    for (const drawing of document.querySelectorAll("mjx-math")) drawing.remove();
}"""

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
        errors: [...document.querySelectorAll("mjx-merror, [data-mjx-error], mjx-assistive-mml [mathcolor=red]")]
                .map(e => e.textContent.slice(0, 80)),      // a macro that MathJax does not know is set in red
        raw: (document.querySelector("article.bd-article")?.innerText.match(/\\\\\\(|\\\\\\[/g) || []).length,
        flat: formulas.filter(e => e.checkVisibility() && e.querySelector("mjx-container")
                                   && e.querySelector("mjx-container").getBoundingClientRect().width < 1).length,
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


def complaint(message) -> str:
    """Return what the browser's console says, on which page, and of which file."""
    return f"{message.page.url}: {message.text} ({message.location.get('url')})"


def open_context(chromium, view: str = "light", **options):
    """Return a new browser context without cookies or storage, and its log."""
    context = chromium.new_context(**VIEWS[view], reduced_motion="reduce", **options)
    context.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    log = Log()
    context.on("request", lambda request: log.requests.append(request.url))
    context.on("response", lambda r: log.refused.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    context.on("console", lambda m: log.complaints.append(complaint(m)) if m.type == "error" else None)
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


@pytest.fixture(scope="class")
def visited(request, served, chromium) -> tuple[dict[str, Visit], Log]:
    """Every page of the book in the view that the test's class names: what was seen on each, and the log of all."""
    view = request.cls.view
    context, log = open_context(chromium, view)
    page = context.new_page()
    visits = {}
    for name in served.pages:
        page.goto(served.url + name)
        if name == "index.html":  # leads on to book/index.html
            page.wait_for_url("**/book/index.html")
        settle(page)
        facts, violations = page.evaluate(FACTS), []
        if view in RULES:
            page.evaluate(THIN)
            found = Axe().run(page, options=RULES[view]).response["violations"]
            violations = [
                f"{v['id']} ({v['impact']}): {v['help']}: {node['html'][:160]}" for v in found for node in v["nodes"]
            ]
        visits[name] = Visit(facts, violations)
    context.close()
    return visits, log


def none(problems) -> None:
    """Fail and name every problem, one a line, where there is one."""
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(dict.fromkeys(problems))


def each(visits, fact):
    """Return 'page: fact: value' for each page whose fact is not empty or zero."""
    return [f"{name}: {fact}: {visit.facts[fact]}" for name, visit in visits.items() if visit.facts[fact]]


class EveryPage:
    """What holds of every page in every view."""

    view = ""

    def test_no_page_asks_another_host_for_anything(self, visited, served):
        _, log = visited
        home = urlparse(served.url).netloc
        assert len(log.requests) > 5 * len(served.pages)  # the log works: each page loads its own styles and scripts
        none([a for a in log.requests if urlparse(a).scheme not in ("data", "blob") and urlparse(a).netloc != home])

    def test_no_page_misses_a_file_or_reports_an_error(self, visited):
        _, log = visited
        none(log.refused)
        none(log.complaints)

    def test_every_formula_is_drawn(self, visited):
        visits, _ = visited
        assert sum(visit.facts["formulas"] for visit in visits.values()) > 0
        for fact in ("unrendered", "errors", "raw", "flat"):
            none(each(visits, fact))

    def test_every_icon_font_and_picture_is_there(self, visited):
        visits, _ = visited
        assert visits["book/index.html"].facts["icons"] > 0
        for fact in ("iconless", "fonts", "broken", "wordless"):
            none(each(visits, fact))

    def test_the_page_never_scrolls_sideways(self, visited):
        visits, _ = visited
        none(
            [
                f"{name}: {visit.facts['scroll']} px: {visit.facts['wide']}"
                for name, visit in visits.items()
                if visit.facts["scroll"] > 0
            ]
        )

    def test_the_page_follows_the_readers_choice_of_light_or_dark(self, visited):
        visits, _ = visited
        assert {visit.facts["theme"] for visit in visits.values()} == {"dark" if "dark" in self.view else "light"}


class AxeToo(EveryPage):
    """What axe-core says of every page."""

    def test_axe_finds_no_violation(self, visited):
        visits, _ = visited
        none([f"{name}: {violation}" for name, visit in visits.items() for violation in visit.violations])


class DarkToo(EveryPage):
    """What the dark page does besides."""

    def test_each_quantitys_colour_has_a_lighter_one(self, visited):
        visits, _ = visited
        assert sum(visit.facts["coloured"] for visit in visits.values()) > 0
        none(each(visits, "unmapped"))


class TestLight(AxeToo):
    view = "light"


class TestDark(AxeToo, DarkToo):
    view = "dark"


class TestPhone(AxeToo):
    view = "phone"


class TestDarkPhone(DarkToo):
    view = "dark phone"


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


def test_the_copy_button_copies_the_cells_code(page, served):
    page.goto(page_with(served, "cell_input"))
    settle(page)
    cell = page.locator("div.cell_input div.highlight").first
    cell.hover()
    cell.locator("button.copybtn").click()
    page.wait_for_function("document.querySelector('button.copybtn.success') !== null")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip() != ""


@pytest.mark.parametrize("words", ["vanishing", "hidden state"])
def test_search_finds_the_words_and_leads_to_them(page, served, words):
    page.goto(f"{served.url}search.html?q={words.replace(' ', '+')}")
    page.locator("#search-results ul.search li a").first.wait_for()
    page.locator("#search-results ul.search li a").first.click()
    page.wait_for_load_state("load")
    text = page.locator("article.bd-article").inner_text().lower()
    assert all(word in text for word in words.split())


def test_the_search_field_opens_from_the_keyboard(page, served):
    page.goto(f"{served.url}book/index.html")
    settle(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("vanishing")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=vanishing*")
    page.locator("#search-results ul.search li a").first.wait_for()


def test_the_button_switches_to_dark_and_the_next_page_stays_dark(page, served):
    page.goto(f"{served.url}book/index.html")
    settle(page)
    for _ in range(3):  # the button goes round: system, light, dark
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
        page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(f"{served.url}book/bibliography.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(v) for v in background[4:-1].split(",")[:3]) < 150


def test_the_menu_of_a_phone_opens_and_leads_to_a_chapter(served, chromium):
    context, log = open_context(chromium, "phone")
    page = context.new_page()
    page.goto(f"{served.url}book/index.html")
    settle(page)
    page.locator("button.primary-toggle:visible, label.primary-toggle:visible").first.click()
    menu = page.locator(".bd-sidebar-primary a:visible, #pst-primary-sidebar-modal a:visible")
    menu.filter(has_text="Bibliography").first.click()
    page.wait_for_url("**/bibliography.html")
    context.close()
    none(log.complaints)


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
