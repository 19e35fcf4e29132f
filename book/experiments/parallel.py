"""The long runs behind the chapter *Can the loop over time be broken?*: what a gate that cannot see the state costs.

    python book/experiments/parallel.py     about five minutes on one core; writes parallel.json beside it

Three tasks with an answer after every step: "last written", the bit that was written last, among bits to be ignored;
"parity" and "modulo 3", the number of ones so far, modulo 2 and 3. Then the adding problem of ``rnnbook.data.tasks``,
and the language of a surname. "sign" is a linear recurrence whose factor tanh(k) may be negative; "no sign" has σ(k) in
its place and is tried on the surnames only. Neither is a layer of the package.
"""

import numpy as np
import torch
from harness import recording
from torch import nn
from torch.nn.functional import cross_entropy

from rnnbook import data
from rnnbook.data import tasks
from rnnbook.in_torch import MinGRU, MinLSTM, scan

TRACKING = {"T": 20, "batch": 64, "hidden_size": 32, "lr": 5e-3, "clip": 1.0, "updates": 800, "tested": 2000}
WRITTEN = 0.2  # the share of the bits that are written and not ignored
ADDING = {"T": 40, "batch": 32, "hidden_size": 32, "lr": 5e-3, "clip": 1.0, "updates": 600, "tested": 1000}
NAMES = {"hidden_size": 48, "batch": 64, "lr": 5e-3, "clip": 1.0, "epochs": 3}
PLACES = [*range(1, 21), 24, 32, 40, 64, 80, 120, 160]  # the steps whose answers are judged
SEEDS = [0, 1, 2]


class Sign(nn.Module):
    """h_t = tanh(k_t) * h_{t-1} + n_t, with k and n from x alone."""

    def __init__(self, D, H, factor=torch.tanh):
        super().__init__()
        self.linear, self.factor = nn.Linear(D, 2 * H), factor

    def forward(self, x):
        k, n = self.linear(x).chunk(2, -1)
        return scan.chunked(self.factor(k), n, torch.zeros_like(n[0])), None


class Stack(nn.Module):
    """Layers above each other."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers:
            x, _ = layer(x)
        return x, None


LAYERS = {
    "minGRU": MinGRU,
    "minGRU, 2 layers": lambda D, H: Stack(MinGRU(D, H), MinGRU(H, H)),
    "minGRU, 3 layers": lambda D, H: Stack(MinGRU(D, H), MinGRU(H, H), MinGRU(H, H)),
    "minLSTM": MinLSTM,
    "sign": Sign,
    "RNN": nn.RNN,
    "GRU": nn.GRU,
    "LSTM": nn.LSTM,
}
NO_SIGN = {"no sign": lambda D, H: Sign(D, H, torch.sigmoid)}


def fit(layer, head, settings, losses):
    """Train with Adam on the losses that are drawn."""
    parameters = [*layer.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=settings["lr"])
    for loss in losses:
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, settings["clip"])
        optimizer.step()


def last_written(T, B, generator):
    """Read write 0, write 1, ignore 0, ignore 1; the answer is the bit that was written last, 0 before the first."""
    bits = torch.randint(2, (T, B), generator=generator)
    write = torch.rand(T, B, generator=generator) < WRITTEN
    right, state = [], torch.zeros(B, dtype=torch.long)
    for bit, written in zip(bits, write, strict=True):
        state = torch.where(written, bit, state)
        right.append(state)
    return torch.eye(4)[bits + 2 * ~write], torch.stack(right)


def modulo(m):
    """Count the ones so far, modulo m."""

    def draw(T, B, generator):
        bits = torch.randint(2, (T, B), generator=generator)
        return torch.eye(2)[bits], bits.cumsum(0) % m

    return draw


TASKS = {"last written": (last_written, 4, 2), "parity": (modulo(2), 2, 2), "modulo 3": (modulo(3), 2, 3)}


def track(task, kind, seed, updates=TRACKING["updates"]):
    """Return the share of right answers after each of ``PLACES`` steps."""
    draw, features, answers = TASKS[task]
    torch.manual_seed(seed)
    layer = LAYERS[kind](features, TRACKING["hidden_size"])
    head = nn.Linear(TRACKING["hidden_size"], answers)

    def losses():
        generator = torch.Generator().manual_seed(seed)
        for _ in range(updates):
            x, right = draw(TRACKING["T"], TRACKING["batch"], generator)
            yield cross_entropy(head(layer(x)[0]).flatten(0, 1), right.flatten())

    fit(layer, head, TRACKING, losses())
    x, right = draw(max(PLACES), TRACKING["tested"], torch.Generator().manual_seed(1000 + seed))
    with torch.no_grad():
        correct = (head(layer(x)[0]).argmax(-1) == right).double().mean(1)
    return [round(correct[t - 1].item(), 4) for t in PLACES]


def add(kind, seed):
    """Return the skill at the adding problem: 0 for always answering 1, 1 for no error."""
    torch.manual_seed(seed)
    layer, head = LAYERS[kind](2, ADDING["hidden_size"]), nn.Linear(ADDING["hidden_size"], 1)

    def error(rng, B):
        x, target, _ = tasks.adding(rng, ADDING["T"], B)
        y = head(layer(torch.tensor(x, dtype=torch.float32))[0][-1])[:, 0]
        return (y - torch.tensor(target[-1], dtype=torch.float32)).square().mean()

    rng = np.random.default_rng(seed)
    fit(layer, head, ADDING, (error(rng, ADDING["batch"]) for _ in range(ADDING["updates"])))
    with torch.no_grad():
        return round(1 - error(np.random.default_rng([seed, 1]), ADDING["tested"]).item() / tasks.ADDING_CHANCE, 4)


names = data.surnames()
letters = sorted({letter for name in names.names for letter in name.lower()})
lengths = torch.tensor([len(name) for name in names.names])
codes = torch.zeros(len(lengths), int(lengths.max()), dtype=torch.long)
for row, name in enumerate(names.names):
    codes[row, : len(name)] = torch.tensor([letters.index(letter) for letter in name.lower()])
labels = torch.tensor(names.labels)


def name_languages(kind, seed):
    """Return the accuracy on the test names."""
    torch.manual_seed(seed)
    layer, head = (LAYERS | NO_SIGN)[kind](len(letters), NAMES["hidden_size"]), nn.Linear(NAMES["hidden_size"], 12)
    parts = {part: np.flatnonzero(names.part == part) for part in ["train", "test"]}

    def answer(rows):
        ends = lengths[rows]
        hs, _ = layer(torch.eye(len(letters))[codes[rows, : int(ends.max())].T])
        return head(hs[ends - 1, torch.arange(len(rows))])

    def losses():
        rng = np.random.default_rng(seed)
        for _ in range(NAMES["epochs"]):
            for rows in np.array_split(rng.permutation(parts["train"]), len(parts["train"]) // NAMES["batch"]):
                yield cross_entropy(answer(rows), labels[rows])

    fit(layer, head, NAMES, losses())
    with torch.no_grad():
        return round((answer(parts["test"]).argmax(1) == labels[parts["test"]]).double().mean().item(), 4)


def main():
    torch.set_num_threads(1)
    what = "right answers after each place (three tasks), skill (adding), accuracy (names), by layer and seed"
    settings = {"tracking": TRACKING, "written": WRITTEN, "adding": ADDING, "names": NAMES, "places": PLACES}
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        record["tracking"] = {t: {kind: [track(t, kind, seed) for seed in SEEDS] for kind in LAYERS} for t in TASKS}
        record["adding"] = {kind: [add(kind, seed) for seed in SEEDS] for kind in LAYERS}
        record["names"] = {kind: [name_languages(kind, seed) for seed in SEEDS] for kind in LAYERS | NO_SIGN}


if __name__ == "__main__":
    main()
