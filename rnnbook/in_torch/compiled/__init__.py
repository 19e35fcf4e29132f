"""The recurrences with a handwritten backward pass, in C: ``steps.c``, one call for a whole sequence.

``compiled.rnn``, ``compiled.gru`` and ``compiled.lstm`` have the same two functions as their twins in
``rnnbook.in_torch.handwritten``, with the same signatures; on the CPU, in float32 and float64. The C is compiled when
the package is installed, if a C compiler is available (setup.py); no compiler is needed later.
"""

import ctypes
from array import array
from pathlib import Path
from zlib import crc32

import torch

SOURCE = Path(__file__).with_name("steps.c")
DTYPES = {torch.float32: "float32", torch.float64: "float64"}
ARRAYS = "W_hh W_ih x b_in b_hh h c gates h_prevs c_prevs v_ns hs dx dW_ih dW_hh db_ih db_hh product u dv"
PLACES = {name: k for k, name in enumerate(ARRAYS.split())}  # in the table that steps.c reads
CACHE = 1 << 20  # bytes of the largest weight that is multiplied in C
SMALL = 1 << 16  # the same, if a single step is trained on
FEW = 4  # sequences, for which a single step is multiplied in C
WORTH_A_THREAD = 1 << 16  # numbers in the states of all steps


def can_run(x, *, peephole=False, reset_after=True, **options):
    """Whether the compiled steps are there, and can read x (N, D) in this variant."""
    return x.device.type == "cpu" and x.dtype in LIBRARIES and reset_after and not peephole


def check(x, **variant):
    """Raise ValueError, naming the limit, if the compiled steps cannot read x (N, D); RuntimeError without them."""
    if x.device.type != "cpu":
        raise ValueError(f"implementation='compiled' runs on the CPU, but the input is on {x.device}")
    if x.dtype not in DTYPES:
        raise ValueError(f"implementation='compiled' reads float32 and float64, but the input is {x.dtype}")
    for name, value in variant.items():
        if value:
            raise ValueError(f"implementation='compiled' has no {name}; ask for 'handwritten' or 'reference'")
    if not LIBRARIES:
        load(x.dtype)  # raises, saying why there are none


def load(dtype):
    """Load the steps for this dtype; RuntimeError if they were not compiled, or from another ``steps.c``."""
    again = "it is compiled while rnnbook is installed: install a C compiler, then rnnbook again"
    built = SOURCE.with_name(f"steps.{DTYPES[dtype]}.so")
    if not built.exists():
        raise RuntimeError(f"implementation='compiled' needs steps.c compiled, but it is not; {again}")
    try:
        library = ctypes.CDLL(str(built))
        made_from = ctypes.c_uint32.in_dll(library, "made_from").value
    except (OSError, ValueError) as error:  # built for another machine, or not a library of these steps
        raise RuntimeError(f"implementation='compiled' cannot load {built.name} ({error}); {again}") from error
    if made_from != crc32(SOURCE.read_bytes()):
        raise RuntimeError(f"implementation='compiled' needs steps.c compiled, but it has changed since; {again}")
    return library


def loaded():
    """The libraries that could be loaded, by dtype: both, or none."""
    try:
        return {dtype: load(dtype) for dtype in DTYPES}
    except RuntimeError:
        return {}


LIBRARIES = loaded()


def forward_through(name, params, bias, sizes, x, **arrays):
    """Run all steps of ``name``, such as ``lstm_forward``, on these arrays, which include the trace's if it is kept.

    The weights are packed once. Large products are the BLAS's: one for the inputs of all steps, and one of each step.
    """
    W_ih, W_hh, x = params["weight_ih"].contiguous(), params["weight_hh"].contiguous(), x.contiguous()
    products = in_c(W_ih, W_hh, sizes, trains="gates" in arrays)
    arrays |= {"W_hh": W_hh, "W_ih": W_ih, "x": x, "b_in": bias}
    if products < 2:
        u = arrays["gates"] if "gates" in arrays else empty(x, x.size(0), W_ih.size(0))  # may be overwritten
        arrays["u"] = torch.addmm(bias, x, W_ih.T, out=u)
    if products:
        return Call(name, products, arrays)(sizes, 0)
    h, W_T, B, start = arrays["h"], W_hh.T, sizes[0], 0
    product = empty(x, B, W_hh.size(0))
    step = Call(name, products, arrays | {"product": product})
    for b in sizes:
        torch.mm(h if b == B else h[:b], W_T, out=product if b == B else product[:b])
        step([b], start)
        start += b


def backward_through(name, params, sizes, with_dx, x, dhs, dh, gates, h_prevs, **arrays):
    """Run all steps of ``name`` from the last to the first; returns dx, None without ``with_dx``, and grads by name.

    ``dh`` (B, H) is the gradient of the last state, overwritten with that of the first. Only the GRU has two different
    gradients in a step, of the input's part and of the memory's; ``v_ns`` in its trace marks it.
    """
    W_ih, W_hh, x = params["weight_ih"].contiguous(), params["weight_hh"].contiguous(), x.contiguous()
    products, (N, D), rows = in_c(W_ih, W_hh, sizes, trains=True), x.shape, W_hh.size(0)
    arrays |= {"W_hh": W_hh, "W_ih": W_ih, "x": x, "hs": dhs.contiguous(), "h": dh, "gates": gates, "h_prevs": h_prevs}
    if products == 2:
        grads = {name: torch.empty_like(p, memory_format=torch.contiguous_format) for name, p in params.items()}
        found = {"d" + name.replace("weight", "W").replace("bias", "b"): grad for name, grad in grads.items()}
        if "bias_ih" not in params:
            found |= {"db_ih": x.new_empty(rows), "db_hh": x.new_empty(rows)}
        dx = empty(x, N, D) if with_dx else None
        Call(name, products, arrays | found | {"dx": dx})(sizes, 0)
        return dx, grads
    dus = empty(x, N, rows)
    dvs = empty(x, N, rows) if "v_ns" in arrays else dus
    step = Call(name, products, arrays | {"u": dus, "dv": dvs})
    if products:
        step(sizes, 0)
    else:
        start = N
        for b in reversed(sizes):
            start -= b
            step([b], start)
            dh[:b].addmm_(dvs[start : start + b], W_hh)
    if h_prevs.size(0) < N:  # of an RNN, which keeps its h once
        before = zip(gates.split(sizes), sizes[1:], strict=False)
        h_prevs = torch.cat([h_prevs, *(h[:b] for h, b in before)])
    grads = {"weight_ih": dus.T @ x, "weight_hh": dvs.T @ h_prevs}
    if "bias_ih" in params:
        grads |= {"bias_ih": dus.sum(0), "bias_hh": dvs.sum(0)}
    return dus @ W_ih if with_dx else None, grads


def in_c(W_ih, W_hh, sizes, trains):
    """How many of the two products are faster in C than in the BLAS: 2, 1 (that of the state) or 0.

    A weight has to fit into the cache. For a single step it is not packed, and is read again for each sequence.
    """
    once = len(sizes) == 1
    largest = SMALL if once and trains else CACHE
    if W_hh.nbytes > largest or (once and sizes[0] > FEW):
        return 0
    return 2 if W_ih.nbytes <= largest else 1


class Call:
    """A function of ``steps.c``, and the arrays that it reads and writes, which stay where they are."""

    def __init__(self, name, in_c, arrays):
        x, h = arrays["x"], arrays["h"]
        self.function, self.arrays = getattr(LIBRARIES[x.dtype], name), arrays
        self.table = (ctypes.c_void_p * len(PLACES))()
        for name, tensor in arrays.items():
            if tensor is not None:
                assert tensor.is_contiguous(), "steps.c reads rows that are contiguous in memory"
                self.table[PLACES[name]] = tensor.data_ptr()
        self.D, self.H, self.in_c = x.size(1), h.size(1), in_c

    def __call__(self, sizes, start):
        threads = torch.get_num_threads() if self.in_c and sum(sizes) * self.H > WORTH_A_THREAD else 1
        sequence = array("l", (len(sizes), self.D, self.H, start, self.in_c, threads, *sizes))
        self.function(self.table, ctypes.c_void_p(sequence.buffer_info()[0]))


def empty(like, *shape):
    """A tensor of this shape, with the dtype of ``like``, not yet filled; in large pages if it is large."""
    tensor = like.new_empty(*shape)
    if tensor.nbytes >= 1 << 22:
        LIBRARIES[like.dtype].large_pages(ctypes.c_void_p(tensor.data_ptr()), ctypes.c_long(tensor.nbytes))
    return tensor


def own(state):
    """A contiguous copy of a state that may be overwritten."""
    return state.clone(memory_format=torch.contiguous_format)
