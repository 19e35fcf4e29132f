"""The one interface for recurrences whose gradient is computed by hand, not found by autograd.

It takes a ``Pair`` of functions, which mirror the two methods of a NumPy layer::

    hs, last, trace = forward(x, state, params, sizes, **options)
    dx, dstate, grads = backward(dhs, dlast, x, trace, params, sizes, with_dx, **options)

The rows and ``sizes`` are those of a recurrence (``rnnbook.in_torch.recurrent``). ``trace`` is a tuple of tensors
that share no memory with an output, since a user may overwrite an output; gradients are contiguous and do not share
memory either. ``handwritten``, ``compiled`` and ``kernels`` hold such functions; ``layer.by_hand(name)`` returns them.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch


class Pair(NamedTuple):
    """The two functions, and how they work: ``direct`` ones read the tensors' memory without PyTorch's operations."""

    forward: Callable
    backward: Callable
    direct: bool
    can_forget: bool = False  # whether ``keep=False`` spares the forward pass its trace


class Plan(NamedTuple):
    """Everything that is not a tensor."""

    pair: Pair
    reference: Callable  # for gradients of gradients, and for many gradients at once
    sizes: list[int]
    options: dict
    states: int  # tensors in a state
    names: tuple[str, ...]  # of the parameters

    def parts(self, tensors):
        """Return x, the state and the parameters by name."""
        rest = 1 + self.states
        return tensors[0], tuple(tensors[1:rest]), dict(zip(self.names, tensors[rest:], strict=True))


def recur(pair, reference, x, state, params, sizes, options):
    """Compute a recurrence by a pair, where ``reference`` computes the same by autograd."""
    tensors = (x, *state, *params.values())
    if not (torch.is_grad_enabled() and any(t.requires_grad for t in tensors)):
        keep = {"keep": False} if pair.can_forget else {}
        return pair.forward(x, state, params, sizes, **keep, **options)[:2]
    plan = Plan(pair, reference, sizes, options, len(state), tuple(params))
    hs, *last = ByHand.apply(plan, *tensors)
    return hs, tuple(last)


class ByHand(torch.autograd.Function):
    """A recurrence with its own gradient.

    It has no ``setup_context``. Only ``torch.func`` needs one, and it gets the reference. It would cost a small layer a
    tenth of its time, since PyTorch then binds the arguments to ``forward``'s signature at every call.
    """

    @staticmethod
    def forward(ctx, plan, *tensors):
        """Return hs and the last state, and keep what the backward pass needs."""
        x, state, params = plan.parts(tensors)
        hs, last, trace = plan.pair.forward(x, state, params, plan.sizes, **plan.options)
        ctx.plan = plan
        ctx.save_for_backward(*tensors, *trace)
        return hs, *last

    @staticmethod
    def backward(ctx, dhs, *dlast):
        """Return the gradients by hand; if a gradient of the gradient is wanted, those of the reference."""
        plan, needed, saved = ctx.plan, ctx.needs_input_grad[1:], ctx.saved_tensors  # which unpacks them, so once
        tensors, trace = saved[: len(needed)], saved[len(needed) :]
        x, state, params = plan.parts(tensors)
        doutputs = (dhs, *dlast)
        if torch.is_grad_enabled() or are_batched(doutputs) or (plan.pair.direct and not are_plain(*doutputs)):
            return None, *gradients_of_the_reference(plan, tensors, needed, doutputs)
        dx, dstate, grads = plan.pair.backward(dhs, dlast, x, trace, params, plan.sizes, needed[0], **plan.options)
        return None, dx, *dstate, *[grads[name] for name in plan.names]


def gradients_of_the_reference(plan, tensors, needed, doutputs):
    """Return the gradient as autograd finds it, with a graph where one is wanted; None if it is not needed."""
    graph = torch.is_grad_enabled()
    with torch.enable_grad():
        tensors = [t.view_as(t) for t in tensors]  # if one tensor is in two places, each place has its own gradient
        hs, last = plan.reference(*plan.parts(tensors), plan.sizes, **plan.options)
    wanted = [t for t, wants in zip(tensors, needed, strict=True) if wants]
    found = iter(torch.autograd.grad((hs, *last), wanted, doutputs, create_graph=graph))
    return [next(found) if wants else None for wants in needed]


def are_batched(tensors):
    """Whether these are many gradients at once: from ``is_grads_batched``, or inside ``torch.func``."""
    batched = torch._C._functorch.is_legacy_batchedtensor
    return torch._C._are_functorch_transforms_active() or any(map(batched, tensors))


def are_plain(*tensors):
    """Whether these are tensors whose memory holds their numbers, and nothing records or fakes what is done to them."""
    # no dispatch mode: make_fx, FakeTensorMode and the like
    usual = torch._C._len_torch_dispatch_stack() == 0 and PLAIN.issuperset(map(type, tensors))
    return usual and not any(map(torch.is_neg, tensors))  # a view that negates what it reads


PLAIN = {torch.Tensor, torch.nn.Parameter}
_OUTSIDE: list[Callable] = []  # one, after the first use under torch.compile


def outside_the_graph():
    """Return the function (layer, input, hx) that calls the layer out of sight of ``torch.compile``.

    It leaves ``torch.nn``'s layers alone as well: a compiled loop over time is slower than one by hand, takes minutes
    to compile, and is compiled again for every length. ``torch.compiler.disable`` imports the compiler, which takes a
    second, so that happens here.
    """
    if not _OUTSIDE:
        _OUTSIDE.append(torch.compiler.disable(lambda layer, *inputs: layer.forward(*inputs)))
    return _OUTSIDE[0]


def biases(params):
    """Return the two biases, zeros if the layer has none."""
    if "bias_ih" in params:
        return params["bias_ih"], params["bias_hh"]
    none = params["weight_hh"].new_zeros(len(params["weight_hh"]))
    return none, none
