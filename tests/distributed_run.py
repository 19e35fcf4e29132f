"""Run by test_training_torch.py, in its own process or under torchrun: train a small model, write its loss curve.

``python distributed_run.py folder name steps [name steps ...]`` writes name.json and the checkpoint name.safetensors.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn

from rnnbook.in_torch import LSTM, training_step
from rnnbook.training import Checkpoint, first_process, train

T, B, D, H = 5, 6, 2, 7  # six sequences, for one process or two


class Model(nn.Module):
    """A two-layer LSTM and a dense layer on it."""

    def __init__(self):
        super().__init__()
        self.lstm = LSTM(D, H, 2, dtype=torch.float64)
        self.dense = nn.Linear(H, 1, dtype=torch.float64)

    def forward(self, x):
        return self.dense(self.lstm(x)[0])


def run(folder, name, steps):
    """Train on the running sum of the inputs, going on from the checkpoint where there is one; write the history."""
    torch.manual_seed(0)
    model, rng = Model(), np.random.default_rng(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)

    def batch(i):
        x = torch.from_numpy(rng.normal(size=(T, B, D)))
        return x, x.cumsum(0).sum(-1, keepdim=True)

    step = training_step(model, optimizer, nn.functional.mse_loss, batch, clip=0.5)
    parts = {"model": model, "optimizer": optimizer, "rng": rng}
    history = train(step, int(steps), checkpoint=Checkpoint(f"{folder}/{name}.safetensors", parts), progress=False)
    if first_process():
        Path(folder, f"{name}.json").write_text(json.dumps(asdict(history)), encoding="utf-8")


if __name__ == "__main__":
    folder, *runs = sys.argv[1:]
    distributed.init_process_group("gloo")
    for name, steps in zip(runs[::2], runs[1::2], strict=True):
        run(folder, name, steps)
    distributed.destroy_process_group()
