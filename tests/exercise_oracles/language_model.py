"""Oracles for the chapter *A language model*: products of probabilities, autograd, packed sequences."""

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence


def perplexity(log_p):
    """The geometric mean of the probabilities, turned over: the root of their product."""
    return math.prod(math.e**value for value in log_p.tolist()) ** (-1 / log_p.size)


def bits_per_character(losses, tokens, characters):
    """One loss for each token: its probability, then its bits, then all of them added up."""
    bits = [-math.log2(math.exp(-loss)) for loss, n in zip(losses, tokens, strict=True) for _ in range(n)]
    return math.fsum(bits) / characters


def logits_gradient(logits, targets):
    logits = torch.tensor(logits, requires_grad=True)
    cross_entropy(logits, torch.from_numpy(targets)).backward()
    return logits.grad.numpy()


def temperature(logits, tau):
    """1 over the sum of all odds against a token; those beyond float64 make it zero."""
    with np.errstate(over="ignore"):
        return 1 / np.exp((logits[None, :] - logits[:, None]) / tau).sum(axis=1)


def masked_mean(losses, lengths):
    real = pack_padded_sequence(torch.from_numpy(losses), torch.from_numpy(lengths), enforce_sorted=False)
    return real.data.mean().item()
