"""The hand-written backward: what the recurrences ``handwritten.rnn``, ``.gru`` and ``.lstm`` share.

Each of them is a pair of functions, the mirror of its NumPy twin's methods::

    hs, last, trace = forward(x, state, params, sizes, **options)
    dx, dstate, grads = backward(dhs, dlast, trace, params, sizes, with_dx, **options)

The loop over time holds only what cannot be done for all steps at once. On the CPU, the work between two matrix
products runs on NumPy views of the tensors' own memory: a NumPy call costs about 0.3 µs where PyTorch's
dispatcher takes 1 to 2 µs, and NumPy's tanh takes a seventh of PyTorch's time. On a GPU, and in the half
precisions, it runs on the tensors themselves. The backward works through blocks of steps that fit the cache.
"""

from functools import partial
from importlib import import_module
from itertools import groupby

import numpy as np
import torch

BLOCK = 1 << 17  # numbers in one array (rows, H) of a block


def recurrence_of(forward, backward, reference):
    """Return the recurrence, with the socket's signature, that computes with ``forward`` and ``backward``.

    Where a graph of the gradient is wanted (``create_graph=True``), the gradient is that of ``reference``.
    """

    @torch.compiler.disable  # a compiled loop over time is slower than this one, and takes minutes to compile
    def recurrence(x, state, params, sizes, **options):
        plan = (forward, backward, reference, sizes, options, len(state), list(params))
        hs, *last = _Recurrence.apply(plan, x, *state, *params.values())
        return hs, tuple(last)

    return recurrence


def recurrence_on_gpu(name, reference):
    """Return the recurrence that the kernels of this name compute; ImportError at its call where Triton is missing."""

    @torch.compiler.disable
    def recurrence(x, state, params, sizes, **options):
        try:
            kernels = import_module(f"rnnbook.in_torch.kernels.{name}")
        except ModuleNotFoundError as error:
            raise ImportError(f"implementation='triton' needs the package triton, but {error}") from error
        run = recurrence_of(kernels.forward, kernels.backward, reference)
        return run(x, state, params, sizes, **options)

    return recurrence


class _Recurrence(torch.autograd.Function):
    """A recurrence whose gradient is computed by hand."""

    @staticmethod
    def forward(ctx, plan, *tensors):
        forward, _, _, sizes, options, _, _ = ctx.plan = plan
        hs, last, trace = forward(*_unpack(plan, tensors), sizes, **options)
        ctx.save_for_backward(*tensors, *trace)
        return hs, *last

    @staticmethod
    def backward(ctx, dhs, *dlast):
        _, backward, reference, sizes, options, states, names = ctx.plan
        count, needed = 1 + states + len(names), ctx.needs_input_grad[1:]
        tensors, trace = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        x, state, params = _unpack(ctx.plan, tensors)
        if torch.is_grad_enabled():  # someone wants the gradient's gradient
            hs, last = reference(x, state, params, sizes, **options)
            wanted = [t for t, wants in zip(tensors, needed, strict=True) if wants]
            found = iter(torch.autograd.grad((hs, *last), wanted, (dhs, *dlast), create_graph=True))
            return None, *[next(found) if wants else None for wants in needed]
        dx, dstate, grads = backward(dhs, dlast, trace, params, sizes, needed[0], **options)
        return None, dx, *dstate, *[grads[name] for name in names]


def _unpack(plan, tensors):
    """Return x, the state and the parameters by name."""
    *_, states, names = plan
    return tensors[0], tensors[1 : 1 + states], dict(zip(names, tensors[1 + states :], strict=True))


def library(x):
    """The library that works fastest on such a tensor between two matrix products: numpy or torch."""
    plain = type(x) in (torch.Tensor, torch.nn.Parameter) and x.device.type == "cpu"
    return np if plain and x.dtype in (torch.float32, torch.float64) else torch


def faces(xp, *tensors):
    """The tensors as arrays of ``xp``, in the same memory."""
    if xp is torch:
        return list(tensors)
    return [(t.detach() if t.requires_grad else t).numpy() for t in tensors]


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


def product(xp, left, right, out):
    """Return a function that writes left @ right into ``out``, for buffers that stay the same from step to step.

    One row times a small matrix is NumPy's: 1 µs instead of 3; it runs in one thread, as larger ones would not.
    """
    if xp is np and len(left) == 1 and right.numel() <= 1 << 16:
        return partial(np.dot, *faces(np, left, right, out))
    return partial(torch.mm, left, right, out=out)


def add_product(total, das, read):
    """Return total + dasᵀ read, written into total where there is one."""
    return das.T @ read if total is None else total.addmm_(das.T, read)


def add_sum(total, das):
    """Return total + the sum of das's rows, written into total where there is one."""
    return das.sum(0) if total is None else total.add_(das.sum(0))


def biases(params):
    """The two biases, zeros where the layer has none."""
    none = params["weight_hh"].new_zeros(len(params["weight_hh"]))
    return params.get("bias_ih", none), params.get("bias_hh", none)
