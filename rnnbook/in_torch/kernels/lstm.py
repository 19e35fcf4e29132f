"""The LSTM as Triton kernels, with the signatures of ``handwritten.lstm``.

Fused: the recurrent product, the gates, carry and h of every step, in one launch for all T steps; backward the
same, with the gradients of the pre-activations written out. The products for all steps at once, W_ih x before
and the weights' gradients after, are PyTorch's. On chip: W_hh, h, c and their gradients for H ≤ 64 (128 in half
precision); above, the units are spread. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and
float16; the arithmetic between two products, and the carry, are float32. No peepholes, no projection. Needs a GPU
with compute capability 8.0 or above.
On an NVIDIA H200, training 64 sequences of 512 steps, H = 64, 128, 256, 512: time over ``torch.nn``'s (cuDNN) and the
largest error, relative to the largest value (benchmarks/results/gpu.json):
float32 2.24, 2.40, 0.38, 1.35*, 1.2e-06; float16 0.98, 1.01, not timed, not timed, 6.1e-04;
bfloat16 0.11, 0.16, 0.29*, 0.27*, 5.3e-03 (* forward and backward timed on their own).
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.kernels import (
    arrive,
    block_of_step,
    check,
    columns,
    dispatch,
    gate_columns,
    parts,
    product,
    row_before,
    rows_of,
    spread_product,
    state_buffer,
    steps,
    tanh,
    wait,
    weights_kept,
    whole,
)


@triton.jit
def _forward(
    gates, W, hs, cs, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the gates over u (N, 4H), and h and c after every step behind the initial ones, (B + N, H) each."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.arange(0, SIDE)
    column, of = columns(H, SIDE)
    w = W + unit[None, :] * H + unit[:, None]
    square = (unit[None, :] < H) & (unit[:, None] < H)
    w_i = tl.load(w, mask=square, other=0)
    w_f = tl.load(w + H * H, mask=square, other=0)
    w_g = tl.load(w + 2 * H * H, mask=square, other=0)
    w_o = tl.load(w + 3 * H * H, mask=square, other=0)
    state = row[:, None] * H + unit[None, :]
    there = (row[:, None] < B) & (unit[None, :] < H)
    h = tl.load(hs + state, mask=there, other=0)
    c = tl.load(cs + state, mask=there, other=0)
    for t in tl.range(0, T, num_stages=STAGES):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        here = row[:, None] < size
        u_at = gates + (start + row)[:, None] * (4 * H) + column[None, :]
        u = tl.load(u_at, mask=here & (of[None, :] < H), other=0).to(tl.float32)
        u_i, u_f, u_g, u_o = parts(u, ROWS, SIDE)
        i = tl.sigmoid(product(h, w_i, u_i, PRECISION))
        f = tl.sigmoid(product(h, w_f, u_f, PRECISION))
        g = tanh(product(h, w_g, u_g, PRECISION))
        o = tl.sigmoid(product(h, w_o, u_o, PRECISION))
        c = f * c + i * g
        h = (o * tanh(c)).to(h.dtype)
        after = (start + B) * H + state
        tl.store(cs + after, c, mask=here & (unit[None, :] < H))
        tl.store(hs + after, h, mask=here & (unit[None, :] < H))
        tl.store(u_at, whole(i, f, g, o, ROWS, SIDE), mask=here & (of[None, :] < H))


@triton.jit
def _forward_spread(
    gates, W, hs, cs, starts, sizes, befores, arrived, begin, end, first, part, T, B, H,
    PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
    PARTS: tl.constexpr, TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same for the steps from ``begin`` to ``end``, with the units spread over programs."""
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    column, there = gate_columns(4, H, UNITS)
    w = weights_kept(W, column, there, part, H, PARTS, TILE) if KEPT else None
    c = block_of_step(cs, row, unit, unit < H, begin, H, starts, sizes, befores, T, B, PACKED)
    u = block_of_step(gates, row, column, there, begin, 4 * H, starts, sizes, None, T, B, PACKED)
    for t in range(begin, end):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        read = hs + row_before(befores, t, B, PACKED) * H
        a = u + spread_product(
            read, H, row, size, W, w, column, there, part, H,
            KEPT, ROWS, 4 * UNITS, PARTS, TILE, STAGES, PRECISION,
        )  # fmt: skip
        a_i, a_f, a_g, a_o = parts(a, ROWS, UNITS)
        i = tl.sigmoid(a_i)
        f = tl.sigmoid(a_f)
        g = tanh(a_g)
        o = tl.sigmoid(a_o)
        c = f * c + i * g
        after, here = (start + B) * H + row[:, None] * H + unit[None, :], row[:, None] < size
        tl.store(hs + after, o * tanh(c), mask=here & (unit[None, :] < H))
        if TOGETHER:
            arrive(arrived)
        tl.store(cs + after, c, mask=here & (unit[None, :] < H))
        gate_at = gates + (start + row)[:, None] * (4 * H) + column[None, :]
        tl.store(gate_at, whole(i, f, g, o, ROWS, UNITS), mask=here & there[None, :])
        u = block_of_step(gates, row, column, there, t + 1, 4 * H, starts, sizes, None, T, B, PACKED)
        if TOGETHER:
            wait(arrived, (t + 1) * tl.num_programs(0))


@triton.jit
def _backward(
    gates, W_T, cs, dhs, das, dh_next, dc_next, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write da (N, 4H); dh_next and dc_next (B, H) hold what comes back from the last step, then from the first.

    ``zero`` is not known to be 0: the compiler would add four products to a known 0 one after another.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.arange(0, SIDE)
    column, of = columns(H, SIDE)
    w = W_T + unit[None, :] * (4 * H) + unit[:, None]
    square = (unit[None, :] < H) & (unit[:, None] < H)
    w_i = tl.load(w, mask=square, other=0)
    w_f = tl.load(w + H, mask=square, other=0)
    w_g = tl.load(w + 2 * H, mask=square, other=0)
    w_o = tl.load(w + 3 * H, mask=square, other=0)
    state = row[:, None] * H + unit[None, :]
    there = (row[:, None] < B) & (unit[None, :] < H)
    dh = tl.load(dh_next + state, mask=there, other=0)
    dc = tl.load(dc_next + state, mask=there, other=0)
    zero = tl.zeros((ROWS, SIDE), dtype=tl.float32) + tl.where(T < 0, 1.0, 0.0)
    for back in tl.range(0, T, num_stages=STAGES):
        start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
        before = row_before(befores, T - 1 - back, B, PACKED)
        here = row[:, None] < size
        inside = here & (unit[None, :] < H)
        gate_at = (start + row)[:, None] * (4 * H) + column[None, :]
        gate = tl.load(gates + gate_at, mask=here & (of[None, :] < H), other=0).to(tl.float32)
        i, f, g, o = parts(gate, ROWS, SIDE)
        c_prev = tl.load(cs + before * H + state, mask=inside, other=0)
        tanh_c = tanh(f * c_prev + i * g)
        dh_here = dh + tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
        dc_here = dc + dh_here * o * (1 - tanh_c * tanh_c)
        da_i = (dc_here * g * i * (1 - i)).to(w_i.dtype)
        da_f = (dc_here * c_prev * f * (1 - f)).to(w_i.dtype)
        da_g = (dc_here * i * (1 - g * g)).to(w_i.dtype)
        da_o = (dh_here * tanh_c * o * (1 - o)).to(w_i.dtype)
        both = product(da_i, w_i, zero, PRECISION) + product(da_f, w_f, zero, PRECISION)
        both += product(da_g, w_g, zero, PRECISION) + product(da_o, w_o, zero, PRECISION)
        dh = tl.where(here, both, dh)  # a sequence that ends earlier keeps its own until then
        dc = tl.where(here, dc_here * f, dc)
        tl.store(das + gate_at, whole(da_i, da_f, da_g, da_o, ROWS, SIDE), mask=here & (of[None, :] < H))
    tl.store(dh_next + state, dh, mask=there)
    tl.store(dc_next + state, dc, mask=there)


@triton.jit
def _backward_spread(
    gates, W_T, cs, dhs, das, dh_next, dc_next, starts, sizes, befores, arrived, begin, end, first, part, T, B, H,
    PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
    PARTS: tl.constexpr, TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with the units spread: stage k carries dh back from step T - k, then computes da of the one before."""
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    column, there = gate_columns(4, H, UNITS)
    state = row[:, None] * H + unit[None, :]
    dh = tl.load(dh_next + state, mask=(row[:, None] < B) & (unit[None, :] < H), other=0)
    dc = tl.load(dc_next + state, mask=(row[:, None] < B) & (unit[None, :] < H), other=0)
    w = weights_kept(W_T, unit, unit < H, part, 4 * H, PARTS, TILE) if KEPT else None
    gate = block_of_step(gates, row, column, there, T - 1 - begin, 4 * H, starts, sizes, None, T, B, PACKED)
    c_prev = block_of_step(cs, row, unit, unit < H, T - 1 - begin, H, starts, sizes, befores, T, B, PACKED)
    for back in range(begin, end):
        if back > 0:
            start, size = rows_of(starts, sizes, T - back, B, PACKED)
            before = spread_product(
                das + start * 4 * H, 4 * H, row, size, W_T, w, unit, unit < H, part, 4 * H,
                KEPT, ROWS, UNITS, PARTS, TILE, STAGES, PRECISION,
            )  # fmt: skip
            dh = tl.where(row[:, None] < size, before, dh)  # a sequence that ends earlier keeps its own until then
        if back < T:
            start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
            here = row[:, None] < size
            i, f, g, o = parts(gate, ROWS, UNITS)
            tanh_c = tanh(f * c_prev + i * g)
            dh_given = tl.load(dhs + start * H + state, mask=here & (unit[None, :] < H), other=0)
            dh_here = dh + dh_given.to(tl.float32)
            dc_here = dc + dh_here * o * (1 - tanh_c * tanh_c)
            da_i = dc_here * g * i * (1 - i)
            da_f = dc_here * c_prev * f * (1 - f)
            da_g = dc_here * i * (1 - g * g)
            da_o = dh_here * tanh_c * o * (1 - o)
            da_at = das + (start + row)[:, None] * (4 * H) + column[None, :]
            tl.store(da_at, whole(da_i, da_f, da_g, da_o, ROWS, UNITS), mask=here & there[None, :])
            if TOGETHER:
                arrive(arrived)
            dc = tl.where(here, dc_here * f, dc)
            next = T - 2 - back
            gate = block_of_step(gates, row, column, there, next, 4 * H, starts, sizes, None, T, B, PACKED)
            c_prev = block_of_step(cs, row, unit, unit < H, next, H, starts, sizes, befores, T, B, PACKED)
            if TOGETHER:
                wait(arrived, (back + 1) * tl.num_programs(0))
    tl.store(dh_next + state, dh, mask=(row[:, None] < B) & (unit[None, :] < H))
    tl.store(dc_next + state, dc, mask=(row[:, None] < B) & (unit[None, :] < H))


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    h, c = state
    B, H = h.shape
    check(x, H, peephole=peephole)
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    gates = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)  # first u, then written over with i, f, g, o
    hs, cs = state_buffer(h, len(x), x.dtype), state_buffer(c, len(x), torch.float32)
    arrays = (gates, params["weight_hh"].contiguous(), hs, cs, at.starts, at.sizes, at.befores)
    dispatch((_forward, _forward_spread), 4, arrays, len(sizes), B, H, x, PACKED=at.packed)
    return hs[B:].clone(), (hs[at.last].clone(), cs[at.last].to(c.dtype)), (gates, hs, cs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, hs, cs = trace
    W_ih, W_T = params["weight_ih"], params["weight_hh"].T.contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh, dc = (d.float().contiguous().clone() for d in dstate)
    das = torch.empty_like(gates)
    arrays = (gates, W_T, cs, dhs.contiguous(), das, dh, dc, at.starts, at.sizes, at.befores)
    dispatch((_backward, _backward_spread), 4, arrays, len(sizes), B, H, x, PACKED=at.packed)
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)
        grads["bias_hh"] = grads["bias_ih"].clone()
    return das @ W_ih if with_dx else None, (dh.to(x.dtype), dc.to(x.dtype)), grads
