"""The basic RNN as two Triton kernels, with the signatures of ``handwritten.rnn``.

Fused: the recurrent product and φ of every step, in one launch for all T steps; backward the same, with the
gradient of the pre-activation written out. The products for all steps at once, W_ih x before and the weights'
gradients after, are PyTorch's. On chip: W_hh for H ≤ 64 (128 in half precision); above, it is read at each
step. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and float16; the arithmetic between two
products is float32. tanh and relu. Needs a GPU with compute capability 8.0 or above.
Errors and speed on a GPU: ``make gpu`` measures them against the reference and cuDNN.
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.handwritten import biases
from rnnbook.in_torch.kernels import check, product, settings, steps, tanh


@triton.jit
def _forward(
    u, W_T, hs, starts, sizes, befores, T, B, H, RELU: tl.constexpr,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, RESIDENT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write h after every step behind the initial one, (B + N, H), from u (N, H)."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    k = tl.arange(0, TILE_IN)
    n = tl.arange(0, TILE_OUT)
    if RESIDENT:
        square = (k[:, None] < H) & (n[None, :] < H)
        w = tl.load(W_T + k[:, None] * H + n[None, :], mask=square, other=0)
    for t in range(T):
        start = tl.load(starts + t)
        here = row < tl.load(sizes + t)
        before = tl.load(befores + t) + row
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            u_at = u + (start + row)[:, None] * H + out[None, :]
            a = tl.load(u_at, mask=inside, other=0).to(tl.float32)
            for k_0 in range(0, H, TILE_IN):
                read = k_0 + k
                h_at = hs + before[:, None] * H + read[None, :]
                h = tl.load(h_at, mask=here[:, None] & (read[None, :] < H), other=0)
                if not RESIDENT:
                    tile = (read[:, None] < H) & (out[None, :] < H)
                    w_at = W_T + read[:, None] * H + out[None, :]
                    w = tl.load(w_at, mask=tile, other=0)
                a = product(h, w, a, PRECISION)
            h_new = tl.where(a < 0, 0.0, a) if RELU else tanh(a)  # NaN stays NaN
            after = (start + B + row)[:, None] * H + out[None, :]
            tl.store(hs + after, h_new, mask=inside)
        tl.debug_barrier()  # the next step reads what this one's threads have written


@triton.jit
def _backward(
    W, hs, dhs, das, dh_next, starts, sizes, T, B, H, RELU: tl.constexpr,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, RESIDENT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write da (N, H); dh_next (B, H) holds what comes back from the last step, then from each."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    k = tl.arange(0, TILE_IN)
    n = tl.arange(0, TILE_OUT)
    if RESIDENT:
        square = (k[:, None] < H) & (n[None, :] < H)
        w = tl.load(W + k[:, None] * H + n[None, :], mask=square, other=0)
    for back in range(T):
        start = tl.load(starts + T - 1 - back)
        here = row < tl.load(sizes + T - 1 - back)
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            one = (start + row)[:, None] * H + out[None, :]
            h = tl.load(hs + B * H + one, mask=inside, other=0).to(tl.float32)
            dh = tl.load(dhs + one, mask=inside, other=0).to(tl.float32)
            dh += tl.load(dh_next + row[:, None] * H + out[None, :], mask=inside, other=0)
            da = tl.where(h > 0, dh, 0.0) if RELU else dh * (1 - h * h)
            tl.store(das + one, da, mask=inside)
        tl.debug_barrier()  # the product below reads the whole da of this step
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            dh = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
            for k_0 in range(0, H, TILE_IN):
                read = k_0 + k
                there = here[:, None] & (read[None, :] < H)
                da = tl.load(das + (start + row)[:, None] * H + read[None, :], mask=there, other=0)
                if not RESIDENT:
                    tile = (read[:, None] < H) & (out[None, :] < H)
                    w = tl.load(W + read[:, None] * H + out[None, :], mask=tile, other=0)
                dh = product(da, w, dh, PRECISION)
            inside = here[:, None] & (out[None, :] < H)
            tl.store(dh_next + row[:, None] * H + out[None, :], dh, mask=inside)
        tl.debug_barrier()  # the step before reads dh_next


def forward(x, state, params, sizes, *, nonlinearity="tanh"):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    (h,) = state
    B, H = h.shape
    check(x, H)
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    u = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)
    hs = torch.cat([h, torch.empty_like(u)])
    grid, meta = settings(H, B, x.dtype)
    W_T = params["weight_hh"].T.contiguous()
    relu = nonlinearity == "relu"
    _forward[grid](u, W_T, hs, at.starts, at.sizes, at.befores, len(sizes), B, H, relu, **meta)
    return hs[B:].clone(), (hs[at.last].clone(),), (x, hs)


def backward(dhs, dstate, trace, params, sizes, with_dx=True, *, nonlinearity="tanh"):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    x, hs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"].contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh, dhs = dstate[0].float().contiguous().clone(), dhs.contiguous()
    das = torch.empty_like(dhs)
    grid, meta = settings(H, B, x.dtype)
    relu = nonlinearity == "relu"
    _backward[grid](W_hh, hs, dhs, das, dh, at.starts, at.sizes, len(sizes), B, H, relu, **meta)
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads["bias_ih"] = grads["bias_hh"] = das.sum(0)
    return das @ W_ih if with_dx else None, (dh.to(x.dtype),), grads
