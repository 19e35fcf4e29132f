"""Which recurrence runs: what ``implementation="auto"`` decides.

- ``reference``: the plain loop, differentiated by autograd. Every device, dtype and variant, and every
  transformation of PyTorch: ``torch.func``, forward-mode derivatives, ``torch.export``, tracing, subclasses of tensors.
- ``handwritten``: the loop with its backward pass by hand, in plain tensor operations. Every device and dtype, every
  variant but ``proj_size``.
- ``compiled``: the same in C, the fastest on the CPU. It is there if a C compiler was available when the package was
  installed. ``torch.nn``'s equations only (no peepholes, no projection, ``reset_after=True``), float32 and float64.
  The memory of large traces is kept for the next call, 256 MB of it at most; ``compiled.memory.release()`` gives it
  back.
- ``triton``: one kernel launch for the whole sequence, on a GPU; ``torch.nn``'s equations only (no peepholes, no
  projection, ``reset_after=True``), hidden_size up to 1024, float32, bfloat16 and float16.

The last three go through ``by_hand``: if a graph of the gradient is wanted, or many gradients at once, the gradient is
``reference``'s; ``torch.compile`` leaves them alone, with a graph break, as it does with ``torch.nn.LSTM``.

``auto`` takes the first of ``compiled``, ``triton``, ``handwritten`` and ``reference`` that can run. An
implementation that you name runs or raises; nothing falls back silently. Only an empty batch, with nothing to compute,
always goes to ``reference``.
"""

from importlib.util import find_spec

import torch
from torch.autograd import forward_ad

from rnnbook.in_torch import compiled
from rnnbook.in_torch.by_hand import are_plain

IMPLEMENTATIONS = ("reference", "handwritten", "compiled", "triton")


def choose(asked, x, state, params, options):
    """Return the name of the recurrence that reads the rows x (N, D), given the name of the implementation.

    Raises RuntimeError if the named one cannot run inside what PyTorch is doing, and what ``compiled.check`` raises.
    """
    if asked == "reference" or x.size(0) == 0:
        return "reference"
    transformed, plain = _transformed(), are_plain(x, *state, *params.values())
    if asked != "auto":
        if transformed or (asked != "handwritten" and not plain):
            raise RuntimeError(
                f"implementation={asked!r} cannot run in a transformation, a tracer, a dispatch mode, or on a subclass "
                "of tensors; ask for 'auto' or 'reference' there"
            )
        if asked == "compiled":
            compiled.check(x, **options)
        return asked
    if "weight_hr" in params or transformed or not plain:
        return "reference"
    if compiled.can_run(x, **options):
        return "compiled"
    return "triton" if x.is_cuda and _kernels_can_run(x, params["weight_hh"], options) else "handwritten"


def _kernels_can_run(x, weight_hh, options):
    if find_spec("triton") is None:
        return False
    from rnnbook.in_torch import kernels  # not earlier: Triton is slow to import, and of no use on a CPU

    return kernels.can_run(x, weight_hh.size(1), **options)


def _transformed():
    """Whether PyTorch transforms the operations, or records them for anything but a plain backward pass."""
    return (
        torch.compiler.is_exporting()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )
