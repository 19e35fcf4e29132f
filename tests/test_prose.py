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
    r"\b(is|are) thought to\b": "is assumed to",
    r"\bTell whether\b": "Return whether, say whether",
    r"\bone behind the other\b": "one after another",
    r"\bfor who (grades|looks)\b": "for whoever grades",
    r"\bdrawn without end\b": "drawn in any number",
    r"\b(asks?|tasks?) for a memory\b|\btests? a memory\b": "need memory, memory task",
    r"\bgradients? by (y|logits|h)(_|\b)": "with respect to",
    r"\bfrom (every|each) seed\b": "with every seed",
    r"\bthe layers? as (it comes|they come)\b": "the default layer",
    r"\b[wW]hich share\b": "what share",
    r"\bwhat the (input|memory) (says|adds)\b": "the input's part, the memory's part",
    r"\bturned round\b|\bsign (is )?turned\b": "reversed",
    r"\basked for by name\b|\bthat was asked for\b": "named",
    r"\bevery door\b": "public functions",
    r"\btakes? away another explanation\b": "rule out",
    r"\bmodels? that counts?\b": "counting model",
    r"\brests? on (which|what|it)\b|\bWhat rests\b": "builds on",
    r"\b[aA]way from (its|the) site\b": "offline",
    r"\bstands? (last|there|side by side|between)\b": "is, comes",
    r"\blies? (beside|past) (it|a|the)\b": "is",
    r"\ball or not at all\b": "completely or not at all",
    r"\bwhatever its capitals\b": "regardless of case",
    r"\bcarr(y|ies) the batch first\b": "each sequence is a row",
    r"\bzeros? where (none|one|the layer)\b": "zeros if none is given",
}
FILES = sorted(
    [
        *(ROOT / "book/text").glob("*.md"),
        *(ROOT / "book").glob("*.md"),
        *(ROOT / "book/api").glob("*.md"),
        *(ROOT / "book/verdicts").glob("*.json"),
        *(ROOT / "book/_static").glob("*.js"),
        *(ROOT / "rnnbook").rglob("*.py"),
        *(ROOT / "coursework").glob("*.py"),
        *(ROOT / p for p in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
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
