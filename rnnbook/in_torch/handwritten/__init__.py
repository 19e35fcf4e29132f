"""The hand-written backward: what the recurrences ``handwritten.rnn``, ``.gru`` and ``.lstm`` share.

Each of them is a pair of functions, the mirror of its NumPy twin's methods::

    hs, last, trace = forward(x, state, params, sizes, **options)
    dx, dstate, grads = backward(dhs, dlast, trace, params, sizes, with_dx, **options)

The loop over time holds only what cannot be done for all steps at once. On the CPU, the work between two matrix
products runs on NumPy views of the tensors' own memory: a NumPy call costs about 0.3 µs where PyTorch's
dispatcher takes 1 to 2 µs, and NumPy's tanh takes a seventh of PyTorch's time. On a GPU, and in the half
precisions, it runs on the tensors themselves. The backward works through blocks of steps that fit the cache.
``rnnbook.in_torch.compiled`` does the same with that work in C.
"""

from functools import wraps
from importlib import import_module

import torch


def left_alone(function):
    """Return the function such that ``torch.compile`` leaves it alone: a compiled loop over time is slower than this
    one, and takes minutes to compile.

    ``torch.compiler.disable`` does that, but it imports the compiler, which takes a second; so it is asked for at the
    first use under the compiler.
    """
    disabled = []

    @wraps(function)
    def run(*args, **options):
        if not torch.compiler.is_compiling():
            return function(*args, **options)
        if not disabled:
            disabled.append(torch.compiler.disable(function))
        return disabled[0](*args, **options)

    return run


def recurrence_of(forward, backward, reference):
    """Return the recurrence, with the socket's signature, that computes with ``forward`` and ``backward``.

    Where a graph of the gradient is wanted (``create_graph=True``), the gradient is that of ``reference``.
    """

    @left_alone
    def recurrence(x, state, params, sizes, **options):
        if not torch.is_grad_enabled():
            return forward(x, state, params, sizes, **options)[:2]
        plan = (forward, backward, reference, sizes, options, len(state), list(params))
        hs, *last = _Recurrence.apply(plan, x, *state, *params.values())
        return hs, tuple(last)

    return recurrence


def recurrence_in(module, reference):
    """Return the recurrence that this module of ``rnnbook.in_torch`` computes, imported when it is first called.

    Raises ImportError there where the module needs a package that is missing.
    """

    @left_alone
    def recurrence(x, state, params, sizes, **options):
        try:
            found = import_module(f"rnnbook.in_torch.{module}")
        except ModuleNotFoundError as error:
            raise ImportError(f"rnnbook.in_torch.{module} needs a package that is missing: {error}") from error
        return recurrence_of(found.forward, found.backward, reference)(x, state, params, sizes, **options)

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
        count, needed, saved = 1 + states + len(names), ctx.needs_input_grad[1:], ctx.saved_tensors
        tensors, trace = saved[:count], saved[count:]
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


def biases(params):
    """The two biases, zeros where the layer has none."""
    if "bias_ih" in params:
        return params["bias_ih"], params["bias_hh"]
    none = params["weight_hh"].new_zeros(len(params["weight_hh"]))
    return none, none
