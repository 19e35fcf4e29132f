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
    check,
    columns,
    parts,
    product,
    row_before,
    rows_of,
    settings,
    state_buffer,
    steps,
    tanh,
    whole,
)


@triton.jit
def _forward(
    us, W, b_n, gates, hs, starts, sizes, T, B, H, PACKED: tl.constexpr,
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
def _forward_tiled(
    us, W, b_n, gates, hs, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with W_hh read in tiles: one loop over all of them, so that they are loaded ahead."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    tiles_in = tl.cdiv(H, TILE_IN)
    tiles = tiles_in * tl.cdiv(H, TILE_OUT)
    for t in range(T):
        start, size = rows_of(starts, sizes, t, B, PACKED)
        before = row_before(befores, t, B, PACKED) + row
        here = row[:, None] < size
        a_r = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
        a_z, v_n = a_r, a_r
        for tile in tl.range(0, tiles, num_stages=STAGES):
            read = tile % tiles_in * TILE_IN + tl.arange(0, TILE_IN)
            out = tile // tiles_in * TILE_OUT + tl.arange(0, TILE_OUT)
            inside = here & (out[None, :] < H)
            begins = here & (out[None, :] < tl.where(tile % tiles_in == 0, H, 0))
            u = us + (start + row)[:, None] * (3 * H) + out[None, :]
            a_r = tl.where(begins, tl.load(u, mask=begins, other=0).to(tl.float32), a_r)
            a_z = tl.where(begins, tl.load(u + H, mask=begins, other=0).to(tl.float32), a_z)
            v_n = tl.where(begins, tl.load(b_n + out[None, :], mask=out[None, :] < H, other=0).to(tl.float32), v_n)
            h = tl.load(hs + before[:, None] * H + read[None, :], mask=here & (read[None, :] < H), other=0)
            w = W + out[None, :] * H + read[:, None]
            square = (out[None, :] < H) & (read[:, None] < H)
            a_r = product(h, tl.load(w, mask=square, other=0), a_r, PRECISION)
            a_z = product(h, tl.load(w + H * H, mask=square, other=0), a_z, PRECISION)
            v_n = product(h, tl.load(w + 2 * H * H, mask=square, other=0), v_n, PRECISION)
            if tile % tiles_in == tiles_in - 1:
                r = tl.sigmoid(a_r)
                z = tl.sigmoid(a_z)
                new = tanh(tl.load(u + 2 * H, mask=inside, other=0).to(tl.float32) + r * v_n)
                h_prev = tl.load(hs + before[:, None] * H + out[None, :], mask=inside, other=0).to(tl.float32)
                tl.store(hs + (start + B + row)[:, None] * H + out[None, :], (1 - z) * new + z * h_prev, mask=inside)
                gate = gates + (start + row)[:, None] * (4 * H) + out[None, :]
                tl.store(gate, r, mask=inside)
                tl.store(gate + H, z, mask=inside)
                tl.store(gate + 2 * H, new, mask=inside)
                tl.store(gate + 3 * H, v_n, mask=inside)
        tl.debug_barrier()  # the next step reads what this one's threads have written


@triton.jit
def _backward(
    gates, W_T, hs, dhs, ds, dh_next, starts, sizes, befores, T, B, H, nothing, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write dv_n, du_r, du_z, du_n (N, 4H); dh_next (B, H) holds what comes back from the last step, then the first.

    ``nothing`` is 0, unknown to the compiler, which would add the products to a known 0 one after another.
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
    zero = tl.zeros((ROWS, SIDE), dtype=tl.float32) + nothing
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
def _backward_tiled(
    gates, W_T, hs, dhs, ds, dh_next, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with W_hh read in tiles."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    tiles_in = tl.cdiv(H, TILE_IN)
    tiles = tiles_in * tl.cdiv(H, TILE_OUT)
    for back in range(T):
        start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
        before = row_before(befores, T - 1 - back, B, PACKED) + row
        here = row[:, None] < size
        for n_0 in tl.range(0, H, TILE_OUT, num_stages=STAGES):
            out = n_0 + tl.arange(0, TILE_OUT)
            inside = here & (out[None, :] < H)
            gate_at = (start + row)[:, None] * (4 * H) + out[None, :]
            r = tl.load(gates + gate_at, mask=inside, other=0).to(tl.float32)
            z = tl.load(gates + gate_at + H, mask=inside, other=0).to(tl.float32)
            n = tl.load(gates + gate_at + 2 * H, mask=inside, other=0).to(tl.float32)
            v_n = tl.load(gates + gate_at + 3 * H, mask=inside, other=0).to(tl.float32)
            h_prev = tl.load(hs + before[:, None] * H + out[None, :], mask=inside, other=0).to(tl.float32)
            state = row[:, None] * H + out[None, :]
            dh = tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
            dh += tl.load(dh_next + state, mask=inside, other=0)
            du_n = dh * (1 - z) * (1 - n * n)
            tl.store(dh_next + state, z * dh, mask=inside)
            tl.store(ds + gate_at, r * du_n, mask=inside)
            tl.store(ds + gate_at + H, du_n * v_n * r * (1 - r), mask=inside)
            tl.store(ds + gate_at + 2 * H, dh * (h_prev - n) * z * (1 - z), mask=inside)
            tl.store(ds + gate_at + 3 * H, du_n, mask=inside)
        tl.debug_barrier()  # the product below reads the whole gradient of this step
        dh = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
        for tile in tl.range(0, tiles, num_stages=STAGES):
            read = tile % tiles_in * TILE_IN + tl.arange(0, TILE_IN)
            out = tile // tiles_in * TILE_OUT + tl.arange(0, TILE_OUT)
            state = row[:, None] * H + out[None, :]
            begins = here & (out[None, :] < tl.where(tile % tiles_in == 0, H, 0))
            dh = tl.where(begins, tl.load(dh_next + state, mask=begins, other=0), dh)
            d = ds + (start + row)[:, None] * (4 * H) + read[None, :]
            there = here & (read[None, :] < H)
            w = W_T + out[None, :] * (3 * H) + read[:, None]
            square = (out[None, :] < H) & (read[:, None] < H)
            dh = product(tl.load(d + H, mask=there, other=0), tl.load(w, mask=square, other=0), dh, PRECISION)
            dh = product(tl.load(d + 2 * H, mask=there, other=0), tl.load(w + H, mask=square, other=0), dh, PRECISION)
            dh = product(tl.load(d, mask=there, other=0), tl.load(w + 2 * H, mask=square, other=0), dh, PRECISION)
            if tile % tiles_in == tiles_in - 1:
                tl.store(dh_next + state, dh, mask=here & (out[None, :] < H))
        tl.debug_barrier()  # the step before reads dh_next


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
    resident, grid, meta = settings(3, H, B, x.dtype, 0, x.device)
    arrays = (u, params["weight_hh"].contiguous(), b_hh[2 * H :], gates, hs, at.starts, at.sizes)
    if resident:
        _forward[grid](*arrays, len(sizes), B, H, at.packed, **meta)
    else:
        _forward_tiled[grid](*arrays, at.befores, len(sizes), B, H, at.packed, **meta)
    return hs[B:].clone(), (hs[at.last].clone(),), (gates, hs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, hs = trace
    W_ih, W_T = params["weight_ih"], params["weight_hh"].T.contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh = dstate[0].float().contiguous().clone()
    ds = torch.empty_like(gates)
    resident, grid, meta = settings(3, H, B, x.dtype, 1, x.device)
    arrays = (gates, W_T, hs, dhs.contiguous(), ds, dh, at.starts, at.sizes, at.befores)
    if resident:
        _backward[grid](*arrays, len(sizes), B, H, 0.0, at.packed, **meta)
    else:
        _backward_tiled[grid](*arrays, len(sizes), B, H, at.packed, **meta)
    dus, dvs = ds[:, H:], ds[:, : 3 * H]  # of r, z, n; of n, r, z
    grads = {"weight_ih": dus.T @ x, "weight_hh": (dvs.T @ hs[at.previous]).roll(-H, 0)}
    if "bias_ih" in params:
        sums = ds.sum(0)
        grads |= {"bias_ih": sums[H:].clone(), "bias_hh": sums[: 3 * H].roll(-H, 0)}
    return dus @ W_ih if with_dx else None, (dh.to(x.dtype),), grads
