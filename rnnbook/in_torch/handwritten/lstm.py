"""The LSTM, forward and backward by hand: the mirror of ``rnnbook.in_numpy.LSTM``'s two methods."""

import torch

from rnnbook.in_torch.handwritten import biases, blocks, by_step, faces, library


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for :func:`backward`."""
    xp, (b_ih, b_hh) = library(x), biases(params)
    gates = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)  # first u, then written over with i, f, g, o
    H = gates.size(1) // 4
    h_prevs, c_prevs, hs = (gates.new_empty(len(x), H) for _ in range(3))
    W_hh_T = params["weight_hh"].T.contiguous()
    h_all, c_all = state[0].clone(), state[1].clone()  # a sequence that has ended keeps its row
    if peephole:
        p_i, p_f, p_o = faces(xp, *params["weight_peephole"].split(H))
    for rows, b in blocks(sizes, H):
        h_, a_, g_ = h_all[:b], gates.new_empty(b, 4 * H), gates.new_empty(b, H)
        h, c, a, g = faces(xp, h_, c_all[:b], a_, g_)
        i, f, a_g, o = (a[:, k * H : (k + 1) * H] for k in range(4))
        o_ = a_[:, 3 * H :]
        arrays = faces(xp, gates[rows], h_prevs[rows], c_prevs[rows], hs[rows])
        u_t, h_prev, c_prev, h_t = by_step(b, *arrays)
        for t in range(len(u_t)):
            h_prev[t], c_prev[t] = h, c
            torch.mm(h_, W_hh_T, out=a_)
            a += u_t[t]
            xp.tanh(a_g, out=g)
            if peephole:
                i += p_i * c
                f += p_f * c
                a_[:, : 2 * H].sigmoid_()
            else:
                a_.sigmoid_()  # all blocks in one call; what it does to g's is not used
            c *= f
            c += i * g
            if peephole:
                o += p_o * c
                o_.sigmoid_()
            a_g[...] = g
            u_t[t] = a
            xp.tanh(c, out=h)
            h *= o
            h_t[t] = h
    return hs, (h_all, c_all), (x, gates, h_prevs, c_prevs)


def backward(dhs, dstate, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time; returns dx, dstate and grads by name."""
    x, gates, h_prevs, c_prevs = trace
    W_ih, W_hh = params["weight_ih"], params["weight_hh"]
    H, xp = W_hh.size(1), library(x)
    dx = torch.empty_like(x) if with_dx else None
    grads = {name: torch.zeros_like(p) for name, p in params.items()}
    dh_all, dc_all = dstate[0].clone(), dstate[1].clone()
    if peephole:
        p_i, p_f, p_o = faces(xp, *params["weight_peephole"].split(H))
    for rows, b in reversed(blocks(sizes, H)):
        das = torch.empty_like(gates[rows])
        dh_, da_ = dh_all[:b], gates.new_empty(b, 4 * H)
        dh, dc, da, gate, c_prev = faces(xp, dh_, dc_all[:b], da_, gates[rows], c_prevs[rows])
        i, f, g, o = (gate[:, k * H : (k + 1) * H] for k in range(4))
        da_i, da_f, da_g, da_o = (da[:, k * H : (k + 1) * H] for k in range(4))
        c = f * c_prev + i * g
        tanh_c = xp.tanh(c)
        slopes = g * i * (1 - i), c_prev * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o), o * (1 - tanh_c**2)
        i_slope, f_slope, g_slope, o_slope, c_slope, f_t, dh_out, da_t = by_step(
            b, *slopes, f, *faces(xp, dhs[rows], das)
        )
        for t in reversed(range(len(da_t))):
            dh += dh_out[t]  # eq-lstm-back-hidden
            xp.multiply(dh, o_slope[t], out=da_o)  # eq-lstm-back-output
            dc += dh * c_slope[t]  # eq-lstm-back-carry
            if peephole:
                dc += p_o * da_o  # eq-lstm-peephole-back-carry
            xp.multiply(dc, i_slope[t], out=da_i)  # eq-lstm-back-input
            xp.multiply(dc, f_slope[t], out=da_f)  # eq-lstm-back-forget
            xp.multiply(dc, g_slope[t], out=da_g)  # eq-lstm-back-candidate
            dc *= f_t[t]  # eq-lstm-back-carry-next
            if peephole:
                dc += p_i * da_i + p_f * da_f  # eq-lstm-peephole-back-carry-next
            torch.mm(da_, W_hh, out=dh_)  # eq-lstm-back-state
            da_t[t] = da
        if with_dx:
            torch.mm(das, W_ih, out=dx[rows])  # eq-lstm-back-x
        for name, read in (("weight_ih", x), ("weight_hh", h_prevs)):
            grads[name].addmm_(das.T, read[rows])  # eq-lstm-back-weights
        for name in ("bias_ih", "bias_hh"):
            if name in grads:
                grads[name] += das.sum(0)  # eq-lstm-back-bias
        if peephole:
            seen = torch.stack([c_prevs[rows], c_prevs[rows], torch.as_tensor(c)], dim=1)
            das = das.reshape(-1, 4, H)[:, [0, 1, 3]]
            grads["weight_peephole"] += (das * seen).sum(0).flatten()  # eq-lstm-peephole-back-weights
    return dx, (dh_all, dc_all), grads
