"""Memory for what only these functions see, large traces above all, which the next call writes over.

The system clears the pages of a large new array when they are first touched, and takes them back when it is freed: in a
training step of a long sequence that takes up to a tenth of the time (``benchmarks/changes.py``). So large arrays
that nobody holds any more are kept here, ``KEPT`` bytes of them at most, as PyTorch keeps memory on a GPU.
"""

import math
import mmap
import weakref

import torch

LARGE = 1 << 20  # bytes, below which malloc keeps the memory
KEPT = 1 << 28
_free: dict[int, list[mmap.mmap]] = {}  # by their size


def lend(like, *shape):
    """A tensor of this shape, with the dtype of ``like``, not filled; its memory comes back when nobody holds it."""
    count = math.prod(shape)
    size = count * like.itemsize
    if size < LARGE or not hasattr(mmap, "MAP_PRIVATE"):  # Windows has none
        return like.new_empty(shape)
    step = max(LARGE, 1 << (size.bit_length() - 4))  # sizes are rounded up by an eighth at most, so that they recur
    try:
        block = _block(-(-size // step) * step)
    except OSError:  # no memory: PyTorch says so in its own words
        return like.new_empty(shape)
    view = memoryview(block)  # the tensor holds it, and it holds the block
    weakref.finalize(view, _take_back, block).atexit = False
    return torch.frombuffer(view, dtype=like.dtype, count=count).view(shape)


def _block(size):
    try:
        return _free[size].pop()
    except (KeyError, IndexError):
        block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):  # touching 100 MB in small pages takes longer than the arithmetic of a step
            block.madvise(mmap.MADV_HUGEPAGE)
        return block


def _take_back(block):
    if kept() + len(block) <= KEPT:
        _free.setdefault(len(block), []).append(block)


def kept():
    """The bytes that are kept for the next call."""
    return sum(size * len(blocks) for size, blocks in list(_free.items()))


def release():
    """Give the memory that is kept back to the system."""
    _free.clear()
