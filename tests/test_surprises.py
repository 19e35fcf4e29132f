"""Promises of the page `surprises`: 45 entries, each whole; each literal message is what a program says today."""

import mmap
import re
from pathlib import Path

import pytest
import surprises
import torch
import yaml
from conftest import ROOT
from surprises import Entry, entries, raised

ENTRIES = entries()
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.label)
ON_KERAS = [entry for entry in ENTRIES if entry.label.startswith("surprises-keras-")]
ON_A_GPU = {"surprises-flatten-parameters", "surprises-cudnn-training", "surprises-double-backward"}
LITERAL = [entry for entry in ENTRIES if entry.code]


def chapters() -> set[str]:
    """The names of the book's numbered chapters and of the pages of conventions."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    return {c["file"].removeprefix("book/") for part in parts if part.get("numbered") for c in part["chapters"]} | {
        "rosetta"
    }


def shown(heading: str) -> str:
    """A heading as it stands in the table at the top: its beginning, and no backticks."""
    return heading.replace("`", "").strip()


def test_there_are_45_with_headings_and_labels_of_their_own():
    assert len(ENTRIES) == 45 and len(LITERAL) >= 25
    assert len({entry.label for entry in ENTRIES}) == len({entry.heading.lower() for entry in ENTRIES}) == 45


@each_entry
def test_an_entry_has_a_cause_one_cell_a_cure_and_a_chapter_in_this_order(entry):
    assert len(entry.cells) == 1
    order = [entry.text.index(mark) for mark in ("**Cause.**", "\n```", "**Cure.**", "**More.**")]
    assert order == sorted(order)
    assert len(entry.part("Cause")) > 80 and len(entry.part("Cure")) > 40
    linked = re.findall(r"\]\((\w+)\.ipynb\)", entry.part("More"))
    linked += [label.split("-")[0] for label in re.findall(r"\{ref\}`(\w[\w-]*)`", entry.part("More"))]
    linked = [{"lm": "language_model"}.get(name, name) for name in linked]
    assert linked and set(linked) <= chapters()


@each_entry
def test_an_entry_is_short(entry):
    assert 55 <= len(re.findall(r"[\w’'-]+", entry.prose)) <= 135
    assert entry.cells[0].count("\n") <= 24


@each_entry
def test_a_threads_name_is_its_address(entry):
    for name, number, address in re.findall(r"\[([\w.-]+) #(\d+)\]\((\S+?)\)", entry.part("More")):
        assert re.fullmatch(rf"https://github\.com/[\w.-]+/{re.escape(name)}/issues/{number}", address)


def test_the_table_at_the_top_leads_to_each_entry_in_order():
    table = re.findall(
        r"^\| \[(.+)\]\(#([\w-]+)\) \| (.+) \|$", surprises.TEXT.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [label for _, label, _ in table] == [entry.label for entry in ENTRIES]
    for (text, _, answer), entry in zip(table, ENTRIES, strict=True):
        assert shown(entry.heading).startswith(shown(text).removesuffix("…").strip())
        assert 2 <= len(answer.split()) <= 15


# ---- what is printed as a message is one -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", [e for e in LITERAL if e not in ON_KERAS and e.label not in ON_A_GPU], ids=lambda entry: entry.label
)
def test_the_cell_raises_the_message_of_the_heading(entry):
    message = entry.raised.split(": ", 1)[1]
    if entry.label == "surprises-lengths-device":  # its end names the device, which here is no GPU
        assert message.split(", but got")[0] == entry.heading.split(", but got")[0]
    else:
        assert message.startswith(entry.heading)


def test_pytorch_holds_the_message_about_second_derivatives():
    """The one message of cuDNN's layers that the CPU build of PyTorch holds too: in its library's strings."""
    (entry,) = [entry for entry in ENTRIES if entry.label == "surprises-double-backward"]
    for path in (Path(torch.__file__).parent / "lib").glob("*torch_cpu.*"):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as library:
            assert library.find(entry.heading.encode()) > 0


# ---- the tests' own reading --------------------------------------------------------------------------------------


def test_a_message_is_read_whole_and_without_what_follows():
    by_label = {entry.label: entry.raised for entry in ENTRIES}
    assert by_label["surprises-tuple"] == "TypeError: linear(): argument 'input' (position 1) must be Tensor, not tuple"
    assert by_label["surprises-second-time"].endswith("after calling backward.")
    assert by_label["surprises-view"].endswith("Use .reshape(...) instead.")
    assert by_label["surprises-pieces"] == ""  # a symptom: nothing is raised


@pytest.mark.parametrize("without", ["**Cure.**", "**Cause.**", "**More.**"])
def test_an_entry_without_a_part_would_be_noticed(without):
    text = ENTRIES[0].text.replace(without, "")
    with pytest.raises(ValueError):
        test_an_entry_has_a_cause_one_cell_a_cure_and_a_chapter_in_this_order(Entry("", "", True, text))


def test_a_cell_that_was_changed_raises_nothing():
    assert raised(ENTRIES[0].cells[0]) and not raised(ENTRIES[0].cells[0] + "pass")
