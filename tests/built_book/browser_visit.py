"""One visit of one page: it is loaded once, looked at in four views, and read by axe-core.

A page loads in one of the views, in turn, and is then switched through the others, as a reader would switch them. What
axe finds of a colour depends on how a text looks and on nothing else of its page, so each look is judged once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlparse

from axe_playwright_python.base import AXE_SCRIPT

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
VIEWS = {
    "light": ("light", WIDE),
    "dark": ("dark", WIDE),
    "dark phone": ("dark", NARROW),
    "phone": ("light", NARROW),
}  # in an order in which each differs from its neighbours by one thing

# Without preload: axe would load the style sheets again, from wrong addresses.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
STRUCTURE = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {rule: {"enabled": False} for rule in COLOUR_RULES},
}
COLOURS = {
    "resultTypes": ["violations", "passes"],
    "preload": False,
    "runOnly": {"type": "rule", "values": COLOUR_RULES},
}

# Formulas, pictures, fonts and icons are there. The wait for icons counts turns of the page's own thread, on which the
# icon script works: on a busy machine a turn is longer.
LOADED = """async () => {
    if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
    for (const image of document.images) { image.loading = "eager"; }
    await Promise.all([...document.images].map(i => i.complete ? null : i.decode().catch(() => null)));
    for (let turn = 0; turn < 250 && document.querySelector("i[class*='fa-']"); turn++) {
        await new Promise(done => setTimeout(done, 20));
    }
}"""

# After a switch: one frame is drawn in the new view, every transition is at its end, new fonts have arrived.
SETTLED = """async () => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const moving of document.getAnimations()) {
        if (Number.isFinite(moving.effect?.getComputedTiming().endTime)) moving.finish();
    }
    await document.fonts.ready;
}"""

# What a page looks like once it has settled, asked in one go.
FACTS = """() => {
    const scrolls = ".pst-scrollable-table-container, pre, mjx-container, div.math";
    const wide = [...document.querySelectorAll("article.bd-article *")].filter(e => {
        if (e.closest(scrolls)) return false;
        const box = e.getBoundingClientRect();
        return box.right > innerWidth + 1 && box.width > 0 && getComputedStyle(e).position !== "absolute";
    }).slice(0, 3).map(e => `${e.tagName}.${e.className}`);
    const formulas = [...document.querySelectorAll("span.math, div.math")];
    const coloured = [...document.querySelectorAll('mjx-container [style*="color: rgb"]')];
    return {
        theme: document.documentElement.dataset.theme,
        width: innerWidth,
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

# Code is hundreds of coloured words, and axe looks at each. Of the words of one class in one place one stays and the
# others become plain text; what MathJax draws goes, what it says to a screen reader stays, as the text of one element.
THIN = """() => {
    const places = new Map();
    const place = e => {
        if (!e || e.tagName === "ARTICLE") return "";
        if (!places.has(e)) places.set(e, `${place(e.parentElement)} ${e.tagName}.${e.className}${e.style.cssText}`);
        return places.get(e);
    };
    const seen = new Set(), again = [];
    for (const word of document.querySelectorAll("pre span, dt.sig span")) {
        if (word.childElementCount || word.id) continue;
        if (seen.has(place(word))) again.push(word); else seen.add(place(word));
    }
    for (const word of again) word.replaceWith(word.textContent);
    for (const drawing of document.querySelectorAll("mjx-math")) drawing.remove();
    for (const said of document.querySelectorAll("math")) said.replaceChildren(said.textContent);
}"""

# The looks of a page's texts that are not among the known ones: a text's colour, size and weight, all that is painted
# behind it, and for a link what tells it from the text around it. Three texts of each are marked for axe.
MARK_UNKNOWN_LOOKS = """known => {
    const grounds = new Map();
    const ground = e => {
        if (!e) return "";
        if (!grounds.has(e)) {
            const s = getComputedStyle(e);
            const own = [
                s.backgroundColor === "rgba(0, 0, 0, 0)" ? "" : s.backgroundColor,
                s.backgroundImage === "none" ? "" : s.backgroundImage,
                s.opacity === "1" ? "" : s.opacity,
                /absolute|fixed|sticky/.test(s.position) ? e.getAttribute("class") : "",
            ].join("|");
            grounds.set(e, own === "|||" ? ground(e.parentElement) : `${own}<${ground(e.parentElement)}`);
        }
        return grounds.get(e);
    };
    const says = e => e.matches("input[type=search], input[type=text], select, textarea")
                   || [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
    const letters = e => e.textContent.replace(/\\s/g, "").length;
    const difference = link => {      // from the text around the link, if there is one besides links
        let block = link.parentElement;
        while (getComputedStyle(block).display === "inline") block = block.parentElement;
        const among = [...block.querySelectorAll("a[href]")].reduce((rest, e) => rest - letters(e), letters(block)) > 0;
        const own = getComputedStyle(link), around = getComputedStyle(block);
        return [among, own.textDecoration, own.fontStyle, own.borderBottom, around.color, around.font].join();
    };
    const old = new Set(known), marked = {};
    for (const element of document.body.querySelectorAll("*")) {
        if (!(element instanceof HTMLElement) || !says(element)) continue;    // axe does not read drawings and MathML
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        const box = element.getBoundingClientRect();
        if (box.width < 1 || box.height < 1 || box.bottom + scrollY < 0) continue;
        const s = getComputedStyle(element), link = element.closest("a[href]");
        const told = link ? difference(link) : "";
        const look = [s.color, s.fontSize, s.fontWeight, s.textShadow, told, ground(element)].join(";");
        if (old.has(look) || (marked[look] ??= []).length === 3) continue;
        marked[look].push(element);
        element.dataset.look = look;
        if (link) link.dataset.look ??= look;
    }
    return Object.keys(marked).length;
}"""

# What axe says of the marked texts, and the looks on which it has said something.
JUDGE_LOOKS = """async options => {
    const found = await axe.run({ include: [["[data-look]"]] }, options);
    const looks = results => results.filter(r => r.id === "color-contrast").flatMap(
        r => r.nodes.map(n => document.querySelector(n.target[0])?.dataset.look ?? null)).filter(Boolean);
    const judged = [...looks(found.passes), ...looks(found.violations)];
    for (const element of document.querySelectorAll("[data-look]")) delete element.dataset.look;
    return {judged, violations: found.violations};
}"""


@dataclass
class Log:
    """Everything that a browser context asked for and complained of."""

    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@dataclass
class Visit:
    """One page after it has settled: what is seen in each view, and what axe finds."""

    facts: dict[str, dict]
    violations: list[str]


LOOKS: dict[str, list[str]] = {"light": [], "dark": []}  # what axe has judged in each colour scheme, on whatever page


def complaint(message) -> str:
    """Return what the browser's console says, on which page, and of which file."""
    return f"{message.page.url}: {message.text} ({message.location.get('url')})"


def open_context(chromium, **options):
    """Return a new browser context without cookies or storage, and its log."""
    context = chromium.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **options})
    context.set_default_timeout(300_000)  # a busy machine is slow, not wrong
    log = Log()
    context.on("request", lambda request: log.requests.append(request.url))
    context.on("response", lambda r: log.refused.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    context.on("console", lambda m: log.complaints.append(complaint(m)) if m.type == "error" else None)
    context.on("weberror", lambda e: log.complaints.append(f"{e.page.url}: {e.error}"))
    return context, log


def show(page, view: str) -> None:
    """Switch the page to a view and wait until it has followed."""
    scheme, viewport = VIEWS[view]
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(viewport)
    page.evaluate(SETTLED)


def settle(page) -> None:
    """Wait until formulas, pictures, fonts and icons of the page are there."""
    page.wait_for_load_state("load")
    page.evaluate(LOADED)
    page.evaluate(SETTLED)


def visit(page, address: str, turn: int = 0) -> Visit:
    """Load a page in the view whose turn it is, look at it in every view, and let axe read it."""
    names = list(VIEWS)
    first = turn % len(names)
    show(page, names[first])
    page.goto(address)
    settle(page)
    facts = {}
    for name in names[first:] + names[:first]:
        show(page, name)
        facts[name] = page.evaluate(FACTS)
    page.evaluate(THIN)
    page.evaluate(AXE_SCRIPT)
    violations = []
    for name in ("phone", "light", "dark"):
        show(page, name)
        if name != "dark":
            violations += said(name, page.evaluate("options => axe.run(options)", STRUCTURE)["violations"])
        if name != "phone" and page.evaluate(MARK_UNKNOWN_LOOKS, LOOKS[name]):
            found = page.evaluate(JUDGE_LOOKS, COLOURS)
            LOOKS[name] += found["judged"]
            violations += said(name, found["violations"])
    return Visit(facts, violations)


def said(view: str, violations: list[dict]) -> list[str]:
    """Return one line for each element that violates a rule of axe."""
    return [
        f"{view}: {v['id']} ({v['impact']}): {v['help']}: {node['html'][:160]}"
        for v in violations
        for node in v["nodes"]
    ]


def each(visits: dict[str, Visit], fact: str, views=tuple(VIEWS)) -> list[str]:
    """Return 'page (view): fact: value' for each page and view in which the fact is not empty or zero."""
    return [
        f"{name} ({view}): {fact}: {visit.facts[view][fact]}"
        for name, visit in visits.items()
        for view in views
        if visit.facts[view][fact]
    ]


def foreign(log: Log, url: str) -> list[str]:
    """Return every address that was asked for and is not the server's at `url`."""
    home = urlparse(url).netloc
    return [a for a in log.requests if urlparse(a).scheme not in ("data", "blob") and urlparse(a).netloc != home]


def sideways(visits: dict[str, Visit]) -> list[str]:
    """Return each page and view that scrolls sideways, by how much, and what is too wide."""
    return [
        f"{name} ({view}): {facts['scroll']} px: {facts['wide']}"
        for name, visit in visits.items()
        for view, facts in visit.facts.items()
        if facts["scroll"] > 0
    ]


def stubborn(visits: dict[str, Visit]) -> list[str]:
    """Return each page and view in which the page does not follow the reader's choice of light or dark."""
    return [
        f"{name} ({view}): {visit.facts[view]['theme']}"
        for name, visit in visits.items()
        for view, (scheme, _) in VIEWS.items()
        if visit.facts[view]["theme"] != scheme
    ]
