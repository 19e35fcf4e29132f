"""Exercises of the chapter *DNA, health and speech*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def share_strands(x, W):
    """Return the labels' scores (T, K) of a network f that is applied to both
    strands of x (T, C): f(x) = tanh(cumsum(x over time)) W, with W (C, K).
    """

    def f(strand):
        return np.tanh(np.cumsum(strand, axis=0)) @ W

    return f(x) + f(x[::-1, ::-1])[::-1, ::-1]


def _f(x, W):
    return np.tanh(np.cumsum(x, axis=0)) @ W


def _strand(rng):
    T, C, K = sizes(rng, 3)
    return {"x": rng.normal(size=(T, C)), "W": rng.normal(size=(C, K))}


check_share_strands = Exercise(
    share_strands,
    _strand,
    returns=("scores",),
    mistakes={
        "only the given strand is read": _f,
        "the scores of the other strand are not reversed back": lambda x, W: _f(x, W) + _f(x[::-1, ::-1], W),
        "the scores of the other strand are reversed in time, but their labels are not": lambda x, W: (
            _f(x, W) + _f(x[::-1, ::-1], W)[::-1]
        ),
        "the labels of the other strand are reversed, but not the time": lambda x, W: (
            _f(x, W) + _f(x[::-1, ::-1], W)[:, ::-1]
        ),
        "the other strand is the complement, but is read in the same direction": lambda x, W: (
            _f(x, W) + _f(x[:, ::-1], W)[:, ::-1]
        ),
        "the other strand is read backward, but is not complemented": lambda x, W: _f(x, W) + _f(x[::-1], W)[::-1],
        "the inputs are added, not the network's outputs": lambda x, W: _f(x + x[::-1, ::-1], W),
        "the mean of the two is taken, which is half of what is asked for": lambda x, W: share_strands(x, W) / 2,
    },
    looks_at="Reverse x along both axes, apply f, reverse the result along both axes, and add it to f(x).",
)


def seen_before(train, test, k):
    """Return for each base of ``test`` (M,) whether it lies in a word of k bases that
    ``train`` (N,) has on either of its strands, as numbers 0 and 1.
    """
    both = [train, 3 - train[::-1]]
    known = {tuple(strand[i : i + k]) for strand in both for i in range(len(strand) - k + 1)}
    seen = np.zeros(len(test))
    for i in range(len(test) - k + 1):
        if tuple(test[i : i + k]) in known:
            seen[i : i + k] = 1
    return seen


def _regions(rng):
    """Draw two regions; the second has a copy of a piece of the first on each strand."""
    N, M, k = int(rng.integers(60, 76)), int(rng.integers(100, 116)), int(rng.integers(6, 9))
    train, test = rng.integers(4, size=N), rng.integers(4, size=M)
    test[5 : 5 + k + 4] = train[20 : 20 + k + 4]
    test[30 : 30 + k + 3] = 3 - train[40 : 40 + k + 3][::-1]
    test[50 : 50 + k + 2] = 3 - train[1 : k + 3]  # complemented but not reversed: no copy
    test[70 : 70 + k + 1] = train[2 : k + 3][::-1]  # reversed but not complemented: no copy
    test[-2 * k - 3 : -k - 3] = test[:k]  # a word of its own, twice: no copy of what was read before
    test[-k:] = train[-k:]  # the last word of each
    return {"train": train, "test": test, "k": k}


def _seen(strands, test, k, length=None):
    known = {tuple(strand[i : i + k]) for strand in strands for i in range(len(strand) - k + 1)}
    seen = np.zeros(len(test))
    for i in range(len(test) - k + 1):
        if tuple(test[i : i + k]) in known:
            seen[i : i + (k if length is None else length)] = 1
    return seen


check_seen_before = Exercise(
    seen_before,
    _regions,
    returns=("seen",),
    mistakes={
        "only the given strand of the training region is searched": lambda train, test, k: _seen([train], test, k),
        "the other strand is complemented, but not reversed": lambda train, test, k: _seen([train, 3 - train], test, k),
        "the other strand is reversed, but not complemented": lambda train, test, k: _seen(
            [train, train[::-1]], test, k
        ),
        "only the first base of each word is marked": lambda train, test, k: _seen(
            [train, 3 - train[::-1]], test, k, length=1
        ),
        "only the other strand is searched": lambda train, test, k: _seen([3 - train[::-1]], test, k),
        "the last word of each strand is left out": lambda train, test, k: np.append(
            _seen([train[:-1], (3 - train[::-1])[:-1]], test[:-1], k), 0.0
        ),
        "the bases that were never seen are marked": lambda train, test, k: 1 - seen_before(train, test, k),
    },
    looks_at="A word of the other strand is a word of 3 - train[::-1]; every base of a word that is found is seen.",
    about=About("leaks", "find the bug", 2, 10),
)


def interval(right, n):
    """Return Wilson's 95 % interval (low, high) for the share of right answers, from
    ``right`` of ``n``.
    """
    z = 1.959963984540054
    share = right / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def _counts(rng):
    n = int(rng.integers(20, 80))
    return {"right": int(rng.integers(n // 2, n - 1)), "n": n}


def _around(middle, half):
    return middle - half, middle + half


check_interval = Exercise(
    interval,
    _counts,
    returns=("low", "high"),
    mistakes={
        "the normal interval is taken, whose width is 0 where all are right": lambda right, n: _around(
            right / n, 1.959963984540054 * np.sqrt(right / n * (1 - right / n) / n)
        ),
        "the normal interval p ± 1.96 √(p (1 - p) / n) is taken": lambda right, n: _around(
            right / n, 1.96 * np.sqrt(right / n * (1 - right / n) / n)
        ),
        "one standard error is taken, but 95 % needs 1.96": lambda right, n: _around(
            right / n, np.sqrt(right / n * (1 - right / n) / n)
        ),
        "two successes and two failures are added (Agresti and Coull)": lambda right, n: _around(
            (right + 2) / (n + 4),
            1.959963984540054 * np.sqrt((right + 2) / (n + 4) * (1 - (right + 2) / (n + 4)) / (n + 4)),
        ),
        "the interval is centred on the share itself, not on Wilson's middle": lambda right, n: _around(
            right / n, (interval(right, n)[1] - interval(right, n)[0]) / 2
        ),
        "the wrong answers are counted": lambda right, n: interval(n - right, n),
        "counts are returned, not shares": lambda right, n: tuple(n * end for end in interval(right, n)),
        "the high end is returned first": lambda right, n: interval(right, n)[::-1],
    },
    looks_at="p = right / n; middle (p + z²/2n) / (1 + z²/n), half width z √(p(1-p)/n + z²/4n²) / (1 + z²/n).",
    about=About("uncertainty", "write", 1, 10),
)


def forward_step(log_alpha, log_transition, log_emission):
    """Return log alpha (S,) after the next observation, from log alpha (S,), the
    log transitions (S, S) from row to column, and the log emissions (S,) of that
    step.
    """
    terms = log_alpha[:, None] + log_transition
    top = terms.max(axis=0)
    return top + np.log(np.exp(terms - top).sum(axis=0)) + log_emission


def _chain(rng):
    S = int(rng.integers(3, 9))
    return {
        "log_alpha": np.log(rng.dirichlet(np.ones(S))) - 800,  # far below what exp can say
        "log_transition": np.log(rng.dirichlet(np.ones(S), S)),
        "log_emission": rng.normal(size=S),
    }


check_forward_step = Exercise(
    forward_step,
    _chain,
    returns=("log_alpha",),
    mistakes={
        "the transition matrix is transposed": lambda log_alpha, log_transition, log_emission: forward_step(
            log_alpha, log_transition.T, log_emission
        ),
        "only the best previous state is taken, not the sum over all: that is Viterbi": (
            lambda log_alpha, log_transition, log_emission: (
                (log_alpha[:, None] + log_transition).max(axis=0) + log_emission
            )
        ),
        "the logarithms are summed over the previous states, not the probabilities": (
            lambda log_alpha, log_transition, log_emission: (
                (log_alpha[:, None] + log_transition).sum(axis=0) + log_emission
            )
        ),
        "the emission of the new step is left out": lambda log_alpha, log_transition, log_emission: forward_step(
            log_alpha, log_transition, 0 * log_emission
        ),
        "the emission is counted for the previous state, not for the new one": (
            lambda log_alpha, log_transition, log_emission: forward_step(
                log_alpha + log_emission, log_transition, 0 * log_emission
            )
        ),
        "the sum runs over the new states, not the previous ones": lambda log_alpha, log_transition, log_emission: (
            np.log(np.exp(log_alpha[:, None] + 800 + log_transition).sum(axis=1)) - 800 + log_emission
        ),
        "each step is divided by its sum, so that the likelihood is lost": (
            lambda log_alpha, log_transition, log_emission: (
                forward_step(log_alpha, log_transition, log_emission)
                - np.log(np.exp(forward_step(log_alpha, log_transition, log_emission) + 800).sum())
                + 800
            )
        ),
    },
    looks_at="To state j: log of the sum over i of exp(log_alpha[i] + log_transition[i, j]), plus log_emission[j].",
)


def decide(p, threshold, patience):
    """Return for each of B streams the step, counted from 1, and the class (B,) of its
    first decision: one class was the likeliest, with p (T, B, K) at least
    ``threshold``, ``patience`` steps running. If that never happens, T and the
    likeliest class of the last step.
    """
    T, B, _ = p.shape
    steps, classes = np.full(B, T), p[-1].argmax(axis=1)
    for b in range(B):
        run, last = 0, -1
        for t in range(T):
            best = p[t, b].argmax()
            run = (run + 1 if best == last else 1) if p[t, b, best] >= threshold else 0
            last = best
            if run == patience:
                steps[b], classes[b] = t + 1, best
                break
    return steps, classes


def _streams(rng):
    """Draw streams whose winner is sure from the start, after another class, interrupted once, or never for long."""
    T, (K, patience) = int(rng.integers(20, 30)), (int(n) for n in rng.permutation([3, 4, 5])[:2])
    threshold = float(rng.choice([0.625, 0.6875, 0.75]))
    streams = []
    for kind in rng.permutation([0, 1, 2, 3, *rng.integers(4, size=int(rng.integers(3)))]):
        winner = 0 if kind == 0 else int(rng.integers(K))
        winners, sure = np.full(T, winner), np.full(T, True)
        if kind:
            winners[: patience - 1] = (winner + 1) % K  # one step short of long enough, and then a different class
        if kind > 1:
            sure[2 * patience - 2] = False  # the winner is interrupted
        if kind > 2:
            sure[2 * patience - 2 :: patience] = False  # nobody is ever sure for long enough
            winners[-1] = (winner + 2) % K
        top = np.where(sure, threshold, threshold - 0.1)
        p = np.repeat(((1 - top) / (K - 1))[:, None], K, axis=1)
        p[np.arange(T), winners] = top
        streams.append(p)
    return {"p": np.stack(streams, axis=1), "threshold": threshold, "patience": patience}


def _decide(p, patience, sure, add=1, same=True):
    """Like ``decide``, with a different rule for a sure step, a different count, or ignoring the class."""
    steps, classes = np.full(p.shape[1], len(p)), p[-1].argmax(axis=1)
    for b in range(p.shape[1]):
        run, last = 0, -1
        for t, best in enumerate(p[:, b].argmax(axis=1)):
            run = (run + 1 if best == last or not same else 1) if sure(p[t, b, best]) else 0
            last = best
            if run == patience:
                steps[b], classes[b] = t + add, best
                break
    return steps, classes


check_decide = Exercise(
    decide,
    _streams,
    returns=("steps", "classes"),
    mistakes={
        "the first sure step decides: patience is ignored": lambda p, threshold, patience: decide(p, threshold, 1),
        "the threshold is ignored": lambda p, threshold, patience: decide(p, 0.0, patience),
        "sure steps of different classes are counted together": lambda p, threshold, patience: _decide(
            p, patience, lambda top: top >= threshold, same=False
        ),
        "steps are counted from 0": lambda p, threshold, patience: _decide(
            p, patience, lambda top: top >= threshold, add=0
        ),
        "it waits for one sure step too many": lambda p, threshold, patience: decide(p, threshold, patience + 1),
        "no step ever counts as sure, as with > for >=, and the last step decides": lambda p, threshold, patience: (
            decide(p, threshold, len(p) + 1)
        ),
        "the step at which the run begins is returned, when nobody could know it yet": lambda p, threshold, patience: (
            _decide(p, patience, lambda top: top >= threshold, add=2 - patience)
        ),
    },
    looks_at="Count how long the same class has been the likeliest and sure; start again whenever it is not.",
    about=About("decisions", "write", 2, 15),
)


check_bug_in_share_strands = FindTheBug(
    check_share_strands,
    looks_at="Reverse the input, x[::-1, ::-1]: the right network's answer is reversed with it. Is the program's?",
    about=About("strand symmetry", "find the bug", 2, 10),
)

check_bug_in_forward_step = FindTheBug(
    check_forward_step,
    looks_at="Pass a transition matrix that is not symmetric, then equal emissions. Which one shows the bug?",
    about=About("hidden Markov models", "find the bug", 2, 10),
)


def lower_end():
    """Compute Wilson's interval for 38 right answers of 40."""
    low, _ = interval(38, 40)
    return low


check_thirty_eight_of_forty = Predict(
    "38 of 40 test recordings are right. Where does the 95 % interval of the share begin?",
    run=lower_end,
    why="It runs from 0.835 to 0.986. It is not symmetric about 0.95, since no share is above 1.",
    misreadings={
        "the normal interval is used, p - 1.96 √(p (1 - p) / n)": 0.882,
        "the share itself is given, as if it were certain": 0.95,
        "one standard error is taken for the interval": 0.916,
        "two more errors are assumed to be the worst case": 0.9,
    },
    tolerance=0.015,
    hint="How many of 40 would a classifier that is right 84 times in 100 get right, on a lucky day?",
    about=About("uncertainty", "predict", 2, 5),
)

check_context = ReadAFigure(
    "fig-applications-context",
    0.87,
    why="With a hundred bases on either side the network agrees on 0.87, less than either hidden Markov model.",
    misreadings={
        "the curve of seven states is read": 0.905,
        "the curve of nineteen states is read": 0.93,
        "the left end of the network's curve is read": 0.52,
        "the right end of the network's curve is read": 0.945,
    },
    look="Find the network's curve, the lowest one, and read it at 100 on the horizontal axis.",
    tolerance=0.015,
    about=About("context", "read a figure", 1, 5),
)

check_no_leak = Design(
    {
        "a": (True, "Neighbouring windows overlap: the border has to run between regions, not between windows."),
        "b": (True, "A gene can lie on either strand, and reads backward from the other one: count words on both."),
        "c": (False, "Windows that are assigned at random can put parts of one gene on different sides."),
        "d": (True, "Copies of a gene elsewhere in the genome leak as well: remove or count what is nearly the same."),
        "e": (False, "A rule chosen by looking at the test region's errors has been fitted to that region."),
        "f": (True, "A rival that only looks up known words shows how much a leak would be worth."),
    },
    looks_at="What could the network have seen of a test gene?",
    about=About("leaks", "design", 2, 10),
)
