"""Exercises answered on the page, in a real browser: Python comes from the book itself, and only after a press."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import searches
import yaml
from axe_playwright_python.sync_playwright import Axe
from browser_visit import THIN, open_context, settle, show
from bs4 import BeautifulSoup
from conftest import HTML, ROOT, serve
from follows_from import in_part
from live_code import archive, python

from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure

pytestmark = pytest.mark.site
PYTHON = ROOT / ".venv/share/pyodide"
if (PYTHON / python.NO_NETWORK).exists() and python.wrong(PYTHON):
    pytest.skip("`make book` found no network to fetch Python: no page has an editor", allow_module_level=True)
CODE = ("rnnbook/lessons/exercises/*.py", "rnnbook/in_numpy/*.py", "rnnbook/data/*.py")
PAGES = [f"_build/html/book/{name}.html" for name in ("exercises", "lstm", "rnn")]
alone = in_part("live code, in a browser", *CODE, *PAGES)
# those that share the page on which Python has been started
at_once = in_part("live code, in a browser", *CODE, *PAGES, group="on one page", together=True)
IDLE = "!document.querySelector('.live-check[aria-disabled]')"
WAIT = 300_000  # milliseconds; a busy machine makes it slower, not red
RIGHT = """def my_coupled_step(a_f, a_g, a_o, c_prev):
    f, o = sigmoid(a_f), sigmoid(a_o)
    c = f * c_prev + (1 - f) * np.tanh(a_g)
    return o * np.tanh(c), c


exercises.lstm.check_coupled_step(my_coupled_step)"""


NOTHING = {Exercise: lambda **_: None, FindTheBug: None, Predict: None, ReadAFigure: None, Design: None}


def exercises_of(name):
    """What a page says of its exercises, each with the code that stands there."""
    page = BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser")
    for cell in page.select(".live-code"):
        about = json.loads(cell.find("script", type="application/json").string)
        if about.get("exercise"):
            yield about | {"code": cell.select_one(".cell_input pre").get_text()}


def checks(code):
    """The exercise that a cell asks, ``exercises.lstm.check_coupled_step``, as text and as an object."""
    chapter, name = re.search(r"exercises\.(\w+)\.(check_\w+)", code).groups()
    return f"exercises.{chapter}.{name}", getattr(import_module(f"rnnbook.lessons.exercises.{chapter}"), name)


@pytest.fixture(scope="module")
def opened(served, chromium):
    """The LSTM's page, with what it asked for and complained of, and Python started by one press."""
    context, log = open_context(chromium)
    page = context.new_page()
    page.goto(served.url + "book/lstm.html")
    before = list(log.requests)
    press(page)
    yield page, log, before
    assert log.complaints == []
    context.close()


@pytest.fixture
def fresh(served, chromium):
    """A chapter's page on which nothing has been pressed."""
    context, log = open_context(chromium)
    page = context.new_page()
    page.goto(served.url + "book/lstm.html")
    yield page
    context.close()
    assert log.complaints == []


def focused(page):
    """What the element that has the focus holds or says."""
    return page.evaluate("document.activeElement.value || document.activeElement.textContent")


def tabs_to(page, what):
    """How often Tab is pressed until the focus is there."""
    for n in range(1, 100):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return n
    raise AssertionError(f"the focus does not come to {what}")


def press(page, k=0):
    """Check the k-th exercise of the page and return its answer."""
    page.locator(".live-check").nth(k).click()
    return answered(page, k)


def answered(page, k=0):
    page.wait_for_function(IDLE, timeout=WAIT)
    return page.locator(".live-answer").nth(k).inner_text()


def test_python_for_the_browser_was_fetched_since_there_was_a_network():
    assert python.wrong(PYTHON) == []


@at_once
def test_before_the_press_nothing_is_loaded_and_after_it_under_ten_megabytes_from_the_book(opened, served):
    _, log, before = opened
    assert not [url for url in before if "live_code" in url and not url.endswith(("live_code.js", "live_code.css"))]
    mine = [url for url in log.requests if not url.startswith("blob:")]
    assert all(url.startswith(served.url) for url in mine)
    loaded = {Path(url).name for url in mine if "/live_code/" in url and url not in before}
    folder = HTML / "_static" / "live_code"
    assert set(json.loads((folder / "files.json").read_text())["sizes"]) <= loaded
    assert sum((folder / name).stat().st_size for name in loaded) < 10e6


@at_once
def test_the_page_answers_and_counts_and_keeps_the_attempt(opened, served):
    page, *_ = opened
    assert press(page) == "It returns None: write its body, end it with return, and run the cell again."
    page.locator(".live-text").first.fill(RIGHT.replace("(1 - f) * np.tanh(a_g)", "(1 - f) * a_g"))
    assert "tanh is missing on the candidate" in press(page)
    page.locator(".live-text").first.fill(RIGHT)
    assert press(page).startswith("Right")
    assert page.locator(".live-count").first.inner_text().startswith("1 of ")
    again = page.context.new_page()
    again.goto(served.url + "book/lstm.html")
    assert again.locator(".live-text").first.input_value() == RIGHT  # kept, and not run
    assert again.locator(".live-answer").first.is_hidden()
    assert again.locator(".live-count").first.inner_text().startswith("1 of ")
    again.locator("button:has-text('Reset')").first.click()
    assert "return None" in again.locator(".live-text").first.input_value()
    again.close()


@at_once
def test_it_works_by_keyboard_alone_and_tab_leads_on(opened):
    page, *_ = opened
    page.locator(".live-text").nth(1).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("def f(x):\nreturn x\n")  # Enter indents by itself
    assert page.locator(".live-text").nth(1).input_value() == "def f(x):\n    return x\n    "
    page.keyboard.press("Backspace")
    page.keyboard.type("f(3)")
    page.keyboard.press("Control+Enter")
    assert answered(page, 1) == "3"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Check"
    state = page.locator(".live-editor").nth(1).locator(".live-state")
    line = re.fullmatch(r"Nothing was checked: the line (.*) is missing.", state.inner_text())[1]
    assert checks(line)[0] in re.sub(r"\s", "", line) and state.get_attribute("role") == "status"


@alone
def test_the_keyboard_leads_past_the_text_to_the_first_exercise_and_its_editor_waits_at_the_first_line(fresh):
    page = fresh
    for k in ("Tab", "Tab"):
        page.keyboard.press(k)
    assert focused(page) == "Skip to the exercises"
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.length > 1")
    assert tabs_to(page, ".live-text") < 10
    page.keyboard.type("return 7")
    first = page.locator(".live-text").first
    assert "    return 7\n" in first.input_value() and "None" not in first.input_value()
    assert "check_" in first.input_value()
    keys = page.locator("#" + first.get_attribute("aria-describedby"))
    assert keys.inner_text() == "Ctrl+Enter checks, Tab leaves the field"
    page.keyboard.press("Tab")
    assert focused(page) == "Check"


@alone
def test_from_one_exercise_to_the_next_the_keyboard_stops_at_no_formula_that_does_not_scroll(fresh):
    page = fresh
    settle(page)
    assert page.locator("mjx-container").count() > 50
    assert (
        page.locator("mjx-container:not([data-scrolls])").evaluate_all("all => all.filter(e => e.tabIndex >= 0)") == []
    )
    page.locator(".live-text").first.focus()
    assert tabs_to(page, ".live-text") < 15


@alone
def test_a_press_keeps_the_focus_and_every_change_is_read_out(fresh):
    page = fresh
    page.context.route("**/python_stdlib.zip", lambda route: None)  # never answered: Python stays on its way
    page.locator(".live-check").first.focus()
    assert (
        page.locator(".live-said[role=status], .live-state[role=status]").count()
        == 2 * page.locator(".live-editor").count()
    )  # before there is anything to say
    page.keyboard.press("Space")
    page.locator(".live-check[aria-disabled]").first.wait_for()
    assert focused(page) == "Check"
    assert page.locator(".live-state").first.inner_text() == "loading Python (once)"
    page.locator(".live-check").nth(1).focus()
    page.keyboard.press("Space")
    assert page.locator(".live-state").nth(1).inner_text() == "another cell is still running"
    page.locator(".live-check").first.focus()
    page.keyboard.press("Tab")
    assert focused(page) == "Stop"
    page.keyboard.press("Enter")
    assert focused(page) == "Check" and page.locator(".live-check[aria-disabled]").count() == 0
    assert page.locator(".live-state").nth(1).inner_text() == ""
    page.keyboard.press("Tab")
    hints = page.locator(".live-editor").first.locator(".live-hints li")
    for n, text in ((1, "Next hint"), (2, "No more hints"), (2, "No more hints")):
        page.keyboard.press("Enter")
        assert (hints.count(), focused(page)) == (n, text)
    assert page.locator(".live-hints").first.get_attribute("aria-live") == "polite"


@alone
def test_an_answer_may_call_what_was_written_in_earlier_exercises(served, chromium):
    context, _ = open_context(chromium)
    page = context.new_page()
    page.goto(served.url + "book/rnn.html")
    for k, body in enumerate(
        ("return x_t", "return [my_step(*xs, 0, 0, 0, 0, 0)]", "return my_forward([7], 0, 0, 0, 0, 0)")
    ):
        page.locator(".live-text").nth(k).focus()
        page.keyboard.type(body)
    page.locator(".live-text").nth(2).focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nmy_batch_first(0, 0, 0, 0, 0, 0)")
    assert press(page, 2).endswith("[7]")
    summary = page.locator(".live-first").nth(2)
    summary.locator("summary").press("Enter")
    page.wait_for_function("e => e.textContent.includes('return x_t')", arg=summary.locator("pre").element_handle())
    shown = summary.locator("pre").inner_text()
    assert "return x_t" in shown and shown.count("import numpy") == 1 and "check_" not in shown
    context.close()


@alone
def test_reset_leads_to_the_first_line_and_undo_brings_the_code_back(fresh):
    page, text = fresh, fresh.locator(".live-text").first
    given = text.input_value()
    text.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("mine")
    page.locator("button:has-text('Reset')").first.focus()
    page.keyboard.press("Enter")
    assert text.input_value() == given and focused(page) == given
    assert page.evaluate("getSelection().toString()").startswith("return None")
    page.keyboard.press("Control+Z")
    assert text.input_value() == "mine"


@alone
def test_what_is_solved_stays_so_after_a_reset(fresh):
    page = fresh
    name = (
        page.locator(".live-code:has(.live-editor)")
        .first.locator("script")
        .evaluate("e => JSON.parse(e.textContent).id")
    )
    kept = {"text": "mine", "tried": True, "passed": True}
    page.evaluate("([name, kept]) => localStorage.setItem(`live-code ${location.pathname} ${name}`, kept)",
                  [name, json.dumps(kept)])  # fmt: skip
    page.reload()
    page.locator("button:has-text('Reset')").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".live-count").first.inner_text().startswith("1 of ")


@alone
def test_the_buttons_of_solutions_differ_in_name_and_show_the_focus(fresh):
    page = fresh
    buttons = page.locator(".solution .toggle-button")
    names = buttons.evaluate_all("all => all.map(e => e.ariaLabel)")
    assert len(set(names)) == len(names) > 3 and all(name.startswith("Solution: ") for name in names)
    buttons.first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@at_once
def test_the_list_of_all_exercises_shows_what_is_solved_and_carries_attempts_in_a_file(opened, served, tmp_path):
    page, *_ = opened
    page.locator(".live-text").first.fill(RIGHT)
    assert press(page).startswith("Right")
    every = page.context.new_page()
    every.goto(served.url + "book/exercises.html")
    all_of_them = sum((HTML / name).read_text().count('class="live-about"') for name in served.pages)
    assert every.locator(".live-list a").count() == all_of_them > 60
    assert every.locator(".live-list a").first.inner_text() == "What the state knows"
    assert every.locator(".live-list tr", has_text="Add what you forget").filter(has_text="solved").count() == 1
    every.get_by_label("Kind").select_option("predict")
    kinds = every.locator(".live-list tbody tr:visible .live-kind").all_inner_texts()
    assert set(kinds) == {"predict"}
    every.get_by_label("Kind").select_option("all")
    assert every.locator(".live-list tbody tr:visible").count() == all_of_them
    every.locator(".live-sort", has_text="Minutes").click()
    minutes = [int(text) for text in every.locator(".live-list tbody .live-minutes").all_inner_texts()]
    assert minutes == sorted(minutes) and len(minutes) == all_of_them
    assert every.locator("th[aria-sort=ascending]").inner_text().startswith("Minutes")
    with every.expect_download() as download:
        every.locator("button:has-text('Export')").click()
    download.value.save_as(tmp_path / "attempts.json")
    every.evaluate("localStorage.clear()")
    every.reload()
    assert every.locator(".live-mark", has_text="solved").count() == 0
    every.locator(".live-file").set_input_files(tmp_path / "attempts.json")
    every.locator(".live-state:has-text('imported')").wait_for()
    assert every.locator(".live-list tr", has_text="Add what you forget").filter(has_text="solved").count() == 1
    (tmp_path / "other.json").write_text("[1, 2")
    every.locator(".live-file").set_input_files(tmp_path / "other.json")
    every.locator(".live-state:has-text('holds no attempts')").wait_for()
    every.close()


@alone
def test_attempts_go_to_a_file_and_come_back_by_keyboard_alone_and_both_is_said(served, chromium, tmp_path):
    context, log = open_context(chromium)
    page = context.new_page()
    page.on("filechooser", lambda chooser: None)  # asked for throughout: between two waits a chooser could be missed
    page.goto(served.url + "book/exercises.html")
    says = page.locator(".live-state[role=status]")
    page.get_by_role("button", name="Export attempts").focus()
    page.keyboard.press("Enter")
    says.filter(has_text="There is no attempt to export yet.").wait_for()
    address = page.locator(".live-title a").first.get_attribute("href")
    store = "name => localStorage.setItem(name, JSON.stringify({ text: 'mine', tried: true, passed: true }))"
    page.evaluate(store, f"live-code /book/{address.replace('#', ' ')}")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(tmp_path / "attempts.json")
    says.filter(has_text="1 attempt exported, as the file attempts.json.").wait_for()
    for _ in range(2):  # and once more from the same file
        page.evaluate("localStorage.clear()")
        page.reload()
        assert says.inner_text().startswith("0 of ")
        page.get_by_role("button", name="Export attempts").focus()
        page.keyboard.press("Tab")
        assert focused(page) == "Import attempts"
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(tmp_path / "attempts.json")
        says.filter(has_text="1 attempt imported.").wait_for()
        assert says.inner_text().startswith("1 of ") and focused(page) == "Import attempts"
    context.close()
    assert log.complaints == []


@at_once
def test_a_hint_adds_to_what_the_answer_has_said(opened):
    page, *_ = opened
    page.locator(".live-text").first.fill(RIGHT.replace("f * c_prev", "f * c_prev**3 + 0.1"))
    answer = press(page)
    first, second = next(exercises_of("book/lstm.html"))["hints"]
    assert answer.endswith(first)
    editor = page.locator(".live-editor").first
    button = editor.get_by_role("button", name="hint")
    button.click()
    assert editor.locator(".live-hints li").all_inner_texts() == [second]
    assert button.inner_text() == "No more hints" and button.get_attribute("aria-disabled") == "true"
    editor.get_by_role("button", name="Reset").click()  # takes the answer away, and what it said is a hint again
    assert button.inner_text() == "Next hint" and button.get_attribute("aria-disabled") is None
    button.click()
    assert editor.locator(".live-hints li").all_inner_texts() == [second, first]


@at_once
def test_an_endless_loop_is_stopped_and_python_starts_again(opened):
    page, *_ = opened
    page.locator(".live-text").nth(2).fill("while True:\n    pass")
    page.locator(".live-check").nth(2).click()
    page.locator(".live-state:has-text('endless loop')").wait_for(timeout=WAIT)
    page.locator("button:has-text('Stop'):visible").click()
    page.locator(".live-text").nth(2).fill("1 + 1")
    assert press(page, 2) == "2"


@at_once
def test_a_solution_is_shown_after_an_attempt_or_at_the_second_press(opened):
    page, *_ = opened
    solution = page.locator(".solution").nth(3)
    title = solution.locator(".admonition-title")
    title.click()
    assert page.locator(".live-shut").inner_text().startswith("No attempt yet")
    assert solution.locator("pre").first.is_hidden()
    title.click()
    solution.locator("pre").first.wait_for()
    page.locator(".live-shut").wait_for(state="detached")


@at_once
def test_a_cell_can_be_tried(opened):
    page, *_ = opened
    button = page.locator(".live-try").first
    button.click()
    page.wait_for_function(IDLE, timeout=WAIT)
    cell = page.locator(".live-code:has(.live-editor)").first
    stored = cell.locator(".cell_output pre").first.evaluate("e => e.textContent.trim()")
    assert cell.locator(".live-answer").inner_text() == stored


WIDER = """() => [...document.querySelectorAll("article *")].filter(
  element => !element.closest("mjx-container, pre, .highlight")
    && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(element => `${element.tagName}.${element.className} ${element.textContent.slice(0, 60)}`)"""


@at_once
def test_axe_finds_nothing_on_an_answered_page_on_a_phone_in_the_dark(opened):
    page, *_ = opened
    page.evaluate(THIN)
    for view in ("light", "dark phone"):
        show(page, view)
        settle(page)
        assert page.evaluate(WIDER) == []
        found = Axe().run(
            page, context={"include": [[".live-editor"]]}, options={"resultTypes": ["violations"], "preload": False}
        )
        assert found.response["violations"] == []
    show(page, "light")


@alone
def test_an_attempt_that_was_kept_fits_a_phone_with_all_that_can_be_opened_beside_it(fresh):
    page = fresh
    long = "    return " + " + ".join(f"a_long_name_{k}" * 3 for k in range(9))
    first = page.locator(".live-text").first
    first.fill(first.input_value().replace("    return None", long))
    show(page, "phone")
    page.reload()
    settle(page)
    assert long in page.locator(".live-text").first.input_value()
    for button in ("Hint", "Next hint"):
        page.locator(".live-editor").first.get_by_role("button", name=button).click()
    page.locator(".live-first:visible summary").first.click()
    page.locator(".live-first[open]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and page.evaluate(WIDER) == []


@alone
def test_under_a_sub_path_and_opened_as_a_file(chromium, tmp_path):
    (tmp_path / "deep").symlink_to(HTML)
    with serve(tmp_path) as url:
        context, log = open_context(chromium)
        page = context.new_page()
        page.goto(url + "deep/book/rnn.html")
        assert press(page).startswith("It returns None")
        assert log.complaints == []
        context.close()
    page = chromium.new_page()
    page.goto((HTML / "book/rnn.html").as_uri())
    page.locator(".live-check").first.click()
    assert "make serve" in page.locator(".live-answer").first.inner_text()
    page.close()


@alone
def test_with_scripts_off_the_page_reads_as_without_the_extension(served, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.url + "book/lstm.html")
    assert page.locator(".live-editor, .live-try").count() == 0
    assert page.locator(".live-code .cell_input pre").first.is_visible()
    context.close()


ALL = """async (jobs) => {
    const worker = new Worker(new URL("../_static/live_code/live_code_worker.mjs", location.href), { type: "module" });
    const answers = [];
    await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => {
            if (data.failed) reject(data.failed);
            if (!data.result) return;
            answers.push(data.result);
            if (answers.length === jobs.length) resolve();
        };
        for (const job of jobs) worker.postMessage(job);
    });
    worker.terminate();
    return answers;
}"""


def in_the_browser():
    """The files that an answer in the browser follows from, besides its page and Python: the package, what runs it."""
    without = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]["live_code_without"]
    scripts = [path for path in sorted(archive.STATIC.iterdir()) if path.is_file()]
    return [*archive.files_of(ROOT / "rnnbook", without), *scripts, *sorted(archive.STATIC.parent.glob("*.py"))]


def jobs_of(name, about):
    """What the browser is asked of an exercise, and what its answer holds: nothing yet, right, a known mistake."""
    text, exercise = checks(about["code"])
    setup = [part["code"] for part in about["setup"]]
    is_bug = isinstance(exercise, Exercise) and "return None" not in about["code"]
    unwritten = "off by up to" if is_bug else exercise(NOTHING[type(exercise)]).message
    yield {"setup": setup, "code": about["code"]}, (name, unwritten)
    yield {"setup": setup, "code": f"{text}({text}.reference())"}, (name, exercise(exercise.reference()).message)
    mistake = next(iter(exercise.wrong()), None)
    if mistake is not None:
        yield {"setup": setup, "code": f"{text}({text}.wrong()[{mistake!r}])"}, (name, mistake)


def test_every_exercise_answers_in_the_browser(request, served, chromium):
    """Nothing written yet: it says so; the solution is right; a known mistake is named. See ``searches`` for which."""
    every = {
        checks(about["code"])[0]: (name, about)
        for name in served.pages
        if name.startswith("book/")
        for about in exercises_of(name)
    }
    assert len(every) > 80
    common = searches.digest(json.dumps(python.lock()), *in_the_browser(), Path(__file__))
    digests = {e: searches.digest(common, json.dumps(about, sort_keys=True)) for e, (_, about) in every.items()}
    choice = searches.choose("exercises answered in the browser", every, digests)
    choice.tell(request.node)
    jobs, expected = zip(*(job for exercise in choice.items for job in jobs_of(*every[exercise])))
    context, log = open_context(chromium)
    page = context.new_page()
    page.goto(served.url + "book/index.html")
    page.set_default_timeout(WAIT)
    answers = page.evaluate(ALL, jobs)
    wrong = [(n, e, a) for (n, e), a in zip(expected, answers, strict=True) if a["error"] or e not in a["output"]]
    assert wrong == []
    assert log.complaints == []
    context.close()
