"""Ways to a number that several oracles take."""

import re
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import brentq


def tensors(*arrays):
    """The arrays as float64 tensors that gradients can be asked for."""
    return tuple(torch.tensor(np.asarray(array, np.float64), requires_grad=True) for array in arrays)


def gradients(loss, leaves):
    """The gradients of a scalar by the leaves, zeros where it does not depend on one, as arrays."""
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    return tuple(np.zeros(leaf.shape) if grad is None else grad.numpy() for leaf, grad in zip(leaves, found))


def pinned(a, value):
    """``a`` moved by a constant to ``value``, so that random states can be those of a network: the gradient stays."""
    return a - a.detach() + value.detach()


def root(function, low, high):
    """Where the function is zero, to the last digits."""
    return brentq(function, low, high, xtol=1e-15, rtol=1e-14)


def torch_layer(layer, **parameters):
    """A layer of ``torch.nn`` with these parameters, in float64."""
    state = layer.double().state_dict()
    missing = dict.fromkeys(state.keys() - {name + "_l0" for name in parameters})
    given = {name + "_l0": torch.from_numpy(np.asarray(value, np.float64)) for name, value in parameters.items()}
    layer.load_state_dict(given | {name: torch.zeros_like(state[name]) for name in missing})
    return layer


BOOK = Path(__file__).resolve().parents[2] / "book" / "text"


def said_in(chapter, pattern):
    """The number that a chapter says in words where it describes a figure; the pattern has one group."""
    text = " ".join((BOOK / f"{chapter}.md").read_text(encoding="utf-8").split())
    return float(re.search(pattern, text)[1])
