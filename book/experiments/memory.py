"""The long runs behind the chapter *Who remembers?*: five networks on four tasks, at several lengths.

    python book/experiments/memory.py      about six minutes on one core; writes memory.json beside it

The tasks are those of ``rnnbook.data.tasks``; 0 is the skill of a guess and 1 that of perfect answers.
"""

from functools import partial
from multiprocessing import Pool

import numpy as np
from harness import TWO, recording

from rnnbook.data import tasks
from rnnbook.in_numpy import GRU, LSTM, RNN, Linear
from rnnbook.in_numpy.initialisers import chrono, identity

SETTINGS = {"lengths": [10, 20, 40, 80], "batch": 32, "hidden_size": 32, "lr": 5e-3, "clip": 1.0, "updates": 600}
COUNTING = {"largest": 10, "tested": 40, "batch": 32, "hidden_size": 10, "lr": 1e-2, "clip": 1.0, "updates": 1000}
SEEDS = [0, 1, 2]
TASKS = {
    "adding": (tasks.adding, 2, 1, tasks.ADDING_CHANCE),
    "copy": (tasks.copy, 6, 6, 1 / tasks.COPY_SYMBOLS),
    "temporal order": (tasks.temporal_order, 6, 4, 1 / 4),
}
LAYERS = {
    "RNN": lambda D, H, T, rng: RNN(D, H, rng=rng),
    "IRNN": lambda D, H, T, rng: identity(RNN(D, H, nonlinearity="relu", rng=rng)),
    "GRU": lambda D, H, T, rng: GRU(D, H, rng=rng),
    "LSTM": lambda D, H, T, rng: LSTM(D, H, rng=rng),
    "LSTM, chrono": lambda D, H, T, rng: chrono(LSTM(D, H, rng=rng), T, rng),
}


def run(job):
    """Train one network on one task and return its skill on 1,000 new sequences."""
    task, kind, T, seed = job
    draw, features, outputs, chance = TASKS[task]
    rng = np.random.default_rng(seed)
    layer = LAYERS[kind](features, SETTINGS["hidden_size"], T, rng)
    head = Linear(SETTINGS["hidden_size"], outputs, rng=rng)
    batches = partial(draw, T=T, B=SETTINGS["batch"])
    rate = SETTINGS["lr"] / 5 if kind == "IRNN" else SETTINGS["lr"]
    tasks.fit(layer, head, batches, rng, SETTINGS["updates"], rate, SETTINGS["clip"])
    test = draw(np.random.default_rng([seed, 1]), T, 1000)
    test = tasks.recall(test) if task == "copy" else test
    return round(tasks.skill(tasks.answer(layer, head, test.x), test, chance), 4)


def run_counting(job):
    """Train on n up to 10; return for every n up to 40 whether the n symbols after the first b are all right."""
    kind, seed = job
    rng = np.random.default_rng(seed)
    layer = LAYERS[kind](3, COUNTING["hidden_size"], 2 * COUNTING["largest"], rng)
    head = Linear(COUNTING["hidden_size"], 3, rng=rng)
    draw = partial(tasks.counting, largest=COUNTING["largest"], B=COUNTING["batch"])
    rate = COUNTING["lr"] / 5 if kind == "IRNN" else COUNTING["lr"]
    tasks.fit(layer, head, draw, rng, COUNTING["updates"], rate, COUNTING["clip"])
    test = tasks.count_to(np.arange(1, COUNTING["tested"] + 1))
    return [bool(right) for right in tasks.all_right(tasks.answer(layer, head, test.x), test)]


def main():
    counts = [(kind, seed) for kind in LAYERS for seed in SEEDS]
    jobs = [(t, kind, T, seed) for t in TASKS for T in SETTINGS["lengths"] for kind in LAYERS for seed in SEEDS]
    what = "skill (0 chance, 1 perfect) by task, network, length and seed; and which n of a^n b^n are right"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS, processes=TWO) as record, Pool(2) as pool:
        right = dict(zip(counts, pool.map(run_counting, counts, chunksize=1), strict=True))
        skills = dict(zip(jobs, pool.map(run, jobs, chunksize=1), strict=True))
        record["counting_settings"] = COUNTING
        record["skill"] = {
            t: {k: [[skills[t, k, T, s] for s in SEEDS] for T in SETTINGS["lengths"]] for k in LAYERS} for t in TASKS
        }
        record["counted"] = {kind: [right[kind, seed] for seed in SEEDS] for kind in LAYERS}


if __name__ == "__main__":
    main()
