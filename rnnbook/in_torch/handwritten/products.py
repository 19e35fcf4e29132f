"""The matrix products of the hand-written recurrences: at each step, and after all steps."""

from functools import partial

import numpy as np
import torch

from rnnbook.in_torch.handwritten.arrays import faces

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


def add_product(total, das, read):
    """Return total + readᵀ das, written into total where there is one: the transpose of a weight's gradient.

    (readᵀ das)ᵀ is dasᵀ read; this way round it takes up to a fifth less time.
    """
    return read.T @ das if total is None else total.addmm_(read.T, das)


def add_sum(total, das):
    """Return total + the sum of das's rows, written into total where there is one."""
    return das.sum(0) if total is None else total.add_(das.sum(0))


def transposed(grads):
    """The gradients of the weights, summed up as their transposes, the right way round; those of biases as they are."""
    return {name: g.T if name in ("weight_ih", "weight_hh") else g for name, g in grads.items()}
