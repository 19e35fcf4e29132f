"""The LSTM, forward and backward by hand: the mirror of ``rnnbook.in_numpy.LSTM``'s two methods."""

import torch

from rnnbook.in_torch.by_hand import biases


def forward(x, state, params, sizes, *, peephole=False):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    W_hh_T, (b_ih, b_hh) = params["weight_hh"].T, biases(params)
    gates = torch.addmm(b_ih + b_hh, x, params["weight_ih"].T)  # u at first; becomes a, then i, f, g, o
    (h, c), H = state, W_hh_T.size(0)
    if peephole:
        p_i, p_f, p_o = params["weight_peephole"].split(H)
    hs, h_prevs, c_prevs, ended = [], [], [], []
    for a in gates.split(sizes):
        b = len(a)  # the shortest sequences come last, and end first
        h, c, ended = h[:b], c[:b], [(h[b:], c[b:]), *ended]
        h_prevs.append(h)
        c_prevs.append(c)
        a.addmm_(h, W_hh_T)
        i, f, g, o = a.split(H, dim=1)
        if peephole:
            i += p_i * c
            f += p_f * c
        a[:, : 2 * H].sigmoid_()
        c = f * c + i * g.tanh_()
        if peephole:
            o += p_o * c
        h = o.sigmoid_() * torch.tanh(c)
        hs.append(h)
    last = tuple(torch.cat(s) for s in zip((h, c), *ended, strict=True))
    return torch.cat(hs), last, (gates, torch.cat(h_prevs), torch.cat(c_prevs))


def backward(dhs, dstate, x, trace, params, sizes, with_dx=True, *, peephole=False):
    """Carry dhs (N, H) and the last state's gradient back through time.

    Returns dx, dstate and grads by name.
    """
    gates, h_prevs, c_prevs = trace
    W_ih, W_hh, H = params["weight_ih"], params["weight_hh"], h_prevs.size(1)
    i, f, g, o = gates.split(H, dim=1)
    cs = f * c_prevs + i * g
    tanh_cs = torch.tanh(cs)
    if peephole:
        p_i, p_f, p_o = params["weight_peephole"].split(H)
    # the factors from dc to da_i, da_f and da_g, and from dh to da_o,
    # for all steps at once
    by_i, by_f = g * i * (1 - i), c_prevs * f * (1 - f)
    by_dc = torch.stack([by_i, by_f, i * (1 - g**2)], dim=1)
    by_dh, dc_by_dh = tanh_cs * o * (1 - o), o * (1 - tanh_cs**2)
    das = torch.empty_like(gates)
    # a sequence that ended earlier keeps its rows
    dh_next, dc_next = dstate[0].clone(), dstate[1].clone()
    steps = [t.split(sizes) for t in (das, dhs, by_dc, by_dh, dc_by_dh, f)]
    backwards = zip(*map(reversed, steps), strict=True)
    for da, dh_out, to_ifg, to_o, to_c, f_t in backwards:
        b = len(da)
        da_ifg, da_o = da[:, : 3 * H].view(b, 3, H), da[:, 3 * H :]
        dh = dh_out + dh_next[:b]  # eq-lstm-back-hidden
        torch.mul(dh, to_o, out=da_o)  # eq-lstm-back-output
        dc = dc_next[:b] + dh * to_c  # eq-lstm-back-carry
        if peephole:
            dc += p_o * da_o  # eq-lstm-peephole-back-carry
        # all three in one call: eq-lstm-back-input eq-lstm-back-forget
        torch.mul(dc[:, None], to_ifg, out=da_ifg)  # eq-lstm-back-candidate
        dc_prev = dc * f_t  # eq-lstm-back-carry-next
        if peephole:
            da_i, da_f = da[:, :H], da[:, H : 2 * H]
            dc_prev += p_i * da_i + p_f * da_f  # eq-lstm-peephole-back-carry-next
        dh_next[:b] = da @ W_hh  # eq-lstm-back-state
        dc_next[:b] = dc_prev
    dx = das @ W_ih if with_dx else None  # eq-lstm-back-x
    grads = {"weight_ih": das.T @ x}
    grads["weight_hh"] = das.T @ h_prevs  # eq-lstm-back-weights
    if "bias_ih" in params:
        grads["bias_ih"] = das.sum(0)  # eq-lstm-back-bias
        grads["bias_hh"] = grads["bias_ih"].clone()
    if peephole:
        seen = torch.stack([c_prevs, c_prevs, cs], dim=1)
        das_ifo = das.view(-1, 4, H)[:, [0, 1, 3]]
        dps = das_ifo * seen  # eq-lstm-peephole-back-weights
        grads["weight_peephole"] = dps.sum(0).flatten()
    return dx, (dh_next, dc_next), grads
