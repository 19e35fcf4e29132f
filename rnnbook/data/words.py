"""How American English words are said: spellings with all their listed pronunciations, split by word family."""

import hashlib
import re
from functools import partial
from typing import NamedTuple

import numpy as np

from rnnbook.data.files import table

ENDINGS = (  # taken off the end of a word, one after another, the longest that fits; at least three letters are left
    "ization|ational|fulness|iveness|ations|ation|ingly|ement|ments|ities|ness|ment|ship|able|ible|ally|less|ions|ings|"
    "ers|ors|ies|ied|ing|ion|est|ity|ful|ous|ive|ize|ise|ism|ist|ian|ed|er|or|es|ly|al|ic|an|en|s|e|y|i|o|a"
)
ENDED = re.compile(f"(.{{3,}}?)(?:{ENDINGS})")


class Pronunciations(NamedTuple):
    """N words in alphabetical order, all listed pronunciations of each, and its part: train, valid or test.

    A pronunciation is a tuple of names from ``sounds``; the dictionary's first comes first.
    """

    words: np.ndarray
    said: list[tuple[tuple[str, ...], ...]]
    part: np.ndarray
    sounds: list[str]


def pronunciations(stress=False):
    """Words of the letters a to z, at least two: ``words`` and ``part``, each (N,), and ``said``, as long.

    ``sounds`` are the 39 phonemes of the dictionary in alphabetical order. With ``stress`` each vowel is followed by
    its stress (0 none, 1 primary, 2 secondary); without it, pronunciations that differ only in stress count as one. A
    word's part is decided by the SHA-256 of its ``stem``: 80 % of the families train, 10 % valid, 10 % test.
    Source: The CMU Pronouncing Dictionary, Carnegie Mellon University; two-clause BSD licence.
    """
    plain = (lambda sound: sound) if stress else partial(re.sub, r"\d", "")
    said: dict[str, dict[tuple[str, ...], None]] = {}
    sounds: dict[str, str] = {}  # as listed, and as returned: equal strings share one object
    for line in table("pronunciations").splitlines()[1:]:
        word, listed = line.split(",")
        if len(word) > 1 and word.isalpha():
            named = tuple([sounds.get(sound) or sounds.setdefault(sound, plain(sound)) for sound in listed.split()])
            said.setdefault(word, {})[named] = None
    words = sorted(said)
    parts = [{8: "valid", 9: "test"}.get(_digit(stem(word)), "train") for word in words]
    every = sorted(set(sounds.values()))
    return Pronunciations(np.array(words), [tuple(said[word]) for word in words], np.array(parts), every)


def stem(word):
    """Return what is left of a word without its endings: words of one family have one stem, and are in one part.

    A rough rule that takes off more than a linguist would (``"abandonments"`` becomes ``"abandon"``) and treats a
    doubled last letter as one: families come out too large rather than too small. It knows nothing of prefixes and
    compounds.

    >>> [stem(word) for word in ("running", "runs", "runner", "happily")]
    ['run', 'run', 'run', 'hap']
    """
    while ended := ENDED.fullmatch(word):
        word = ended[1]
        if len(word) > 3 and word[-1] == word[-2]:
            word = word[:-1]
    return word


def _digit(name):
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10
