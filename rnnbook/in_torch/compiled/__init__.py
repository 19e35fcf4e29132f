"""The hand-written recurrences with the work between two products in C: ``steps.c``, one call for each step.

``compiled.rnn``, ``compiled.gru`` and ``compiled.lstm`` have the two functions of their twins in
``rnnbook.in_torch.handwritten``, with the same signatures; on the CPU, in float32 and float64. The C is compiled while
the package is installed, where a C compiler is at hand (setup.py): no program has to call one.
"""

import ctypes
from functools import partial
from itertools import accumulate, groupby
from pathlib import Path
from zlib import crc32

import torch

from rnnbook.in_torch.compiled.products import empty

SOURCE = Path(__file__).with_name("steps.c")
DTYPES = {torch.float32: "float32", torch.float64: "float64"}


def can_run(x, *, peephole=False, reset_after=True, **options):
    """Whether the compiled steps are there, and read x (N, D) in this variant."""
    return x.device.type == "cpu" and x.dtype in LIBRARIES and reset_after and not peephole


def check(x, **variant):
    """Raise ValueError, naming the limit, where the compiled steps cannot read x (N, D); RuntimeError without them."""
    if x.device.type != "cpu":
        raise ValueError(f"implementation='compiled' runs on the CPU, but the input is on {x.device}")
    if x.dtype not in DTYPES:
        raise ValueError(f"implementation='compiled' reads float32 and float64, but the input is {x.dtype}")
    for name, value in variant.items():
        if value:
            raise ValueError(f"implementation='compiled' has no {name}; ask for 'handwritten' or 'reference'")
    if not LIBRARIES:
        load(x.dtype)  # says why there are none


def load(dtype):
    """Load the steps for this dtype; RuntimeError where they were not compiled, or from another ``steps.c``."""
    again = "it is compiled while rnnbook is installed: install a C compiler, then rnnbook again"
    built = SOURCE.with_name(f"steps.{DTYPES[dtype]}.so")
    if not built.exists():
        raise RuntimeError(f"implementation='compiled' needs steps.c compiled, but it is not; {again}")
    try:
        library = ctypes.PyDLL(str(built))
        made_from = ctypes.c_uint32.in_dll(library, "made_from").value
    except (OSError, ValueError) as error:  # made for another machine, or no library of these steps
        raise RuntimeError(f"implementation='compiled' cannot load {built.name} ({error}); {again}") from error
    if made_from != crc32(SOURCE.read_bytes()):
        raise RuntimeError(f"implementation='compiled' needs steps.c compiled, but it has changed since; {again}")
    return library


def loaded():
    """The libraries that could be loaded, by dtype: two, or none."""
    try:
        return {dtype: load(dtype) for dtype in DTYPES}
    except RuntimeError:
        return {}


LIBRARIES = loaded()


def step_of(name, b, H, *arrays):
    """Return a function of t that makes step t of ``name`` on these arrays, which stay where they are."""
    function = getattr(LIBRARIES[arrays[0].dtype], name)
    function.argtypes, function.restype = [ctypes.c_void_p, *[ctypes.c_long] * 3], None
    assert all(a.is_contiguous() for a in arrays), "steps.c reads rows that stand one behind the other"
    table = (ctypes.c_void_p * len(arrays))(*[a.data_ptr() for a in arrays])
    bound = partial(function, ctypes.addressof(table), b, H)
    bound.keeps = table, arrays
    return bound


def groups(sizes):
    """The runs of steps with one batch size b: [(rows, b, steps), ...]."""
    runs = [(b, len(list(steps))) for b, steps in groupby(sizes)]
    ends = accumulate(b * count for b, count in runs)
    return [(slice(end - b * count, end), b, count) for end, (b, count) in zip(ends, runs, strict=True)]


def input_gradient(das, W_ih):
    """Return das (N, G·H) W_ih, the gradient by x (N, D)."""
    return torch.mm(das, W_ih, out=empty(das, len(das), W_ih.size(1)))


def parameter_gradients(das, x, h_prevs, params):
    """Return the gradients by name, for a layer whose two products of a step are added up: das (N, G·H) serves both."""
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ h_prevs}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)
        grads["bias_hh"] = grads["bias_ih"].clone()
    return grads
