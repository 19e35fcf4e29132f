"""The basic RNN as Triton kernels, with the signatures of ``handwritten.rnn``.

Fused: the recurrent product and φ of every step, in one launch for all T steps; backward the same, with the
gradient of the pre-activation written out. The products for all steps at once, W_ih x before and the weights'
gradients after, are PyTorch's. On chip: W_hh, h and its gradient for H ≤ 128 (256 in half precision); above, W_hh is
read at each step. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and float16; the arithmetic
between two products is float32. tanh and relu. Needs a GPU with compute capability 8.0 or above.
On an NVIDIA H200, training 64 sequences of 512 steps, H = 64, 128, 256, 512: time over ``torch.nn``'s (cuDNN) and the
largest error, relative to the largest value (benchmarks/results/gpu.json):
float32 1.38, 1.84, 5.48, 2.78, 1.9e-06; float16 1.54, 1.25, 1.22, 2.56, 7.1e-04;
bfloat16 0.08, 0.09, 0.10, 0.82, 5.8e-03.
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.by_hand import biases
from rnnbook.in_torch.kernels import check, product, row_before, rows_of, settings, state_buffer, steps, tanh


@triton.jit
def _forward(
    u, W, hs, starts, sizes, T, B, H, RELU: tl.constexpr, PACKED: tl.constexpr,
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
def _forward_tiled(
    u, W, hs, starts, sizes, befores, T, B, H, RELU: tl.constexpr, PACKED: tl.constexpr,
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
        a = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
        for tile in tl.range(0, tiles, num_stages=STAGES):
            read = tile % tiles_in * TILE_IN + tl.arange(0, TILE_IN)
            out = tile // tiles_in * TILE_OUT + tl.arange(0, TILE_OUT)
            one = (start + row)[:, None] * H + out[None, :]
            begins = here & (out[None, :] < tl.where(tile % tiles_in == 0, H, 0))
            a = tl.where(begins, tl.load(u + one, mask=begins, other=0).to(tl.float32), a)
            h = tl.load(hs + before[:, None] * H + read[None, :], mask=here & (read[None, :] < H), other=0)
            square = (out[None, :] < H) & (read[:, None] < H)
            w = tl.load(W + out[None, :] * H + read[:, None], mask=square, other=0)
            a = product(h, w, a, PRECISION)
            if tile % tiles_in == tiles_in - 1:
                h_new = tl.where(a < 0, 0.0, a) if RELU else tanh(a)  # NaN stays NaN
                tl.store(hs + B * H + one, h_new, mask=here & (out[None, :] < H))
        tl.debug_barrier()  # the next step reads what this one's threads have written


@triton.jit
def _backward(
    W_T, hs, dhs, das, dh_next, starts, sizes, T, B, H, RELU: tl.constexpr, PACKED: tl.constexpr,
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
        da = (tl.where(h > 0, dh_here, 0.0) if RELU else dh_here * (1 - h * h)).to(w.dtype)
        tl.store(das + start * H + state, da, mask=inside)
        before = product(da, w, tl.zeros((ROWS, SIDE), dtype=tl.float32), PRECISION)
        dh = tl.where(here, before, dh)  # a sequence that ends earlier keeps its own until then
    tl.store(dh_next + state, dh, mask=there)


@triton.jit
def _backward_tiled(
    W_T, hs, dhs, das, dh_next, starts, sizes, T, B, H, RELU: tl.constexpr, PACKED: tl.constexpr,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, STAGES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The same, with W_hh read in tiles."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    tiles_in = tl.cdiv(H, TILE_IN)
    tiles = tiles_in * tl.cdiv(H, TILE_OUT)
    for back in range(T):
        start, size = rows_of(starts, sizes, T - 1 - back, B, PACKED)
        here = row[:, None] < size
        for n_0 in tl.range(0, H, TILE_OUT, num_stages=STAGES):
            out = n_0 + tl.arange(0, TILE_OUT)
            inside = here & (out[None, :] < H)
            one = (start + row)[:, None] * H + out[None, :]
            h = tl.load(hs + B * H + one, mask=inside, other=0).to(tl.float32)
            dh = tl.load(dhs + one, mask=inside, other=0).to(tl.float32)
            dh += tl.load(dh_next + row[:, None] * H + out[None, :], mask=inside, other=0)
            da = tl.where(h > 0, dh, 0.0) if RELU else dh * (1 - h * h)
            tl.store(das + one, da, mask=inside)
        tl.debug_barrier()  # the product below reads the whole da of this step
        dh = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
        for tile in tl.range(0, tiles, num_stages=STAGES):
            read = tile % tiles_in * TILE_IN + tl.arange(0, TILE_IN)
            out = tile // tiles_in * TILE_OUT + tl.arange(0, TILE_OUT)
            dh = tl.where(tile % tiles_in == 0, 0.0, dh)
            da = tl.load(das + (start + row)[:, None] * H + read[None, :], mask=here & (read[None, :] < H), other=0)
            square = (out[None, :] < H) & (read[:, None] < H)
            w = tl.load(W_T + out[None, :] * H + read[:, None], mask=square, other=0)
            dh = product(da, w, dh, PRECISION)
            if tile % tiles_in == tiles_in - 1:
                tl.store(dh_next + row[:, None] * H + out[None, :], dh, mask=here & (out[None, :] < H))
        tl.debug_barrier()  # the step before reads dh_next


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    (h,) = state
    B, H = h.shape
    check(x, H)
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    u = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)
    hs = state_buffer(h, len(x), x.dtype)
    resident, grid, meta = settings(1, H, B, x.dtype, 0, x.device)
    meta |= {"RELU": nonlinearity == "relu", "PACKED": at.packed}
    arrays = (u, params["weight_hh"].contiguous(), hs, at.starts, at.sizes)
    if resident:
        _forward[grid](*arrays, len(sizes), B, H, **meta)
    else:
        _forward_tiled[grid](*arrays, at.befores, len(sizes), B, H, **meta)
    return hs[B:].clone(), (hs[at.last].clone(),), (hs,)


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    (hs,) = trace
    W_ih, W_T = params["weight_ih"], params["weight_hh"].T.contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh, dhs = dstate[0].float().contiguous().clone(), dhs.contiguous()
    das = torch.empty_like(dhs)
    resident, grid, meta = settings(1, H, B, x.dtype, 1, x.device)
    meta |= {"RELU": nonlinearity == "relu", "PACKED": at.packed}
    kernel = _backward if resident else _backward_tiled
    kernel[grid](W_T, hs, dhs, das, dh, at.starts, at.sizes, len(sizes), B, H, **meta)
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)
        grads["bias_hh"] = grads["bias_ih"].clone()
    return das @ W_ih if with_dx else None, (dh.to(x.dtype),), grads
