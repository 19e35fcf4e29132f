"""Oracles for the chapter *Backpropagation through time*: autograd on the network's equations."""

import torch

from exercise_oracles.ways import gradients, pinned, tensors


def delta_rule(x, target, w, b):
    w, b = tensors(w, b)
    return gradients((torch.tanh(w * x + b) - target) ** 2 / 2, (w, b))


def immediate_and_total(xs, h_0, w, v, b):
    (v,) = tensors(v)
    before = h = torch.tensor(h_0, dtype=torch.float64)
    for x in xs.tolist():
        before, h = h, torch.tanh(w * x + v * h + b)
    held_fixed = torch.tanh(w * xs[-1] + v * before.detach() + b)
    return gradients(held_fixed, (v,)) + gradients(h, (v,))


def step_back(dh_out, dh_next, h, W_ih, W_hh):
    h, W_ih, W_hh = tensors(h, W_ih, W_hh)
    x, h_prev = torch.zeros(len(h), W_ih.shape[1]).double(), torch.zeros_like(h)
    x.requires_grad_(), h_prev.requires_grad_()
    a = pinned(x @ W_ih.T + h_prev @ W_hh.T, torch.atanh(h))
    a.retain_grad()
    outputs = torch.tanh(a)
    (outputs * torch.tensor(dh_out) + outputs * torch.tensor(dh_next)).sum().backward()
    return tuple(part.grad.numpy() for part in (a, x, h_prev))


def _gradients(dhs, xs, hs, W_ih, W_hh, cut=()):
    """The gradients by both matrices and the bias; before the steps in ``cut`` the state is detached."""
    W_ih, W_hh, b = leaves = tensors(W_ih, W_hh, 0 * W_hh[0])
    dhs, xs, hs = torch.tensor(dhs), torch.tensor(xs), torch.tensor(hs)
    h, loss = hs[0], 0
    for t in range(len(xs)):
        h = h.detach() if t in cut else h
        h = torch.tanh(pinned(xs[t] @ W_ih.T + h @ W_hh.T + b, torch.atanh(hs[t + 1])))
        loss = loss + (h * dhs[t]).sum()
    return gradients(loss, leaves)


def backward(**arguments):
    return _gradients(**arguments)


def truncated_backward(k, xs, **arguments):
    return _gradients(xs=xs, cut=[t for t in range(len(xs)) if t % k == 0], **arguments)[1]
