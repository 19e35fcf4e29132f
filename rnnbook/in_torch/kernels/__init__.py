"""The recurrences as Triton kernels: one launch reads a whole sequence, forward or backward.

``kernels.rnn``, ``kernels.gru`` and ``kernels.lstm`` have the two functions of their twins in
``rnnbook.in_torch.handwritten``, with the same signatures. Imported only where asked for, since Triton is
optional: ``implementation="triton"``. What they share stands here.

One program of a kernel reads ``ROWS`` sequences from the first step to the last. The states pass from step to step
through memory that the program alone writes, with a barrier after each step; no program waits for another.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl

ROWS = 16  # sequences of one program: the least that the matrix units take
RESIDENT = {torch.float32: 64, torch.bfloat16: 128, torch.float16: 128}  # up to this H, W_hh stays on chip
TILE_IN, TILE_OUT = 64, 32  # beyond it W_hh is read again at each step, in tiles, from the second-level cache
LARGEST = 1024  # H


class Steps(NamedTuple):
    """Where the rows of each step lie, in arrays with one row for each step of each sequence.

    A buffer of states (B + N, H) holds the initial states first, then those after every step.
    """

    starts: torch.Tensor  # (T,), the first row of step t
    sizes: torch.Tensor  # (T,), the sequences that are still there
    befores: torch.Tensor  # (T,), the first row, in a buffer of states, of the states before step t
    previous: slice | torch.Tensor  # rows in a buffer of states: the N states before each step
    last: slice | torch.Tensor  # the B states in which the sequences ended


def steps(sizes, device):
    """Lay out the rows for the numbers of sequences that are there at each step."""
    T, B, N = len(sizes), sizes[0], sum(sizes)
    size = torch.tensor(sizes)
    start = size.cumsum(0) - size
    before = torch.cat([torch.zeros(1, dtype=torch.int64), start[:-1] + B])
    if sizes[-1] == B:
        previous, last = slice(0, N), slice(N, N + B)
    else:
        step = torch.arange(T).repeat_interleave(size)
        row = torch.arange(N) - start[step]
        length = (size[:, None] > torch.arange(B)).sum(0)
        previous = (before[step] + row).to(device)
        last = (B + start[length - 1] + torch.arange(B)).to(device)
    return Steps(*(t.to(device, torch.int64) for t in (start, size, before)), previous, last)


def check(x, H, **variant):
    """Raise ValueError, naming the limit, where a kernel cannot read x (N, D) into a state of size H."""
    if x.dtype not in RESIDENT:
        raise ValueError(f"implementation='triton' reads float32, bfloat16 and float16, but the input is {x.dtype}")
    if H > LARGEST:
        raise ValueError(f"implementation='triton' reads up to hidden_size = {LARGEST}, but it is {H}")
    for name, value in variant.items():
        if value:
            raise ValueError(f"implementation='triton' has no {name}; ask for 'handwritten' or 'reference'")
    if x.device.type != "cuda" and not triton.knobs.runtime.interpret:
        raise ValueError(f"implementation='triton' needs a CUDA device, but the input is on {x.device}")


def settings(H, B, dtype):
    """The grid and the compile-time arguments of a kernel's launch."""
    resident = H <= RESIDENT[dtype]
    side = max(16, triton.next_power_of_2(H))
    if triton.knobs.runtime.interpret and dtype == torch.bfloat16:
        precision = "wide"  # the interpreter's product takes bfloat16 for whole numbers
    else:
        precision = "tf32" if dtype == torch.float32 and torch.backends.cuda.matmul.allow_tf32 else "ieee"
    return (triton.cdiv(B, ROWS),), {
        "ROWS": ROWS,
        "TILE_IN": side if resident else TILE_IN,
        "TILE_OUT": side if resident else TILE_OUT,
        "RESIDENT": resident,
        "PRECISION": precision,
        "enable_fp_fusion": True,
        "num_warps": 4,
        "num_stages": 2,
    }


@triton.jit
def tanh(x):
    """tanh x, of a float32 block."""
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def product(a, b, total, PRECISION: tl.constexpr):
    """total + a b, summed up in float32."""
    if PRECISION == "wide":
        return tl.dot(a.to(tl.float32), b.to(tl.float32), total)
    return tl.dot(a, b, total, input_precision=PRECISION)
