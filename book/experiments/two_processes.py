"""Train a GRU on handwritten digits as one process and as two; the loss curves, side by side.

python book/experiments/two_processes.py              both, and writes two_processes.json (half a minute)
torchrun --standalone --nproc-per-node 2 book/experiments/two_processes.py LOSSES.json       as many as you like
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from harness import recording
from torch import distributed, nn

from rnnbook import data
from rnnbook.in_torch import GRU, training_step
from rnnbook.training import first_process, train


class Reader(nn.Module):
    """A GRU that reads a digit row by row, and a dense layer on its last state."""

    def __init__(self):
        super().__init__()
        self.gru = GRU(8, 24, dtype=torch.float64)
        self.dense = nn.Linear(24, 10, dtype=torch.float64)

    def forward(self, x):
        return self.dense(self.gru(x)[0][-1])


def run(path, steps=60):
    if "RANK" in os.environ:  # torchrun has started this process, and others beside it
        distributed.init_process_group("gloo")
    torch.manual_seed(0)  # every process begins with the same weights
    digits, rng, model = data.digits(), np.random.default_rng(0), Reader()
    rows = torch.tensor(digits.images / 16, dtype=torch.float64).transpose(0, 1)
    labels = torch.tensor(digits.labels)

    def batch(i):
        chosen = torch.from_numpy(rng.choice(len(labels), size=64, replace=False))
        return rows[:, chosen], labels[chosen]

    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    step = training_step(model, optimizer, nn.functional.cross_entropy, batch, clip=1.0, batch_dims=(1, 0))
    history = train(step, steps, progress=False)
    if first_process():
        Path(path).write_text(json.dumps(history.losses), encoding="utf-8")
    if distributed.is_initialized():
        distributed.destroy_process_group()


def main():
    """Start this program once alone and once under torchrun."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    settings = {"batch": 64, "updates": 60, "lr": 0.02, "clip": 1.0, "dtype": "float64"}
    what = "cross-entropy in nats of each update, before it, of a GRU that reads digits"
    processes = "one thread in each process"
    with recording(__file__, what, settings=settings, seeds=[0], processes=processes) as record:
        record["losses"] = losses = {}
        for name, launcher in (("one process", []), ("two processes", torchrun)):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "losses.json")
                command = [sys.executable, *launcher, __file__, str(path)]
                subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
                losses[name] = json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(sys.argv[1]) if len(sys.argv) > 1 else main()
