"""The site's search leads from a pasted message to its entry on the page `surprises`, and hides nothing else."""

from __future__ import annotations

import re

import pytest
from browser_visit import foreign, open_context
from follows_from import in_part
from surprises import entries

TEXTS = ("tests/surprises.py", "book/text/surprises.md")
BUILT = [f"_build/html/{name}" for name in ("search.html", "searchindex.js", "book/index.html", "book/surprises.html")]
pytestmark = [
    pytest.mark.site,
    in_part(
        "messages searched for in a browser", "tests/surprises.py", "book/text/surprises.md", *BUILT, together=True
    ),
]

# what the search page would show for each query: [[page, its anchor], ...], the first one first
RESULTS = """queries => queries.map(query =>
    Search._performSearch(...Search._parseQuery(query)).reverse().map(result => [result[0], result[2]]))"""
# the anchors of the page's entries: Sphinx links to the first name of a section, the page's table to the second
ANCHORS = """async address => {
    const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
    return Object.fromEntries([...page.querySelectorAll("section:has(> h3)")].map(
        s => [s.querySelector(":scope > span[id^=surprises-]").id, "#" + s.id]));
}"""


@pytest.fixture(scope="module")
def search(served, chromium):
    """The search page, loaded once with its index."""
    context, log = open_context(chromium)
    page = context.new_page()
    page.goto(f"{served.url}search.html")
    page.wait_for_function("Search.hasIndex()")
    yield page
    context.close()
    assert (foreign(log, served.url), log.refused, log.complaints) == ([], [], [])


def other_sizes(message: str) -> str:
    """The same message from another program: other numbers in the shapes."""
    return re.sub(
        r"(?<![\w.:'])\d+(?![\w.])|\d+x\d+", lambda n: "x".join(str(int(k) + 59) for k in n[0].split("x")), message
    )


def as_pasted(message: str) -> str:
    """A message with what stands around it in a terminal."""
    return f"RuntimeError: {other_sizes(message)} (Triggered internally at /pytorch/aten/native/Layer.cpp:1491.)"


def half(message: str) -> str:
    """The first words only: half of the message, but at least eight words."""
    words = message.split()
    return " ".join(words[: max(8, len(words) // 2)])


@pytest.mark.parametrize("change", [str, other_sizes, as_pasted, half, str.upper], ids=lambda f: f.__name__)
def test_each_of_the_messages_is_found_first(search, served, change):
    found = search.evaluate(RESULTS, [change(entry.heading) for entry in entries()])
    anchors = search.evaluate(ANCHORS, f"{served.url}book/surprises.html")
    assert len(found) == len(anchors) == 45
    missed = [
        f"{change(entry.heading)}\n    leads to {results[:2]}"
        for entry, results in zip(entries(), found, strict=True)
        if results[:1] != [["book/surprises", anchors[entry.label]]]
    ]
    assert not missed, f"{len(missed)} of {len(found)}:\n" + "\n".join(missed)


def test_a_whole_message_from_a_cell_leads_to_its_entry(search, served):
    """The cells print messages whole, where a heading holds the beginning only."""
    whole = {entry: entry.raised for entry in entries() if entry.raised and entry.code}
    anchors = search.evaluate(ANCHORS, f"{served.url}book/surprises.html")
    found = search.evaluate(RESULTS, list(whole.values()))
    assert len(whole) > 15
    assert [r[0] for r in found] == [["book/surprises", anchors[entry.label]] for entry in whole]


def test_ordinary_queries_are_answered_as_before(search):
    """Words that quote no heading: Sphinx's own results, in their order; and nothing is found twice."""
    queries = [
        "vanishing",
        "hidden state",
        "forget gate bias",
        "LSTM",
        "how do I mask a loss",
        "ctc",
        "no such word xyzzy",
    ]
    found = search.evaluate(RESULTS, queries)
    by_sphinx = search.evaluate(RESULTS.replace("Search._performSearch(", "Search.performWithoutQuotations("), queries)
    assert found == by_sphinx and all(found[:4])
    for results in search.evaluate(RESULTS, [entry.heading for entry in entries()]):
        assert len({tuple(result) for result in results}) == len(results)


def test_a_chapter_whose_title_is_typed_comes_first(search):
    (found,) = search.evaluate(RESULTS, ["How far does the gradient reach?"])
    assert found[0][0] == "book/gradient_reach"


def test_a_message_pasted_into_the_field_opens_its_entry(served, chromium):
    context, log = open_context(chromium)
    page = context.new_page()
    page.goto(f"{served.url}book/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("RuntimeError: input.size(-1) must be equal to input_size. Expected 17, got 256")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=*")
    page.locator("#search-results ul.search li a").first.click()
    page.wait_for_url("**/book/surprises.html*")
    assert (
        page.locator("section:target > h3, section:has(> :target) > h3").first.inner_text().startswith("input.size(-1)")
    )
    context.close()
    assert (foreign(log, served.url), log.complaints) == ([], [])
