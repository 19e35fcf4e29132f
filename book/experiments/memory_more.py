"""More of ``memory.py``: other starts, equal parameters, and a doubled budget for what had not learned.

    python book/experiments/memory_more.py            about two minutes on one core; writes memory_more.json
    python book/experiments/memory_more.py PRINTED    goes on after the runs whose lines a stopped one has printed

The tasks, sizes and settings are those of ``memory.py``. Each layer is drawn by ``rnnbook.in_numpy`` and trained by
``rnnbook.in_torch``, from the same numbers.
"""

import re
import sys
import time
from ast import literal_eval
from functools import partial
from pathlib import Path

import memory
import numpy as np
import torch
from harness import recording
from memory import SEEDS, SETTINGS

from rnnbook import in_torch
from rnnbook.data import tasks
from rnnbook.in_numpy import GRU, LSTM, RNN, Linear
from rnnbook.in_numpy.initialisers import forget_bias, identity

OTHER = [
    *[("adding", 40, kind) for kind in ("RNN", "RNN, wide", "GRU, chrono", "LSTM", "LSTM, bias 1")],
    *[("temporal order", 40, kind) for kind in ("LSTM", "LSTM, bias 1")],
    *[(task, T, kind) for task, T in (("adding", 40), ("temporal order", 80)) for kind in ("tanh, identity", "relu")],
]
LESS = 5  # times the learning rate, for what differs from the IRNN in one thing, as for the IRNN


def wide(D, H):
    """Return the units of a basic RNN with as many parameters as an LSTM of H units: of H' (H' + D + 2) the nearest."""
    wanted = 4 * H * (H + D + 2)
    return round((np.sqrt((D + 2) ** 2 + 4 * wanted) - (D + 2)) / 2)


def chrono_gru(layer, longest, rng):
    """Spread the bias of a GRU's update gate, rows z of r, z, n, as chrono does the LSTM's: ln u with u up to T - 1."""
    b_ih, b_hh = (layer.params[name].reshape(3, -1) for name in ("bias_ih", "bias_hh"))
    b_ih[1], b_hh[1] = np.log(rng.uniform(1, longest - 1, layer.hidden_size)), 0
    return layer


LAYERS = memory.LAYERS | {
    "tanh, identity": lambda D, H, T, rng: identity(RNN(D, H, rng=rng)),
    "relu": lambda D, H, T, rng: RNN(D, H, nonlinearity="relu", rng=rng),
    "RNN, wide": lambda D, H, T, rng: RNN(D, wide(D, H), rng=rng),
    "GRU, chrono": lambda D, H, T, rng: chrono_gru(GRU(D, H, rng=rng), T, rng),
    "LSTM, bias 1": lambda D, H, T, rng: forget_bias(LSTM(D, H, rng=rng), 1.0),
}


class Training:
    """``tasks.fit`` in PyTorch: Adam on a layer and its head, gradients clipped; the numbers go back each time."""

    def __init__(self, layer, head, draw, rng, lr, max_norm):
        options = {"nonlinearity": layer.nonlinearity} if isinstance(layer, RNN) else {}
        D = layer.params["weight_ih"].shape[1]
        self.net = getattr(in_torch, type(layer).__name__)(D, layer.hidden_size, **options)
        self.read = torch.nn.Linear(layer.hidden_size, len(head.params["bias"]))
        self.net.load_state_dict({key: torch.tensor(value) for key, value in layer.state_dict().items()})
        self.read.load_state_dict({key: torch.tensor(value) for key, value in head.params.items()})
        self.params = [*self.net.parameters(), *self.read.parameters()]
        self.optimizer = torch.optim.Adam(self.params, lr=lr)
        self.layer, self.head, self.draw, self.rng, self.max_norm = layer, head, draw, rng, max_norm

    def updates(self, number):
        for _ in range(number):
            batch = self.draw(self.rng)
            y = self.read(self.net(torch.tensor(batch.x, dtype=torch.float32))[0])[torch.tensor(batch.mask)]
            target = torch.tensor(batch.target[batch.mask])
            if target.is_floating_point():
                loss = torch.nn.functional.mse_loss(y[:, 0], target.float())
            else:
                loss = torch.nn.functional.cross_entropy(y, target)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.params, self.max_norm)
            self.optimizer.step()
        self.layer.load_state_dict({key: value.numpy() for key, value in self.net.state_dict().items()})
        for key, value in self.read.state_dict().items():
            self.head.params[key][:] = value.numpy()


def run(task, T, kind, seed):
    """Train one network on one task; return its skill on 1,000 new sequences, and that after as many updates again."""
    draw, features, outputs, chance = memory.TASKS[task]
    rng = np.random.default_rng(seed)
    layer = LAYERS[kind](features, SETTINGS["hidden_size"], T, rng)
    head = Linear(layer.hidden_size, outputs, rng=rng)
    batches = partial(draw, T=T, B=SETTINGS["batch"])
    rate = SETTINGS["lr"] / (LESS if kind in ("tanh, identity", "relu") else 1)
    training = Training(layer, head, batches, rng, rate, SETTINGS["clip"])
    test = draw(np.random.default_rng([seed, 1]), T, 1000)
    test = tasks.recall(test) if task == "copy" else test
    skills = []
    for _ in range(2):
        training.updates(SETTINGS["updates"])
        skills.append(round(tasks.skill(tasks.answer(layer, head, test.x), test, chance), 4))
    return skills


def printed(path):
    """Return the runs whose lines are in a file, {(task, T, network): [skills, skills of twice]}."""
    found = {}
    for line in Path(path).read_text().splitlines():
        task, T, kind, *skills = re.fullmatch(r" *\d+ s (.+) (\d+) (.+) (\(.*\)) (\(.*\))", line).groups()
        found[task, int(T), kind] = [literal_eval(each) for each in skills]
    return found


def main():
    torch.set_num_threads(1)
    start = time.process_time()
    done = printed(sys.argv[1]) if len(sys.argv) == 2 else {}
    what = "skill (0 chance, 1 perfect) after the updates of memory.py and after twice as many"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["runs"] = runs = []
        for task, T, kind in OTHER:
            found = done.get((task, T, kind)) or zip(*(run(task, T, kind, seed) for seed in SEEDS), strict=True)
            once, twice = found
            runs.append({"task": task, "T": T, "network": kind, "skill": once, "skill of twice": twice})
            print(f"{time.process_time() - start:5.0f} s", *runs[-1].values(), flush=True)


if __name__ == "__main__":
    main()
