"""Exercises of the chapter *A language model*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes


def perplexity(log_p):
    """Return the perplexity of N tokens from the natural logarithms of their
    probabilities, ``log_p`` (N,).
    """
    return np.exp(-np.mean(log_p))


check_perplexity = Exercise(
    perplexity,
    lambda rng: {"log_p": np.log(rng.uniform(0.05, 0.9, size=int(rng.integers(8, 15))))},
    returns=("the perplexity",),
    mistakes={
        "the minus sign is forgotten: that is the mean probability, its reciprocal is wanted": lambda log_p: np.exp(
            np.mean(log_p)
        ),
        "the reciprocals of the probabilities are averaged: the mean belongs inside the exponential": (
            lambda log_p: np.mean(np.exp(-log_p))
        ),
        "the reciprocal of the arithmetic mean of the probabilities is taken": lambda log_p: 1 / np.mean(np.exp(log_p)),
        "2 is raised to a loss in nats": lambda log_p: 2 ** -np.mean(log_p),
        "e is raised to a loss in bits": lambda log_p: np.exp(-np.mean(log_p) / np.log(2)),
        "the log-probabilities are summed instead of averaged": lambda log_p: np.exp(-np.sum(log_p)),
        "the cross-entropy is returned before it is exponentiated": lambda log_p: -np.mean(log_p),
    },
    looks_at="Which mean is it, of what, and in which unit?",
    about=About("perplexity", "write", 1, 5),
)


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
        "nats are not turned into bits": lambda losses, tokens, characters: np.sum(losses * tokens) / characters,
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


def logits_gradient(logits, targets):
    """Return the gradient (N, V) of the mean cross-entropy by ``logits`` (N, V);
    ``targets`` (N,) are tokens.
    """
    p = _softmax(logits)
    p[np.arange(len(targets)), targets] -= 1
    return p / len(targets)


def _softmax(logits, axis=-1):
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _logits_inputs(rng):
    N, V = sizes(rng, 2)
    logits, targets = rng.normal(size=(N, V)), rng.integers(V, size=N)
    logits += rng.permutation([900, -900, *[0] * (N - 2)])[:, None]  # with no maximum subtracted exp overflows,
    unlikely = (targets[0] + 1) % V
    logits[:, unlikely] -= 800 * (targets != unlikely)  # and with the minimum subtracted it does so here
    return {"logits": logits, "targets": targets}


def _by_the_probabilities(logits, targets):
    p = _softmax(logits)
    d = np.zeros_like(p)
    rows = np.arange(len(targets))
    d[rows, targets] = -1 / p[rows, targets] / len(targets)
    return d


def _one_hot(logits, targets):
    return np.eye(logits.shape[1])[targets]


check_logits_gradient = Exercise(
    logits_gradient,
    _logits_inputs,
    returns=("dlogits",),
    mistakes={
        "the gradient is not divided by the number of tokens, although the loss is a mean": (
            lambda logits, targets: len(targets) * logits_gradient(logits, targets)
        ),
        "it is divided by all N V logits instead of the N tokens": lambda logits, targets: (
            logits_gradient(logits, targets) / logits.shape[1]
        ),
        "its sign is turned round": lambda logits, targets: -logits_gradient(logits, targets),
        "the target is not subtracted": lambda logits, targets: _softmax(logits) / len(targets),
        "the gradient stops at the probabilities and does not pass the softmax": _by_the_probabilities,
        "the softmax is left off": lambda logits, targets: (logits - _one_hot(logits, targets)) / len(targets),
        "the softmax runs over the tokens instead of the vocabulary": lambda logits, targets: (
            (_softmax(logits, axis=0) - _one_hot(logits, targets)) / len(targets)
        ),
    },
    looks_at="It is the probabilities minus the one-hot target, shared among the tokens. No logit may be too large.",
    about=About("cross-entropy", "write", 2, 10),
)


def temperature(logits, tau):
    """Return the probabilities (V,) of the next token from ``logits`` (V,) at
    temperature ``tau``.
    """
    scaled = logits / tau
    p = np.exp(scaled - scaled.max())
    return p / p.sum()


def _temperature_inputs(rng):
    logits = rng.normal(size=int(rng.integers(5, 9)))
    logits[rng.integers(len(logits))] -= 800  # with the minimum subtracted, not the maximum, exp overflows
    logits -= rng.choice([0, 4000])  # with nothing subtracted every exp is 0 here
    return {"logits": logits, "tau": float(rng.uniform(0.3, 0.8))}


check_temperature = Exercise(
    temperature,
    _temperature_inputs,
    returns=("the probabilities",),
    mistakes={
        "the temperature is not used": lambda logits, tau: temperature(logits, 1.0),
        "the logits are multiplied by the temperature instead of divided": lambda logits, tau: temperature(
            logits, 1 / tau
        ),
        "the probabilities are divided by the temperature after the softmax": lambda logits, tau: (
            temperature(logits, 1.0) / tau
        ),
        "the probabilities are scaled and put through a softmax once more": lambda logits, tau: temperature(
            temperature(logits, 1.0), tau
        ),
        "the exponentials are not divided by their sum": lambda logits, tau: np.exp(logits / tau),
        "only the most probable token is kept: that is temperature 0": lambda logits, tau: (
            logits == logits.max()
        ).astype(float),
    },
    looks_at="Divide the logits, then take the softmax: it sees to the sum, however large or small they are.",
    about=About("sampling", "write", 2, 10),
)


check_temperature.trials = 8  # logits near 0 and far below must be among them


def masked_mean(losses, lengths):
    """Return the mean loss, a number, per real token; ``losses`` (T, B), of which
    column b has ``lengths[b]`` real ones and noise behind them.
    """
    real = np.arange(len(losses))[:, None] < lengths
    return losses[real].sum() / lengths.sum()


def _masked_inputs(rng):
    T = B = int(rng.integers(5, 9))  # square on purpose: a mask the wrong way round must show in the number
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
        "the mask is laid over the wrong axis": lambda losses, lengths: losses[_real(losses, lengths).T].mean(),
    },
    looks_at="How many real tokens are there, and is every other one out of both the sum and the count?",
    also=[lambda rng: _masked_losses(rng, T=int(rng.integers(7, 10)), B=int(rng.integers(3, 6)))],
    about=About("padding", "write", 2, 10),
)
