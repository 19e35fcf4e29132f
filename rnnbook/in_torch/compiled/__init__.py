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

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.compiled.memory import lend

SOURCE = Path(__file__).with_name("steps.c")
DTYPES = {torch.float32: "float32", torch.float64: "float64"}
ARRAYS = "W_hh W_ih x b_ih b_hh h c gates h_prevs c_prevs v_ns hs dx dW_ih dW_hh db_ih db_hh product u dv"
PLACES = {name: k for k, name in enumerate(ARRAYS.split())}  # in the table that steps.c reads
GRADIENTS = {"weight_ih": "dW_ih", "weight_hh": "dW_hh", "bias_ih": "db_ih", "bias_hh": "db_hh"}
CACHE = 1 << 20  # bytes of a weight that stays in the cache from step to step
SMALL = 1 << 16  # the same, if a single step is trained on
FEW = 4  # sequences, for which a single step is multiplied in C
WORTH_A_THREAD = 1 << 16  # numbers in the states of all steps


def can_run(x, *, peephole=False, reset_after=True, **options):
    """Whether the compiled steps are there, and can read x (N, D) in this variant."""
    return x.device.type == "cpu" and x.dtype in LIBRARIES and reset_after and not peephole


def check(x, *, peephole=False, reset_after=True, **options):
    """Raise ValueError, naming the limit, if the compiled steps cannot read x (N, D); RuntimeError without them."""
    if x.device.type != "cpu":
        raise ValueError(f"implementation='compiled' runs on the CPU, but the input is on {x.device}")
    if x.dtype not in DTYPES:
        raise ValueError(f"implementation='compiled' reads float32 and float64, but the input is {x.dtype}")
    for name, value in (("peephole", peephole), ("reset_after=False", not reset_after)):
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


def forward_through(name, params, sizes, x, **arrays):
    """Run all steps of ``name``, such as ``lstm_forward``, on these arrays, which include the trace's if it is kept.

    The weights are packed once. The product of all inputs is the BLAS's if ``weight_ih`` is large.
    """
    W_ih, W_hh, x = params["weight_ih"].contiguous(), params["weight_hh"].contiguous(), x.contiguous()
    b_ih, b_hh = biases(params)
    check_shapes(name, params, x.size(1), arrays["h"].size(1))
    products = in_c(W_ih, W_hh, sizes, trains="gates" in arrays)
    arrays |= {"W_hh": W_hh, "W_ih": W_ih, "x": x, "b_ih": b_ih.contiguous(), "b_hh": b_hh.contiguous()}
    if products < 2:
        u = arrays["gates"] if "gates" in arrays else lend(x, x.size(0), W_ih.size(0))  # may be overwritten
        arrays["u"] = torch.addmm(b_ih if name == "gru_forward" else b_ih + b_hh, x, W_ih.T, out=u)
    if products == 0:
        arrays["product"] = torch.mm(arrays["h"], W_hh.T)
    call(name, products, sizes, arrays)


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
        arrays |= {GRADIENTS[name]: grad for name, grad in grads.items()}
        if "bias_ih" not in params:
            arrays |= {"db_ih": x.new_empty(rows), "db_hh": x.new_empty(rows)}
        dx = arrays["dx"] = empty(x, N, D) if with_dx else None
        call(name, products, sizes, arrays)
        return dx, grads
    dus = lend(x, N, rows)
    dvs = lend(x, N, rows) if "v_ns" in arrays else dus
    call(name, products, sizes, arrays | {"u": dus, "dv": dvs})
    if products == 0:
        dh.addmm_(dvs, W_hh)
    if h_prevs.size(0) < N:  # of an RNN, which keeps its h once
        before = zip(gates.split(sizes), sizes[1:], strict=False)
        h_prevs = torch.cat([h_prevs, *(h[:b] for h, b in before)])
    grads = {"weight_ih": dus.T @ x, "weight_hh": dvs.T @ h_prevs}
    if "bias_ih" in params:
        ones = x.new_ones(N)  # faster than ``sum``, which reads long rows several times
        grads["bias_ih"] = dus.T @ ones
        grads["bias_hh"] = dvs.T @ ones if dvs is not dus else grads["bias_ih"].clone()
    return dus @ W_ih if with_dx else None, grads


def check_shapes(name, params, D, H):
    """Raise RuntimeError if a parameter of ``name``, such as ``lstm_forward``, has a shape that C does not expect."""
    rows = {"rnn": 1, "gru": 3, "lstm": 4}[name.split("_")[0]] * H
    for weight, shape in (
        ("weight_ih", (rows, D)),
        ("weight_hh", (rows, H)),
        ("bias_ih", (rows,)),
        ("bias_hh", (rows,)),
    ):
        if weight in params and params[weight].shape != shape:
            raise RuntimeError(f"{weight} should have shape {shape}, but has shape {tuple(params[weight].shape)}")


def in_c(W_ih, W_hh, sizes, trains):
    """How many of the two products are made in C, not by the BLAS: 2, 1 (that of the state at each step) or 0.

    A single step does not pack its weights, and reads them again for each sequence; it is the only one with 0.
    """
    if len(sizes) > 1:
        return 2 if W_hh.nbytes <= CACHE and W_ih.nbytes <= CACHE // 2 else 1
    largest = SMALL if trains else CACHE
    if W_hh.nbytes > largest or sizes[0] > FEW:
        return 0
    return 2 if W_ih.nbytes <= largest else 1


def call(name, in_c, sizes, arrays):
    """Call the function ``name`` of ``steps.c`` with these arrays, by their names in ``ARRAYS``, None for none."""
    x, W_hh, H, addresses = arrays["x"], arrays["W_hh"], arrays["h"].size(1), [0] * len(PLACES)
    for array_name, tensor in arrays.items():
        if tensor is not None:
            assert tensor.is_contiguous(), "steps.c reads rows that are contiguous in memory"
            addresses[PLACES[array_name]] = tensor.data_ptr()
    threads = torch.get_num_threads() if in_c and x.size(0) * H > WORTH_A_THREAD else 1
    numbers = array("l", [len(sizes), x.size(1), H, in_c, threads, W_hh.nbytes > CACHE])
    equal = sizes[-1] == sizes[0]  # since they never grow; then there is no need to read them all
    at, sequence = array("Q", addresses), numbers + (array("l", sizes[:1]) * len(sizes) if equal else array("l", sizes))
    function = getattr(LIBRARIES[x.dtype], name)
    function(ctypes.c_void_p(at.buffer_info()[0]), ctypes.c_void_p(sequence.buffer_info()[0]))


def empty(like, *shape):
    """A tensor of this shape, with the dtype of ``like``, not yet filled; in large pages if it is large."""
    tensor = like.new_empty(*shape)
    if tensor.nbytes >= 1 << 22:
        LIBRARIES[like.dtype].large_pages(ctypes.c_void_p(tensor.data_ptr()), ctypes.c_long(tensor.nbytes))
    return tensor


def own(state):
    """A contiguous copy of a state that may be overwritten."""
    return state.clone(memory_format=torch.contiguous_format)
