"""How far a sequence is from the right one: edit distance, and the error rates of a set of answers."""

from typing import NamedTuple


class ErrorRates(NamedTuple):
    """The share of symbols that have to be changed, and the share of answers that are not entirely right.

    ``distances`` and ``lengths`` hold, for each answer, its distance to the nearest right answer and the length of that
    one.
    """

    symbols: float
    answers: float
    distances: list[int]
    lengths: list[int]


def edit_distance(first, second):
    """Return the fewest insertions, deletions and substitutions that turn one sequence into the other.

    Source: Levenshtein (1966); Wagner & Fischer (1974).
    """
    row = list(range(len(second) + 1))  # from the empty sequence to each prefix of the second
    for i, symbol in enumerate(first, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (symbol != other))
    return row[-1]


def error_rates(answers, accepted):
    """Return the ``ErrorRates`` of N answers, where the n-th should be any of the sequences ``accepted[n]``.

    Of several right ones the nearest counts; of equally near ones the longest, where a change weighs least.
    The share of symbols is the sum of all distances over the sum of all lengths: with phonemes, the phoneme error rate.
    Raises ValueError if the two differ in number, if there is none, or if a word has nothing accepted.
    """
    if len(answers) != len(accepted) or not answers:
        raise ValueError(
            f"answers and accepted should have one length, at least 1, but have {len(answers)} and {len(accepted)}"
        )
    distances, lengths = [], []
    for n, (answer, right) in enumerate(zip(answers, accepted, strict=True)):
        if not right:
            raise ValueError(f"accepted[{n}] should hold at least one sequence, but is empty")
        distance, length = min((edit_distance(answer, one), -len(one)) for one in right)
        distances.append(distance)
        lengths.append(-length)
    if not sum(lengths):
        raise ValueError("accepted should hold at least one symbol, but all its sequences are empty")
    wrong = sum(distance > 0 for distance in distances)
    return ErrorRates(sum(distances) / sum(lengths), wrong / len(distances), distances, lengths)
