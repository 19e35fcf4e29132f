"""The recurrences as Triton kernels: one launch reads a whole sequence, forward or backward.

``kernels.rnn``, ``kernels.gru`` and ``kernels.lstm`` have the two functions of their twins in
``rnnbook.in_torch.handwritten``, with the same signatures. They are imported only when they are used, since Triton is
optional. This module holds what they share.

Each direction has two kernels. Where W_hh fits one multiprocessor, one program reads a few sequences from the first
step to the last; W_hh is read once, and the states pass from step to step in registers. Where it does not fit, the
units are spread over several programs, each of which computes some of them for the same sequences. Between two steps
they exchange the states (backward the gradients) through memory, and wait for each other at a counter. Their part of
W_hh stays on chip or is read again at each step, in tiles, from the second-level cache.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
import triton
import triton.language as tl

ROWS = 16  # sequences of one program: the least that the matrix units take
LARGEST = 1024  # H
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
FLOAT32 = "tf32x3"  # how float32 is multiplied: "tf32x3", three products of the matrix units, or "ieee", without them
SMALLEST = 163 * 1024  # bytes of one program's shared memory at compute capability 8.0
MEASURED = Path(__file__).with_name("measured.json")


class Launch(NamedTuple):
    """How a kernel runs."""

    spread: bool  # the units over several programs, which wait for each other after each step
    warps: int
    stages: int  # stages - 1 steps, or tiles of W_hh, are loaded ahead of their use
    rows: int = ROWS  # sequences of one program
    units: int = 16  # of one program, where they are spread
    parts: int = 1  # of the sums over the units, where they are spread
    tile: int = 64  # of each part, read at once
    kept: bool = False  # whether the program's part of W_hh stays on chip, where the units are spread


class Chip(NamedTuple):
    """What of a GPU decides how a kernel runs."""

    processors: int  # multiprocessors; each runs one program
    room: int  # bytes of shared memory that one program may have


MEASURED_ON = Chip(132, 227 * 1024)  # an NVIDIA H200


def chip(device):
    """Ask the GPU; without one, stand for a small one."""
    if device.type != "cuda":
        return Chip(4, SMALLEST)
    about = torch.cuda.get_device_properties(device)
    return Chip(about.multi_processor_count, getattr(about, "shared_memory_per_block_optin", SMALLEST))


def launch(gates, H, B, dtype, way, chip):
    """How the kernel of this way (0 forward, 1 backward) reads B sequences: as measured, or by a rule."""
    tried = measured().get((gates, dtype.itemsize, max(16, triton.next_power_of_2(H)), way))
    if tried and chip.processors >= MEASURED_ON.processors and chip.room >= MEASURED_ON.room:
        return tried[min(tried, key=lambda sequences: abs(math.log(B / sequences)))]
    return rule(gates, H, B, dtype, way, chip)


@cache
def measured():
    """The fastest launches, by gates, bytes of a number, H and way, then by B (``benchmarks/launches.py``)."""
    found: dict[tuple[int, int, int, int], dict[int, Launch]] = {}
    for row in json.loads(MEASURED.read_text())["launches"] if MEASURED.exists() else []:
        key = tuple(row[name] for name in ("gates", "bytes", "H", "way"))
        found.setdefault(key, {})[row["B"]] = Launch(*row["launch"])
    return found


def rule(gates, H, B, dtype, way, chip):
    """How a kernel runs where nothing was measured: with all of W_hh in one program if it fits, else spread.

    Of what was measured: the more programs at once, the better; four warps, each with one or two tiles of 8 columns.
    """
    side = max(16, triton.next_power_of_2(H))
    for stages in (3, 2, 1):
        if on_chip(gates, side, dtype, way, stages) <= chip.room:
            return Launch(False, 8, stages, rows=8)
    rows, units = next((size for size in SPREADS if spread_over(H, B, *size) <= chip.processors), SPREADS[-1])
    columns = units if way or gates == 1 else 4 * units
    return Launch(True, 4, 3, rows, units, parts=max(1, 32 // columns))


# sequences and units of one program
SPREADS = ((16, 8), (32, 8), (16, 16), (32, 16), (16, 32), (32, 32), (64, 32))


def spread_over(H, B, rows, units):
    """How many programs that is."""
    return triton.cdiv(B, rows) * triton.cdiv(H, units)


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


def dispatch(kernels, gates, arrays, T, B, H, x, **meta):
    """Launch one of a pair of kernels: the one whose programs hold all of W_hh, or the one that spreads the units.

    All programs that wait for each other must run at the same time: so many sequences at once as the multiprocessors
    allow, in a *cooperative* launch, which fails where a plain one would wait for ever. In the interpreter one program
    runs after the other: there each part of the work, between two waits, is a launch of its own.
    """
    way, gpu = int("backward" in kernels[0].__name__), chip(x.device)
    how = launch(gates, H, B, x.dtype, way, gpu)
    side, blocks = max(16, triton.next_power_of_2(H)), triton.cdiv(B, how.rows)
    meta |= {"ROWS": how.rows, "STAGES": how.stages, "PRECISION": precision(x.dtype), "enable_fp_fusion": True}
    meta |= {"num_warps": how.warps, "num_stages": how.stages}
    if not how.spread:
        kernels[0][(blocks,)](*arrays, T, B, H, SIDE=side, **meta)
        return
    together = not triton.knobs.runtime.interpret
    units = max(how.units, triton.next_power_of_2(triton.cdiv(H, gpu.processors)))
    part = triton.cdiv(gates * H if way else H, how.parts)
    tile = max(16, triton.next_power_of_2(part)) if how.kept else how.tile
    meta |= {"UNITS": units, "PARTS": how.parts, "TILE": tile, "KEPT": how.kept, "TOGETHER": together}
    programs, spans = triton.cdiv(H, units), T + way
    at_once = max(1, gpu.processors // programs)
    for block in range(0, blocks, at_once):
        grid = programs, min(at_once, blocks - block)
        arrived = torch.zeros(32 * grid[1], dtype=torch.int32, device=x.device)  # a cache line for each
        for begin, end in [(0, spans)] if together else [(span, span + 1) for span in range(spans)]:
            numbers = arrived, begin, end, block * how.rows, part, T, B, H
            kernels[1][grid](*arrays, *numbers, launch_cooperative_grid=together, **meta)


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
        raise ValueError(f"implementation='triton' works up to hidden_size = {LARGEST}, but it is {H}")
    for name, value in variant.items():
        if value:
            raise ValueError(f"implementation='triton' has no {name}; ask for 'handwritten' or 'reference'")
    if x.device.type != "cuda" and not triton.knobs.runtime.interpret:
        raise ValueError(f"implementation='triton' needs a CUDA device, but the input is on {x.device}")


def can_run(x, H, *, peephole=False, reset_after=True, **options):
    """Whether the kernels read x (N, D) into a state of size H in this variant."""
    return x.device.type == "cuda" and x.dtype in DTYPES and H <= LARGEST and reset_after and not peephole


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
def arrive(arrived):
    """Say that this program has stored what the others of its sequences wait for."""
    tl.debug_barrier()  # all of its threads have stored
    tl.atomic_add(arrived + 32 * tl.program_id(1), 1, sem="release", scope="gpu")


@triton.jit
def wait(arrived, wanted):
    """Wait until so many have arrived: what they stored can be read then."""
    while count_of(arrived + 32 * tl.program_id(1)) < wanted:
        pass
    tl.debug_barrier()


READ: tl.constexpr = tl.constexpr("""{
    .reg .pred first;
    .reg .u32 thread;
    mov.u32 thread, %tid.x;
    setp.eq.u32 first, thread, 0;
    mov.s32 $0, 0x7fffffff;
    @first ld.acquire.gpu.global.s32 $0, [$1];
}""")


@triton.jit
def count_of(counter):
    """The count, for the program's first thread; the others, which would only be in its way, get a large number."""
    return tl.inline_asm_elementwise(READ, "=r,l", [counter], tl.int32, is_pure=False, pack=1)


@triton.jit
def gate_columns(gates, H, UNITS: tl.constexpr):
    """Of the program's units in a block for four gates: the columns in an array of gates · H, and which are there."""
    column = tl.arange(0, 4 * UNITS)
    unit = tl.program_id(0) * UNITS + column % UNITS
    return column // UNITS * H + unit, (unit < H) & (column < gates * UNITS)


@triton.jit
def block_of_step(
    rows, row, column, there, t, stride, starts, sizes, befores, T, B, PACKED: tl.constexpr
):  # fmt: skip
    """The block of step t, or of the states before it, in an array of ``stride`` columns; zeros outside 0 ≤ t < T."""
    t_in = tl.minimum(tl.maximum(t, 0), T - 1)
    start, size = rows_of(starts, sizes, t_in, B, PACKED)
    if PACKED and befores is not None:
        start = tl.load(befores + t_in)
    inside = (row[:, None] < tl.where(t == t_in, size, 0)) & there[None, :]
    return tl.load(rows + (start + row)[:, None] * stride + column[None, :], mask=inside, other=0).to(tl.float32)


@triton.jit
def tile_of(k, part, K, PARTS: tl.constexpr, TILE: tl.constexpr):
    """Of a sum over K numbers in ``PARTS`` parts: the numbers (PARTS, TILE) from each k-th on, and which exist."""
    within = k + tl.arange(0, TILE)
    at = tl.arange(0, PARTS)[:, None] * part + within[None, :]
    return at, (within[None, :] < part) & (at < K)


@triton.jit
def weights_tile(W, at, exists, column, there, K):
    """The block (PARTS, TILE, columns) of the transpose of W (.., K)."""
    inside = exists[:, :, None] & there[None, None, :]
    return tl.load(W + column[None, None, :] * K + at[:, :, None], mask=inside, other=0)


@triton.jit
def weights_kept(W, column, there, part, K, PARTS: tl.constexpr, TILE: tl.constexpr):
    """The same, where one tile is a whole part."""
    at, exists = tile_of(0, part, K, PARTS, TILE)
    return weights_tile(W, at, exists, column, there, K)


@triton.jit
def spread_product(
    rows, stride, row, size, W, w, column, there, part, K,
    KEPT: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, PARTS: tl.constexpr, TILE: tl.constexpr,
    STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """K columns of these rows, which other programs wrote, times the transpose of W's: (ROWS, COLUMNS).

    The sum over K has ``PARTS`` parts, one beside the other. Where W is KEPT, its block is w.
    """
    total = tl.zeros((PARTS, ROWS, COLUMNS), dtype=tl.float32)
    for k in tl.range(0, part, TILE, num_stages=STAGES):
        at, exists = tile_of(k, part, K, PARTS, TILE)
        inside = (row < size)[None, :, None] & exists[:, None, :]
        # past the first-level cache, which does not know what others wrote
        read = tl.load(rows + row[None, :, None] * stride + at[:, None, :], mask=inside, other=0, cache_modifier=".cg")
        total = product(read, w if KEPT else weights_tile(W, at, exists, column, there, K), total, PRECISION)
    return tl.sum(total, 0)


@triton.jit
def tanh(x):
    """tanh x, of a float32 block; for a small x by its series, since in the difference its digits would be lost."""
    square = x * x
    series = x * (1 - square * (1 / 3 - square * (2 / 15 - square * (17 / 315))))
    return tl.where(tl.abs(x) < 0.2, series, 2 * tl.sigmoid(2 * x) - 1)


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
