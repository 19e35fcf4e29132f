"""Oracles for the chapter *Backpropagation through time*: autograd on the network's equations."""

import re
from pathlib import Path

import numpy as np
import torch

from exercise_oracles.ways import gradients, pinned, tensors


def delta_rule(x, target, w, b):
    w, b = tensors(w, b)
    return gradients((torch.tanh(w * x + b) - target) ** 2 / 2, (w, b))


def immediate_and_total(xs, h_0, w, v, b):
    (w,) = tensors(w)
    before = h = torch.tensor(h_0, dtype=torch.float64)
    for x in xs.tolist():
        before, h = h, torch.tanh(w * x + v * h + b)
    held_fixed = torch.tanh(w * xs[-1] + v * before.detach() + b)
    return gradients(held_fixed, (w,)) + gradients(h, (w,))


def step_back(dh_out, dh_next, c, W_ih, W_hh, alpha):
    c, W_ih, W_hh = tensors(c, W_ih, W_hh)
    x, h_prev = torch.zeros(len(c), W_ih.shape[1]).double(), torch.zeros_like(c)
    x.requires_grad_(), h_prev.requires_grad_()
    a = pinned(x @ W_ih.T + h_prev @ W_hh.T, torch.atanh(c))
    a.retain_grad()
    outputs = torch.lerp(h_prev, torch.tanh(a), alpha)
    (outputs * torch.tensor(dh_out) + outputs * torch.tensor(dh_next)).sum().backward()
    return tuple(part.grad.numpy() for part in (a, x, h_prev))


def backward(dhs, xs, hs, cs, W_ih, W_hh, alpha):
    W_ih, W_hh, b, h_0 = leaves = tensors(W_ih, W_hh, 0 * W_hh[0], hs[0])
    dhs, xs, cs = torch.tensor(dhs), torch.tensor(xs), torch.tensor(cs)
    h, loss = h_0, 0
    for t in range(len(xs)):
        c = torch.tanh(pinned(xs[t] @ W_ih.T + h @ W_hh.T + b, torch.atanh(cs[t])))
        h = torch.lerp(h, c, alpha)
        loss = loss + (h * dhs[t]).sum()
    return gradients(loss, leaves)


def ends(dy, hs, dx, symbols, E):
    (E,) = tensors(E)
    output = torch.nn.Linear(hs.shape[2], dy.shape[2]).double()
    read = torch.nn.functional.embedding(torch.tensor(symbols), E)
    loss = (output(torch.tensor(hs)) * torch.tensor(dy)).sum() + (read * torch.tensor(dx)).sum()
    return gradients(loss, (output.weight, output.bias, E))


def start():
    """Autograd over the twenty steps of the equation."""
    (h_0,) = tensors(np.zeros(1))
    h = h_0
    for _ in range(20):
        h = torch.tanh(0.9 * h)
    return gradients(h.sum(), (h_0,))[0][0]


def inputs_right():
    """The bugs as the chapter plants them, whose gradient of the inputs is autograd's."""
    text = (Path(__file__).parents[2] / "book/text/bptt.md").read_text(encoding="utf-8")
    source = re.search(r"def backward_by_hand.*?\n```", text, re.S)[0][:-4]
    scope = {"np": np}
    exec(re.search(r"bugs = \{.*?\n\}", text, re.S)[0], scope)
    rng = np.random.default_rng(0)
    W_ih, W_hh, x, h_0, dhs = (rng.normal(size=size) for size in ((7, 2), (7, 7), (5, 3, 2), (3, 7), (5, 3, 7)))
    leaf, hs = torch.tensor(x, requires_grad=True), [torch.tensor(h_0)]
    for x_t in leaf:
        hs.append(torch.tanh(x_t @ torch.tensor(W_ih).T + hs[-1] @ torch.tensor(W_hh).T))
    (torch.stack(hs[1:]) * torch.tensor(dhs)).sum().backward()
    states, count = torch.stack(hs).detach().numpy(), 0
    for right, wrong in scope["bugs"].values():
        exec(source.replace(right, wrong), scope)
        count += np.allclose(scope["backward_by_hand"](dhs, x, states, W_ih, W_hh)["x"], leaf.grad, rtol=0, atol=1e-12)
    return float(count)
