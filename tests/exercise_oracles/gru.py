"""Oracles for the chapter *The GRU*: ``torch``'s cell, our layer, autograd, a root that is searched."""

import numpy as np
import torch
from scipy.special import expit, logit

from exercise_oracles.ways import gradients, root, tensors
from rnnbook import in_numpy


def step(u_r, u_z, u_n, v_r, v_z, v_n, h_prev):
    u, v, h = (torch.from_numpy(a) for a in (np.hstack([u_r, u_z, u_n]), np.hstack([v_r, v_z, v_n]), h_prev))
    H = h.shape[1]
    W_ih, W_hh, b_ih = torch.eye(3 * H).double(), torch.zeros(3 * H, H).double(), torch.zeros(3 * H).double()
    # what the memory says is given, so it is the hidden side's bias, of one row at a time
    rows = [torch.gru_cell(u[[k]], h[[k]], W_ih, W_hh, b_ih, v[k]) for k in range(len(u))]
    return torch.cat(rows).numpy()


def gate_gradients(dh, z, n, h_prev):
    a_z, a_n = tensors(logit(z), np.arctanh(n))
    h = torch.lerp(torch.tanh(a_n), torch.tensor(h_prev), torch.sigmoid(a_z))
    return gradients((h * torch.tensor(dh)).sum(), (a_n, a_z))


def turn_z(**parameters):
    H, turned = parameters["weight_hh"].shape[1], []
    for p in parameters.values():
        r, z, n = p[:H], p[H : 2 * H], p[2 * H :]
        turned.append(np.concatenate([r, logit(1 - expit(z)), n]))  # a is linear: what holds for it holds for each part
    return tuple(turned)


def minimal_step(u_f, u_n, h_prev, W_hf, W_hn, b_hf, b_hn):
    """A GRU of 2014 whose reset gate is f and whose update gate is 1 - f."""
    H = len(b_hf)
    layer = in_numpy.GRU(2 * H, H, reset_after=False, dtype=np.float64)
    one, none = np.eye(H), np.zeros((H, H))
    layer.params["weight_ih"] = np.block([[one, none], [-one, none], [none, one]])
    layer.params["weight_hh"] = np.concatenate([W_hf, -W_hf, W_hn])
    layer.params["bias_ih"] = np.zeros(3 * H)
    layer.params["bias_hh"] = np.concatenate([b_hf, -b_hf, b_hn])
    return layer.step(np.hstack([u_f, u_n]), h_prev)[0]


def half_life(z):
    return np.array([root(lambda k, z=z: z**k - 0.5, 0, 1e4) for z in z])
