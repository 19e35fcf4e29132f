"""The long runs behind the chapter *Where did recurrence go?*: how much a state holds, and what it can keep track of.

    python book/experiments/state_space.py     about ten minutes of one core; writes state_space.json beside it

Every run is printed when it has ended. Given a file of such lines, the program does not repeat these runs: what was
interrupted goes on.

One network, with the layer exchanged: the embeddings of a token and of the one before it, the layer, a small dense
network. Before the runs the size of every layer is chosen so that the networks have about ``PARAMETERS`` parameters.

"recall": multi-query associative recall (``rnnbook.data.tasks.associative_recall``), one network for all numbers of
pairs. "heads": the same with a state of 400 to 480 numbers, in sixteen matrices of five rows (about as
many parameters) or one of twenty (fewer). "open": the same for vectors whose gates start open, at a higher rate.
"longer": eight rounds of the same, one seed.
"tracking": parity, and the bit that was written last, of the chapter *Can the loop over time be broken?*, read up to
eight times the trained length. A run that has not learned its task is trained once more for the same number of
updates; the record says both results. "softmax attention" is causal, has four heads and linear biases (ALiBi); it is
the rival and no layer of the package. All layers start as the package starts them.
"""

import ast
import math
import sys
from itertools import product
from pathlib import Path

import numpy as np
import torch
from harness import recording
from parallel import TASKS as BITS
from torch import nn
from torch.nn.functional import cross_entropy, gelu

from rnnbook.data import tasks
from rnnbook.in_torch import GRU, LSTM
from rnnbook.in_torch.scan import LRU, MLSTM, DeltaNet, LinearAttention, MinGRU, Selective

RECALL = {"pairs": [2, 4, 8, 16], "tested_pairs": [2, 4, 8, 16, 32], "vocabulary": 64, "batch": 32, "updates": 600,
          "lr": 3e-3, "clip": 1.0, "embedding": 24, "tested": 200, "learned": 0.99}  # fmt: skip
TRACKING = {"T": 20, "batch": 32, "updates": 300, "lr": 5e-3, "clip": 1.0, "embedding": 32, "tested": 500,
            "learned": 0.99, "places": [1, 2, 5, 10, 20, 40, 80, 160]}  # fmt: skip
PARAMETERS = 20_000
SEEDS = [0, 1, 2]


class Attention(nn.Module):
    """Causal softmax attention with ALiBi: what it keeps of every token is its key and its value."""

    def __init__(self, input_size, hidden_size, heads=4):
        super().__init__()
        self.heads, self.hidden_size = heads, hidden_size
        self.qkv = nn.Linear(input_size, 3 * hidden_size)

    def forward(self, x):
        T = len(x)
        q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in self.qkv(x).chunk(3, -1))
        back = torch.arange(T)[:, None] - torch.arange(T)
        slopes = 2.0 ** (-8 * torch.arange(1, self.heads + 1) / self.heads)
        scores = torch.einsum("tbhk,sbhk->bhts", q, k) / math.sqrt(q.size(-1)) - slopes[:, None, None] * back
        weights = scores.masked_fill(back < 0, -torch.inf).softmax(-1)
        return torch.einsum("bhts,sbhv->tbhv", weights, v).flatten(-2), None


def heads(kind, n, **options):
    """A layer with n heads."""
    return lambda D, H: kind(D, H, heads=n, **options)


LAYERS = {  # name: layer of (D, H), and what H has to be a multiple of
    "LSTM": (LSTM, 1),
    "GRU": (GRU, 1),
    "minGRU": (MinGRU, 1),
    "LRU": (LRU, 1),
    "selective": (lambda D, H: Selective(D, H, d_state=4), 1),
    "linear attention": (heads(LinearAttention, 4), 4),
    "mLSTM": (heads(MLSTM, 4), 4),
    "delta rule": (heads(DeltaNet, 4), 4),
    "softmax attention": (Attention, 4),
}
TRACKED = {name: LAYERS[name] for name in LAYERS if name not in ("GRU", "minGRU", "LRU", "mLSTM")}
TRACKED["delta rule, β up to 2"] = heads(DeltaNet, 4, allow_neg_eigval=True), 4
HEADS = {16: 80, 1: 20}  # beside the 4 of LAYERS: as wide as this
OPEN = {"bias": 3.0, "lr": 1e-2}  # of the forget gate of an LSTM, the update gate of a GRU
MORE_SEEDS = {"linear attention": [3, 4], "delta rule": [3, 4]}  # of recall, for the two that are close
LONGER, ROUNDS = ["LSTM"], 8  # four times as long as the rest: one seed


class Network(nn.Module):
    """Token and token before, layer, dense network: logits (T, B, V) from tokens (T, B)."""

    def __init__(self, layer, tokens, embedding, hidden_size, answers):
        super().__init__()
        self.embedding = nn.Embedding(tokens, embedding)
        self.layer = layer(2 * embedding, hidden_size)
        self.hidden, self.out = nn.Linear(hidden_size, 2 * embedding), nn.Linear(2 * embedding, answers)

    def forward(self, tokens):
        e = self.embedding(tokens)
        y, _ = self.layer(torch.cat([e, torch.cat([torch.zeros_like(e[:1]), e[:-1]])], -1))
        return self.out(gelu(self.hidden(y)))


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def hidden_size(layer, multiple, tokens, embedding, answers):
    """Return the size with which the network comes nearest to ``PARAMETERS``."""
    sizes = range(multiple, 600, multiple)

    def count(H):
        return parameters(Network(layer, tokens, embedding, H, answers))

    low, high = 0, len(sizes) - 1
    while high - low > 1:  # the count rises with the size
        middle = (low + high) // 2
        low, high = (middle, high) if count(sizes[middle]) < PARAMETERS else (low, middle)
    return min(sizes[low], sizes[high], key=lambda H: abs(count(H) - PARAMETERS))


def state_floats(layer, T):
    """Return the numbers that a layer keeps of one sequence of T tokens."""
    if isinstance(layer, Attention):
        return 2 * T * layer.hidden_size
    if isinstance(layer, MinGRU | GRU):
        return layer.hidden_size
    return 2 * layer.hidden_size if isinstance(layer, LSTM) else layer.state_size


def fit(network, optimizer, settings, draw):
    """Train with Adam; the learning rate falls to zero like a cosine."""
    for k in range(settings["updates"]):
        for group in optimizer.param_groups:
            group["lr"] = settings["lr"] * math.cos(math.pi * k / settings["updates"] / 2) ** 2
        tokens, target, mask = draw()
        loss = cross_entropy(network(tokens)[mask], target[mask])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), settings["clip"])
        optimizer.step()


def in_rounds(network, settings, draw, judge, rounds=2):
    """Return what ``judge`` says after one round of training, and after a second where the first was not enough."""
    optimizer, found = torch.optim.Adam(network.parameters()), []
    while len(found) < rounds and (not found or min(found[-1][: settings["needed"]]) < settings["learned"]):
        fit(network, optimizer, settings, draw)
        with torch.no_grad():
            found.append(judge())
    return found


def right(network, tokens, target, mask):
    return ((network(tokens).argmax(-1) == target) & mask).sum().item() / mask.sum().item()


def done(**which):
    """Return the run that an interrupted program has printed, or None."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines() if len(sys.argv) > 1 else []
    return next((run for run in map(ast.literal_eval, lines) if {"task": None} | which == which_of(run)), None)


def which_of(run):
    return {"task": run.get("task"), "layer": run["layer"], "seed": run["seed"]}


def said(run):
    """Print a run that has ended, and return it."""
    print(run, flush=True)
    return run


def opened(kind):
    """A layer whose second gate, the one that keeps, starts open."""

    def make(D, H):
        layer = kind(D, H)
        with torch.no_grad():
            layer.bias_ih_l0[H : 2 * H] += OPEN["bias"]
        return layer

    return make


def recall(name, layer, multiple, seed, size=None, rounds=2, lr=RECALL["lr"]):
    """Train one network on associative recall; return the share of right answers for each number of pairs."""
    torch.manual_seed(seed)
    V, embedding = RECALL["vocabulary"], RECALL["embedding"]
    size = size or hidden_size(layer, multiple, V, embedding, V)
    torch.manual_seed(seed)
    network, rng = Network(layer, V, embedding, size, V), np.random.default_rng(seed)

    def batch(rng, n, B):
        return [torch.from_numpy(part) for part in tasks.associative_recall(rng, n, B, vocabulary=V)]

    tests = [batch(np.random.default_rng([seed, n]), n, RECALL["tested"]) for n in RECALL["tested_pairs"]]
    found = in_rounds(
        network,
        RECALL | {"needed": len(RECALL["pairs"]), "lr": lr},
        lambda: batch(rng, int(rng.choice(RECALL["pairs"])), RECALL["batch"]),
        lambda: [round(right(network, *test), 4) for test in tests],
        rounds,
    )
    state = state_floats(network.layer, 4 * max(RECALL["pairs"]))
    return said({"layer": name, "seed": seed, "parameters": parameters(network), "state": state, "right": found})


def track(name, layer, multiple, task, seed):
    """Train one network to follow a bit; return the share of right answers after each of the places."""
    draw, tokens, answers = BITS[task]
    torch.manual_seed(seed)
    size = hidden_size(layer, multiple, tokens, TRACKING["embedding"], answers)
    torch.manual_seed(seed)
    network, generator = Network(layer, tokens, TRACKING["embedding"], size, answers), torch.Generator()
    generator.manual_seed(seed)

    def batch(T, B, generator):
        x, target = draw(T, B, generator)
        return x.argmax(-1), target, torch.ones_like(target, dtype=torch.bool)

    places = TRACKING["places"]
    tokens, target, _ = batch(max(places), TRACKING["tested"], torch.Generator().manual_seed(1000 + seed))

    def judge():
        share = (network(tokens).argmax(-1) == target).double().mean(1)
        return [round(share[t - 1].item(), 4) for t in places]

    found = in_rounds(
        network,
        TRACKING | {"needed": places.index(TRACKING["T"]) + 1},
        lambda: batch(TRACKING["T"], TRACKING["batch"], generator),
        judge,
    )
    return said({"task": task, "layer": name, "seed": seed, "parameters": parameters(network), "right": found})


def main():
    torch.set_num_threads(1)
    what = "share of right answers after each round: by pairs (recall, heads, open, longer), by place (tracking)"
    settings = {
        "recall": RECALL,
        "tracking": TRACKING,
        "parameters": PARAMETERS,
        "heads": HEADS,
        "open": OPEN,
        "more_seeds": MORE_SEEDS,
        "longer": LONGER,
        "rounds": ROUNDS,
    }
    with recording(__file__, what, settings=settings, seeds=SEEDS, pieces=len(sys.argv) > 1) as record:
        record["recall"] = [
            done(layer=name, seed=seed) or recall(name, *layer, seed)
            for seed in SEEDS
            for name, layer in LAYERS.items()
        ]
        record["recall"] += [
            done(layer=name, seed=seed) or recall(name, *LAYERS[name], seed)
            for name, seeds in MORE_SEEDS.items()
            for seed in seeds
        ]
        record["tracking"] = [
            done(task=task, layer=name, seed=seed) or track(name, *layer, task, seed)
            for task in ("parity", "last written")
            for seed in SEEDS
            for name, layer in TRACKED.items()
        ]
        record["heads"] = []
        for seed, n, kind in product(SEEDS, HEADS, (LinearAttention, DeltaNet)):
            name = f"{'delta rule' if kind is DeltaNet else 'linear attention'}, {n} head{'s' if n > 1 else ''}"
            record["heads"] += [done(layer=name, seed=seed) or recall(name, heads(kind, n), n, seed, HEADS[n])]
        record["open"] = []
        for seed, kind in product(SEEDS, (LSTM, GRU)):
            name = f"{kind.__name__}, open"
            record["open"] += [done(layer=name, seed=seed) or recall(name, opened(kind), 1, seed, lr=OPEN["lr"])]
        record["longer"] = []
        for kind in LONGER:
            name = f"{kind}, {ROUNDS} rounds"
            record["longer"] += [done(layer=name, seed=0) or recall(name, *LAYERS[kind], 0, rounds=ROUNDS)]


if __name__ == "__main__":
    main()
