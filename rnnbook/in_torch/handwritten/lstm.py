"""The LSTM, forward and backward by hand: the mirror of ``rnnbook.in_numpy.LSTM``'s two methods."""

import torch

from rnnbook.in_torch.handwritten import biases
from rnnbook.in_torch.handwritten.arrays import blocks, by_step, empty, faces, library, own
from rnnbook.in_torch.handwritten.products import add_product, add_sum, into_gates, out_of_gates, transposed

sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward
# sigmoid_backward(d, s) = d * s * (1 - s), tanh_backward(d, t) = d * (1 - t * t), each in one pass


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    xp, (b_ih, b_hh) = library(x), biases(params)
    W_hh = params["weight_hh"]
    N, H = len(x), W_hh.size(1)
    gates, h_prevs, c_prevs, hs = (empty(xp, x, N, n) for n in (4 * H, H, H, H))
    torch.addmm(b_ih + b_hh, x, params["weight_ih"].T, out=gates)  # first u, then written over with i, f, g, o
    h_all, c_all = own(state[0]), own(state[1])  # a sequence that has ended keeps its row
    if peephole:
        p_i, p_f, p_o = faces(xp, *params["weight_peephole"].split(H))
    for rows, b in blocks(sizes, H):
        h_, a_, g_ = h_all[:b], gates.new_empty(b, 4 * H), gates.new_empty(b, H)
        h, c, a, g = faces(xp, h_, c_all[:b], a_, g_)
        i, f, a_g, o = (a[:, k * H : (k + 1) * H] for k in range(4))
        arrays = faces(xp, gates[rows], h_prevs[rows], c_prevs[rows], hs[rows])
        u_t, h_prev, c_prev, h_t = by_step(b, *arrays)
        recurrent = into_gates(xp, h_, W_hh, a_)
        for t in range(len(u_t)):
            h_prev[t], c_prev[t] = h, c
            recurrent()
            a += u_t[t]
            xp.tanh(a_g, out=g)
            if peephole:
                i += p_i * c
                f += p_f * c
                a_[:, : 2 * H].sigmoid_()
                o += p_o * (f * c + i * g)
                a_[:, 3 * H :].sigmoid_()
            else:
                a_.sigmoid_()  # all blocks in one call; what it does to g's is not used
            a_g[...] = g
            u_t[t] = a
            c *= f
            i *= g
            c += i
            xp.tanh(c, out=h)
            h *= o
            h_t[t] = h
    return hs, (h_all, c_all), (x, gates, h_prevs, c_prevs)


def backward(dhs, dstate, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx,
    dstate and grads by name.
    """
    x, gates, h_prevs, c_prevs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    H, xp, grads = W_hh.size(1), library(x), {}
    dx = empty(xp, x, *x.shape) if with_dx else None
    dh_all, dc_all = own(dstate[0]), own(dstate[1])
    if peephole:
        p_i, p_f, p_o = faces(xp, *params["weight_peephole"].split(H))
    for rows, b in reversed(blocks(sizes, H)):
        (i, f, g, o), c_prev = gates[rows].split(H, dim=1), c_prevs[rows]
        das, c = torch.empty_like(gates[rows]), torch.addcmul(i * g, f, c_prev)
        tanh_c = torch.as_tensor(xp.tanh(*faces(xp, c)))
        by_i, by_f = sigmoid_backward(g, i), sigmoid_backward(c_prev, f)
        by_g, by_c = tanh_backward(i, g), tanh_backward(o, tanh_c)
        by_o = sigmoid_backward(tanh_c, o)
        slopes = torch.cat([by_i, by_f, by_g], 1), by_o, by_c
        dh_, da_ = dh_all[:b], gates.new_empty(b, 4 * H)
        dh, dc, da = faces(xp, dh_, dc_all[:b], da_)
        arrays = faces(xp, *slopes, gates[rows], dhs[rows], das)
        ifg_slope, o_slope, c_slope, gate, dh_out, da_t = by_step(b, *arrays)
        ifg_slope, f_t = ifg_slope.reshape(-1, b, 3, H), gate[:, :, H : 2 * H]
        da_ifg, da_o = da[:, : 3 * H].reshape(b, 3, H), da[:, 3 * H :]
        dcs = dc[:, None]
        dh_from_da = out_of_gates(xp, da_, W_hh, dh_)
        for t in reversed(range(len(da_t))):
            dh += dh_out[t]  # eq-lstm-back-hidden
            xp.multiply(dh, o_slope[t], out=da_o)  # eq-lstm-back-output
            dc += dh * c_slope[t]  # eq-lstm-back-carry
            if peephole:
                dc += p_o * da_o  # eq-lstm-peephole-back-carry
            # all three in one call: eq-lstm-back-input eq-lstm-back-forget
            xp.multiply(dcs, ifg_slope[t], out=da_ifg)  # eq-lstm-back-candidate
            dc *= f_t[t]  # eq-lstm-back-carry-next
            if peephole:
                a_part = p_i * da[:, :H] + p_f * da[:, H : 2 * H]
                dc += a_part  # eq-lstm-peephole-back-carry-next
            dh_from_da()  # eq-lstm-back-state
            da_t[t] = da
        if with_dx:
            torch.mm(das, W_ih, out=dx[rows])  # eq-lstm-back-x
        for name, read in (("weight_ih", x[rows]), ("weight_hh", h_prevs[rows])):
            total = grads.get(name)
            grads[name] = add_product(total, das, read)  # eq-lstm-back-weights
        if "bias_ih" in params:
            db = add_sum(grads.get("bias_ih"), das)  # eq-lstm-back-bias
            grads["bias_ih"] = grads["bias_hh"] = db
        if peephole:
            seen = torch.stack([c_prev, c_prev, c], 1)
            dps = (das.unflatten(1, (4, H))[:, [0, 1, 3]] * seen).flatten(1)
            total = grads.get("weight_peephole")
            total = add_sum(total, dps)  # eq-lstm-peephole-back-weights
            grads["weight_peephole"] = total
    return dx, (dh_all, dc_all), transposed(grads)
