"""The matrix products of the compiled recurrences, at each step and after all steps, and their memory."""

from functools import partial

import numpy as np
import torch

SMALL = 1 << 20  # multiplications of a product that NumPy makes


def into_gates(xp, h, W_hh, a):
    """Return a function that writes the products W_hh h of the rows h (b, H) into a (b, G·H).

    The buffers stay the same from step to step. A small product is NumPy's, which saves PyTorch's 1 to 2 µs; one that
    is small only gate by gate is made so, because OpenBLAS has a faster kernel for it.
    """
    b, (rows, H) = len(h), W_hh.shape
    if xp is np and b * rows * H <= SMALL:
        return partial(np.dot, *faces(np, h, W_hh.T.contiguous(), a))
    if xp is np and b * H * H <= SMALL:
        h, W, a = faces(np, h, W_hh.view(-1, H, H).mT.contiguous(), a)
        return partial(np.matmul, h, W, out=by_gate(a, H))
    return partial(torch.mm, h, W_hh.T.contiguous(), out=a)


def out_of_gates(xp, da, W_hh, dh):
    """Return a function that writes the products W_hhᵀ da of the rows da (b, G·H) into dh (b, H), as ``into_gates``."""
    b, (rows, H) = len(da), W_hh.shape
    if xp is np and b * rows * H <= SMALL:
        return partial(np.dot, *faces(np, da, W_hh, dh))
    if xp is torch or b * H * H > SMALL:
        return partial(torch.mm, da, W_hh, out=dh)
    da, W, dh = faces(np, da, W_hh.view(-1, H, H), dh)
    da, each = by_gate(da, H), np.empty((rows // H, b, H), dh.dtype)

    def add_up():
        np.matmul(da, W, out=each)
        np.add.reduce(each, axis=0, out=dh)

    return add_up


def by_gate(a, H):
    """The rows a (b, G·H) seen as (G, b, H)."""
    return a.reshape(len(a), -1, H).swapaxes(0, 1)


def faces(xp, *tensors):
    """The tensors as NumPy arrays in the same memory."""
    return [t.detach().numpy() for t in tensors]


def empty(like, *shape):
    """A tensor of this shape, with the dtype of ``like``, not filled yet.

    NumPy makes it, which asks Linux for large pages: to touch 100 MB of new memory in small ones takes three times as
    long, more than the arithmetic of a step.
    """
    return torch.from_numpy(np.empty(shape, np.float32 if like.dtype == torch.float32 else np.float64))


def own(state):
    """A copy of a state that may be written over, its rows one behind the other."""
    return state.clone(memory_format=torch.contiguous_format)
