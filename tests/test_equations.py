"""One equation, one line: each label in the code is an equation of the book, the layers' in both wings."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LABEL_IN_CODE = re.compile(r"(?:#|/\*)[^#\n]*?\beq-[\w-]+.*")
LABEL_IN_BOOK = re.compile(r"\$\$\s*\((eq-[\w-]+)\)")
LAYER = re.compile(r"eq-(rnn|gru|lstm|attention(?!-back))-")  # attention's backward is autograd's in in_torch


def labels_in_code(folder, endings=(".py",)):
    """{label: {file, …}} of the end-of-line comments in a folder's files with these endings."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in endings):
        for comment in LABEL_IN_CODE.findall(path.read_text(encoding="utf-8")):
            for label in re.findall(r"\beq-[\w-]+", comment):
                found.setdefault(label, set()).add(path.name)
    return found


def labels_in_book(folder):
    """Every label behind a display equation; a label that stands twice is refused."""
    found = []
    for path in sorted([*folder.glob("*.md"), *folder.glob("*.ipynb")]):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
            text = "\n\n".join(c["metadata"].get("myst") or "".join(c["source"]) for c in cells)
        found += LABEL_IN_BOOK.findall(text)
    twice = {label for label in found if found.count(label) > 1}
    assert not twice, f"labelled twice in the book: {sorted(twice)}"
    return set(found)


def drift(root):
    """Every disagreement between book and code, one sentence each."""
    book, code = labels_in_book(root / "book"), labels_in_code(root / "rnnbook", (".py", ".c"))
    sentences = [
        f"{label}, in {', '.join(sorted(code[label]))}, is no equation of the book" for label in code.keys() - book
    ]
    for wing in ["in_numpy", "in_torch"]:
        here = labels_in_code(root / "rnnbook" / wing)
        layers = {label for label in book | code.keys() if LAYER.match(label)}
        sentences += [f"{label} is not computed in {wing}" for label in layers - here.keys()]
    return sorted(sentences)


def test_code_and_book_have_the_same_equations():
    assert drift(ROOT) == []


@pytest.fixture
def small_book(tmp_path):
    for folder in ["book", "rnnbook/in_numpy", "rnnbook/in_torch"]:
        (tmp_path / folder).mkdir(parents=True)
    for wing in ["in_numpy", "in_torch"]:
        (tmp_path / "rnnbook" / wing / "rnn.py").write_text("h = phi(a)  # eq-rnn-hidden\ny = W @ h  # eq-output\n")
    (tmp_path / "rnnbook/in_torch/steps.c").write_text("h[j] = phi(a[j]);  /* eq-rnn-hidden */\n")
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["Text\n", "$$ h_t = \\varphi(a_t) $$ (eq-rnn-hidden)\n"]},
        {"cell_type": "code", "source": ["print('$$ (eq-in-a-cell)')"]},
    ]
    (tmp_path / "book/rnn.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "book/output.md").write_text("$$\ny = W h\n$$ (eq-output)\n")
    return tmp_path


def plant(root, path, old, new):
    file = root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_book_without_drift_passes(small_book):
    assert drift(small_book) == []


@pytest.mark.parametrize(
    "path, old, new, sentences",
    [
        ("rnnbook/in_torch/rnn.py", "  # eq-rnn-hidden", "", ["eq-rnn-hidden is not computed in in_torch"]),
        (
            "rnnbook/in_numpy/rnn.py",
            "eq-output",
            "eq-outputs",
            ["eq-outputs, in rnn.py, is no equation of the book"],
        ),
        (
            "book/rnn.ipynb",
            "(eq-rnn-hidden)",
            "(eq-rnn-state)",
            [
                "eq-rnn-hidden, in rnn.py, steps.c, is no equation of the book",
                "eq-rnn-state is not computed in in_numpy",
                "eq-rnn-state is not computed in in_torch",
            ],
        ),
        (
            "rnnbook/in_torch/steps.c",
            "eq-rnn-hidden",
            "eq-rnn-hide",
            [
                "eq-rnn-hide is not computed in in_numpy",
                "eq-rnn-hide is not computed in in_torch",
                "eq-rnn-hide, in steps.c, is no equation of the book",
            ],
        ),
        ("book/output.md", "$$ (eq-output)", "$$", ["eq-output, in rnn.py, is no equation of the book"]),
        (
            "rnnbook/in_numpy/rnn.py",
            "# eq-rnn-hidden",
            "# eq-rnn-hidden eq-rnn-more",
            ["eq-rnn-more is not computed in in_torch", "eq-rnn-more, in rnn.py, is no equation of the book"],
        ),
    ],
)
def test_planted_drift_is_found(small_book, path, old, new, sentences):
    plant(small_book, path, old, new)
    assert drift(small_book) == sentences


def test_an_equation_labelled_twice_is_refused(small_book):
    plant(small_book, "book/output.md", "(eq-output)", "(eq-output)\n\n$$ y = W h $$ (eq-output)")
    with pytest.raises(AssertionError, match="labelled twice in the book: .'eq-output'"):
        drift(small_book)
