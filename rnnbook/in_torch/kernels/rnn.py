"""The basic RNN as Triton kernels, with the signatures of ``handwritten.rnn``.

Fused: the recurrent product and φ of every step, in one launch for all T steps; backward the same, with the
gradient of the pre-activation written out. The products for all steps at once, W_ih x before and the weights'
gradients after, are PyTorch's. On chip: W_hh, h and its gradient for H ≤ 128 (256 in half precision); above, the units
are spread. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and float16; the arithmetic between two
products is float32. tanh and relu. Needs a GPU with compute capability 8.0 or above.
On an NVIDIA H200, training 64 sequences of 512 steps, H = 64, 128, 256, 512: time over ``torch.nn``'s (cuDNN) and the
largest error, relative to the largest value (benchmarks/results/gpu.json):
float32 1.38, 1.84, 1.89, 0.29, 1.8e-06; float16 1.54, 1.25, 1.22, 0.73, 7.1e-04;
bfloat16 0.08, 0.09, 0.10, 0.18, 5.8e-03.
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.kernels import (
    arrive,
    block_of_step,
    check,
    dispatch,
    product,
    row_before,
    rows_of,
    spread_product,
    state_buffer,
    steps,
    tanh,
    wait,
    weights_kept,
)


@triton.jit
def _forward(
    u, W, hs, starts, sizes, befores, T, B, H, RELU: tl.constexpr, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write h after every step behind the initial one, (B + N, H), from u (N, H)."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.arange(0, SIDE)
    square = (unit[None, :] < H) & (unit[:, None] < H)
    w = tl.load(W + unit[None, :] * H + unit[:, None], mask=square, other=0)
    state = row[:, None] * H + unit[None, :]
    h = tl.load(hs + state, mask=(row[:, None] < B) & (unit[None, :] < H), other=0)
    for t in tl.range(0, T, num_stages=STAGES):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        inside = (row[:, None] < size) & (unit[None, :] < H)
        a = tl.load(u + start * H + state, mask=inside, other=0).to(tl.float32)
        a = product(h, w, a, PRECISION)
        h = (tl.where(a < 0, 0.0, a) if RELU else tanh(a)).to(h.dtype)  # NaN stays NaN
        tl.store(hs + (start + B) * H + state, h, mask=inside)


@triton.jit
def _forward_spread(
    u, W, hs, starts, sizes, befores, arrived, begin, end, first, part, T, B, H,
    RELU: tl.constexpr, PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr,
    UNITS: tl.constexpr, PARTS: tl.constexpr, TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same for the steps from ``begin`` to ``end``, with the units spread over programs."""
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    w = weights_kept(W, unit, unit < H, part, H, PARTS, TILE) if KEPT else None
    a = block_of_step(u, row, unit, unit < H, begin, H, starts, sizes, None, T, B, PACKED)
    for t in range(begin, end):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        read = hs + row_before(befores, t, B, PACKED) * H
        a += spread_product(
            read, H, row, size, W, w, unit, unit < H, part, H,
            KEPT, ROWS, UNITS, PARTS, TILE, STAGES, PRECISION,
        )  # fmt: skip
        h = tl.where(a < 0, 0.0, a) if RELU else tanh(a)  # NaN stays NaN
        after, inside = (start + B + row)[:, None] * H + unit[None, :], (row[:, None] < size) & (unit[None, :] < H)
        tl.store(hs + after, h, mask=inside)
        if TOGETHER:
            arrive(arrived)
        a = block_of_step(u, row, unit, unit < H, t + 1, H, starts, sizes, None, T, B, PACKED)
        if TOGETHER:
            wait(arrived, (t + 1) * tl.num_programs(0))


@triton.jit
def _backward(
    W_T, hs, dhs, das, dh_next, starts, sizes, befores, T, B, H, RELU: tl.constexpr, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write da (N, H); dh_next (B, H) holds what comes back from the last step, then from the first."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.arange(0, SIDE)
    square = (unit[None, :] < H) & (unit[:, None] < H)
    w = tl.load(W_T + unit[None, :] * H + unit[:, None], mask=square, other=0)
    state = row[:, None] * H + unit[None, :]
    there = (row[:, None] < B) & (unit[None, :] < H)
    dh = tl.load(dh_next + state, mask=there, other=0)
    for back in tl.range(0, T, num_stages=STAGES):
        start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
        here = row[:, None] < size
        inside = here & (unit[None, :] < H)
        h = tl.load(hs + (start + B) * H + state, mask=inside, other=0).to(tl.float32)
        dh_here = dh + tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
        da = (tl.where(h <= 0, 0.0, dh_here) if RELU else dh_here * (1 - h * h)).to(w.dtype)
        tl.store(das + start * H + state, da, mask=inside)
        before = product(da, w, tl.zeros((ROWS, SIDE), dtype=tl.float32), PRECISION)
        dh = tl.where(here, before, dh)  # a sequence that ends earlier keeps its own until then
    tl.store(dh_next + state, dh, mask=there)


@triton.jit
def _backward_spread(
    W_T, hs, dhs, das, dh_next, starts, sizes, befores, arrived, begin, end, first, part, T, B, H,
    RELU: tl.constexpr, PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr,
    UNITS: tl.constexpr, PARTS: tl.constexpr, TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with the units spread: stage k carries dh back from step T - k, then computes da of the one before."""
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    state = row[:, None] * H + unit[None, :]
    dh = tl.load(dh_next + state, mask=(row[:, None] < B) & (unit[None, :] < H), other=0)
    w = weights_kept(W_T, unit, unit < H, part, H, PARTS, TILE) if KEPT else None
    h = block_of_step(hs + B * H, row, unit, unit < H, T - 1 - begin, H, starts, sizes, None, T, B, PACKED)
    for back in range(begin, end):
        if back > 0:
            start, size = rows_of(starts, sizes, T - back, B, PACKED)
            before = spread_product(
                das + start * H, H, row, size, W_T, w, unit, unit < H, part, H,
                KEPT, ROWS, UNITS, PARTS, TILE, STAGES, PRECISION,
            )  # fmt: skip
            dh = tl.where(row[:, None] < size, before, dh)  # a sequence that ends earlier keeps its own until then
        if back < T:
            start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
            inside = (row[:, None] < size) & (unit[None, :] < H)
            dh_here = dh + tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
            da = tl.where(h <= 0, 0.0, dh_here) if RELU else dh_here * (1 - h * h)
            tl.store(das + start * H + state, da, mask=inside)
            if TOGETHER:
                arrive(arrived)
            h = block_of_step(hs + B * H, row, unit, unit < H, T - 2 - back, H, starts, sizes, None, T, B, PACKED)
            if TOGETHER:
                wait(arrived, (back + 1) * tl.num_programs(0))
    tl.store(dh_next + state, dh, mask=(row[:, None] < B) & (unit[None, :] < H))


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    (h,) = state
    B, H = h.shape
    check(x, H)
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    u = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)
    hs = state_buffer(h, len(x), x.dtype)
    meta = {"RELU": nonlinearity == "relu", "PACKED": at.packed}
    arrays = (u, params["weight_hh"].contiguous(), hs, at.starts, at.sizes, at.befores)
    dispatch((_forward, _forward_spread), 1, arrays, len(sizes), B, H, x, **meta)
    return hs[B:].clone(), (hs[at.last].clone(),), (hs,)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    (hs,) = trace
    W_ih, W_T = params["weight_ih"], params["weight_hh"].T.contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh, dhs = dstate[0].float().contiguous().clone(), dhs.contiguous()
    das = torch.empty_like(dhs)
    meta = {"RELU": nonlinearity == "relu", "PACKED": at.packed}
    arrays = (W_T, hs, dhs, das, dh, at.starts, at.sizes, at.befores)
    dispatch((_backward, _backward_spread), 1, arrays, len(sizes), B, H, x, **meta)
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)
        grads["bias_hh"] = grads["bias_ih"].clone()
    return das @ W_ih if with_dx else None, (dh.to(x.dtype),), grads
