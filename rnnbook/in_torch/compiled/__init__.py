"""The recurrences with a backward by hand, in C: ``steps.c``, one call for a whole sequence.

``compiled.rnn``, ``compiled.gru`` and ``compiled.lstm`` have the two functions of their twins in
``rnnbook.in_torch.handwritten``, with the same signatures; on the CPU, in float32 and float64. The C is compiled while
the package is installed, where a C compiler is at hand (setup.py): no program has to call one.
"""

import ctypes
from pathlib import Path
from zlib import crc32

import torch

SOURCE = Path(__file__).with_name("steps.c")
DTYPES = {torch.float32: "float32", torch.float64: "float64"}
CACHE = 1 << 20  # bytes of the largest W_hh that is multiplied in C
WORTH_A_THREAD = 1 << 16  # numbers in the states of all steps


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
        library = ctypes.CDLL(str(built))
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


def forward_through(name, W_hh, sizes, arrays):
    """Run all steps of ``name``, say ``lstm_forward``, on these arrays: the state h (B, H), the others, the traces.

    W_hh (G·H, H) is packed once. Where the products are large, they are the BLAS's, one call and one product a step.
    """
    h, rows = arrays[0], len(W_hh)
    if multiplies_itself(W_hh, sizes):
        return Call(name, W_hh, *arrays)(sizes, 0, True)
    product, W_T, start = h.new_empty(len(h), rows), W_hh.T, 0
    step = Call(name, product, *arrays)
    for b in sizes:
        torch.mm(h[:b], W_T, out=product[:b])
        step([b], start, False)
        start += b


def backward_through(name, W_hh, sizes, arrays, das):
    """Run all steps of ``name`` from the last to the first; the first array is dh (B, H), that of the last state.

    ``das`` takes what W_hh is multiplied with going back: (N, G·H) for all steps, or (B, G·H), written over at each.
    """
    dh = arrays[0]
    if multiplies_itself(W_hh, sizes):
        return Call(name, W_hh, *arrays)(sizes, 0, True)
    start, step = sum(sizes), Call(name, das, *arrays)
    for b in reversed(sizes):
        start -= b
        step([b], start, False)
        dh[:b].addmm_(das[start : start + b] if len(das) > len(dh) else das[:b], W_hh)


def multiplies_itself(W_hh, sizes):
    """Whether the product in C is faster than the BLAS's: the packed W_hh fits the cache, and pays for its packing."""
    return len(sizes) > 1 and W_hh.numel() * W_hh.element_size() <= CACHE


class Call:
    """A function of ``steps.c``, and the arrays that it reads and writes, which stay where they are."""

    def __init__(self, name, *arrays):
        assert all(a.is_contiguous() for a in arrays), "steps.c reads rows that stand one behind the other"
        self.function = getattr(LIBRARIES[arrays[0].dtype], name)
        self.arrays, self.H = arrays, arrays[1].size(1)
        self.table = (ctypes.c_void_p * len(arrays))(*[a.data_ptr() for a in arrays])

    def __call__(self, sizes, start, packed):
        threads = torch.get_num_threads() if packed and sum(sizes) * self.H > WORTH_A_THREAD else 1
        lengths, long = (ctypes.c_long * len(sizes))(*sizes), ctypes.c_long
        self.function(self.table, lengths, long(len(sizes)), long(start), long(self.H), int(packed), long(threads))


def empty(like, *shape):
    """A tensor of this shape, with the dtype of ``like``, not filled yet; in large pages where it is large."""
    tensor = like.new_empty(shape)
    if tensor.nbytes >= 1 << 22:
        LIBRARIES[like.dtype].large_pages(ctypes.c_void_p(tensor.data_ptr()), ctypes.c_long(tensor.nbytes))
    return tensor


def own(state):
    """A copy of a state that may be written over, its rows one behind the other."""
    return state.clone(memory_format=torch.contiguous_format)


def parameter_gradients(das, x, h_prevs, params):
    """Return the gradients by name, for a layer whose two products of a step are added up: das (N, G·H) serves both."""
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ h_prevs}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)
        grads["bias_hh"] = grads["bias_ih"].clone()
    return grads
