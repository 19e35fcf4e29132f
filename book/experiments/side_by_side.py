"""Small networks of several seeds, trained side by side: every weight has the seeds S in front.

One step of a small network costs the calls and not the arithmetic, so five networks in one batched product take hardly
longer than one. Each seed has its own start, its own data and its own clipping; nothing passes between them.
"""

import math

import numpy as np
import torch

from rnnbook import in_torch


def draw(seeds, *shapes):
    """Draw one tensor (S, *shape) for each shape, uniform within ±1/√(rows), as ``torch.nn.Linear`` starts."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    tensors = []
    for rows, columns in shapes:
        bound = 1 / math.sqrt(rows)
        drawn = np.stack([rng.uniform(-bound, bound, (rows, columns)) for rng in rngs])
        tensors.append(torch.tensor(drawn, requires_grad=True))
    return tensors


class Dense:
    """tanh layers and a linear last one: x (S, B, D) to (S, B, 1), without a state."""

    def __init__(self, seeds, D, sizes):
        rows = [D, *sizes]
        shapes = [(n + 1, m) for n, m in zip(rows, [*sizes, 1], strict=True)]  # the last row is the bias
        self.parameters = draw(seeds, *shapes)

    def start(self, S, B):
        return None

    def step(self, x, state=None):
        for k, W in enumerate(self.parameters):
            x = torch.baddbmm(W[:, -1:], x, W[:, :-1])
            if k < len(self.parameters) - 1:
                x = x.tanh()
        return x, state


class Recurrent:
    """An RNN or a GRU as ``torch.nn`` has them, and a linear layer that reads its state and its input."""

    def __init__(self, kind, seeds, D, H):
        self.kind, self.H = kind, H
        G = {"RNN": 1, "GRU": 3}[kind]
        W_ih, W_hh, b_ih, b_hh = draw(seeds, (H, G * D), (H, G * H), (H, G), (H, G))
        S = len(seeds)
        with torch.no_grad():  # columns by gate, each gate's block to its own columns
            W_ih, W_hh, b_ih, b_hh = (
                t.reshape(S, H, G, -1).permute(0, 3, 2, 1).reshape(S, -1, G * H).clone().requires_grad_()
                for t in (W_ih, W_hh, b_ih, b_hh)
            )
        self.recurrence = W_ih, W_hh, b_ih, b_hh
        (self.head,) = draw([[seed, 1] for seed in seeds], (H + D + 1, 1))
        self.parameters = [*self.recurrence, self.head]

    def start(self, S, B):
        return torch.zeros(S, B, self.H, dtype=torch.float64)

    def step(self, x, h):
        W_ih, W_hh, b_ih, b_hh = self.recurrence
        read, kept = torch.baddbmm(b_ih, x, W_ih), torch.baddbmm(b_hh, h, W_hh)
        if self.kind == "RNN":
            h = (read + kept).tanh()
        else:
            (r_i, z_i, n_i), (r_h, z_h, n_h) = read.chunk(3, -1), kept.chunk(3, -1)
            r, z = (r_i + r_h).sigmoid(), (z_i + z_h).sigmoid()
            n = (n_i + r * n_h).tanh()
            h = n + z * (h - n)
        return torch.baddbmm(self.head[:, -1:], torch.cat([h, x], -1), self.head[:, :-1]), h


class EachSeed:
    """A layer of ``rnnbook.in_torch`` and a linear one for each seed, which read inputs u (T, S, B) from rest."""

    def __init__(self, kind, seeds, H):
        self.layers, self.heads = [], []
        for seed in seeds:
            torch.manual_seed(seed)
            self.layers.append(getattr(in_torch, kind)(1, H))
            self.heads.append(torch.nn.Linear(H, 1))
        self.by_seed = [[*a.parameters(), *b.parameters()] for a, b in zip(self.layers, self.heads, strict=True)]
        self.parameters = [p for parameters in self.by_seed for p in parameters]

    def run(self, u):
        """Return outputs (T, S, B)."""
        pairs = zip(self.layers, self.heads, u.float().unbind(1), strict=True)
        return torch.stack([head(layer(x[..., None])[0])[..., 0] for layer, head, x in pairs], 1)


def count(network):
    """Return the number of parameters of one seed's network."""
    if isinstance(network, EachSeed):
        return sum(p.numel() for p in network.by_seed[0])
    return sum(p[0].numel() for p in network.parameters)


def clip(network, largest):
    """Shorten each seed's gradient to the norm ``largest``."""
    if isinstance(network, EachSeed):
        for parameters in network.by_seed:
            torch.nn.utils.clip_grad_norm_(parameters, largest)
        return
    norms = sum(p.grad.flatten(1).square().sum(1) for p in network.parameters).sqrt()
    factor = (largest / (norms + 1e-12)).clamp(max=1)
    for p in network.parameters:
        p.grad *= factor[:, None, None]


def fit(network, loss, settings):
    """Minimise ``loss(update)``, which returns one number a seed (S,), by Adam with a cosine; clip each seed's norm."""
    optimizer = torch.optim.Adam(network.parameters, lr=settings["lr"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings["updates"])
    for update in range(settings["updates"]):
        optimizer.zero_grad()
        loss(update).sum().backward()
        clip(network, settings["clip"])
        optimizer.step()
        schedule.step()
    for p in network.parameters:
        p.requires_grad_(False)
    return network
