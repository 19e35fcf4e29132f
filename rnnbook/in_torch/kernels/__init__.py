"""The recurrences as Triton kernels: one launch reads a whole sequence, forward or backward.

``kernels.rnn``, ``kernels.gru`` and ``kernels.lstm`` have the two functions of their twins in
``rnnbook.in_torch.handwritten``, with the same signatures. Imported only where asked for, since Triton is
optional: ``implementation="triton"``. What they share stands here.

One program of a kernel reads ``ROWS`` sequences from the first step to the last; no program waits for another. Each
direction has two kernels. Where W_hh fits the chip, it is read once, and the states pass from step to step in
registers. Where it does not, it is read again at each step, in tiles, from the second-level cache, and the states pass
through memory that the program alone writes, with a barrier after each step.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl

ROWS = 16  # sequences of one program: the least that the matrix units take
LARGEST = 1024  # H
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
FLOAT32 = "tf32x3"  # how float32 is multiplied: "tf32x3", three products of the matrix units, or "ieee", without them
SMALLEST = 163 * 1024  # bytes of one program's shared memory at compute capability 8.0


class Launch(NamedTuple):
    """How a kernel runs; ``stages - 1`` steps, or tiles of W_hh, are loaded ahead of their use."""

    resident: bool  # whether W_hh stays on chip
    warps: int
    stages: int
    tile_in: int = 64  # of W_hh's tiles, where it does not
    tile_out: int = 32
    rows: int = ROWS


# What was measured to be faster than the rule of `launch`: fields of Launch for forward and backward, by the number of
# gates, the bytes of one number, and H up to the next power of two. On an NVIDIA H200, T = 512, B = 64.
MEASURED: dict[tuple[int, int, int], tuple[dict, dict]] = {
    (1, 4, 64): ({"warps": 8, "rows": 8}, {"rows": 8}),  # RNN
    (3, 4, 64): ({"rows": 8}, {"rows": 8}),  # GRU
    (4, 4, 64): ({"rows": 8}, {"rows": 8}),  # LSTM
    (1, 2, 64): ({"rows": 8}, {"rows": 8}),  # RNN
    (3, 2, 64): ({"warps": 8, "rows": 8}, {"warps": 8, "rows": 8}),  # GRU
    (4, 2, 64): ({"warps": 8, "rows": 8}, {"rows": 8}),  # LSTM
    (1, 4, 128): ({"rows": 8}, {"warps": 4, "rows": 8}),  # RNN
    (3, 4, 128): ({"tile_out": 64, "rows": 8}, {"tile_out": 64, "rows": 8}),  # GRU
    (4, 4, 128): ({"stages": 2, "tile_in": 128, "tile_out": 64}, {"tile_out": 64, "rows": 8}),  # LSTM
    (1, 2, 128): ({"rows": 8}, {"warps": 8, "rows": 8}),  # RNN
    (3, 2, 128): ({"warps": 4, "rows": 8}, {"rows": 8}),  # GRU
    (4, 2, 128): ({"rows": 8}, {"rows": 8}),  # LSTM
    (1, 4, 256): ({"tile_out": 128}, {"tile_in": 64, "tile_out": 128}),  # RNN
    (3, 4, 256): ({"tile_out": 64, "rows": 8}, {"tile_out": 64, "rows": 8}),  # GRU
    (4, 4, 256): ({"stages": 2, "tile_in": 128, "tile_out": 64}, {"tile_out": 64, "rows": 8}),  # LSTM
    (1, 2, 256): ({"rows": 8}, {"rows": 8}),  # RNN
    (3, 2, 256): ({"tile_in": 128, "rows": 8}, {"tile_in": 128, "rows": 8}),  # GRU
    (4, 2, 256): ({"rows": 8}, {"tile_in": 128, "rows": 8}),  # LSTM
    (1, 4, 512): ({"tile_out": 128}, {"tile_out": 128}),  # RNN
    (3, 4, 512): ({"tile_out": 64, "rows": 8}, {"stages": 2, "tile_in": 128, "tile_out": 64}),  # GRU
    (4, 4, 512): ({"stages": 2, "tile_in": 128, "tile_out": 64}, {"tile_out": 64, "rows": 8}),  # LSTM
    (3, 2, 512): ({"tile_in": 128, "rows": 8}, {"tile_in": 128, "rows": 8}),  # GRU
    (4, 2, 512): ({"stages": 2, "tile_in": 128}, {"tile_in": 128, "rows": 8}),  # LSTM
}


def launch(gates, H, dtype, way, room=SMALLEST):
    """How the kernel of this way (0 forward, 1 backward) runs in ``room`` bytes of shared memory."""
    side, width = max(16, triton.next_power_of_2(H)), dtype.itemsize
    tiles = (128, 256 // width) if gates == 1 else (64, 128 // width)  # 32 KiB of W_hh in each stage
    found = Launch(False, 8, 3, *tiles)
    for stages in (1, 2, 3):
        if on_chip(gates, side, dtype, way, stages) <= room:
            found = Launch(True, 4 if gates * side * side * width <= 32 * 1024 else 8, stages)
    return found._replace(**MEASURED.get((gates, width, side), ({}, {}))[way])


def on_chip(gates, side, dtype, way, stages):
    """Bytes of shared memory of a kernel that keeps W_hh there: W_hh, the steps loaded ahead, and room to exchange."""
    width, one = dtype.itemsize, ROWS * side
    copies = 2 if precision(dtype) == "tf32x3" else 1  # the high and the low part of each number
    forward = {1: 1, 3: 4, 4: 4}[gates] * width
    backward = {1: 2 * width, 3: 6 * width, 4: 5 * width + 4}[gates]  # c is float32
    return copies * gates * side * side * width + stages * one * (backward if way else forward)


def precision(dtype):
    """How the products are computed."""
    if triton.knobs.runtime.interpret and dtype == torch.bfloat16:
        return "wide"  # the interpreter's product takes bfloat16 for whole numbers
    if dtype != torch.float32:
        return "ieee"
    return "tf32" if torch.backends.cuda.matmul.allow_tf32 else FLOAT32


def settings(gates, H, B, dtype, way, device):
    """Whether W_hh stays on chip, the grid, and the compile-time arguments of a kernel's launch."""
    room = SMALLEST
    if device.type == "cuda":
        room = getattr(torch.cuda.get_device_properties(device), "shared_memory_per_block_optin", room)
    how = launch(gates, H, dtype, way, room)
    tiles = {"SIDE": max(16, triton.next_power_of_2(H))}
    if not how.resident:
        tiles = {"TILE_IN": min(how.tile_in, tiles["SIDE"]), "TILE_OUT": min(how.tile_out, tiles["SIDE"])}
    return how.resident, (triton.cdiv(B, how.rows),), {
        "ROWS": how.rows,
        "STAGES": how.stages,
        "PRECISION": precision(dtype),
        "enable_fp_fusion": True,
        "num_warps": how.warps,
        "num_stages": how.stages,
    } | tiles  # fmt: skip


class Steps(NamedTuple):
    """Where the rows of each step lie, in arrays with one row for each step of each sequence.

    A buffer of states (B + N, H) holds the initial states first, then those after every step. Where no sequence ends
    before the others, a kernel computes the first three, and they are None.
    """

    starts: torch.Tensor | None  # (T,), the first row of step t
    sizes: torch.Tensor | None  # (T,), the sequences that are still there
    befores: torch.Tensor | None  # (T,), the first row, in a buffer of states, of the states before step t
    previous: slice | torch.Tensor  # rows in a buffer of states: the N states before each step
    last: slice | torch.Tensor  # the B states in which the sequences ended

    @property
    def packed(self):
        return self.starts is not None


def steps(sizes, device):
    """Lay out the rows for the numbers of sequences that are there at each step."""
    T, B, N = len(sizes), sizes[0], sum(sizes)
    if sizes[-1] == B:
        return Steps(None, None, None, slice(0, N), slice(N, N + B))
    size = torch.tensor(sizes)
    start = size.cumsum(0) - size
    before = torch.cat([torch.zeros(1, dtype=torch.int64), start[:-1] + B])
    step = torch.arange(T).repeat_interleave(size)
    row = torch.arange(N) - start[step]
    length = (size[:, None] > torch.arange(B)).sum(0)
    previous, last = before[step] + row, B + start[length - 1] + torch.arange(B)
    return Steps(*(t.to(device, torch.int64) for t in (start, size, before, previous, last)))


def state_buffer(first, N, dtype):
    """A buffer of states (B + N, H) that begins with the initial ones (B, H)."""
    buffer = first.new_empty(len(first) + N, first.shape[1], dtype=dtype)
    buffer[: len(first)] = first
    return buffer


def check(x, H, **variant):
    """Raise ValueError, naming the limit, where a kernel cannot read x (N, D) into a state of size H."""
    if x.dtype not in DTYPES:
        raise ValueError(f"implementation='triton' reads float32, bfloat16 and float16, but the input is {x.dtype}")
    if H > LARGEST:
        raise ValueError(f"implementation='triton' reads up to hidden_size = {LARGEST}, but it is {H}")
    for name, value in variant.items():
        if value:
            raise ValueError(f"implementation='triton' has no {name}; ask for 'handwritten' or 'reference'")
    if x.device.type != "cuda" and not triton.knobs.runtime.interpret:
        raise ValueError(f"implementation='triton' needs a CUDA device, but the input is on {x.device}")


def can_run(x, H, *, peephole=False, reset_after=True, **options):
    """Whether the kernels read x (N, D) into a state of size H in this variant."""
    return x.device.type == "cuda" and x.dtype in DTYPES and H <= LARGEST and reset_after and not peephole


def is_faster(weight_hh, dtype):
    """Whether a kernel beats a loop of launches, which reads W_hh (G·H, H) with all of the GPU at every step.

    Measured on an NVIDIA H200 with 64 sequences (benchmarks/results/gpu_handwritten.json): at 3 MiB by a quarter and
    more, at 4 MiB no longer.
    """
    return weight_hh.numel() * dtype.itemsize <= 3 * 2**20


@triton.jit
def rows_of(starts, sizes, t, B, PACKED: tl.constexpr):
    """The first row of step t, and the sequences that are there."""
    if PACKED:
        return tl.load(starts + t), tl.load(sizes + t)
    return tl.cast(t, tl.int64) * B, tl.cast(B, tl.int64)


@triton.jit
def row_before(befores, t, B, PACKED: tl.constexpr):
    """The first row, in a buffer of states, of the states before step t."""
    if PACKED:
        return tl.load(befores + t)
    return tl.cast(t, tl.int64) * B


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


@triton.jit
def columns(H, SIDE: tl.constexpr):
    """Of a block for four gates: where each column stands in an array of 4H columns, and its unit."""
    column = tl.arange(0, 4 * SIDE)
    return column // SIDE * H + column % SIDE, column % SIDE


@triton.jit
def parts(block, ROWS: tl.constexpr, SIDE: tl.constexpr):
    """The blocks (ROWS, SIDE) of the four gates in one of (ROWS, 4 SIDE)."""
    pairs = tl.permute(tl.reshape(block, (ROWS, 2, 2, SIDE)), (0, 3, 1, 2))
    even, odd = tl.split(pairs)
    first, third = tl.split(even)
    second, fourth = tl.split(odd)
    return first, second, third, fourth


@triton.jit
def whole(first, second, third, fourth, ROWS: tl.constexpr, SIDE: tl.constexpr):
    """The block (ROWS, 4 SIDE) of four gates' blocks (ROWS, SIDE): one store for all costs fewer barriers."""
    pairs = tl.join(tl.join(first, third), tl.join(second, fourth))
    return tl.reshape(tl.permute(pairs, (0, 2, 3, 1)), (ROWS, 4 * SIDE))
