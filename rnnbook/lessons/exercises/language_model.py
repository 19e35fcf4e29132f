"""Exercises of the chapter *A language model*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def bits_per_character(losses, tokens, characters):
    """Return bits per character from K batches: mean losses (K,) [nats per token],
    numbers of tokens (K,).

    ``characters``: how many characters all those tokens spell.
    """
    nats = np.sum(losses * tokens)
    return nats / np.log(2) / characters


def _bits_inputs(rng):
    K = int(rng.integers(4, 9))
    tokens = rng.integers(20, 200, size=K)
    characters = int(rng.uniform(3, 5) * tokens.sum())
    return {"losses": rng.uniform(1, 4, size=K), "tokens": tokens, "characters": characters}


check_bits_per_character = Exercise(
    bits_per_character,
    _bits_inputs,
    returns=("bits per character",),
    mistakes={
        "every batch counts the same, however many tokens it has": lambda losses, tokens, characters: (
            np.mean(losses) * tokens.sum() / np.log(2) / characters
        ),
        "nats are not converted to bits": lambda losses, tokens, characters: np.sum(losses * tokens) / characters,
        "nats are multiplied by ln 2 instead of divided": lambda losses, tokens, characters: (
            np.sum(losses * tokens) * np.log(2) / characters
        ),
        "the bits are shared among the tokens, not the characters": lambda losses, tokens, characters: (
            np.sum(losses * tokens) / np.log(2) / tokens.sum()
        ),
        "the losses of the batches are averaged and taken for losses per character": (
            lambda losses, tokens, characters: np.mean(losses) / np.log(2)
        ),
        "the logarithm of the loss is taken: the loss is a logarithm already": (
            lambda losses, tokens, characters: np.log2(np.sum(losses * tokens) / characters)
        ),
    },
    looks_at="Add up the whole text's nats first. Then change the unit, then share them out.",
    about=About("perplexity", "write", 2, 10),
)


def mixture_bits(log_p, log_q, share):
    """Return the bits per character (a number) of a mixture of two models, p with the
    weight ``share`` and q with the rest.

    ``log_p``, ``log_q`` (N,): the natural logarithms of what each gave to the characters that came.
    """
    mixed = share * np.exp(log_p) + (1 - share) * np.exp(log_q)
    return -np.log2(mixed).mean()


def _two_models(rng):
    N = int(rng.integers(8, 15))
    log_p, log_q = np.log(rng.uniform(0.02, 0.95, size=(2, N)))
    return {"log_p": log_p, "log_q": log_q, "share": float(rng.uniform(0.15, 0.4))}


check_mixture_bits = Exercise(
    mixture_bits,
    _two_models,
    returns=("the bits per character",),
    mistakes={
        "the losses are averaged, not the probabilities": lambda log_p, log_q, share: (
            -(share * log_p + (1 - share) * log_q).mean() / np.log(2)
        ),
        "the share goes to the wrong model": lambda log_p, log_q, share: mixture_bits(log_q, log_p, share),
        "nats are not converted to bits": lambda log_p, log_q, share: mixture_bits(log_p, log_q, share) * np.log(2),
        "the mean is taken before the logarithm": lambda log_p, log_q, share: (
            -np.log2((share * np.exp(log_p) + (1 - share) * np.exp(log_q)).mean())
        ),
        "the better of the two is taken for each character, but nobody knows in advance which that is": (
            lambda log_p, log_q, share: -np.maximum(log_p, log_q).mean() / np.log(2)
        ),
        "both models count the same, whatever the share": lambda log_p, log_q, share: mixture_bits(log_p, log_q, 0.5),
        "the sum is taken, not the mean": lambda log_p, log_q, share: mixture_bits(log_p, log_q, share) * len(log_p),
    },
    looks_at="Mix the probabilities of each character first. Then take the logarithm, then the mean.",
    about=About("mixtures", "write", 2, 10),
)


check_bug_in_bits = FindTheBug(
    check_bits_per_character,
    looks_at="Give all batches the same number of tokens, or each token one character. Does the difference vanish?",
    about=About("perplexity", "find the bug", 2, 10),
)


def colder():
    """Return the probability of the likelier of two tokens, 0.8 and 0.2, at the
    temperature 0.5.
    """
    logits = np.log([0.8, 0.2]) / 0.5
    return (np.exp(logits) / np.exp(logits).sum())[0]


check_colder = Predict(
    "what is the probability of the likelier token at temperature 0.5?",
    run=colder,
    why="Half the temperature squares the probabilities: 0.64 to 0.04, which is 16 to 1.",
    misreadings={
        "the probabilities are divided by the temperature, which their sum undoes": 0.8,
        "the temperature is inverted: 2 and not 0.5": 0.667,
        "the squares are not divided by their sum": 0.64,
        "the probability itself is divided by 0.5 and cut off at 1": 1.0,
        "the probability is moved halfway to 1": 0.9,
    },
    tolerance=0.01,
    hint="Logits may be the logarithms of the probabilities. What does a division by 0.5 do to a logarithm?",
    about=About("sampling", "predict", 1, 5),
)


def masked_mean(losses, lengths):
    """Return the mean loss, a number, per real token; ``losses`` (T, B), of which
    column b has ``lengths[b]`` real ones, followed by noise.
    """
    real = np.arange(len(losses))[:, None] < lengths
    return losses[real].sum() / lengths.sum()


def _masked_inputs(rng):
    T = B = int(rng.integers(5, 9))  # square on purpose: a transposed mask must show in the number
    return _masked_losses(rng, T, B)


def _masked_losses(rng, T, B):
    lengths = rng.permutation(np.arange(1, T + 1))[:B]
    while np.array_equal(lengths, np.arange(1, B + 1)):
        lengths = rng.permutation(lengths)
    return {"losses": rng.uniform(0.5, 3, size=(T, B)), "lengths": lengths}


def _real(losses, lengths):
    return np.arange(len(losses))[:, None] < lengths


check_masked_mean = Exercise(
    masked_mean,
    _masked_inputs,
    returns=("the mean loss",),
    mistakes={
        "padding is counted like text": lambda losses, lengths: losses.mean(),
        "the losses of padding are zeroed but still counted in the mean": lambda losses, lengths: (
            losses * _real(losses, lengths)
        ).mean(),
        "every sequence counts the same, however long it is": lambda losses, lengths: np.mean(
            (losses * _real(losses, lengths)).sum(axis=0) / lengths
        ),
        "one step too many is counted: a length of 3 ends with step index 2": lambda losses, lengths: losses[
            np.arange(len(losses))[:, None] <= lengths
        ].mean(),
        "the last real step of every sequence is dropped": lambda losses, lengths: losses[
            np.arange(len(losses))[:, None] < lengths - 1
        ].mean(),
        "the mask is applied along the wrong axis": lambda losses, lengths: losses[_real(losses, lengths).T].mean(),
    },
    looks_at="How many real tokens are there, and is padding out of both the sum and the count?",
    also=[lambda rng: _masked_losses(rng, T=int(rng.integers(7, 10)), B=int(rng.integers(3, 6)))],
    about=About("padding", "write", 2, 10),
)


check_gain = ReadAFigure(
    "fig-lm-verdict",
    0.104,
    why="The network needs 1.69 bits when it is fixed and 1.59 when it learns.",
    misreadings={
        "what the network needs while it learns is read, not what learning saves": 1.586,
        "the mixtures are compared, not the network alone": 0.119,
        "the counter's gain is read": 0.087,
        "the fixed network is compared with the mixture that learns": 0.195,
    },
    look="Find the network without a counter, fixed and learning, and take the difference of their numbers.",
    tolerance=0.06,
    about=About("dynamic evaluation", "read a figure", 1, 5),
)

check_fair_contest = Design(
    {
        "a": (True, "Both read the same text, so most of the noise is common to both and drops out of the difference."),
        "b": (True, "The weight is a choice. Made on the test part, it would flatter the mixture."),
        "c": (False, "A counter that learns while it reads must meet a network that does, or neither may."),
        "d": (True, "The compressor has to have read the training part, as the network has."),
        "e": (False, "Perplexity per word is the same loss in a different unit; it separates the systems no better."),
        "f": (False, "The best of the compressor's orders on the test part is a choice that has seen the test part."),
    },
    looks_at="Which steps treat both sides alike, and which let the test part choose?",
    about=About("experiments", "design", 2, 10),
)
