"""Written dates: a line says its answer, the spans say where, and what is tested was never trained on."""

import datetime
import re

import numpy as np
import pytest
from doors import told

from rnnbook.data import dates

DRAWN = dates.written_dates(0, 600)
PLAIN = dates.written_dates(1, 600, misspelt=0)
ORDINAL = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def test_an_answer_is_a_day_and_a_line_holds_its_numbers_and_its_month():
    for line, answer in zip(PLAIN.lines, PLAIN.answers, strict=True):
        day = datetime.date.fromisoformat(answer)
        numbers = re.findall(r"\d+", line)
        month = dates.MONTHS[day.month - 1]
        assert str(day.day) in numbers
        assert str(day.year) in numbers or f"'{day.year % 100:02}" in line
        assert (
            month in line
            or re.search(rf"\b{month[:3]}\b", line)
            or numbers.count(str(day.month)) > (day.month == day.day)
        )
        if found := re.search(r"\d+(st|nd|rd|th)", line):
            assert found.group() == f"{day.day}{ORDINAL.get(day.day, 'th')}"


def test_spans_are_where_the_digits_and_the_month_are_written():
    for line, answer, spans in zip(*PLAIN, strict=True):
        day = datetime.date.fromisoformat(answer)
        parts = [line[start:end] for start, end in spans]
        assert parts[4] == parts[7] == ""  # nobody writes the hyphens
        assert parts[2:4] == [*answer[2:4]] and parts[:2] in ([*answer[:2]], ["", ""])
        assert parts[5] == parts[6] and parts[5] in (dates.MONTHS[day.month - 1], dates.MONTHS[day.month - 1][:3],
                                                      str(day.month))  # fmt: skip
        assert parts[8:] == ([*answer[8:]] if day.day >= 10 else [answer[9]] * 2)


def test_the_letters_outside_the_spans_do_not_tell_the_day():
    """Erase the spans of two lines: where what is left is equal, the answers differ."""
    rest = {}
    for line, answer, spans in zip(*DRAWN, strict=True):
        keep = [c for t, c in enumerate(line) if not any(start <= t < end for start, end in spans)]
        rest.setdefault("".join(keep), set()).add(answer)
    assert max(map(len, rest.values())) > 1


def test_every_form_every_month_and_short_years_of_both_centuries_are_drawn():
    assert {answer[5:7] for answer in DRAWN.answers} == {f"{month:02}" for month in range(1, 13)}
    short = {answer[:2] for line, answer in zip(DRAWN.lines, DRAWN.answers, strict=True) if "'" in line}
    assert short == {"19", "20"}
    years = [int(a[:4]) for line, a in zip(DRAWN.lines, DRAWN.answers, strict=True) if "'" in line]
    assert min(years) >= 1950 and max(years) <= 2049
    slots = ["/", ".", "'", ", on the ", "day ", " of "]
    assert all(any(slot in line for line in DRAWN.lines) for slot in slots)


def test_a_misspelt_month_is_one_letter_off_and_no_other_month():
    names = set(dates.MONTHS)
    wrong = []
    for line, spans in zip(DRAWN.lines, DRAWN.spans, strict=True):
        month = line[slice(*spans[5])]
        if month.isalpha() and len(month) > 3 and month not in names:
            wrong.append(month)
    assert 30 < len(wrong) < 150
    for month in wrong:
        near = [name for name in names if month in one_mistake_away(name)]
        assert len(near) == 1 and month[0] == near[0][0]


def one_mistake_away(name):
    dropped = {name[:k] + name[k + 1 :] for k in range(len(name))}
    doubled = {name[:k] + name[k] + name[k:] for k in range(len(name))}
    swapped = {name[:k] + name[k + 1] + name[k] + name[k + 2 :] for k in range(len(name) - 1)}
    return dropped | doubled | swapped


def test_no_day_of_the_test_part_is_in_the_training_part():
    train, test = (set(dates.written_dates(2, 2000, part=part).answers) for part in ("train", "test"))
    assert not train & test and len(test) > 1000
    ordinals = {datetime.date.fromisoformat(a).toordinal() % 5 for a in test}
    assert ordinals == {4}


@pytest.mark.parametrize("k", [0, 2, 9])
def test_words_are_as_many_as_asked_for_and_say_nothing_of_a_date(k):
    without = {len(line.split()) for line in dates.written_dates(3, 200, words=(0, 0)).lines}
    lines = dates.written_dates(3, 200, words=(k, k)).lines
    assert max(len(line.split()) for line in lines) <= max(without) + k
    assert all(sum(word in dates.WORDS for word in line.replace(",", "").split()) >= k for line in lines)
    assert not set(dates.WORDS) & {*dates.MONTHS, *(m[:3] for m in dates.MONTHS), *dates.WEEKDAYS}


def test_a_seed_draws_what_its_generator_draws():
    for seed in (0, 7):
        first, second = dates.written_dates(seed, 5), dates.written_dates(np.random.default_rng(seed), 5)
        assert first.lines == second.lines and np.array_equal(first.spans, second.spans)
    assert dates.written_dates(0, 5).lines != dates.written_dates(1, 5).lines


def test_tokens_are_the_alphabets_places_and_back():
    tokens, lengths = dates.encode_lines(DRAWN.lines)
    assert tokens.shape == (max(map(len, DRAWN.lines)), 600)
    for b in (0, 7, 599):
        column = "".join(dates.SOURCE_ALPHABET[k] for k in tokens[: lengths[b], b])
        assert column == DRAWN.lines[b] and (tokens[lengths[b] :, b] == 0).all()
    said = dates.encode_answers(DRAWN.answers)
    assert said.shape == (dates.ANSWER + 1, 600) and (said[0] == dates.START).all()
    assert dates.decode_answers(said[1:]) == DRAWN.answers


@pytest.mark.parametrize(
    "call, error, sentence",
    [
        (lambda: dates.written_dates(0, 0), ValueError, "B should be at least 1, but is 0"),
        (lambda: dates.written_dates("0", 1), TypeError, "rng should be a np.random.Generator or a whole number"),
        (
            lambda: dates.written_dates(0, 1, part="valid"),
            ValueError,
            "part should be one of 'train', 'test', but is 'valid'",
        ),
        (
            lambda: dates.written_dates(0, 1, misspelt=2),
            ValueError,
            "misspelt should lie between 0 and 1, but is 2",
        ),
        (
            lambda: dates.written_dates(0, 1, words=(3, 1)),
            ValueError,
            "words should be two whole numbers in order, the least and the most, but is (3, 1)",
        ),
        *(
            (
                lambda words=words: dates.written_dates(0, 1, words=words),
                TypeError,
                f"words should be two whole numbers in order, the least and the most, but is {words!r}",
            )
            for words in ((0.5, 0.9), 3, None, (1, 2, 3), (False, True), "ab")
        ),
        (lambda: dates.encode_lines(["may 1", "june 2"], T=5), ValueError, "T should be at least 6, the length of the"),
        (lambda: dates.encode_lines(["may 1"], T=5.5), TypeError, "T should be a whole number, but is 5.5"),
        (lambda: dates.decode_answers([[-1]]), ValueError, "tokens should lie between 0 and 11, but holds -1"),
        (lambda: dates.decode_answers(np.array([[12]])), ValueError, "tokens should lie between 0 and 11, but holds"),
        (lambda: dates.decode_answers(np.zeros((1, 1))), TypeError, "tokens should hold whole numbers, but has dtype"),
        (lambda: dates.encode_lines(["March 3"]), ValueError, "lines should hold only"),
        (lambda: dates.encode_lines([""]), ValueError, "lines should hold at least one line, and each at least"),
        (lambda: dates.encode_answers(["1987/03/03"]), ValueError, "answers should hold only '0123456789-^', but one"),
    ],
)
def test_a_mistake_is_told(call, error, sentence):
    found, told_sentence = told(call)
    assert found is error and told_sentence.startswith(sentence)
