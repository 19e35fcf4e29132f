"""Oracles for the chapter *DNA, health and speech*: PyTorch, strings, statsmodels, probabilities not in log space."""

import numpy as np
import torch
from mpmath import exp, log, mpf
from statsmodels.stats.proportion import proportion_confint

from exercise_oracles.ways import said_in


def share_strands(x, W):
    """The scores of each step and label by themselves, from sums of what lies before it on either strand."""
    x, W = torch.from_numpy(x), torch.from_numpy(W)
    (T, C), K = x.shape, W.shape[1]
    scores = torch.zeros(T, K, dtype=torch.float64)
    for t in range(T):
        for k in range(K):
            given = torch.stack([x[: t + 1, c].sum() for c in range(C)])
            other = torch.stack([x[t:, C - 1 - c].sum() for c in range(C)])
            scores[t, k] = given.tanh() @ W[:, k] + other.tanh() @ W[:, K - 1 - k]
    return scores.numpy()


def seen_before(train, test, k):
    """By the search for a text in a text."""
    given = "".join("ACGT"[base] for base in train)
    other = given[::-1].translate(str.maketrans("ACGT", "TGCA"))
    text = "".join("ACGT"[base] for base in test)
    found = [text[i : i + k] in given or text[i : i + k] in other for i in range(len(text) - k + 1)]
    return [float(any(found[max(i - k + 1, 0) : i + 1])) for i in range(len(text))]


def interval(right, n):
    return proportion_confint(right, n, alpha=0.05, method="wilson")


def forward_step(log_alpha, log_transition, log_emission):
    """With numbers of any size, so that no logarithm is needed on the way."""
    alpha = [exp(mpf(a)) for a in log_alpha]
    step = [
        sum(a * exp(mpf(moves[j])) for a, moves in zip(alpha, log_transition)) * exp(mpf(log_emission[j]))
        for j in range(len(alpha))
    ]
    return [float(log(p)) for p in step]


def decide(p, threshold, patience):
    """By looking at every stretch of ``patience`` steps of every stream."""

    def one(stream):
        for end in range(patience, len(stream) + 1):
            stretch = stream[end - patience : end]
            classes = set(np.argmax(stretch, axis=1))
            if len(classes) == 1 and stretch.max(axis=1).min() >= threshold:
                return end, classes.pop()
        return len(stream), np.argmax(stream[-1])

    steps, classes = zip(*(one(p[:, b]) for b in range(p.shape[1])))
    return np.array(steps), np.array(classes)


def thirty_eight_of_forty():
    return proportion_confint(38, 40, method="wilson")[0]


def context():
    return said_in("applications", r"The network rises from 0.52 to 0.95, passing ([\d.]+) at a hundred bases")
