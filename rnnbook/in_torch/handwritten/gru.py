"""The GRU, forward and backward by hand: the mirror of ``rnnbook.in_numpy.GRU``'s two methods."""

import torch

from rnnbook.in_torch.handwritten import biases, blocks, by_step, faces, library


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for :func:`backward`."""
    xp, (b_ih, b_hh) = library(x), biases(params)
    gates = torch.addmm(b_ih, x, params["weight_ih"].T)  # first u, then written over with r, z, n
    H = gates.size(1) // 3
    h_prevs, hs, v_ns = (gates.new_empty(len(x), H) for _ in range(3))
    W_rz_T, W_n_T = params["weight_hh"].T.contiguous().tensor_split([2 * H], dim=1)
    W_hh_T, b_rz, b_n = params["weight_hh"].T.contiguous(), b_hh[: 2 * H], b_hh[2 * H :]
    h_all = state[0].clone()  # a sequence that has ended keeps its row
    for rows, b in blocks(sizes, H):
        h_, v_, a_n_ = h_all[:b], gates.new_empty(b, 3 * H), gates.new_empty(b, H)
        rz_, n_ = v_.tensor_split([2 * H], dim=1)
        h, v, a_n, rz, n = faces(xp, h_, v_, a_n_, rz_, n_)
        r, z = rz[:, :H], rz[:, H:]
        arrays = faces(xp, gates[rows], h_prevs[rows], hs[rows], v_ns[rows])
        u_t, h_prev, h_t, v_n = by_step(b, *arrays)
        for t in range(len(u_t)):
            h_prev[t] = h
            if reset_after:
                torch.addmm(b_hh, h_, W_hh_T, out=v_)
            else:
                torch.addmm(b_rz, h_, W_rz_T, out=rz_)
            rz += u_t[t, :, : 2 * H]
            rz_.sigmoid_()
            if reset_after:
                v_n[t] = n
                xp.multiply(r, n, out=a_n)
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
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    x, gates, h_prevs, v_ns = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    H, xp = W_hh.size(1), library(x)
    dx = torch.empty_like(x) if with_dx else None
    grads = {name: torch.zeros_like(p) for name, p in params.items()}
    dW_ih, (dW_rz, dW_n) = grads["weight_ih"], grads["weight_hh"].tensor_split([2 * H])
    dh_all = dstate[0].clone()
    for rows, b in reversed(blocks(sizes, H)):
        dus = torch.empty_like(gates[rows])
        dh_, da_, dmemory_ = dh_all[:b], gates.new_empty(b, 3 * H), gates.new_empty(b, H)
        dh, da, dmemory, gate, *arrays = faces(xp, dh_, da_, dmemory_, gates[rows], h_prevs[rows], v_ns[rows])
        r, z, n = (gate[:, k * H : (k + 1) * H] for k in range(3))
        da_r, da_z, da_n = (da[:, k * H : (k + 1) * H] for k in range(3))
        h_prev, v_n = arrays
        slopes = (1 - z) * (1 - n * n), (h_prev - n) * z * (1 - z), (v_n if reset_after else h_prev) * r * (1 - r)
        candidate, update, reset, r_t, z_t, dh_out, du = by_step(b, *slopes, r, z, *faces(xp, dhs[rows], dus))
        for t in reversed(range(len(du))):
            dh += dh_out[t]  # eq-gru-back-hidden
            xp.multiply(dh, candidate[t], out=da_n)  # eq-gru-back-candidate
            xp.multiply(dh, update[t], out=da_z)  # eq-gru-back-update
            dh *= z_t[t]
            if reset_after:
                xp.multiply(da_n, reset[t], out=da_r)  # eq-gru-back-reset
                du[t] = da
                da_n *= r_t[t]  # eq-gru-back-from-hidden
                dh_.addmm_(da_, W_hh)  # eq-gru-back-state
            else:
                torch.mm(da_[:, 2 * H :], W_hh[2 * H :], out=dmemory_)  # by r * h_prev
                xp.multiply(dmemory, reset[t], out=da_r)  # eq-gru-back-reset-before
                du[t] = da
                dmemory *= r_t[t]
                dh += dmemory
                dh_.addmm_(da_[:, : 2 * H], W_hh[: 2 * H])  # eq-gru-back-state-before
        r, h_prev = gates[rows, :H], h_prevs[rows]
        da_n = dus[:, 2 * H :]
        dvs = torch.cat([dus[:, : 2 * H], r * da_n if reset_after else da_n], dim=1)
        if with_dx:
            torch.mm(dus, W_ih, out=dx[rows])  # eq-gru-back-x
        da_rz, dv_n = dvs.tensor_split([2 * H], dim=1)
        for dW, das, read in ((dW_ih, dus, x[rows]), (dW_rz, da_rz, h_prev)):
            dW.addmm_(das.T, read)  # eq-gru-back-weights
        dW_n.addmm_(dv_n.T, h_prev if reset_after else r * h_prev)  # eq-gru-back-weights-before
        for name, das in (("bias_ih", dus), ("bias_hh", dvs)):
            if name in grads:
                grads[name] += das.sum(0)  # eq-gru-back-bias
    return dx, (dh_all,), grads
