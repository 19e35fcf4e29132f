"""The GRU as Triton kernels, with the signatures of ``handwritten.gru``.

Fused: the recurrent product, the gates, the candidate and h of every step, in one launch for all T steps;
backward the same, with the gradients of the pre-activations written out. The products for all steps at once,
W_ih x before and the weights' gradients after, are PyTorch's. On chip: W_hh, h and its gradient for H ≤ 64 (128 in
half precision); above, W_hh is read at each step. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16
and float16; the arithmetic between two products is float32. The reset gate acts after the product, as in cuDNN.
Needs a GPU with compute capability 8.0 or above.
On an NVIDIA H200, training 64 sequences of 512 steps, H = 64, 128, 256, 512: time over ``torch.nn``'s (cuDNN) and the
largest error, relative to the largest value (benchmarks/results/gpu.json):
float32 1.04, 4.49, 1.96, 5.86, 9.2e-07; float16 0.82, 0.81, 0.64, 2.30, 6.3e-04;
bfloat16 0.10, 0.12, 0.77, 2.10, 5.4e-03.
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.kernels import (
    arrive,
    check,
    columns,
    four_gates,
    parts,
    product,
    read_tile,
    row_before,
    rows_of,
    run,
    square_of,
    state_buffer,
    steps,
    tanh,
    three_gates,
    wait,
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
    us, W, b_n, gates, hs, starts, sizes, befores, arrived, begin, end, first, T, B, H, PACKED: tl.constexpr,
    TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr, TILE: tl.constexpr,
    STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same for the steps from ``begin`` to ``end``, with the units spread over programs."""
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    bias = tl.zeros((ROWS, UNITS), dtype=tl.float32) + tl.load(b_n + unit[None, :], mask=unit[None, :] < H, other=0)
    if KEPT:
        w, square = square_of(W, 0, unit, H, H, TILE)
        w_r = tl.load(w, mask=square, other=0)
        w_z = tl.load(w + H * H, mask=square, other=0)
        w_n = tl.load(w + 2 * H * H, mask=square, other=0)
    before = row_before(befores, begin, B, PACKED) + row
    there = (row[:, None] < rows_of(starts, sizes, begin, B, PACKED)[1]) & (unit[None, :] < H)
    own = tl.load(hs + before[:, None] * H + unit[None, :], mask=there, other=0)
    a_r, a_z, u_n = three_gates(us, row, unit, starts, sizes, begin, T, B, H, PACKED)
    for t in range(begin, end):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        before = row_before(befores, t, B, PACKED) + row
        here = row[:, None] < size
        inside = here & (unit[None, :] < H)
        v_n = bias
        if KEPT:
            h = read_tile(hs, before, here, 0, H, H, TILE)
            a_r = product(h, w_r, a_r, PRECISION)
            a_z = product(h, w_z, a_z, PRECISION)
            v_n = product(h, w_n, v_n, PRECISION)
        else:
            for k in tl.range(0, H, TILE, num_stages=STAGES):
                h = read_tile(hs, before, here, k, H, H, TILE)
                w, square = square_of(W, k, unit, H, H, TILE)
                a_r = product(h, tl.load(w, mask=square, other=0), a_r, PRECISION)
                a_z = product(h, tl.load(w + H * H, mask=square, other=0), a_z, PRECISION)
                v_n = product(h, tl.load(w + 2 * H * H, mask=square, other=0), v_n, PRECISION)
        r = tl.sigmoid(a_r)
        z = tl.sigmoid(a_z)
        n = tanh(u_n + r * v_n)
        own = ((1 - z) * n + z * own.to(tl.float32)).to(own.dtype)
        tl.store(hs + (start + B + row)[:, None] * H + unit[None, :], own, mask=inside)
        if TOGETHER:
            arrive(arrived)
        gate = gates + (start + row)[:, None] * (4 * H) + unit[None, :]
        tl.store(gate, r, mask=inside)
        tl.store(gate + H, z, mask=inside)
        tl.store(gate + 2 * H, n, mask=inside)
        tl.store(gate + 3 * H, v_n, mask=inside)
        a_r, a_z, u_n = three_gates(us, row, unit, starts, sizes, t + 1, T, B, H, PACKED)
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
    w_r = tl.load(w, mask=square, other=0)
    w_z = tl.load(w + H, mask=square, other=0)
    w_n = tl.load(w + 2 * H, mask=square, other=0)
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
    gates, W_T, hs, dhs, ds, dh_next, starts, sizes, befores, arrived, begin, end, first, T, B, H,
    PACKED: tl.constexpr, TOGETHER: tl.constexpr, KEPT: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
    TILE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with the units spread: part k carries dh back from step T - k, then computes ds of the one before.

    Between the two, ``dh`` is what goes round the products: z dh.
    """
    row = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)
    state = row[:, None] * H + unit[None, :]
    there = (row[:, None] < B) & (unit[None, :] < H)
    dh = tl.load(dh_next + state, mask=there, other=0)
    if KEPT:
        w, square = square_of(W_T, 0, unit, 3 * H, H, TILE)
        w_r = tl.load(w, mask=square, other=0)
        w_z = tl.load(w + H, mask=square, other=0)
        w_n = tl.load(w + 2 * H, mask=square, other=0)
    r, z, n, v_n = four_gates(gates, row, unit, starts, sizes, T - 1 - begin, T, B, H, PACKED)
    for back in range(begin, end):
        if back > 0:
            start, size = rows_of(starts, sizes, T - back, B, PACKED)
            here = row[:, None] < size
            d_r = tl.zeros((ROWS, UNITS), dtype=tl.float32)
            d_z, d_n = d_r, d_r
            if KEPT:
                d_r = product(read_tile(ds + H, start + row, here, 0, 4 * H, H, TILE), w_r, d_r, PRECISION)
                d_z = product(read_tile(ds + 2 * H, start + row, here, 0, 4 * H, H, TILE), w_z, d_z, PRECISION)
                d_n = product(read_tile(ds, start + row, here, 0, 4 * H, H, TILE), w_n, d_n, PRECISION)
            else:
                for k in tl.range(0, H, TILE, num_stages=STAGES):
                    w, square = square_of(W_T, k, unit, 3 * H, H, TILE)
                    du_r = read_tile(ds + H, start + row, here, k, 4 * H, H, TILE)
                    d_r = product(du_r, tl.load(w, mask=square, other=0), d_r, PRECISION)
                    du_z = read_tile(ds + 2 * H, start + row, here, k, 4 * H, H, TILE)
                    d_z = product(du_z, tl.load(w + H, mask=square, other=0), d_z, PRECISION)
                    dv_n = read_tile(ds, start + row, here, k, 4 * H, H, TILE)
                    d_n = product(dv_n, tl.load(w + 2 * H, mask=square, other=0), d_n, PRECISION)
            dh += tl.where(here, d_r + d_z + d_n, 0.0)
        if back < T:
            start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
            before = row_before(befores, T - 1 - back, B, PACKED) + row
            here = row[:, None] < size
            inside = here & (unit[None, :] < H)
            h_prev = tl.load(hs + before[:, None] * H + unit[None, :], mask=inside, other=0).to(tl.float32)
            dh_here = dh + tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
            du = dh_here * (1 - z) * (1 - n * n)
            d = ds + (start + row)[:, None] * (4 * H) + unit[None, :]
            tl.store(d, r * du, mask=inside)
            tl.store(d + H, du * v_n * r * (1 - r), mask=inside)
            tl.store(d + 2 * H, dh_here * (h_prev - n) * z * (1 - z), mask=inside)
            if TOGETHER:
                arrive(arrived)
            tl.store(d + 3 * H, du, mask=inside)
            dh = tl.where(here, z * dh_here, dh)  # a sequence that ends earlier keeps its own until then
            r, z, n, v_n = four_gates(gates, row, unit, starts, sizes, T - 2 - back, T, B, H, PACKED)
            if TOGETHER:
                wait(arrived, (back + 1) * tl.num_programs(0))
    tl.store(dh_next + state, dh, mask=there)


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
    run((_forward, _forward_spread), 3, arrays, len(sizes), B, H, x, PACKED=at.packed)
    return hs[B:].clone(), (hs[at.last].clone(),), (gates, hs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, hs = trace
    W_ih, W_T = params["weight_ih"], params["weight_hh"].T.contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh = dstate[0].float().contiguous().clone()
    ds = torch.empty_like(gates)
    arrays = (gates, W_T, hs, dhs.contiguous(), ds, dh, at.starts, at.sizes, at.befores)
    run((_backward, _backward_spread), 3, arrays, len(sizes), B, H, x, PACKED=at.packed)
    dus, dvs = ds[:, H:], ds[:, : 3 * H]  # of r, z, n; of n, r, z
    grads = {"weight_ih": dus.T @ x, "weight_hh": (dvs.T @ hs[at.previous]).roll(-H, 0)}
    if "bias_ih" in params:
        sums = ds.sum(0)
        grads |= {"bias_ih": sums[H:].clone(), "bias_hh": sums[: 3 * H].roll(-H, 0)}
    return dus @ W_ih if with_dx else None, (dh.to(x.dtype),), grads
