"""Train character models of the King James text: three cells of one size, three seeds; one of them for longer.

    OMP_NUM_THREADS=1 python book/experiments/language_model.py

Writes language_model.json beside this file: settings, versions, hardware, and for every run its losses in bits per
character. Takes about 12 minutes of CPU time, in two processes. The chapter *A language model* plots it.
"""

import math
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import numpy as np
import torch
from harness import TWO, recording
from torch import nn

from rnnbook import data

WHAT = "bits per character of character models, as they learn and in the end, by cell, seed and epochs"
SETTINGS = {
    "fractions": [0.9, 0.05, 0.05], "embedding": 32, "batch": 32, "steps_back": 64, "clip": 1.0,
    "schedule": "100 updates of warm-up, then a cosine to zero", "dtype": "float32", "evaluation_streams": 50,
    "cells": {"RNN": {"hidden": 256, "lr": 3e-3}, "GRU": {"hidden": 148, "lr": 1e-2},
              "LSTM": {"hidden": 128, "lr": 1e-2}},
}  # fmt: skip
RUNS = [("GRU", 0, 3), *((cell, seed, 1) for seed in range(3) for cell in SETTINGS["cells"])]  # cell, seed, epochs
RESETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]


class CharacterModel(nn.Module):
    """Embedding, recurrent layer, linear: logits (T, B, V) for tokens (T, B)."""

    def __init__(self, cell, hidden, V):
        super().__init__()
        self.embedding = nn.Embedding(V, SETTINGS["embedding"])
        self.layer = getattr(nn, cell)(SETTINGS["embedding"], hidden)
        self.head = nn.Linear(hidden, V)

    def forward(self, tokens, state=None):
        hs, state = self.layer(self.embedding(tokens), state)
        return self.head(hs), state


def streams(tokens, B):
    """Cut tokens (N,) into B streams side by side: what is read (S, B) and what comes next (S, B)."""
    S = (len(tokens) - 1) // B
    return tokens[: S * B].reshape(B, S).T.contiguous(), tokens[1 : S * B + 1].reshape(B, S).T.contiguous()


@torch.no_grad()
def bits(model, tokens, B):
    """The model's mean loss on tokens (N,), read as B streams from a zero state [bits per character]."""
    x, y = streams(tokens, B)
    total, state = 0.0, None
    for x_part, y_part in zip(x.split(1024), y.split(1024), strict=True):
        logits, state = model(x_part, state)
        total += nn.functional.cross_entropy(logits.flatten(0, 1), y_part.flatten(), reduction="sum").item()
    return total / y.numel() / math.log(2)


def train(cell, seed, epochs, keep=False):
    """One run: returns its losses on validation while it learns, and on validation and test at its end.

    With ``keep`` it returns the model, too.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    text = data.bible_text()
    vocabulary = np.array(sorted(set(text)))
    parts = data.split_by_time(np.searchsorted(vocabulary, list(text)), SETTINGS["fractions"])
    past, valid, test = (torch.tensor(part) for part in parts)
    choice = SETTINGS["cells"][cell]
    model = CharacterModel(cell, choice["hidden"], len(vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=choice["lr"])
    x, y = streams(past, SETTINGS["batch"])
    T = SETTINGS["steps_back"]
    per_epoch = len(x) // T
    steps = per_epoch * epochs

    def rate(i):
        return min(1, (i + 1) / 100) * (1 + math.cos(math.pi * i / steps)) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    learning, start, evaluating = [], time.process_time(), 0.0
    for i in range(steps):
        k = i % per_epoch * T
        if k == 0:
            state = None
        logits, state = model(x[k : k + T], state)
        state = tuple(s.detach() for s in state) if cell == "LSTM" else state.detach()
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y[k : k + T].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimizer.step()
        schedule.step()
        if (i + 1) % (per_epoch // 8) == 0 or i + 1 == steps:
            before = time.process_time()
            loss_bits = bits(model, valid[:50_000], SETTINGS["evaluation_streams"])
            learning.append([(i + 1) * x.shape[1] * T, round(loss_bits, 4)])
            evaluating += time.process_time() - before
    trained = time.process_time() - start - evaluating
    B = SETTINGS["evaluation_streams"]
    record = {
        "cell": cell, "hidden": choice["hidden"], "seed": seed, "epochs": epochs,
        "parameters": sum(p.numel() for p in model.parameters()), "cpu_seconds_of_training": round(trained),
        "learning": learning, "valid": round(bits(model, valid, B), 4), "test": round(bits(model, test, B), 4),
        "test_with_resets": {k: round(bits(model, test, (len(test) - 1) // k), 4) for k in RESETS},
        "cpu_seconds": round(time.process_time() - start),
    }  # fmt: skip
    return (record, model) if keep else record


def source():
    return {"name": "bible_text", "sha256": data.SOURCES["bible_text"].sha256}


def main():
    runs, seeds = [], sorted({seed for _, seed, _ in RUNS})
    with recording(__file__, WHAT, settings=SETTINGS, seeds=seeds, processes=TWO) as record:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(train, *run) for run in RUNS]):
                runs.append(done.result())
                print({k: v for k, v in runs[-1].items() if k not in ("learning", "test_with_resets")}, flush=True)
        runs.sort(key=lambda run: (-run["epochs"], run["cell"], run["seed"]))
        record |= {"data": source(), "cpu_seconds": sum(run["cpu_seconds"] for run in runs), "runs": runs}


if __name__ == "__main__":
    main()
