"""An unlimited supply of written dates: a line of text, the day it names, and which letters say so.

::

    "we met on wednesday, march 3, 1987 again"   →   "1987-03-03"

The date has one of fourteen forms, with words before and after it, and the name of a long month may be misspelt once.
The weekday is drawn independently: it need not match the date, and says nothing. A line's ``spans`` hold the true
alignment: for each of the ten characters of the answer, the letters from which it follows. Every fifth day of the
calendar is reserved for ``part="test"``, so no day asked for there was ever trained on.
"""

import datetime
import re
from numbers import Integral
from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_choice, check_number, check_shape, check_size
from rnnbook.in_numpy.checks import as_array, as_generator, check_tokens

MONTHS = "january february march april may june july august september october november december".split()
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
WORDS = (
    "we met she wrote they came it rained he left a letter was signed born in town "
    "early late again old house home paper"
).split()
FORMS = (  # W weekday, M month, m its first three letters, n its number, d day, D 3rd, Y year, y its last two digits
    "D of M Y|the D of M, Y|M d, Y|W, M d, Y|d M Y|W the D of M Y|m d, Y|d m 'y|n/d/Y|d.n.Y|M the D, 'y|"
    "in Y, on the D of M|Y, M d|day d of M in Y"
).split("|")
SLOT = re.compile(r"(?<![a-z])[WMmndDYy](?![a-z])")
FIRST, LAST = datetime.date(1900, 1, 1).toordinal(), datetime.date(2049, 12, 31).toordinal()
PIVOT = 50  # 'y is 19y from here on, and 20y below
ANSWER = 10  # characters of YYYY-MM-DD

SOURCE_ALPHABET = " abcdefghijklmnopqrstuvwxyz0123456789,./'"
TARGET_ALPHABET = "0123456789-^"  # the last one starts an answer
START = TARGET_ALPHABET.index("^")


class Dates(NamedTuple):
    """Lines, their answers, and for each character of an answer the letters [from, to) that it follows from.

    Where ``from`` equals ``to`` the character follows from no letter: the hyphens, and the century of a short year.
    """

    lines: list[str]
    answers: list[str]
    spans: np.ndarray  # (B, 10, 2)


def written_dates(rng, B, words=(0, 4), misspelt=0.25, part="train"):
    """Draw B lines with a date and, before and after it, between ``words[0]`` and ``words[1]`` other words.

    ``misspelt`` is the share of long month names (five letters or more) with a letter dropped, doubled or exchanged
    with its neighbour. ``rng`` is a Generator or a seed; ``part`` is "train" or "test". Raises TypeError or ValueError,
    naming the argument.
    """
    rng, B = as_generator(rng), check_size("B", B)
    check_number("misspelt", misspelt, "lie between 0 and 1", lambda share: 0 <= share <= 1)
    check_choice("part", part, ("train", "test"))
    words = _check_words(words)
    drawn = [_written(rng, _draw_day(rng, part), words, misspelt) for _ in range(B)]
    lines, answers, spans = zip(*drawn, strict=True)
    return Dates(list(lines), list(answers), np.array(spans))


def encode_lines(lines, T=None):
    """Return the lines as tokens (T, B) of ``SOURCE_ALPHABET``, blanks after their ends, and their lengths (B,).

    Raises ValueError for an empty line, a T below the longest, or a character that is not in the alphabet.
    """
    lengths = np.array([len(line) for line in lines])
    if not len(lengths) or not lengths.min():
        raise ValueError("lines should hold at least one line, and each at least one character")
    longest = int(lengths.max())
    T = longest if T is None else check_size("T", T)
    if T < longest:
        raise ValueError(f"T should be at least {longest}, the length of the longest line, but is {T}")
    tokens = np.zeros((T, len(lines)), int)
    for b, line in enumerate(lines):
        tokens[: len(line), b] = _indices("lines", line, SOURCE_ALPHABET)
    return tokens, lengths


def encode_answers(answers):
    """Return the answers as tokens (11, B) of ``TARGET_ALPHABET``, the start first."""
    return np.array([_indices("answers", "^" + answer, TARGET_ALPHABET) for answer in answers]).T


def decode_answers(tokens):
    """Return the answers that tokens (S, B), without the start, spell; TypeError or ValueError for no such tokens."""
    tokens = as_array("tokens", tokens)
    check_shape("tokens", tokens, ("S", "B"))
    tokens = check_tokens("tokens", tokens, len(TARGET_ALPHABET))
    return ["".join(TARGET_ALPHABET[k] for k in column) for column in tokens.T]


def _check_words(words):
    """Return the least and the most; TypeError unless they are whole numbers, ValueError unless they are in order."""
    rule = "words should be two whole numbers in order, the least and the most"
    try:
        least, most = words
    except (TypeError, ValueError):
        raise TypeError(f"{rule}, but is {words!r}") from None
    if not all(isinstance(k, Integral) and not isinstance(k, bool) for k in (least, most)):
        raise TypeError(f"{rule}, but is {words!r}")
    if not 0 <= least <= most:
        raise ValueError(f"{rule}, but is {words!r}")
    return int(least), int(most)


def _indices(name, text, alphabet):
    unknown = set(text) - set(alphabet)
    if unknown:
        raise ValueError(f"{name} should hold only {alphabet!r}, but one holds {min(unknown)!r}")
    return [alphabet.index(character) for character in text]


def _draw_day(rng, part):
    while True:
        day = int(rng.integers(FIRST, LAST + 1))
        if (day % 5 == 4) == (part == "test"):
            return datetime.date.fromordinal(day)


def _written(rng, day, words, misspelt):
    """Return one line, its answer and its spans."""
    short = PIVOT <= day.year - 1900 < PIVOT + 100  # two digits can say it
    forms = [form for form in FORMS if short or "y" not in _slots(form)]
    form = forms[rng.integers(len(forms))]
    before, behind = _other_words(rng, words)
    line, places = before, {}
    position = 0
    for slot in SLOT.finditer(form):
        line += form[position : slot.start()]
        text = _slot(rng, slot.group(), day, misspelt)
        places[slot.group().lower()] = (len(line), len(text))
        line += text
        position = slot.end()
    month = places["m"] if "m" in places else places["n"]
    return line + behind, day.isoformat(), _spans(places["y"], month, places["d"], day)


def _slots(form):
    return SLOT.findall(form)


def _other_words(rng, words):
    k = int(rng.integers(words[0], words[1] + 1))
    chosen, cut = [WORDS[i] for i in rng.integers(len(WORDS), size=k)], int(rng.integers(k + 1))
    return "".join(f"{word} " for word in chosen[:cut]), "".join(f" {word}" for word in chosen[cut:])


def _slot(rng, slot, day, misspelt):
    """Return the text that one letter of a form stands for."""
    month = MONTHS[day.month - 1]
    if slot == "M" and len(month) >= 5 and rng.random() < misspelt:
        month = _with_a_mistake(rng, month)
    return {
        "W": WEEKDAYS[rng.integers(7)],
        "M": month,
        "m": month[:3],
        "n": str(day.month),
        "d": str(day.day),
        "D": f"{day.day}{_ending(day.day)}",
        "Y": str(day.year),
        "y": f"{day.year % 100:02}",
    }[slot]


def _ending(day):
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _with_a_mistake(rng, word):
    """Return a word with one letter after the first dropped, doubled or exchanged with the next."""
    k, kind = int(rng.integers(1, len(word) - 1)), rng.integers(3)
    if kind == 0:
        return word[:k] + word[k + 1 :]
    if kind == 1:
        return word[:k] + word[k] + word[k:]
    return word[:k] + word[k + 1] + word[k] + word[k + 2 :]


def _spans(year, month, day_place, day):
    """Return [from, to) for each character of the answer; year, month and day are (start, length) in the line."""
    digits = year[1]
    years = [(year[0] + k, year[0] + k + 1) for k in range(digits)]
    years = [(year[0], year[0])] * (4 - digits) + years
    whole_month = (month[0], month[0] + month[1])
    tens = day.day >= 10
    days = [(day_place[0], day_place[0] + 1), (day_place[0] + tens, day_place[0] + tens + 1)]
    nothing = (0, 0)
    return [*years, nothing, whole_month, whole_month, nothing, *days]
