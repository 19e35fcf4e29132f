"""The GRU, forward and backward by hand: the mirror of ``rnnbook.in_numpy.GRU``'s two methods."""

import torch

from rnnbook.in_torch.by_hand import biases


def forward(x, state, params, sizes, *, reset_after=True):
    """Compute what the reference does; returns hs (N, H), the state, and the trace for ``backward``."""
    W_hh_T, (b_ih, b_hh) = params["weight_hh"].T, biases(params)
    gates = torch.addmm(b_ih, x, params["weight_ih"].T)  # u at first; becomes r, z, n
    (h,), H = state, W_hh_T.size(0)
    hs, h_prevs, v_ns, ended = [], [], [], []
    for u in gates.split(sizes):
        h, ended = h[: len(u)], [h[len(u) :], *ended]  # the shortest sequences come last, and end first
        h_prevs.append(h)
        rz, n = u.tensor_split([2 * H], dim=1)
        r, z = rz.chunk(2, dim=1)
        if reset_after:
            v = torch.addmm(b_hh, h, W_hh_T)
            rz += v[:, : 2 * H]
            rz.sigmoid_()
            n.addcmul_(r, v[:, 2 * H :]).tanh_()
            v_ns.append(v[:, 2 * H :])
        else:
            rz += torch.addmm(b_hh[: 2 * H], h, W_hh_T[:, : 2 * H])
            rz.sigmoid_()
            n += torch.addmm(b_hh[2 * H :], r * h, W_hh_T[:, 2 * H :])
            n.tanh_()
        h = torch.lerp(n, h, z)  # (1 - z) n + z h
        hs.append(h)
    trace = (gates, torch.cat(h_prevs), *([torch.cat(v_ns)] if reset_after else []))
    return torch.cat(hs), (torch.cat([h, *ended]),), trace


def backward(
    dhs,
    dstate,
    x,
    trace,
    params,
    sizes,
    with_dx=True,
    *,
    reset_after=True,
):
    """Carry dhs (N, H) and the last state's gradient back through time.

    Returns dx, dstate and grads by name.
    """
    gates, h_prevs, *v_ns = trace
    W_ih, W_hh, H = params["weight_ih"], params["weight_hh"], h_prevs.size(1)
    W_rz, W_n = W_hh.tensor_split([2 * H])
    r, z, n = gates.split(H, dim=1)
    heard = v_ns[0] if reset_after else h_prevs
    # the factors from dh to da_z and da_n, and from what r receives to da_r,
    # for all steps at once
    by_r, by_z = heard * r * (1 - r), (h_prevs - n) * z * (1 - z)
    das = torch.cat([by_r, by_z, (1 - z) * (1 - n**2)], dim=1)
    dvs = das  # eq-gru-back-from-hidden-before
    if reset_after:
        dvs = torch.empty_like(das)
    # (B, H); a sequence that ended earlier keeps its row until its last step
    dh_next = dstate[0].clone()
    steps = [t.split(sizes) for t in (das, dvs, dhs, r, z)]
    for da, dv, dh_out, r_t, z_t in zip(*map(reversed, steps), strict=True):
        da_r, da_z, da_n = da.split(H, dim=1)
        dh = dh_out + dh_next[: len(da)]  # eq-gru-back-hidden
        da_n *= dh  # eq-gru-back-candidate
        da_z *= dh  # eq-gru-back-update
        if reset_after:
            da_r *= da_n  # eq-gru-back-reset
            dv.copy_(da)
            dv[:, 2 * H :] *= r_t  # eq-gru-back-from-hidden
            dh_prev = torch.addmm(z_t * dh, dv, W_hh)  # eq-gru-back-state
        else:
            dmemory = da_n @ W_n  # by r * h_prev
            da_r *= dmemory  # eq-gru-back-reset-before
            kept, da_rz = z_t * dh + r_t * dmemory, da[:, : 2 * H]
            dh_prev = torch.addmm(kept, da_rz, W_rz)  # eq-gru-back-state-before
        dh_next[: len(da)] = dh_prev
    dx = das @ W_ih if with_dx else None  # eq-gru-back-x
    grads = {"weight_ih": das.T @ x}
    grads["weight_hh"] = dvs.T @ h_prevs  # eq-gru-back-weights
    if not reset_after:
        dW_n = das[:, 2 * H :].T @ (r * h_prevs)  # eq-gru-back-weights-before
        grads["weight_hh"][2 * H :] = dW_n
    if "bias_ih" in params:
        grads |= {"bias_ih": das.sum(0), "bias_hh": dvs.sum(0)}  # eq-gru-back-bias
    return dx, (dh_next,), grads
