"""The book's English keeps to the field's terms: words of its own making and calques from another language stay out."""

import re

import pytest
from conftest import ROOT

# what not to write, and what to write instead
TERMS = {
    r"\bway back\b": "backward pass",
    r"\b(a|the) bend\b|\bbent\b": "nonlinearity, nonlinear",
    r"\bwings?\b": "NumPy version, PyTorch version",
    r"\bforetells?\b|\bforetold\b": "predict",
    r"\bshall\b": "will",
    r"\blikest\b": "most like",
    r"\bno luxury\b": "worth having",
    r"\bderivatives? by\b|\bgradients? by (the|each|every|a) (?!backward|number)": "with respect to",
    r"\bstands? at chance\b": "is at chance",
    r"\bjoinings?\b": "combine, combinations",
    r"\bWho (takes|wants|reads|has|needs|trains)\b(?=[^?]*[.,:])": "If you ...",
    r"\b(are|is) as good as (done|there)\b": "say what is left",
    r"\bfrom behind\b": "backward, from the end",
}
FILES = sorted(
    [
        *(ROOT / "book/text").glob("*.md"),
        *(ROOT / "book").glob("*.md"),
        *(ROOT / "book/api").glob("*.md"),
        *(ROOT / "book/verdicts").glob("*.json"),
        *(ROOT / "book/_static").glob("*.js"),
        *(ROOT / "rnnbook").rglob("*.py"),
        *(ROOT / p for p in ("README.md", "CONTRIBUTING.md")),
    ]
)


def found(text: str) -> list[str]:
    """Return the turns of phrase in a text that the book does not use, each with what to write instead."""
    plain = re.sub(r"\s+", " ", text)
    return [
        f"{plain[max(0, m.start() - 30) : m.end() + 20]!r}: write {instead!r}"
        for pattern, instead in TERMS.items()
        for m in re.finditer(pattern, plain)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_or_translated_turn_of_phrase(path):
    assert found(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "sentence", ["Who takes it for the total one gets a third.", "On the way\nback, a bend.", "the derivative by h"]
)
def test_a_planted_one_is_found(sentence):
    assert found(sentence)


def test_a_question_is_not_one():
    assert found("Who reads this sentence?") == []
