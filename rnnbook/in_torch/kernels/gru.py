"""The GRU as Triton kernels, with the signatures of ``handwritten.gru``.

Fused: the recurrent product, the gates, the candidate and h of every step, in one launch for all T steps;
backward the same, with the gradients of the pre-activations written out. The products for all steps at once,
W_ih x before and the weights' gradients after, are PyTorch's. On chip: W_hh, h and its gradient for H ≤ 64 (128 in
half precision); above, the units are spread. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16
and float16; the arithmetic between two products is float32. The reset gate acts after the product, as in cuDNN.
Needs a GPU with compute capability 8.0 or above.
On an NVIDIA H200, training 64 sequences of 512 steps, H = 64, 128, 256, 512: time over ``torch.nn``'s (cuDNN) and the
largest error, relative to the largest value (benchmarks/results/gpu.json):
float32 1.04, 2.33, 0.35, 0.84, 9.2e-07; float16 0.82, 0.81, 0.24, 0.40, 6.1e-04;
bfloat16 0.10, 0.12, 0.23, 0.30, 5.4e-03.
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
    us, W, b_n, gates, hs, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write r, z, n, v_n (N, 4H) from u (N, 3H), and h after every step behind the initial one, (B + N, H)."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.arange(0, SIDE)
    column, of = columns(H, SIDE)
    w = W + unit[None, :] * H + unit[:, None]
    square = (unit[None, :] < H) & (unit[:, None] < H)
    w_r = tl.load(w, mask=square, other=0)
    w_z = tl.load(w + H * H, mask=square, other=0)
    w_n = tl.load(w + 2 * H * H, mask=square, other=0)
    bias = tl.zeros((ROWS, SIDE), dtype=tl.float32) + tl.load(b_n + unit[None, :], mask=unit[None, :] < H, other=0)
    state = row[:, None] * H + unit[None, :]
    h = tl.load(hs + state, mask=(row[:, None] < B) & (unit[None, :] < H), other=0).to(tl.float32)
    for t in tl.range(0, T, num_stages=STAGES):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        here = row[:, None] < size
        # three gates in a block for four, whose last is empty
        u_at = us + (start + row)[:, None] * (3 * H) + column[None, :]
        u = tl.load(u_at, mask=here & (of[None, :] < H) & (column[None, :] < 3 * H), other=0).to(tl.float32)
        u_r, u_z, u_n, _ = parts(u, ROWS, SIDE)
        read = h.to(w_r.dtype)
        r = tl.sigmoid(product(read, w_r, u_r, PRECISION))
        z = tl.sigmoid(product(read, w_z, u_z, PRECISION))
        v_n = product(read, w_n, bias, PRECISION)
        n = tanh(u_n + r * v_n)
        h = ((1 - z) * n + z * h).to(w_r.dtype).to(tl.float32)
        tl.store(hs + (start + B) * H + state, h, mask=here & (unit[None, :] < H))
        gate_at = gates + (start + row)[:, None] * (4 * H) + column[None, :]
        tl.store(gate_at, whole(r, z, n, v_n, ROWS, SIDE), mask=here & (of[None, :] < H))


@triton.jit
def _forward_spread(
    us, W, b_n, gates, hs, starts, sizes, befores, arrived, begin, end, first, part, T, B, H,
    PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
    PARTS: tl.constexpr, TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same for the steps from ``begin`` to ``end``, with the units spread over programs."""
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    column, there = gate_columns(3, H, UNITS)
    bias = tl.load(b_n + unit[None, :], mask=unit[None, :] < H, other=0).to(tl.float32)
    w = weights_kept(W, column, there, part, H, PARTS, TILE) if KEPT else None
    h = block_of_step(hs, row, unit, unit < H, begin, H, starts, sizes, befores, T, B, PACKED)
    u = block_of_step(us, row, column, there, begin, 3 * H, starts, sizes, None, T, B, PACKED)
    for t in range(begin, end):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        read = hs + row_before(befores, t, B, PACKED) * H
        v = spread_product(
            read, H, row, size, W, w, column, there, part, H,
            KEPT, ROWS, 4 * UNITS, PARTS, TILE, STAGES, PRECISION,
        )  # fmt: skip
        u_r, u_z, u_n, _ = parts(u, ROWS, UNITS)
        v_r, v_z, v_n, _ = parts(v, ROWS, UNITS)
        r = tl.sigmoid(u_r + v_r)
        z = tl.sigmoid(u_z + v_z)
        v_n += bias
        n = tanh(u_n + r * v_n)
        stored = ((1 - z) * n + z * h).to(hs.dtype.element_ty)
        h, here = stored.to(tl.float32), row[:, None] < size
        after = (start + B) * H + row[:, None] * H + unit[None, :]
        tl.store(hs + after, stored, mask=here & (unit[None, :] < H))
        if TOGETHER:
            arrive(arrived)
        kept, inside = gate_columns(4, H, UNITS)
        gate_at = gates + (start + row)[:, None] * (4 * H) + kept[None, :]
        tl.store(gate_at, whole(r, z, n, v_n, ROWS, UNITS), mask=here & inside[None, :])
        u = block_of_step(us, row, column, there, t + 1, 3 * H, starts, sizes, None, T, B, PACKED)
        if TOGETHER:
            wait(arrived, (t + 1) * tl.num_programs(0))


@triton.jit
def _backward(
    gates, W_T, hs, dhs, ds, dh_next, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write dv_n, du_r, du_z, du_n (N, 4H); dh_next (B, H) holds what comes back from the last step, then the first.

    ``zero`` is not known to be 0: the compiler would add the products to a known 0 one after another.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.arange(0, SIDE)
    column, of = columns(H, SIDE)
    w = W_T + unit[None, :] * (3 * H) + unit[:, None]
    square = (unit[None, :] < H) & (unit[:, None] < H)
    w_n = tl.load(w, mask=square, other=0)
    w_r = tl.load(w + H, mask=square, other=0)
    w_z = tl.load(w + 2 * H, mask=square, other=0)
    state = row[:, None] * H + unit[None, :]
    there = (row[:, None] < B) & (unit[None, :] < H)
    dh = tl.load(dh_next + state, mask=there, other=0)
    zero = tl.zeros((ROWS, SIDE), dtype=tl.float32) + tl.where(T < 0, 1.0, 0.0)
    for back in tl.range(0, T, num_stages=STAGES):
        start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
        before = row_before(befores, T - 1 - back, B, PACKED)
        here = row[:, None] < size
        inside = here & (unit[None, :] < H)
        gate_at = (start + row)[:, None] * (4 * H) + column[None, :]
        gate = tl.load(gates + gate_at, mask=here & (of[None, :] < H), other=0).to(tl.float32)
        r, z, n, v_n = parts(gate, ROWS, SIDE)
        h_prev = tl.load(hs + before * H + state, mask=inside, other=0).to(tl.float32)
        dh_here = dh + tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
        du = dh_here * (1 - z) * (1 - n * n)
        du_r = (du * v_n * r * (1 - r)).to(w_r.dtype)
        du_z = (dh_here * (h_prev - n) * z * (1 - z)).to(w_r.dtype)
        dv_n = (r * du).to(w_r.dtype)
        du_n = du.to(w_r.dtype)
        both = product(du_r, w_r, z * dh_here, PRECISION) + product(du_z, w_z, zero, PRECISION)
        dh = tl.where(here, both + product(dv_n, w_n, zero, PRECISION), dh)  # one that ends earlier keeps its own
        tl.store(ds + gate_at, whole(dv_n, du_r, du_z, du_n, ROWS, SIDE), mask=here & (of[None, :] < H))
    tl.store(dh_next + state, dh, mask=there)


@triton.jit
def _backward_spread(
    gates, W_T, hs, dhs, ds, dh_next, starts, sizes, befores, arrived, begin, end, first, part, T, B, H,
    PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
    PARTS: tl.constexpr, TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with the units spread: stage k carries dh back from step T - k, then computes ds of the one before.

    In between, ``dh`` is what went around the products: z dh.
    """
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    column, there = gate_columns(4, H, UNITS)
    state = row[:, None] * H + unit[None, :]
    dh = tl.load(dh_next + state, mask=(row[:, None] < B) & (unit[None, :] < H), other=0)
    w = weights_kept(W_T, unit, unit < H, part, 3 * H, PARTS, TILE) if KEPT else None
    gate = block_of_step(gates, row, column, there, T - 1 - begin, 4 * H, starts, sizes, None, T, B, PACKED)
    h_prev = block_of_step(hs, row, unit, unit < H, T - 1 - begin, H, starts, sizes, befores, T, B, PACKED)
    for back in range(begin, end):
        if back > 0:
            start, size = rows_of(starts, sizes, T - back, B, PACKED)
            dh += spread_product(
                ds + start * 4 * H, 4 * H, row, size, W_T, w, unit, unit < H, part, 3 * H,
                KEPT, ROWS, UNITS, PARTS, TILE, STAGES, PRECISION,
            )  # fmt: skip
        if back < T:
            start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
            here = row[:, None] < size
            r, z, n, v_n = parts(gate, ROWS, UNITS)
            dh_given = tl.load(dhs + start * H + state, mask=here & (unit[None, :] < H), other=0)
            dh_here = dh + dh_given.to(tl.float32)
            du = dh_here * (1 - z) * (1 - n * n)
            du_r = du * v_n * r * (1 - r)
            du_z = dh_here * (h_prev - n) * z * (1 - z)
            d_at = ds + (start + row)[:, None] * (4 * H) + column[None, :]
            tl.store(d_at, whole(r * du, du_r, du_z, du, ROWS, UNITS), mask=here & there[None, :])
            if TOGETHER:
                arrive(arrived)
            dh = tl.where(here, z * dh_here, dh)  # a sequence that ends earlier keeps its own until then
            next = T - 2 - back
            gate = block_of_step(gates, row, column, there, next, 4 * H, starts, sizes, None, T, B, PACKED)
            h_prev = block_of_step(hs, row, unit, unit < H, next, H, starts, sizes, befores, T, B, PACKED)
            if TOGETHER:
                wait(arrived, (back + 1) * tl.num_programs(0))
    tl.store(dh_next + state, dh, mask=(row[:, None] < B) & (unit[None, :] < H))


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    (h,) = state
    B, H = h.shape
    check(x, H, **{"reset_after=False": not reset_after})
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    bias = torch.cat([b_ih[: 2 * H] + b_hh[: 2 * H], b_ih[2 * H :]])
    u = torch.addmm(bias, x, params["weight_ih"].T)
    hs, gates = state_buffer(h, len(x), x.dtype), h.new_empty(len(x), 4 * H)
    arrays = (u, params["weight_hh"].contiguous(), b_hh[2 * H :], gates, hs, at.starts, at.sizes, at.befores)
    dispatch((_forward, _forward_spread), 3, arrays, len(sizes), B, H, x, PACKED=at.packed)
    return hs[B:].clone(), (hs[at.last].clone(),), (gates, hs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, hs = trace
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    W_T = params["weight_hh"].roll(H, 0).T.contiguous()  # from n, r, z
    dh = dstate[0].float().contiguous().clone()
    ds = torch.empty_like(gates)
    arrays = (gates, W_T, hs, dhs.contiguous(), ds, dh, at.starts, at.sizes, at.befores)
    dispatch((_backward, _backward_spread), 3, arrays, len(sizes), B, H, x, PACKED=at.packed)
    dus, dvs = ds[:, H:], ds[:, : 3 * H]  # of r, z, n; of n, r, z
    grads = {"weight_ih": dus.T @ x, "weight_hh": (dvs.T @ hs[at.previous]).roll(-H, 0)}
    if "bias_ih" in params:
        sums = ds.sum(0)
        grads |= {"bias_ih": sums[H:].clone(), "bias_hh": sums[: 3 * H].roll(-H, 0)}
    return dus @ params["weight_ih"] if with_dx else None, (dh.to(x.dtype),), grads
