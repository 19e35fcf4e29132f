"""The memory of the hand-written recurrences: NumPy's views of tensors, new arrays, and their cut into steps."""

from itertools import groupby

import numpy as np
import torch

BLOCK = 1 << 17  # numbers in one array (rows, H) of a block


def library(x):
    """The library that works fastest on such a tensor between two matrix products: numpy or torch."""
    plain = type(x) in (torch.Tensor, torch.nn.Parameter) and x.device.type == "cpu"
    return np if plain and x.dtype in (torch.float32, torch.float64) else torch


def faces(xp, *tensors):
    """The tensors as arrays of ``xp``, in the same memory."""
    if xp is torch:
        return list(tensors)
    return [(t.detach() if t.requires_grad else t).numpy() for t in tensors]


def empty(xp, like, *shape):
    """A tensor of this shape, with the dtype and device of ``like``, not filled yet.

    On the CPU NumPy makes it, which asks Linux for large pages: to touch 100 MB of new memory in small ones takes
    three times as long, more than the arithmetic of a step.
    """
    if xp is torch:
        return like.new_empty(shape)
    return torch.from_numpy(np.empty(shape, np.float32 if like.dtype == torch.float32 else np.float64))


def own(state):
    """A copy of a state that may be written over, its rows one behind the other."""
    return state.clone(memory_format=torch.contiguous_format)


def blocks(sizes, H):
    """Cut the steps into blocks of one batch size b each, small enough for the cache: [(rows, b), ...]."""
    found, start = [], 0
    for b, steps in groupby(sizes):
        left, most = len(list(steps)), max(1, BLOCK // max(1, b * H))
        while left:
            count = min(left, most)
            found.append((slice(start, start + count * b), b))
            start, left = start + count * b, left - count
    return found


def by_step(b, *arrays):
    """Arrays whose rows are (steps · b, n), cut into steps (steps, b, n)."""
    return [a.reshape(-1, b, a.shape[-1]) for a in arrays]
