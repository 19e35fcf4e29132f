"""Which recurrence runs: what ``implementation="auto"`` decides.

- ``reference``: the plain loop, differentiated by autograd. Every device, dtype and variant, and every
  transformation of PyTorch: ``torch.func``, forward-mode derivatives, ``torch.export``, tracing.
- ``handwritten``: the loop with the hand-written backward. Every device and dtype, every variant but
  ``proj_size``, in eager mode; a second derivative goes through ``reference``; ``torch.compile`` leaves it as it
  is, behind a break in the graph (as it does with ``torch.nn.LSTM``).
- ``compiled``: the hand-written backward with the work between two products in C, the fastest on the CPU. It is there
  where a C compiler was at hand when the package was installed. ``torch.nn``'s equations only (no peepholes, no
  projection, ``reset_after=True``), float32 and float64; in all else as ``handwritten``.
- ``triton``: one kernel launch for the whole sequence, on a GPU; ``torch.nn``'s equations only (no peepholes, no
  projection, ``reset_after=True``), hidden_size up to 1024, float32, bfloat16 and float16.

``auto`` takes the first of ``compiled``, ``triton``, ``handwritten`` and ``reference`` that can run, ``triton`` only
while the recurrent weights are 3 MiB or less: so far it was measured to be faster than the loop. What was asked for by
name runs, or raises; nothing falls back silently. Only an empty batch, with nothing to compute, is always
``reference``'s.
"""

from importlib.util import find_spec

import torch
from torch.autograd import forward_ad

from rnnbook.in_torch import compiled


def choose(asked, x, params, options):
    """Return the name of the recurrence that reads the rows x (N, D), given the name that was asked for."""
    if x.size(0) == 0:
        return "reference"
    if asked != "auto":
        return asked
    if "weight_hr" in params or _transformed():
        return "reference"
    if compiled.can_run(x, **options):
        return "compiled"
    return "triton" if x.is_cuda and _kernels_pay(x, params["weight_hh"], options) else "handwritten"


def _kernels_pay(x, weight_hh, options):
    if find_spec("triton") is None:
        return False
    from rnnbook.in_torch import kernels  # not before: Triton is slow to import, and of no use on a CPU

    return kernels.can_run(x, weight_hh.size(1), **options) and kernels.is_faster(weight_hh, x.dtype)


def _transformed():
    """Whether PyTorch is recording the operations for something else than a plain backward."""
    return (
        torch.compiler.is_exporting()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )
