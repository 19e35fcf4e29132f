"""The page of verdicts says what the chapters say: each number is found in its chapter, each link leads there."""

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT
from verdicts import LINE, OUTCOMES, chapters, page, verdicts_of

NAMES = chapters(ROOT)
KEYS = {"label", "claim", "measured", "numbers", "opponent", "outcome", "interval", "source"}
ENTRIES = [pytest.param(name, v, id=f"{name}-{v['label']}") for name in NAMES for v in verdicts_of(ROOT, name)]


def words_of(notebook: Path) -> str:
    """Return a notebook's prose, code and printed outputs as one text, with plain minus signs."""
    found = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        found.append("".join(cell["source"]))
        found.append(json.dumps(cell["metadata"], ensure_ascii=False))
        for output in cell.get("outputs", []):
            found += ["".join(output.get("text", [])), "".join(output.get("data", {}).get("text/plain", []))]
    return "\n".join(found).replace("\N{MINUS SIGN}", "-")


def is_there(number: str, text: str) -> bool:
    """Say whether the text has the number as a word of its own: 0.48 has ``.48``, and 14.8 has no ``4.8``."""
    start = "(?<![0-9])0?" if number.startswith(".") else "(?<![0-9.,])"
    return re.search(start + re.escape(number) + r"(?!\d|[.,]\d)", text) is not None


def test_every_chapter_has_its_verdicts_and_no_file_is_left_over():
    files = {path.stem for path in (ROOT / "book/verdicts").glob("*.json")}
    assert files == set(NAMES)
    for name in NAMES:
        assert json.loads((ROOT / f"book/verdicts/{name}.json").read_text(encoding="utf-8"))["chapter"] == name


@pytest.mark.parametrize("name, verdict", ENTRIES)
def test_a_verdict_is_whole_and_its_link_leads_into_its_chapter(name, verdict):
    assert KEYS <= verdict.keys() <= KEYS | {"said"}
    assert verdict["outcome"] in OUTCOMES
    assert all(verdict[key] for key in KEYS - {"numbers"})
    assert f"({verdict['label']})=" in (ROOT / f"book/text/{name}.md").read_text(encoding="utf-8")
    assert verdict["source"] == "live" or (ROOT / verdict["source"]).is_file()


@pytest.mark.parametrize("name, verdict", ENTRIES)
def test_the_numbers_of_a_verdict_are_those_of_its_chapter(name, verdict):
    assert verdict["numbers"] or verdict["interval"].startswith("exact")
    text, measured = words_of(ROOT / f"book/{name}.ipynb"), verdict["measured"].replace("\N{MINUS SIGN}", "-")
    assert [n for n in verdict["numbers"] if not is_there(n, text)] == []
    assert [n for n in verdict["numbers"] if not is_there(n, measured)] == []


@pytest.mark.parametrize(
    "number, text, there",
    [
        (".48", "0.48", True),
        (".48", "x .48.", True),
        ("4.8", "14.8", False),
        ("17.0", "17.01", False),
        ("17.0", "17.0, 16", True),
        ("12", "12,000", False),
        ("-3", "at -3 and", True),
        ("7", "no number", False),
    ],
)
def test_a_number_is_found_as_a_word_of_its_own(number, text, there):
    assert is_there(number, text) is there


def test_the_page_shows_every_verdict_once_and_counts_them():
    text = page(ROOT)
    for name in NAMES:
        for verdict in verdicts_of(ROOT, name):
            assert text.count(f"<{verdict['label']}>") >= 1 and verdict["claim"] in text
    together = next(line for line in text.splitlines() if line.startswith("| together"))
    assert sum(int(n) for n in re.findall(r"\d+", together)) == len(ENTRIES)
    assert LINE in (ROOT / "book/verdicts.md").read_text(encoding="utf-8").splitlines()
