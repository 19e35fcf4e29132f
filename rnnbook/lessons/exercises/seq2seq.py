"""Exercises of the chapter *From one sequence to another*."""

import numpy as np

from rnnbook.in_numpy.functions import softmax
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def attend(query, memory, lengths):
    """Return the contexts (S, B, H) and the weights (S, B, T) for scores query ·
    memory, where sequence b of the memory (T, B, H) ends after lengths (B,) steps.
    """
    scores = np.einsum("sbh,tbh->sbt", query, memory)
    inside = np.arange(len(memory)) < lengths[:, None]
    weights = softmax(np.where(inside, scores, -np.inf))
    return np.einsum("sbt,tbh->sbh", weights, memory), weights


def _ragged(rng):
    S, T, B, H = sizes(rng, 4)
    lengths = rng.integers(1, T, B)
    lengths[rng.integers(B)] = T
    return {"query": rng.normal(size=(S, B, H)), "memory": rng.normal(size=(T, B, H)), "lengths": lengths}


def _over_queries(scores):
    return np.moveaxis(softmax(np.moveaxis(scores, 0, -1)), -1, 0)


def _with(weigh, scale=False):
    """A mistake of attend: ``weigh`` makes the weights from the scores (S, B, T) and the mask (B, T)."""

    def wrong(query, memory, lengths):
        scores = np.einsum("sbh,tbh->sbt", query, memory) * (query.shape[2] ** -0.5 if scale else 1)
        weights = weigh(scores, np.arange(len(memory)) < lengths[:, None])
        return np.einsum("sbt,tbh->sbh", weights, memory), weights

    return wrong


def _masked(scores, inside, low=-np.inf):
    return np.where(inside, scores, low)


check_attend = Exercise(
    attend,
    _ragged,
    returns=("context", "weights"),
    mistakes={
        "the padding is not masked, and takes part in the softmax": _with(lambda e, inside: softmax(e)),
        "the softmax runs over the queries instead of the memory's steps": _with(
            lambda e, inside: _over_queries(np.where(inside, e, -1e30)) * inside
        ),
        "the padding's scores are set to 0, whose exponential is 1, instead of minus infinity": _with(
            lambda e, inside: softmax(_masked(e, inside, 0))
        ),
        "the weights of the padding are set to zero after the softmax, and the others do not sum to 1": _with(
            lambda e, inside: softmax(e) * inside
        ),
        "the scores are divided by the root of H, which was not asked for": _with(
            lambda e, inside: softmax(_masked(e, inside)), scale=True
        ),
        "the scores are normalised by their sum, without the exponential": _with(
            lambda e, inside: _masked(e, inside, 0) / _masked(e, inside, 0).sum(axis=-1, keepdims=True)
        ),
        "one step too few is left inside, because the mask has < length - 1": _with(
            lambda e, inside: softmax(_masked(e, np.roll(inside, -1, axis=1) | (np.arange(e.shape[2]) == 0)))
        ),
    },
    looks_at="Score every step, make the padding's scores minus infinity, softmax over the steps, average.",
)


def score_gradient(dcontext, memory, weights):
    """Return dscores (S, T) for one sequence: the context is weights (S, T) times
    memory (T, H), the weights are a softmax over T, and dcontext is (S, H).
    """
    dweights = dcontext @ memory.T
    mean = (weights * dweights).sum(axis=1, keepdims=True)
    return weights * (dweights - mean)


def _weighed(rng):
    S, T, H = sizes(rng, 3)
    return {
        "dcontext": rng.normal(size=(S, H)),
        "memory": rng.normal(size=(T, H)),
        "weights": softmax(rng.normal(size=(S, T))),
    }


check_score_gradient = Exercise(
    score_gradient,
    _weighed,
    returns=("dscores",),
    mistakes={
        "the weighted mean is not subtracted: only the diagonal of the softmax's derivative is left": (
            lambda dcontext, memory, weights: weights * (dcontext @ memory.T)
        ),
        "the plain mean is subtracted instead of the weighted one": lambda dcontext, memory, weights: (
            weights * (dcontext @ memory.T - (dcontext @ memory.T).mean(axis=1, keepdims=True))
        ),
        "the gradient with respect to the weights is returned: the softmax is still to come": (
            lambda dcontext, memory, weights: dcontext @ memory.T
        ),
        "the derivative of a sigmoid is taken, w (1 - w), as if the weights did not compete": (
            lambda dcontext, memory, weights: weights * (1 - weights) * (dcontext @ memory.T)
        ),
        "the sum runs over the queries instead of the memory's steps": lambda dcontext, memory, weights: (
            weights * (dcontext @ memory.T - (weights * (dcontext @ memory.T)).sum(axis=0))
        ),
        "the sign of the mean is wrong": lambda dcontext, memory, weights: (
            2 * weights * (dcontext @ memory.T) - score_gradient(dcontext, memory, weights)
        ),
    },
    looks_at="dL/dw first, then the softmax: w_t times how much better step t is than the weighted mean.",
)


def looking_weights(states, memory, W):
    """Return the weights (S, T) of the decoder's states (S, Q) on one line's memory
    (T, H), with the scores states · W memory, W (Q, H).
    """
    return softmax(states @ W @ memory.T)


def blind_weights(states, memory, W):
    """The weights as in a well-known tutorial: computed from the decoder alone.
    Whatever is read, state s looks at the same places.
    """
    scores = states @ W
    return softmax(scores[:, : len(memory)])


def _line(rng):
    S, T, Q = sizes(rng, 3)
    H = T + int(rng.integers(1, 4))
    return {"states": rng.normal(size=(S, Q)), "memory": rng.normal(size=(T, H)), "W": rng.normal(size=(Q, H))}


check_looking_weights = Exercise(
    looking_weights,
    _line,
    returns=("weights",),
    mistakes={
        "the weights are made from the decoder alone: the memory is never read": blind_weights,
        "the softmax runs over the states instead of the memory's steps": lambda states, memory, W: _over_queries(
            states @ W @ memory.T
        ),
        "the sum that divides runs over all states and steps together": lambda states, memory, W: (
            np.exp(states @ W @ memory.T) / np.exp(states @ W @ memory.T).sum()
        ),
        "the scores are returned, without the softmax": lambda states, memory, W: states @ W @ memory.T,
        "the keys are averaged over the line before they are scored, so every step gets the same weight": (
            lambda states, memory, W: softmax(0 * (states @ W @ memory.T))
        ),
        "a tanh is put around the keys, which this score does not have": lambda states, memory, W: softmax(
            states @ np.tanh(W @ memory.T)
        ),
        "the scores are divided by the root of H, which this score does not ask for": lambda states, memory, W: softmax(
            states @ W @ memory.T / np.sqrt(memory.shape[1])
        ),
    },
    looks_at="A weight is a comparison: swap two steps of the memory, and their weights have to swap too.",
    about=About("attention", "find the bug", 2, 10),
)


def sharper(e_1, e_2, k):
    """Return how many times as large the first weight is as the second (B,) once the query
    has been multiplied by k, if their scores were e_1 and e_2 (B,) before.
    """
    return np.exp(k * (e_1 - e_2))


def _scores(rng):
    B = int(rng.integers(3, 9))
    return {"e_1": rng.normal(size=B), "e_2": rng.normal(size=B), "k": float(rng.uniform(1.5, 3))}


check_sharper = Exercise(
    sharper,
    _scores,
    returns=("ratio",),
    mistakes={
        "the ratio is multiplied by k: the query is in the exponent": lambda e_1, e_2, k: k * np.exp(e_1 - e_2),
        "the query's factor is forgotten": lambda e_1, e_2, k: np.exp(e_1 - e_2),
        "the ratio of the scores is taken instead of that of their exponentials": lambda e_1, e_2, k: e_1 / e_2,
        "the second weight is compared with the first": lambda e_1, e_2, k: np.exp(k * (e_2 - e_1)),
        "the scores are divided by k, as if the query had become smaller": lambda e_1, e_2, k: np.exp((e_1 - e_2) / k),
        "the logarithm of the ratio is returned": lambda e_1, e_2, k: k * (e_1 - e_2),
    },
    looks_at="Both weights have the same denominator; what is left of their ratio is a difference of scores.",
    about=About("softmax", "write", 1, 10),
)


def on_the_letters(weights, spans):
    """Return the mean weight on the letters that a character follows from: weights (S, T),
    spans (S, 2) as [from, to). Characters with an empty span do not count.
    """
    sums = [row[start:end].sum() for row, (start, end) in zip(weights, spans) if end > start]
    return np.mean(sums)


def _alignment(rng):
    S, T = sizes(rng, 2)
    start = rng.integers(0, T - 2, S)
    spans = np.stack([start, start + rng.integers(1, 3, S)], axis=1)
    spans[rng.integers(1, S), 1] = 0
    spans[:, 0] = np.where(spans[:, 1] == 0, 0, spans[:, 0])
    return {"weights": softmax(rng.normal(size=(S, T))), "spans": spans}


def _sums(weights, spans, first=0, last=0):
    return np.array([row[start + first : end + last].sum() for row, (start, end) in zip(weights, spans)])


def _follows(spans):
    return spans[:, 1] > spans[:, 0]


check_on_the_letters = Exercise(
    on_the_letters,
    _alignment,
    returns=("mass",),
    mistakes={
        "characters that follow from no letter are counted, with the weight 0": lambda weights, spans: np.mean(
            _sums(weights, spans)
        ),
        "the end is counted as a letter of the span": lambda weights, spans: np.mean(
            _sums(weights, spans, last=1)[_follows(spans)]
        ),
        "the end is counted as a letter of the span, even of an empty one": lambda weights, spans: np.mean(
            _sums(weights, spans, last=1)
        ),
        "the weights in a span are averaged instead of summed": lambda weights, spans: np.mean(
            [row[start:end].mean() for row, (start, end) in zip(weights, spans) if end > start]
        ),
        "only the first letter of each span is counted": lambda weights, spans: np.mean(
            [row[start] for row, (start, end) in zip(weights, spans) if end > start]
        ),
        "the sums are not divided by the number of characters": lambda weights, spans: _sums(weights, spans).sum(),
        "only the largest weight in each span is counted, not their sum": lambda weights, spans: np.mean(
            [row[start:end].max() for row, (start, end) in zip(weights, spans) if end > start]
        ),
        "rows whose largest weight is inside are counted, instead of the weights inside": lambda weights, spans: (
            np.mean([start <= row.argmax() < end for row, (start, end) in zip(weights, spans) if end > start])
        ),
    },
    looks_at="Sum the weights inside each span, then average over the characters whose span holds a letter.",
    about=About("attention", "write", 2, 10),
)


check_bug_in_attend = FindTheBug(
    check_attend,
    looks_at="Let every length be that of the whole memory, then let the query be zero: what should the weights be?",
    about=About("attention", "find the bug", 2, 10),
)

check_bug_in_score_gradient = FindTheBug(
    check_score_gradient,
    looks_at="The gradients of the scores of one step sum to zero. Do the program's? Try equal weights.",
    about=About("backward pass", "find the bug", 2, 10),
)


def weights_of_a_doubled_query():
    """Two scores, 2 and 1, for a query that is then doubled: how many times larger
    is the first weight?
    """
    weights = softmax(2 * np.array([2.0, 1.0]))
    return weights[0] / weights[1]


check_doubled_query = Predict(
    "two steps score 2 and 1; the query is doubled. How many times as large as the second weight is the first?",
    run=weights_of_a_doubled_query,
    why="The scores become 4 and 2, and the ratio of two weights of a softmax is exp of the difference, e².",
    misreadings={
        "the ratio before the doubling is given": 2.718,
        "the ratio is doubled, not squared": 5.437,
        "weights are assumed to be proportional to their scores": 2.0,
        "the ratio of the scores is doubled": 4.0,
        "both the query and the memory are doubled": 54.6,
    },
    tolerance=0.03,
    hint="Divide one weight of a softmax by another: what is left?",
    about=About("softmax", "predict", 1, 5),
)

check_where_it_looks = ReadAFigure(
    "fig-seq2seq-looks",
    "the second 0 of 2004",
    why="The dark square of the first row is two letters past its frame: there the encoder has read 200.",
    misreadings={
        "the frame is read, not the weight: it is where the character comes from": "the 2 of 2004",
        "the letter right after the frame is read": "the first 0 of 2004",
        "the row of the 4 is read": "the 4 of 2004",
    },
    look="Find the row of the first character, at the top, and in it the darkest square.",
    choices=("the 2 of 2004", "the first 0 of 2004", "the second 0 of 2004", "the 4 of 2004"),
    about=About("attention", "read a figure", 1, 5),
)

check_does_attention_help = Design(
    {
        "a": (True, "Attention adds parameters: give the network without it just as many."),
        "b": (True, "One that did not learn in 800 updates may learn in 1,600: double the budget once."),
        "c": (True, "Half of the question is about longer lines, and nothing else answers it."),
        "d": (False, "Fed the true characters, no decoder has to live with its own mistakes: that flatters both."),
        "e": (True, "One run is one draw: only several seeds, with an interval, say how far runs differ."),
        "f": (False, "Days from the training set show only what was memorised."),
    },
    looks_at="What else differs between the two networks, and what are they tested on?",
    about=About("experiments", "design", 2, 10),
)
