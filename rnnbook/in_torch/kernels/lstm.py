"""The LSTM as Triton kernels, with the signatures of ``handwritten.lstm``.

Fused: the recurrent product, the gates, carry and h of every step, in one launch for all T steps; backward the
same, with the gradients of the pre-activations written out. The products for all steps at once, W_ih x before
and the weights' gradients after, are PyTorch's. On chip: W_hh, h, c and their gradients for H ≤ 64 (128 in half
precision); above, W_hh is read at each step. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and
float16; the arithmetic between two products, and the carry, are float32. No peepholes, no projection. Needs a GPU
with compute capability 8.0 or above.
On an NVIDIA H200, training 64 sequences of 512 steps, H = 64, 128, 256, 512: time over ``torch.nn``'s (cuDNN) and the
largest error, relative to the largest value (benchmarks/results/gpu.json):
float32 2.24, 4.52, 2.17, 6.36, 1.2e-06; float16 0.98, 1.01, 1.48, 4.55, 6.1e-04;
bfloat16 0.11, 0.16, 0.77, 2.58, 5.3e-03.
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
    gates, W, hs, cs, starts, sizes, T, B, H, PACKED: tl.constexpr,
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
def _forward_tiled(
    gates, W, hs, cs, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
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
        a_i = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
        a_f, a_g, a_o = a_i, a_i, a_i
        for tile in tl.range(0, tiles, num_stages=STAGES):
            read = tile % tiles_in * TILE_IN + tl.arange(0, TILE_IN)
            out = tile // tiles_in * TILE_OUT + tl.arange(0, TILE_OUT)
            inside = here & (out[None, :] < H)
            begins = here & (out[None, :] < tl.where(tile % tiles_in == 0, H, 0))
            u = gates + (start + row)[:, None] * (4 * H) + out[None, :]
            a_i = tl.where(begins, tl.load(u, mask=begins, other=0).to(tl.float32), a_i)
            a_f = tl.where(begins, tl.load(u + H, mask=begins, other=0).to(tl.float32), a_f)
            a_g = tl.where(begins, tl.load(u + 2 * H, mask=begins, other=0).to(tl.float32), a_g)
            a_o = tl.where(begins, tl.load(u + 3 * H, mask=begins, other=0).to(tl.float32), a_o)
            h = tl.load(hs + before[:, None] * H + read[None, :], mask=here & (read[None, :] < H), other=0)
            w = W + out[None, :] * H + read[:, None]
            square = (out[None, :] < H) & (read[:, None] < H)
            a_i = product(h, tl.load(w, mask=square, other=0), a_i, PRECISION)
            a_f = product(h, tl.load(w + H * H, mask=square, other=0), a_f, PRECISION)
            a_g = product(h, tl.load(w + 2 * H * H, mask=square, other=0), a_g, PRECISION)
            a_o = product(h, tl.load(w + 3 * H * H, mask=square, other=0), a_o, PRECISION)
            if tile % tiles_in == tiles_in - 1:
                i = tl.sigmoid(a_i)
                f = tl.sigmoid(a_f)
                g = tanh(a_g)
                o = tl.sigmoid(a_o)
                c = f * tl.load(cs + before[:, None] * H + out[None, :], mask=inside, other=0) + i * g
                after = (start + B + row)[:, None] * H + out[None, :]
                tl.store(cs + after, c, mask=inside)
                tl.store(hs + after, o * tanh(c), mask=inside)
                tl.store(u, i, mask=inside)
                tl.store(u + H, f, mask=inside)
                tl.store(u + 2 * H, g, mask=inside)
                tl.store(u + 3 * H, o, mask=inside)
        tl.debug_barrier()  # the next step reads what this one's threads have written


@triton.jit
def _backward(
    gates, W_T, cs, dhs, das, dh_next, dc_next, starts, sizes, befores, T, B, H, nothing, PACKED: tl.constexpr,
    ROWS: tl.constexpr, SIDE: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write da (N, 4H); dh_next and dc_next (B, H) hold what comes back from the last step, then from the first.

    ``nothing`` is 0, unknown to the compiler, which would add four products to a known 0 one after another.
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
    zero = tl.zeros((ROWS, SIDE), dtype=tl.float32) + nothing
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
def _backward_tiled(
    gates, W_T, cs, dhs, das, dh_next, dc_next, starts, sizes, befores, T, B, H, PACKED: tl.constexpr,
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
            gate = gates + (start + row)[:, None] * (4 * H) + out[None, :]
            i = tl.load(gate, mask=inside, other=0).to(tl.float32)
            f = tl.load(gate + H, mask=inside, other=0).to(tl.float32)
            g = tl.load(gate + 2 * H, mask=inside, other=0).to(tl.float32)
            o = tl.load(gate + 3 * H, mask=inside, other=0).to(tl.float32)
            c_prev = tl.load(cs + before[:, None] * H + out[None, :], mask=inside, other=0)
            tanh_c = tanh(f * c_prev + i * g)
            state = row[:, None] * H + out[None, :]
            dh = tl.load(dhs + start * H + state, mask=inside, other=0).to(tl.float32)
            dh += tl.load(dh_next + state, mask=inside, other=0)
            dc = tl.load(dc_next + state, mask=inside, other=0) + dh * o * (1 - tanh_c * tanh_c)
            tl.store(dc_next + state, dc * f, mask=inside)
            da = das + (start + row)[:, None] * (4 * H) + out[None, :]
            tl.store(da, dc * g * i * (1 - i), mask=inside)
            tl.store(da + H, dc * c_prev * f * (1 - f), mask=inside)
            tl.store(da + 2 * H, dc * i * (1 - g * g), mask=inside)
            tl.store(da + 3 * H, dh * tanh_c * o * (1 - o), mask=inside)
        tl.debug_barrier()  # the product below reads the whole da of this step
        dh = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
        for tile in tl.range(0, tiles, num_stages=STAGES):
            read = tile % tiles_in * TILE_IN + tl.arange(0, TILE_IN)
            out = tile // tiles_in * TILE_OUT + tl.arange(0, TILE_OUT)
            dh = tl.where(tile % tiles_in == 0, 0.0, dh)
            da = das + (start + row)[:, None] * (4 * H) + read[None, :]
            there = here & (read[None, :] < H)
            w = W_T + out[None, :] * (4 * H) + read[:, None]
            square = (out[None, :] < H) & (read[:, None] < H)
            for gate in tl.static_range(4):
                da_k = tl.load(da + gate * H, mask=there, other=0)
                dh = product(da_k, tl.load(w + gate * H, mask=square, other=0), dh, PRECISION)
            if tile % tiles_in == tiles_in - 1:
                tl.store(dh_next + row[:, None] * H + out[None, :], dh, mask=here & (out[None, :] < H))
        tl.debug_barrier()  # the step before reads dh_next


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    h, c = state
    B, H = h.shape
    check(x, H, peephole=peephole)
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    gates = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)  # first u, then written over with i, f, g, o
    hs, cs = state_buffer(h, len(x), x.dtype), state_buffer(c, len(x), torch.float32)
    resident, grid, meta = settings(4, H, B, x.dtype, 0, x.device)
    arrays = (gates, params["weight_hh"].contiguous(), hs, cs, at.starts, at.sizes)
    if resident:
        _forward[grid](*arrays, len(sizes), B, H, at.packed, **meta)
    else:
        _forward_tiled[grid](*arrays, at.befores, len(sizes), B, H, at.packed, **meta)
    return hs[B:].clone(), (hs[at.last].clone(), cs[at.last].to(c.dtype)), (gates, hs, cs)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    gates, hs, cs = trace
    W_ih, W_T = params["weight_ih"], params["weight_hh"].T.contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh, dc = (d.float().contiguous().clone() for d in dstate)
    das = torch.empty_like(gates)
    resident, grid, meta = settings(4, H, B, x.dtype, 1, x.device)
    arrays = (gates, W_T, cs, dhs.contiguous(), das, dh, dc, at.starts, at.sizes, at.befores)
    if resident:
        _backward[grid](*arrays, len(sizes), B, H, 0.0, at.packed, **meta)
    else:
        _backward_tiled[grid](*arrays, len(sizes), B, H, at.packed, **meta)
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)
        grads["bias_hh"] = grads["bias_ih"].clone()
    return das @ W_ih if with_dx else None, (dh.to(x.dtype), dc.to(x.dtype)), grads
