"""The joint n-gram: spelling and sound as one sequence of pairs, aligned by EM, counted, and decoded by beam search.

A **graphone** is a letter together with the 0, 1 or 2 phonemes that it stands for. ``align_letters`` finds which
phonemes belong to which letter; ``JointNgram`` counts which graphones follow each other, smoothed as in
``rnnbook.rivals.ngram``, and pronounces a word by the likeliest graphones that spell it.
Source: Bisani & Ney (2008), with one letter in each graphone, as in Chen (2003).
"""

import math
from collections import Counter, defaultdict

import numpy as np

from rnnbook.errors import check_size

MOST = 2  # phonemes to one letter


def align_letters(words, said, iterations=8):
    """Cut each pronunciation among the letters of its word: returns, for each word, one tuple of phonemes per letter.

    ``words`` are strings (or other sequences), ``said`` as many sequences of phonemes. The probability of each graphone
    is found by expectation maximisation, starting from equal ones; the cut is then the likeliest. Raises ValueError,
    naming the word, if it has no letter or more than two phonemes a letter.
    """
    check_size("iterations", iterations)
    for word, sounds in zip(words, said, strict=True):
        if not 0 < len(word) or len(sounds) > MOST * len(word):
            raise ValueError(
                f"{word!r} should have at least one letter and at most two phonemes per letter, but has {len(sounds)}"
            )
    groups = _events(words, said)
    size = 1 + max(int(events.max()) for _, events in groups)
    p = np.ones(size)  # any start that treats all graphones alike
    for _ in range(iterations):
        counts = np.zeros(size)
        for _, events in groups:
            counts += np.bincount(events.ravel(), _posteriors(p[events]).ravel(), minlength=size)
        p = counts / counts.sum()
    cuts = [()] * len(words)
    for rows, events in groups:
        for row, taken in zip(rows, _likeliest(p[events]), strict=True):
            ends = np.cumsum(taken)
            cuts[row] = tuple(tuple(said[row][end - k : end]) for k, end in zip(taken, ends, strict=True))
    return cuts


def _events(words, said):
    """Number every possible graphone: for each (T, U), its words' rows and events (B, T, U + 1, 3).

    ``events[b, t, u, k]`` is the number of the pair of letter t and the k phonemes from u on. Pairs that would reach
    beyond the last phoneme have the number 0, which is no graphone's and has no probability (see ``_posteriors``).
    """
    numbers: dict[tuple, int] = {}
    groups = defaultdict(list)
    for row, (word, sounds) in enumerate(zip(words, said, strict=True)):
        groups[len(word), len(sounds)].append(row)
    found = []
    for (T, U), rows in groups.items():
        events = np.zeros((len(rows), T, U + 1, MOST + 1), np.int64)
        for b, row in enumerate(rows):
            sounds = tuple(said[row])
            for t, letter in enumerate(words[row]):
                for u in range(U + 1):
                    for k in range(min(MOST, U - u) + 1):
                        events[b, t, u, k] = numbers.setdefault((letter, sounds[u : u + k]), len(numbers) + 1)
        found.append((rows, events))
    return found


def _posteriors(p):
    """Return the probability (B, T, U + 1, 3) of each graphone's place, given the word and its sounds."""
    p = p.copy()
    B, T, ends, _ = p.shape
    for k in range(1, MOST + 1):
        p[:, :, max(ends - k, 0) :, k] = 0  # would reach beyond the last phoneme
    alpha, beta = np.zeros((B, T + 1, ends)), np.zeros((B, T + 1, ends))
    alpha[:, 0, 0] = beta[:, T, -1] = 1
    for t in range(T):
        for k in range(min(MOST, ends - 1) + 1):
            alpha[:, t + 1, k:] += alpha[:, t, : ends - k] * p[:, t, : ends - k, k]
    for t in reversed(range(T)):
        for k in range(min(MOST, ends - 1) + 1):
            beta[:, t, : ends - k] += p[:, t, : ends - k, k] * beta[:, t + 1, k:]
    total = alpha[:, T, -1][:, None, None]
    share = np.zeros_like(p)
    for k in range(min(MOST, ends - 1) + 1):
        there = alpha[:, :T, : ends - k] * p[:, :, : ends - k, k] * beta[:, 1:, k:]
        share[:, :, : ends - k, k] = there / total
    return share


def _likeliest(p):
    """Return how many phonemes each letter takes (B, T) in the likeliest cut."""
    B, T, ends, _ = p.shape
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    best, choice = np.full((B, ends), -np.inf), np.zeros((B, T, ends), int)
    best[:, 0] = 0
    for t in range(T):
        ways = np.full((B, MOST + 1, ends), -np.inf)
        for k in range(min(MOST, ends - 1) + 1):
            ways[:, k, k:] = best[:, : ends - k] + log_p[:, t, : ends - k, k]
        choice[:, t], best = ways.argmax(axis=1), ways.max(axis=1)
    taken, u = np.zeros((B, T), int), np.full(B, ends - 1)
    for t in reversed(range(T)):
        taken[:, t] = choice[np.arange(B), t, u]
        u -= taken[:, t]
    return taken


class JointNgram:
    """Pronounces words by the likeliest sequence of graphones, each given the ``order - 1`` before it.

    ``words`` are strings, ``cuts`` is what ``align_letters`` returns for them. A context seen n times, with d different
    graphones after it, keeps n / (n + d) of the weight for its own counts and leaves d / (n + d) to the context that
    is one shorter; below the shortest all V graphones seen, and the end of the word, are equally likely.
    Source: Witten & Bell (1991), method C, interpolated; Bisani & Ney (2008).
    """

    START, END = ("", ("start",)), ("", ("end",))

    def __init__(self, words, cuts, order):
        self.order = check_size("order", order)
        counts: dict[tuple, Counter] = defaultdict(Counter)  # context: what followed it, how often
        for word, cut in zip(words, cuts, strict=True):
            sequence = [self.START, *zip(word, cut, strict=True), self.END]
            for place in range(1, len(sequence)):
                for k in range(min(order, place + 1)):
                    counts[tuple(sequence[place - k : place])][sequence[place]] += 1
        self.counts = dict(counts)
        self.totals = {context: followers.total() for context, followers in counts.items()}
        self.graphones = defaultdict(list)  # letter: its graphones
        for letter, sounds in sorted(self.counts[()]):
            self.graphones[letter].append((letter, sounds))
        self.V = len(self.counts[()])
        self.known = {}  # log probabilities computed before

    def log_probability(self, graphone, context):
        """Return log P(graphone | context) [nats]; the context is a tuple, whose last ``order - 1`` count."""
        p = 1 / self.V
        for k in range(min(self.order, len(context) + 1)):
            followers = self.counts.get(context[len(context) - k :])
            if followers is None:
                break  # nor was any longer one seen
            n, d = self.totals[context[len(context) - k :]], len(followers)
            p = (followers[graphone] + d * p) / (n + d)  # eq-lm-witten-bell
        return math.log(p)

    def candidates(self, letter, context):
        """Return the letter's graphones, or a silent one for an unknown letter, each with its log probability."""
        key = letter, context
        if key not in self.known:
            graphones = self.graphones.get(letter, [(letter, ())])
            self.known[key] = [(graphone, self.log_probability(graphone, context)) for graphone in graphones]
        return self.known[key]

    def pronounce(self, word, width=10):
        """Return the likeliest graphones found, a list, and their log probability [nats], which includes the word's
        end.

        Of sequences that end in the same ``order - 1`` graphones only the best is kept, which loses nothing; of the
        rest the best ``width`` are kept, which may lose the best.
        """
        beam: dict[tuple, tuple[float, list]] = {(self.START,)[: self.order - 1]: (0.0, [])}
        for letter in [*word, ""]:
            longer: dict[tuple, tuple[float, list]] = {}
            for context, (score, path) in beam.items():
                steps = self.candidates(letter, context) if letter else [(self.END, self._end(context))]
                for graphone, log_p in steps:
                    last = (*context, graphone)[-self.order + 1 :] if self.order > 1 else ()
                    if last not in longer or longer[last][0] < score + log_p:
                        longer[last] = (score + log_p, [*path, graphone])
            beam = dict(sorted(longer.items(), key=lambda item: -item[1][0])[:width])
        score, path = max(beam.values(), key=lambda found: found[0])
        return path[:-1], score

    def sounds(self, word, width=10):
        """Return the phonemes of a word, a tuple."""
        return tuple(sound for _, sounds in self.pronounce(word, width)[0] for sound in sounds)

    def _end(self, context):
        return self.log_probability(self.END, context)
