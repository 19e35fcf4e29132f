"""The figure *type a date*: its numbers are rnnbook's, and it can be used by keyboard, by ear, and offline."""

from pathlib import Path

import date_reader
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_visit import THIN, settle, show
from follows_from import in_part
from searches import LIBRARY

from rnnbook.data import dates

FILES = ("_build/html/book/seq2seq.html", *LIBRARY)
pytestmark = [pytest.mark.site, in_part("figures that move, in a browser", *FILES)]

STATIC = Path(__file__).parents[2] / "book/_static"
LINES = [
    "tuesday, march 3, 1987",
    "27 jun '05",
    "3/4/1987",
    "we met on the 21st of septmber, 2004 again",
    "1",
    "no date is in this line at all, what will it say of it",
]


@pytest.fixture
def read(chromium):
    """A function that lets the scripts of the figure, with a change where one is planted, read a line."""
    pages = []

    def reads(line, old="", new=""):
        script = (STATIC / "date-reader.js").read_text(encoding="utf-8")
        assert old in script
        page = chromium.new_page()
        pages.append(page)
        page.add_script_tag(path=STATIC / "figure.js")
        page.add_script_tag(content=script.replace(old, new, 1) if old else script)
        page.add_script_tag(content=(STATIC / "date-reader-weights.js").read_text(encoding="utf-8"))
        return page.evaluate("line => rnnbookDateReader.read(line)", line)

    yield reads
    for page in pages:
        page.close()


def by_rnnbook(line):
    """The answer, the weights and the logits of the stored network in float64."""
    model = date_reader.stored()
    source, lengths = dates.encode_lines([line])
    said, weights = model.free(source, dates.START, dates.ANSWER, lengths)
    before = np.concatenate([[[dates.START]], said[:-1]])
    logits, _, _ = model.forward(source, before, lengths)
    return dates.decode_answers(said)[0], weights[:, 0], logits[:, 0]


@pytest.mark.parametrize("line", LINES)
def test_the_browser_computes_what_the_numpy_version_computes(read, line):
    answer, weights, logits = by_rnnbook(line)
    found = read(line)
    assert found["answer"] == answer
    np.testing.assert_allclose(found["weights"], weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["logits"], logits, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "old, new",
    [
        ("(1 - z) * n + z * before", "z * n + (1 - z) * before"),
        ("r * v[2 * H + k]", "v[2 * H + k]"),
        ("dot(v, add(asked, key).map(Math.tanh))", "dot(v, add(asked, key))"),
        ("[...context, ...state]", "[...state, ...context]"),
        ("a.map(Math.tanh)), p", "a), p"),
        ("(1 + fraction / 1024)", "(1 + fraction / 1023)"),
    ],
)
def test_a_planted_mistake_in_a_formula_shows(read, old, new):
    _, weights, logits = by_rnnbook(LINES[0])
    found = read(LINES[0], old, new)
    off = max(np.abs(np.array(found["weights"]) - weights).max(), np.abs(np.array(found["logits"]) - logits).max())
    assert off > 1e-6


def test_typing_a_date_shows_its_answer_and_a_square_for_each_letter(opened):
    page = opened("seq2seq")
    field = page.locator(".animation-date-reader input")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("5 May 2001")  # capitals are read as small letters
    answer, weights, _ = by_rnnbook("5 may 2001")
    assert page.locator(".date-reader-result").inner_text() == f"It reads {answer}."
    cells = page.locator(".date-reader-grid td")
    assert cells.count() == 10 * dates.ANSWER
    shown = [float(c) for c in cells.evaluate_all("all => all.map(c => c.style.getPropertyValue('--weight'))")]
    np.testing.assert_allclose(shown, weights.reshape(-1), rtol=0, atol=0.00051)
    most = page.locator(".date-reader-grid tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td')].findIndex(c => c.className === 'most'))"
    )
    assert most == weights.argmax(axis=1).tolist()
    words = page.locator(".animation-date-reader details p").text_content()
    assert words.startswith(f"Largest weights: {answer[0]} at letter {most[0] + 1} “")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # another example, by keyboard
    assert field.input_value() != "5 May 2001"
    assert page.locator(".date-reader-result").inner_text() != f"It reads {answer}."


@pytest.mark.parametrize("typed, says", [("", "Type a date."), ("3 märz 1987", "This network never saw ä: ")])
def test_what_the_network_cannot_read_is_told(opened, typed, says):
    page = opened("seq2seq")
    page.locator(".animation-date-reader input").fill(typed)
    assert page.locator(".date-reader-result").inner_text().startswith(says)
    assert page.locator(".date-reader-grid").count() == 0


def test_axe_finds_nothing_and_the_page_does_not_scroll_sideways(opened):
    page = opened("seq2seq")
    page.locator(".date-reader-grid").wait_for()
    settle(page)
    page.evaluate(THIN)
    for view in ("light", "phone", "dark phone"):
        show(page, view)
        box = page.locator(".animation-date-reader").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]
        found = Axe().run(
            page,
            context={"include": [".animation-date-reader"]},
            options={"resultTypes": ["violations"], "preload": False},
        )
        assert found.response["violations"] == []


def test_without_scripts_and_on_paper_the_still_figure_remains(opened):
    page = opened("seq2seq", java_script_enabled=False)
    assert "type a date" in page.locator(".animation-date-reader").inner_text()
    assert page.locator("#fig-seq2seq-looks img").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".animation-date-reader").is_visible()
    assert page.locator("#fig-seq2seq-looks img").is_visible()


def test_the_figure_works_from_a_folder_without_a_server(served, chromium):
    page = chromium.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((served.folder / "book/seq2seq.html").as_uri())
    page.locator(".date-reader-grid").wait_for()
    assert page.locator(".date-reader-result").inner_text().startswith("It reads ")
    page.close()
    assert complaints == []
