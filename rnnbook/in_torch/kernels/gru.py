"""The GRU as two Triton kernels, with the signatures of ``handwritten.gru``.

Fused: the recurrent product, the gates, the candidate and h of every step, in one launch for all T steps;
backward the same, with the gradients of the pre-activations written out. The products for all steps at once,
W_ih x before and the weights' gradients after, are PyTorch's. On chip: W_hh for H ≤ 64 (128 in half precision);
above, it is read at each step. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and float16;
the arithmetic between two products is float32. The reset gate acts after the product, as in cuDNN. Needs a GPU
with compute capability 8.0 or above.
Errors and speed on a GPU: ``make gpu`` measures them against the reference and cuDNN.
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.handwritten import biases
from rnnbook.in_torch.kernels import check, product, settings, steps, tanh


@triton.jit
def _forward(
    gates, v_ns, W_T, b_hh, hs, starts, sizes, befores, T, B, H,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, RESIDENT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write r, z, n over u (N, 3H), v_n (N, H), and h after every step behind the initial one, (B + N, H)."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    k = tl.arange(0, TILE_IN)
    n = tl.arange(0, TILE_OUT)
    if RESIDENT:
        w = W_T + k[:, None] * (3 * H) + n[None, :]
        square = (k[:, None] < H) & (n[None, :] < H)
        w_r = tl.load(w, mask=square, other=0)
        w_z = tl.load(w + H, mask=square, other=0)
        w_n = tl.load(w + 2 * H, mask=square, other=0)
    for t in range(T):
        start = tl.load(starts + t)
        here = row < tl.load(sizes + t)
        before = tl.load(befores + t) + row
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            b = b_hh + out[None, :]
            zero = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
            v_r = zero + tl.load(b, mask=out[None, :] < H, other=0)
            v_z = zero + tl.load(b + H, mask=out[None, :] < H, other=0)
            v_n = zero + tl.load(b + 2 * H, mask=out[None, :] < H, other=0)
            for k_0 in range(0, H, TILE_IN):
                read = k_0 + k
                h_at = hs + before[:, None] * H + read[None, :]
                h = tl.load(h_at, mask=here[:, None] & (read[None, :] < H), other=0)
                if not RESIDENT:
                    w = W_T + read[:, None] * (3 * H) + out[None, :]
                    tile = (read[:, None] < H) & (out[None, :] < H)
                    w_r = tl.load(w, mask=tile, other=0)
                    w_z = tl.load(w + H, mask=tile, other=0)
                    w_n = tl.load(w + 2 * H, mask=tile, other=0)
                v_r = product(h, w_r, v_r, PRECISION)
                v_z = product(h, w_z, v_z, PRECISION)
                v_n = product(h, w_n, v_n, PRECISION)
            u = gates + (start + row)[:, None] * (3 * H) + out[None, :]
            r = tl.sigmoid(tl.load(u, mask=inside, other=0).to(tl.float32) + v_r)
            z = tl.sigmoid(tl.load(u + H, mask=inside, other=0).to(tl.float32) + v_z)
            new = tanh(tl.load(u + 2 * H, mask=inside, other=0).to(tl.float32) + r * v_n)
            h_prev = tl.load(hs + before[:, None] * H + out[None, :], mask=inside, other=0).to(tl.float32)
            tl.store(hs + (start + B + row)[:, None] * H + out[None, :], (1 - z) * new + z * h_prev, mask=inside)
            tl.store(v_ns + (start + row)[:, None] * H + out[None, :], v_n, mask=inside)
            tl.store(u, r, mask=inside)
            tl.store(u + H, z, mask=inside)
            tl.store(u + 2 * H, new, mask=inside)
        tl.debug_barrier()  # the next step reads what this one's threads have written


@triton.jit
def _backward(
    gates, v_ns, W, hs, dhs, dus, dv_ns, dh_next, starts, sizes, befores, T, B, H,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, RESIDENT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write du (N, 3H) and dv_n (N, H); dh_next (B, H) holds what comes back from the last step, then from each."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    k = tl.arange(0, TILE_IN)
    n = tl.arange(0, TILE_OUT)
    if RESIDENT:
        w = W + k[:, None] * H + n[None, :]
        square = (k[:, None] < H) & (n[None, :] < H)
        w_r = tl.load(w, mask=square, other=0)
        w_z = tl.load(w + H * H, mask=square, other=0)
        w_n = tl.load(w + 2 * H * H, mask=square, other=0)
    for back in range(T):
        t = T - 1 - back
        start = tl.load(starts + t)
        here = row < tl.load(sizes + t)
        before = tl.load(befores + t) + row
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            gate = gates + (start + row)[:, None] * (3 * H) + out[None, :]
            one = (start + row)[:, None] * H + out[None, :]
            r = tl.load(gate, mask=inside, other=0).to(tl.float32)
            z = tl.load(gate + H, mask=inside, other=0).to(tl.float32)
            new = tl.load(gate + 2 * H, mask=inside, other=0).to(tl.float32)
            v_n = tl.load(v_ns + one, mask=inside, other=0).to(tl.float32)
            h_prev = tl.load(hs + before[:, None] * H + out[None, :], mask=inside, other=0).to(tl.float32)
            state = row[:, None] * H + out[None, :]
            dh = tl.load(dhs + one, mask=inside, other=0).to(tl.float32)
            dh += tl.load(dh_next + state, mask=inside, other=0)
            da_n = dh * (1 - z) * (1 - new * new)
            tl.store(dh_next + state, z * dh, mask=inside)
            du = dus + (start + row)[:, None] * (3 * H) + out[None, :]
            tl.store(du, da_n * v_n * r * (1 - r), mask=inside)
            tl.store(du + H, dh * (h_prev - new) * z * (1 - z), mask=inside)
            tl.store(du + 2 * H, da_n, mask=inside)
            tl.store(dv_ns + one, r * da_n, mask=inside)
        tl.debug_barrier()  # the product below reads the whole gradient of this step
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            state = row[:, None] * H + out[None, :]
            dh = tl.load(dh_next + state, mask=inside, other=0)
            for k_0 in range(0, H, TILE_IN):
                read = k_0 + k
                there = here[:, None] & (read[None, :] < H)
                du = dus + (start + row)[:, None] * (3 * H) + read[None, :]
                dv = dv_ns + (start + row)[:, None] * H + read[None, :]
                if not RESIDENT:
                    w = W + read[:, None] * H + out[None, :]
                    tile = (read[:, None] < H) & (out[None, :] < H)
                    w_r = tl.load(w, mask=tile, other=0)
                    w_z = tl.load(w + H * H, mask=tile, other=0)
                    w_n = tl.load(w + 2 * H * H, mask=tile, other=0)
                dh = product(tl.load(du, mask=there, other=0), w_r, dh, PRECISION)
                dh = product(tl.load(du + H, mask=there, other=0), w_z, dh, PRECISION)
                dh = product(tl.load(dv, mask=there, other=0), w_n, dh, PRECISION)
            tl.store(dh_next + state, dh, mask=inside)
        tl.debug_barrier()  # the step before reads dh_next


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    (h,) = state
    B, H = h.shape
    check(x, H, **{"reset_after=False": not reset_after})
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    gates = torch.addmm(b_ih, x, params["weight_ih"].T)  # first u, then written over with r, z, n
    hs, v_ns = torch.cat([h, h.new_empty(len(x), H)]), h.new_empty(len(x), H)
    grid, meta = settings(H, B, x.dtype)
    W_T = params["weight_hh"].T.contiguous()
    _forward[grid](gates, v_ns, W_T, b_hh, hs, at.starts, at.sizes, at.befores, len(sizes), B, H, **meta)
    return hs[B:].clone(), (hs[at.last].clone(),), (x, gates, v_ns, hs)


def backward(dhs, dstate, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    x, gates, v_ns, hs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"].contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh = dstate[0].float().contiguous().clone()
    dus, dv_ns = torch.empty_like(gates), torch.empty_like(v_ns)
    grid, meta = settings(H, B, x.dtype)
    arrays = (gates, v_ns, W_hh, hs, dhs.contiguous(), dus, dv_ns, dh)
    _backward[grid](*arrays, at.starts, at.sizes, at.befores, len(sizes), B, H, **meta)
    dvs = torch.cat([dus[:, : 2 * H], dv_ns], dim=1)
    grads = {"weight_ih": dus.T @ x, "weight_hh": dvs.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads |= {"bias_ih": dus.sum(0), "bias_hh": dvs.sum(0)}
    return dus @ W_ih if with_dx else None, (dh.to(x.dtype),), grads
