"""Oracles for the chapter *A language model*: products of probabilities, PyTorch's softmax, packed sequences."""

import json
import math
from pathlib import Path

import torch
from torch.nn.utils.rnn import pack_padded_sequence


def bits_per_character(losses, tokens, characters):
    """One loss for each token: its probability, then its bits, then all of them added up."""
    bits = [-math.log2(math.exp(-loss)) for loss, n in zip(losses, tokens, strict=True) for _ in range(n)]
    return math.fsum(bits) / characters


def mixture_bits(log_p, log_q, share):
    """A character at a time: a coin chooses the model, and the product of all probabilities is one number."""
    product = math.prod(
        share * math.e**p + (1 - share) * math.e**q for p, q in zip(log_p.tolist(), log_q.tolist(), strict=True)
    )
    return -math.log2(product) / len(log_p)


def colder():
    """PyTorch's softmax of the logits divided by the temperature."""
    return torch.softmax(torch.tensor([0.8, 0.2], dtype=torch.float64).log() / 0.5, 0)[0].item()


def gain():
    """From the measurements that the figure draws."""
    systems = json.loads((Path(__file__).parents[2] / "book/experiments/text_model.json").read_text())["systems"]
    return systems["network, fixed"]["test"] - systems["network, learning"]["test"]


def masked_mean(losses, lengths):
    real = pack_padded_sequence(torch.from_numpy(losses), torch.from_numpy(lengths), enforce_sorted=False)
    return real.data.mean().item()
