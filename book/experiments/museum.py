"""Does a wrong gradient show in the training curve? Six bugs of a backward pass, two tasks, short and long training.

    python book/experiments/museum.py    (about two minutes of one core; writes museum.json beside it)

A basic RNN of 16 units is trained seven times from the same weights with the same batches: with a correct backward
pass, and with each bug of the chapter *Backpropagation through time*. "month": read 24 months of sunspots, forecast
the next; the error is in sunspot numbers, on all windows. "recall": read ten random numbers, say the first; the error
is the root mean square, and 1 is that of the mean. Both are noted after 200 and after 1,000 updates.
"""

import sys

import numpy as np
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import RNN, Adam, Linear, clip_grad_norm, join
from rnnbook.in_numpy.functions import mean_squared_error

SETTINGS = {"units": 16, "lr": 5e-3, "clip": 1.0, "batch": 64, "months": 24, "numbers": 10, "updates": [200, 1000],
            "tested": 2000}  # fmt: skip
SEEDS = [0, 1, 2, 3, 4]
CORRECT = """
def backward(dhs, x, hs, W_ih, W_hh):
    dW_ih, dW_hh, db = np.zeros_like(W_ih), np.zeros_like(W_hh), np.zeros(len(W_hh))
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(x))):
        dh = dhs[t] + dh_next
        da = dh * (1 - hs[t + 1] ** 2)
        dh_next = da @ W_hh
        dW_ih += da.T @ x[t]
        dW_hh += da.T @ hs[t]
        db += da.sum(axis=0)
    return dW_ih, dW_hh, db
"""
BUGS = {
    "correct": ("", ""),
    "φ' forgotten": ("dh * (1 - hs[t + 1] ** 2)", "dh"),
    "nothing comes back": ("dhs[t] + dh_next", "dhs[t]"),
    "= instead of +=": ("dW_hh += ", "dW_hh = "),
    "transpose missing": ("da @ W_hh", "da @ W_hh.T"),
    "wrong index of h": ("da.T @ hs[t]", "da.T @ hs[t + 1]"),
    "bias: one sequence": ("da.sum(axis=0)", "da[0]"),
}


def planted(bug):
    """Return the backward pass with a bug."""
    right, wrong = BUGS[bug]
    assert not right or CORRECT.count(right) == 1
    namespace = {"np": np}
    exec(CORRECT.replace(right, wrong) if right else CORRECT, namespace)
    return namespace["backward"]


class Task:
    """Batches of a task, what all of it is judged on, and the unit of its error."""

    def __init__(self, name):
        past, _, _ = data.split_by_time(data.sunspots_monthly().value, (0.6, 0.2, 0.2))
        scale = data.standardise(past)
        self.windows, self.targets = data.windows(scale(past), SETTINGS["months"])
        self.months, self.unit = name == "month", scale.std if name == "month" else 1.0

    def batch(self, rng, size):
        """Return x (T, B, 1) and the targets (B, 1)."""
        if self.months:
            rows = rng.integers(len(self.windows), size=size)
            return self.windows[rows].T[:, :, None], self.targets[rows][:, None]
        x = rng.uniform(-(3**0.5), 3**0.5, size=(SETTINGS["numbers"], size, 1))
        return x, x[0]

    def judged(self):
        if self.months:
            return self.windows.T[:, :, None], self.targets[:, None]
        return self.batch(np.random.default_rng(10_000), SETTINGS["tested"])


def train(bug, task, seed):
    """Return the errors after the numbers of updates in SETTINGS."""
    rng, backward, found = np.random.default_rng(seed), planted(bug), []
    layer = RNN(1, SETTINGS["units"], dtype=np.float64, rng=rng)
    head = Linear(SETTINGS["units"], 1, dtype=np.float64, rng=rng)
    optimizer = Adam(join(layer=layer.params, head=head.params), lr=SETTINGS["lr"])
    judged, target = task.judged()
    for update in range(1, max(SETTINGS["updates"]) + 1):
        x, y = task.batch(rng, SETTINGS["batch"])
        hs, last, trace = layer.forward(x)
        said, head_trace = head.forward(last)
        _, dy = mean_squared_error(said, y)
        dhs = np.zeros_like(hs)
        dhs[-1], dhead = head.backward(dy, head_trace)
        dW_ih, dW_hh, db = backward(dhs, x, trace.hs, layer.params["weight_ih"], layer.params["weight_hh"])
        dlayer = {"weight_ih": dW_ih, "weight_hh": dW_hh, "bias_ih": db, "bias_hh": db.copy()}
        grads = join(layer=dlayer, head=dhead)
        clip_grad_norm(grads, SETTINGS["clip"])
        optimizer.step(grads)
        if update in SETTINGS["updates"]:
            said, _ = head.forward(layer.forward(judged)[1])
            found.append(round(float(task.unit * np.sqrt(np.mean((said - target) ** 2))), 3))
    return found


def main(seeds=SEEDS):
    what = "error after each number of updates: sunspot numbers for the month, root mean squares for the recall"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds) as record:
        record["runs"] = []
        for name in ("month", "recall"):
            task = Task(name)
            for bug in BUGS:
                for seed in seeds:
                    run = {"task": name, "bug": bug, "seed": seed, "error": train(bug, task, seed)}
                    record["runs"].append(run)
                    print(run, flush=True)


if __name__ == "__main__":
    sys.exit(main())
