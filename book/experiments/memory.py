"""The long runs behind the chapter *Who remembers?*: eight networks on four tasks, at several lengths.

    python book/experiments/memory.py      about three minutes on one core; writes memory.json beside it

The tasks are those of ``rnnbook.data.tasks``; 0 is the skill of a guess and 1 that of perfect answers. Each layer is
drawn by ``rnnbook.in_numpy`` and trained by ``rnnbook.in_torch``, from the same numbers. A run that has not solved its
task after ``updates`` goes on for as many again.
"""

import time
from functools import partial

import numpy as np
import torch
from harness import recording

from rnnbook import in_torch
from rnnbook.data import tasks
from rnnbook.in_numpy import GRU, LSTM, RNN, Linear
from rnnbook.in_numpy.initialisers import chrono, forget_bias, identity

SETTINGS = {
    "lengths": {"adding": [20, 40], "copy": [20], "temporal order": [20, 40]},
    "batch": 32, "hidden_size": 32, "lr": 5e-3, "clip": 1.0, "updates": 600,
    "solved": 0.9,
}  # fmt: skip
COUNTING = {"largest": 10, "tested": 60, "batch": 32, "hidden_size": 10, "lr": 1e-2, "clip": 1.0, "updates": 1000,
            "longer": 5000}  # fmt: skip
SEEDS = [0, 1, 2]
TASKS = {
    "adding": (tasks.adding, 2, 1, tasks.ADDING_CHANCE),
    "copy": (tasks.copy, 6, 6, 1 / tasks.COPY_SYMBOLS),
    "temporal order": (tasks.temporal_order, 6, 4, 1 / 4),
}


def wide(D, H):
    """Return the units of a basic RNN with as many parameters as an LSTM of H units: of H' (H' + D + 2) the nearest."""
    wanted = 4 * H * (H + D + 2)
    return round((np.sqrt((D + 2) ** 2 + 4 * wanted) - (D + 2)) / 2)


def chrono_gru(layer, longest, rng):
    """Spread the bias of a GRU's update gate, rows z of r, z, n, as chrono does the LSTM's: ln u with u up to T - 1."""
    b_ih, b_hh = (layer.params[name].reshape(3, -1) for name in ("bias_ih", "bias_hh"))
    b_ih[1], b_hh[1] = np.log(rng.uniform(1, longest - 1, layer.hidden_size)), 0
    return layer


LAYERS = {
    "RNN": lambda D, H, T, rng: RNN(D, H, rng=rng),
    "RNN, wide": lambda D, H, T, rng: RNN(D, wide(D, H), rng=rng),
    "IRNN": lambda D, H, T, rng: identity(RNN(D, H, nonlinearity="relu", rng=rng)),
    "GRU": lambda D, H, T, rng: GRU(D, H, rng=rng),
    "GRU, chrono": lambda D, H, T, rng: chrono_gru(GRU(D, H, rng=rng), T, rng),
    "LSTM": lambda D, H, T, rng: LSTM(D, H, rng=rng),
    "LSTM, bias 1": lambda D, H, T, rng: forget_bias(LSTM(D, H, rng=rng), 1.0),
    "LSTM, chrono": lambda D, H, T, rng: chrono(LSTM(D, H, rng=rng), T, rng),
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


def run(job):
    """Train one network on one task; return its skill on 1,000 new sequences, and that after a doubled budget."""
    task, kind, T, seed = job
    draw, features, outputs, chance = TASKS[task]
    rng = np.random.default_rng(seed)
    layer = LAYERS[kind](features, SETTINGS["hidden_size"], T, rng)
    head = Linear(layer.hidden_size, outputs, rng=rng)
    rate = SETTINGS["lr"] / 5 if kind == "IRNN" else SETTINGS["lr"]
    training = Training(layer, head, partial(draw, T=T, B=SETTINGS["batch"]), rng, rate, SETTINGS["clip"])
    test = draw(np.random.default_rng([seed, 1]), T, 1000)
    test = tasks.recall(test) if task == "copy" else test
    skills = []
    for _ in range(2):
        if not skills or skills[0] < SETTINGS["solved"]:
            training.updates(SETTINGS["updates"])
        skills.append(round(tasks.skill(tasks.answer(layer, head, test.x), test, chance), 4))
    return skills


def run_counting(job):
    """Train on n up to 10; return for every n up to 60 whether the n symbols after the first b are all right."""
    kind, seed, updates = job
    rng = np.random.default_rng(seed)
    layer = LAYERS[kind](3, COUNTING["hidden_size"], 2 * COUNTING["largest"], rng)
    head = Linear(layer.hidden_size, 3, rng=rng)
    draw = partial(tasks.counting, largest=COUNTING["largest"], B=COUNTING["batch"])
    rate = COUNTING["lr"] / 5 if kind == "IRNN" else COUNTING["lr"]
    Training(layer, head, draw, rng, rate, COUNTING["clip"]).updates(updates)
    test = tasks.count_to(np.arange(1, COUNTING["tested"] + 1))
    return [bool(right) for right in tasks.all_right(tasks.answer(layer, head, test.x), test)]


def main():
    torch.set_num_threads(1)
    start = time.process_time()
    what = "skill (0 chance, 1 perfect) by task, network, length and seed; and which n of a^n b^n are right"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["counting_settings"] = COUNTING
        record["runs"] = runs = []
        record["counted"] = {k: [run_counting((k, s, COUNTING["updates"])) for s in SEEDS] for k in LAYERS}
        record["counted after longer"] = [run_counting(("LSTM", s, COUNTING["longer"])) for s in SEEDS]
        for task in TASKS:
            for T in SETTINGS["lengths"][task]:
                for kind in LAYERS:
                    once, twice = zip(*(run((task, kind, T, seed)) for seed in SEEDS), strict=True)
                    runs.append({"task": task, "T": T, "network": kind, "skill": once, "skill of twice": twice})
                    print(f"{time.process_time() - start:5.0f} s", *runs[-1].values(), flush=True)
        record["cpu_seconds"] = round(time.process_time() - start)


if __name__ == "__main__":
    main()
