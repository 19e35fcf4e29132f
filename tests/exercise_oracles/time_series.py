"""Oracles for the chapter *How sure is a forecast?*: ``torch.distributions`` with autograd, pairs, exact fractions."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from exercise_oracles.ways import gradients, said_in, tensors


def sample_crps(drawn, x):
    """Every draw, and every pair of two different draws, one after the other."""
    found = []
    for month, truth in zip(np.transpose(drawn), x):
        distances = [abs(one - truth) for one in month]
        pairs = [abs(one - other) for one, other in combinations(month, 2)]
        found.append(sum(distances) / len(distances) - sum(pairs) / len(pairs) / 2)
    return np.array(found)


def responsibilities(a, mu, s, x):
    """The gradient of log p(x) with respect to a component's logit is its responsibility, less its weight."""
    a, mu, s = tensors(a, mu, s)
    weights = Categorical(logits=a)
    log_p = MixtureSameFamily(weights, Normal(mu, s.exp())).log_prob(torch.tensor(x))
    return gradients(log_p.sum(), (a,))[0] + weights.probs.detach().numpy()


def conformal_share(old, new, share):
    """The smallest of the old sizes that is no less than enough of them, counted in exact fractions."""
    sizes, enough = np.abs(old), (len(old) + 1) * Fraction(str(share))
    width = min(size for size in sizes if np.count_nonzero(sizes <= size) >= enough)
    return width, sum(-width <= error <= width for error in new) / len(new)


def pull_on_width():
    s = torch.zeros((), dtype=torch.float64, requires_grad=True)
    loss = -torch.distributions.Normal(0.0, s.exp()).log_prob(torch.tensor(2.0, dtype=torch.float64))
    return torch.autograd.grad(loss, s)[0].item()


def highest_tenth():
    return said_in("time_series", r"the mixture on the level, ([\d.]+) for the mixture on the root")
