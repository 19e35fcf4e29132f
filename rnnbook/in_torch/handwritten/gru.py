"""The GRU, forward and backward by hand: the mirror of ``rnnbook.in_numpy.GRU``'s two methods."""

from functools import partial

import torch
import torch.nn.functional as F

from rnnbook.in_torch.handwritten import biases
from rnnbook.in_torch.handwritten.arrays import blocks, by_step, empty, faces, library, own
from rnnbook.in_torch.handwritten.products import add_product, add_sum, into_gates, out_of_gates, transposed

sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward
# sigmoid_backward(d, s) = d * s * (1 - s), tanh_backward(d, t) = d * (1 - t * t), each in one pass


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    xp, (b_ih, b_hh) = library(x), biases(params)
    W_hh = params["weight_hh"]
    N, H = len(x), W_hh.size(1)
    gates, h_prevs, hs, v_ns = (empty(xp, x, N, n) for n in (3 * H, H, H, H))
    b_rz, b_n = b_hh.tensor_split([2 * H])  # that of n is for r to weigh; those of r and z can join u at once
    b = b_ih + F.pad(b_rz, (0, H))
    torch.addmm(b, x, params["weight_ih"].T, out=gates)  # first u, then written over with r, z, n
    W_rz_T, W_n_T = W_hh.T.tensor_split([2 * H], dim=1)
    h_all = own(state[0])  # a sequence that has ended keeps its row
    for rows, b in blocks(sizes, H):
        h_, v_, a_n_ = h_all[:b], gates.new_empty(b, 3 * H), gates.new_empty(b, H)
        rz_, n_ = v_.tensor_split([2 * H], dim=1)
        h, v, a_n, rz, n, b_v = faces(xp, h_, v_, a_n_, rz_, n_, b_n)
        r, z = rz[:, :H], rz[:, H:]
        arrays = faces(xp, gates[rows], h_prevs[rows], hs[rows], v_ns[rows])
        u_t, h_prev, h_t, v_n = by_step(b, *arrays)
        recurrent = into_gates(xp, h_, W_hh, v_)
        for t in range(len(u_t)):
            h_prev[t] = h
            if reset_after:
                recurrent()
                xp.add(n, b_v, out=v_n[t])
            else:
                torch.mm(h_, W_rz_T, out=rz_)
            rz += u_t[t, :, : 2 * H]
            rz_.sigmoid_()
            if reset_after:
                xp.multiply(r, v_n[t], out=a_n)
            else:
                xp.multiply(r, h, out=n)
                torch.addmm(b_n, n_, W_n_T, out=a_n_)
            a_n += u_t[t, :, 2 * H :]
            xp.tanh(a_n, out=n)
            u_t[t] = v
            h -= n
            h *= z
            h += n
            h_t[t] = h
    return hs, (h_all,), (x, gates, h_prevs, v_ns)


def backward(dhs, dstate, trace, params, sizes, with_dx=True, *, reset_after=True):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx,
    dstate and grads by name.
    """
    x, gates, h_prevs, v_ns = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    H, xp = W_hh.size(1), library(x)
    dx = empty(xp, x, *x.shape) if with_dx else None
    dW_ih = dW_rz = dW_n = db_ih = db_hh = None
    dh_all = own(dstate[0])
    for rows, b in reversed(blocks(sizes, H)):
        (r, z, n), h_prev = gates[rows].split(H, dim=1), h_prevs[rows]
        dus = torch.empty_like(gates[rows])
        heard = v_ns[rows] if reset_after else h_prev
        slopes = tanh_backward(1 - z, n), sigmoid_backward(h_prev - n, z)
        slopes = *slopes, sigmoid_backward(heard, r)
        dh_, da_, back_ = dh_all[:b], dus.new_empty(b, 3 * H), dus.new_empty(b, H)
        dh, da, back = faces(xp, dh_, da_, back_)
        arrays = faces(xp, *slopes, gates[rows], dhs[rows], dus)
        da_r, da_z, da_n = (da[:, k * H : (k + 1) * H] for k in range(3))
        candidate, update, reset, gate, dh_out, du = by_step(b, *arrays)
        r_t, z_t = gate[:, :, :H], gate[:, :, H : 2 * H]
        back_from_dv = out_of_gates(xp, da_, W_hh, back_)
        W_rz, W_n = W_hh.tensor_split([2 * H])
        back_from_da_n = partial(torch.mm, da_[:, 2 * H :], W_n, out=back_)
        for t in reversed(range(len(du))):
            dh += dh_out[t]  # eq-gru-back-hidden
            xp.multiply(dh, candidate[t], out=da_n)  # eq-gru-back-candidate
            xp.multiply(dh, update[t], out=da_z)  # eq-gru-back-update
            dh *= z_t[t]
            if reset_after:
                xp.multiply(da_n, reset[t], out=da_r)  # eq-gru-back-reset
                du[t] = da
                da_n *= r_t[t]  # eq-gru-back-from-hidden
                back_from_dv()
                dh += back  # eq-gru-back-state
            else:
                back_from_da_n()  # the gradient by r * h_prev
                xp.multiply(back, reset[t], out=da_r)  # eq-gru-back-reset-before
                du[t] = da
                back *= r_t[t]
                dh += back
                dh_.addmm_(da_[:, : 2 * H], W_rz)  # eq-gru-back-state-before
        da_rz, da_n = dus.tensor_split([2 * H], dim=1)
        dv_n, memory = (r * da_n, h_prev) if reset_after else (da_n, r * h_prev)
        if with_dx:
            torch.mm(dus, W_ih, out=dx[rows])  # eq-gru-back-x
        dW_ih = add_product(dW_ih, dus, x[rows])
        dW_rz = add_product(dW_rz, da_rz, h_prev)  # eq-gru-back-weights
        dW_n = add_product(dW_n, dv_n, memory)  # eq-gru-back-weights-before
        if "bias_ih" in params:
            dvs = torch.cat([da_rz, dv_n], 1)
            db_ih = add_sum(db_ih, dus)
            db_hh = add_sum(db_hh, dvs)  # eq-gru-back-bias
    grads = {"weight_ih": dW_ih, "weight_hh": torch.cat([dW_rz, dW_n], 1)}
    return dx, (dh_all,), transposed(grads | {"bias_ih": db_ih, "bias_hh": db_hh})
