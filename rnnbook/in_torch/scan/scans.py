"""Four ways to h_t = a_t * h_{t-1} + b_t, each ``scan(a, b, h)`` with a, b (T, B, ...) and the state h (B, ...).

::

    sequential     T steps, one after another
    chunked        about 3√T steps: all chunks of √T steps at once, then from chunk to chunk; the default
    hillis_steele  log₂ T rounds over the whole sequence, each doubling the reach
    log_space      cumulative sums of logarithms, the paper's form; only for positive a and b

The gradient of the first three is the same recurrence read from the end, by the same scan; that of ``log_space`` is
autograd's. In float32 the first three stay within 1e-5 of float64, relative to the largest value, at T = 4096; the
gradient of ``log_space`` is wrong by up to a tenth there, since it subtracts sums that grow with T. The first three
also take complex numbers.
Source: Hillis & Steele (1986); the log-space form: Heinsen (2023).
"""

import math
from functools import wraps

import torch

from rnnbook.in_torch.by_hand import are_batched


class _Scan(torch.autograd.Function):
    """h_t = a_t h_{t-1} + b_t by one of the scans; its gradient is the same recurrence from the end."""

    @staticmethod
    def forward(scan, a, b, h):
        return scan(a, b, h)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.scan, a, _, h = inputs
        ctx.save_for_backward(a, output, h)
        ctx.save_for_forward(a, output, h)

    @staticmethod
    def backward(ctx, dhs):
        a, hs, h = ctx.saved_tensors
        # nothing comes from beyond the last step
        a_next = torch.cat([a[1:], torch.zeros_like(a[:1])])
        h_prev = torch.cat([h[None], hs[:-1]])
        # conj() is for complex factors and leaves real ones as they are
        from_the_end = a_next.flip(0).conj(), dhs.flip(0), torch.zeros_like(h)
        # many gradients at once, which the scans cannot handle, since they write in place
        if are_batched((dhs,)):
            db = _one_by_one(*from_the_end).flip(0)
        else:
            db = _Scan.apply(ctx.scan, *from_the_end).flip(0)  # eq-parallel-back
        da, dh = db * h_prev.conj(), a[0].conj() * db[0]  # eq-parallel-back-parts
        return None, da, db, dh

    @staticmethod
    def jvp(ctx, _, da, db, dh):
        """The derivative along da, db, dh is the same recurrence, which reads da * h_prev + db."""
        a, hs, h = ctx.saved_tensors
        reads = da * torch.cat([h[None], hs[:-1]]) + db
        return _Scan.apply(ctx.scan, a, reads, dh)

    @staticmethod
    def vmap(info, in_dims, scan, a, b, h):
        """Many at once are one with an extra axis: everything is elementwise."""
        moved = []
        for x, dim, place in zip((a, b, h), in_dims[1:], (1, 1, 0), strict=True):
            x = x.unsqueeze(place) if dim is None else x.movedim(dim, place)
            moved.append(x.expand(*x.shape[:place], info.batch_size, *x.shape[place + 1 :]))
        return _Scan.apply(scan, *moved), 1


def _one_by_one(a, b, h):
    hs = []
    for a_t, b_t in zip(a, b, strict=True):
        hs.append(h := a_t * h + b_t)
    return torch.stack(hs)


def with_gradient(scan):
    """Return the scan as a function whose gradient is found by the same scan, not by going back through its steps.

    An exported program holds only the operations: there it is the scan whose operations autograd can differentiate.
    """

    @wraps(scan)
    def run(a, b, h):
        if torch.compiler.is_exporting():
            return hillis_steele.__wrapped__(a, b, h)
        return _Scan.apply(scan, a, b, h)

    return run


@with_gradient
def sequential(a, b, h):
    """Return h after every step (T, B, H), computed step by step."""
    hs = torch.empty_like(b)
    for a_t, b_t, h_t in zip(a, b, hs, strict=True):
        h = torch.addcmul(b_t, a_t, h, out=h_t)
    return hs


@with_gradient
def chunked(a, b, h):
    """Return h after every step (T, B, H), in chunks of √T steps, side by side.

    First every chunk starts from zero, which gives what it adds and how much of
    its initial state it keeps; then the states are carried from chunk to chunk;
    then every chunk is computed again, from its true initial state.
    """
    K = math.isqrt(len(a))  # steps in a chunk
    whole = len(a) // K * K
    hs = torch.empty_like(b)
    # the steps k of all chunks, (chunks, B, H) each
    a_k, b_k, h_k = (x[:whole].unflatten(0, (-1, K)).unbind(1) for x in (a, b, hs))
    added, left = b_k[0], a_k[0]
    for a_t, b_t in zip(a_k[1:], b_k[1:], strict=True):
        added, left = torch.addcmul(b_t, a_t, added), a_t * left
    first = [h]
    for left_c, added_c in zip(left, added, strict=True):
        first.append(torch.addcmul(added_c, left_c, first[-1]))
    *first, h = first
    state = torch.stack(first)
    for a_t, b_t, h_t in zip(a_k, b_k, h_k, strict=True):
        state = torch.addcmul(b_t, a_t, state, out=h_t)
    for a_t, b_t, h_t in zip(a[whole:], b[whole:], hs[whole:], strict=True):
        h = torch.addcmul(b_t, a_t, h, out=h_t)
    return hs


@with_gradient
def hillis_steele(a, b, h):
    """Return h after every step (T, B, H), in log₂ T rounds that double the
    reach.
    """
    b = torch.cat([(a[0] * h + b[0])[None], b[1:]])
    reach = 1
    while reach < len(a):
        merged = a[reach:] * b[:-reach] + b[reach:]  # eq-parallel-merge
        b = torch.cat([b[:reach], merged])
        a = torch.cat([a[:reach], a[reach:] * a[:-reach]])
        reach *= 2
    return b


def log_space(log_a, log_b, h):
    """Return h after every step (T, B, H) from log a, log b and h (None: zero).

    What is left of h is added outside the logarithm, so h may be zero or negative.
    """
    sums = log_a.cumsum(0)
    hs = (sums + (log_b - sums).logcumsumexp(0)).exp()  # eq-parallel-log-space
    return hs if h is None else hs + sums.exp() * h


SCANS = {"sequential": sequential, "chunked": chunked, "hillis_steele": hillis_steele, "log_space": log_space}
