"""The LSTM as two Triton kernels, with the signatures of ``handwritten.lstm``.

Fused: the recurrent product, the gates, carry and h of every step, in one launch for all T steps; backward the
same, with the gradients of the pre-activations written out. The products for all steps at once, W_ih x before
and the weights' gradients after, are PyTorch's. On chip: W_hh for H ≤ 64 (128 in half precision); above, it is
read at each step. Any B and T ≥ 1, packed sequences, H up to 1024, float32, bfloat16 and float16; the
arithmetic between two products, and the carry, are float32. No peepholes, no projection. Needs a GPU with
compute capability 8.0 or above.
Errors and speed on a GPU: ``make gpu`` measures them against the reference and cuDNN.
"""

import torch
import triton
import triton.language as tl

from rnnbook.in_torch.handwritten import biases
from rnnbook.in_torch.kernels import check, product, settings, steps, tanh


@triton.jit
def _forward(
    gates, W_T, hs, cs, starts, sizes, befores, T, B, H,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, RESIDENT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the gates over u (N, 4H), and h and c after every step behind the initial ones, (B + N, H) each."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    k = tl.arange(0, TILE_IN)
    n = tl.arange(0, TILE_OUT)
    if RESIDENT:
        w = W_T + k[:, None] * (4 * H) + n[None, :]
        square = (k[:, None] < H) & (n[None, :] < H)
        w_i = tl.load(w, mask=square, other=0)
        w_f = tl.load(w + H, mask=square, other=0)
        w_g = tl.load(w + 2 * H, mask=square, other=0)
        w_o = tl.load(w + 3 * H, mask=square, other=0)
    for t in range(T):
        start = tl.load(starts + t)
        here = row < tl.load(sizes + t)
        before = tl.load(befores + t) + row
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            u = gates + (start + row)[:, None] * (4 * H) + out[None, :]
            a_i = tl.load(u, mask=inside, other=0).to(tl.float32)
            a_f = tl.load(u + H, mask=inside, other=0).to(tl.float32)
            a_g = tl.load(u + 2 * H, mask=inside, other=0).to(tl.float32)
            a_o = tl.load(u + 3 * H, mask=inside, other=0).to(tl.float32)
            for k_0 in range(0, H, TILE_IN):
                read = k_0 + k
                h_at = hs + before[:, None] * H + read[None, :]
                h = tl.load(h_at, mask=here[:, None] & (read[None, :] < H), other=0)
                if not RESIDENT:
                    w = W_T + read[:, None] * (4 * H) + out[None, :]
                    tile = (read[:, None] < H) & (out[None, :] < H)
                    w_i = tl.load(w, mask=tile, other=0)
                    w_f = tl.load(w + H, mask=tile, other=0)
                    w_g = tl.load(w + 2 * H, mask=tile, other=0)
                    w_o = tl.load(w + 3 * H, mask=tile, other=0)
                a_i = product(h, w_i, a_i, PRECISION)
                a_f = product(h, w_f, a_f, PRECISION)
                a_g = product(h, w_g, a_g, PRECISION)
                a_o = product(h, w_o, a_o, PRECISION)
            i = tl.sigmoid(a_i)
            f = tl.sigmoid(a_f)
            g = tanh(a_g)
            o = tl.sigmoid(a_o)
            c = f * tl.load(cs + before[:, None] * H + out[None, :], mask=inside, other=0) + i * g
            h = o * tanh(c)
            after = (start + B + row)[:, None] * H + out[None, :]
            tl.store(cs + after, c, mask=inside)
            tl.store(hs + after, h, mask=inside)
            tl.store(u, i, mask=inside)
            tl.store(u + H, f, mask=inside)
            tl.store(u + 2 * H, g, mask=inside)
            tl.store(u + 3 * H, o, mask=inside)
        tl.debug_barrier()  # the next step reads what this one's threads have written


@triton.jit
def _backward(
    gates, W, cs, dhs, das, dh_next, dc_next, starts, sizes, befores, T, B, H,
    ROWS: tl.constexpr, TILE_IN: tl.constexpr, TILE_OUT: tl.constexpr, RESIDENT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write da (N, 4H); dh_next and dc_next (B, H) hold what comes back from the last step, then from each."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    k = tl.arange(0, TILE_IN)
    n = tl.arange(0, TILE_OUT)
    if RESIDENT:
        w = W + k[:, None] * H + n[None, :]
        square = (k[:, None] < H) & (n[None, :] < H)
        w_i = tl.load(w, mask=square, other=0)
        w_f = tl.load(w + H * H, mask=square, other=0)
        w_g = tl.load(w + 2 * H * H, mask=square, other=0)
        w_o = tl.load(w + 3 * H * H, mask=square, other=0)
    for back in range(T):
        t = T - 1 - back
        start = tl.load(starts + t)
        here = row < tl.load(sizes + t)
        before = tl.load(befores + t) + row
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            gate = gates + (start + row)[:, None] * (4 * H) + out[None, :]
            i = tl.load(gate, mask=inside, other=0).to(tl.float32)
            f = tl.load(gate + H, mask=inside, other=0).to(tl.float32)
            g = tl.load(gate + 2 * H, mask=inside, other=0).to(tl.float32)
            o = tl.load(gate + 3 * H, mask=inside, other=0).to(tl.float32)
            c_prev = tl.load(cs + before[:, None] * H + out[None, :], mask=inside, other=0)
            tanh_c = tanh(f * c_prev + i * g)
            state = row[:, None] * H + out[None, :]
            dh = tl.load(dhs + (start + row)[:, None] * H + out[None, :], mask=inside, other=0).to(tl.float32)
            dh += tl.load(dh_next + state, mask=inside, other=0)
            dc = tl.load(dc_next + state, mask=inside, other=0) + dh * o * (1 - tanh_c * tanh_c)
            tl.store(dc_next + state, dc * f, mask=inside)
            da = das + (start + row)[:, None] * (4 * H) + out[None, :]
            tl.store(da, dc * g * i * (1 - i), mask=inside)
            tl.store(da + H, dc * c_prev * f * (1 - f), mask=inside)
            tl.store(da + 2 * H, dc * i * (1 - g * g), mask=inside)
            tl.store(da + 3 * H, dh * tanh_c * o * (1 - o), mask=inside)
        tl.debug_barrier()  # the product below reads the whole da of this step
        for n_0 in range(0, H, TILE_OUT):
            out = n_0 + n
            inside = here[:, None] & (out[None, :] < H)
            dh = tl.zeros((ROWS, TILE_OUT), dtype=tl.float32)
            for k_0 in range(0, H, TILE_IN):
                read = k_0 + k
                there = here[:, None] & (read[None, :] < H)
                da = das + (start + row)[:, None] * (4 * H) + read[None, :]
                if not RESIDENT:
                    w = W + read[:, None] * H + out[None, :]
                    tile = (read[:, None] < H) & (out[None, :] < H)
                    w_i = tl.load(w, mask=tile, other=0)
                    w_f = tl.load(w + H * H, mask=tile, other=0)
                    w_g = tl.load(w + 2 * H * H, mask=tile, other=0)
                    w_o = tl.load(w + 3 * H * H, mask=tile, other=0)
                dh = product(tl.load(da, mask=there, other=0), w_i, dh, PRECISION)
                dh = product(tl.load(da + H, mask=there, other=0), w_f, dh, PRECISION)
                dh = product(tl.load(da + 2 * H, mask=there, other=0), w_g, dh, PRECISION)
                dh = product(tl.load(da + 3 * H, mask=there, other=0), w_o, dh, PRECISION)
            tl.store(dh_next + row[:, None] * H + out[None, :], dh, mask=inside)
        tl.debug_barrier()  # the step before reads dh_next


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    h, c = state
    B, H = h.shape
    check(x, H, peephole=peephole)
    b_ih, b_hh = biases(params)
    at = steps(sizes, x.device)
    gates = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)  # first u, then written over with i, f, g, o
    hs = torch.cat([h, h.new_empty(len(x), H)])
    cs = torch.cat([c.float(), c.new_empty(len(x), H, dtype=torch.float32)])
    grid, meta = settings(H, B, x.dtype)
    W_T = params["weight_hh"].T.contiguous()
    _forward[grid](gates, W_T, hs, cs, at.starts, at.sizes, at.befores, len(sizes), B, H, **meta)
    return hs[B:].clone(), (hs[at.last].clone(), cs[at.last].to(c.dtype)), (x, gates, hs, cs)


def backward(dhs, dstate, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    x, gates, hs, cs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"].contiguous()
    (B, H), at = dstate[0].shape, steps(sizes, x.device)
    dh, dc = (d.float().contiguous().clone() for d in dstate)
    das = torch.empty_like(gates)
    grid, meta = settings(H, B, x.dtype)
    _backward[grid](
        gates, W_hh, cs, dhs.contiguous(), das, dh, dc, at.starts, at.sizes, at.befores, len(sizes), B, H, **meta
    )
    grads = {"weight_ih": das.T @ x, "weight_hh": das.T @ hs[at.previous]}
    if "bias_ih" in params:
        grads["bias_ih"] = grads["bias_hh"] = das.sum(0)
    return das @ W_ih if with_dx else None, (dh.to(x.dtype), dc.to(x.dtype)), grads
