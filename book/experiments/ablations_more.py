"""More of ``ablations.py``, on the adding problem: another start, two parts that were added later, a doubled budget.

    python book/experiments/ablations_more.py      about a minute on one core; writes ablations_more.json beside it

Layer normalisation and recurrent dropout are additions to an LSTM, not parts of it; whether they are missed is asked
in the same way. Every network is measured after as many updates as in ``ablations.py``, and after twice as many.
"""

import time

import numpy as np
import torch
from ablations import ADDING, SEEDS, Ablated, Network, update
from harness import recording

from rnnbook.data import tasks

SETTINGS = ADDING | {"recurrent dropout": 0.25, "forget bias": 1.0}


class Added(Ablated):
    """The full LSTM with one addition: layer norm (Ba et al. 2016), dropout of g (Semeniuta et al. 2016), or a bias."""

    def __init__(self, D, H, addition):
        super().__init__(D, H, set())
        self.addition = addition
        if addition == "layer norm":
            self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(n) for n in (4 * H, 4 * H, H))
        if addition == "bias 1":
            with torch.no_grad():
                self.from_input.bias[H : 2 * H], self.from_hidden.bias[H : 2 * H] = SETTINGS["forget bias"], 0

    def forward(self, x):
        if self.addition == "bias 1":
            return super().forward(x)
        norm_x, norm_h, norm_c = getattr(self, "norms", 3 * [torch.nn.Identity()])
        p = SETTINGS["recurrent dropout"] if self.addition == "recurrent dropout" else 0
        h = c = x.new_zeros(x.shape[1], self.H)
        hs = []
        for u in norm_x(self.from_input(x)):
            a_i, a_f, a_g, a_o = (u + norm_h(self.from_hidden(h))).chunk(4, dim=1)
            g = torch.nn.functional.dropout(torch.tanh(a_g), p, self.training)
            c = torch.sigmoid(a_f) * c + torch.sigmoid(a_i) * g
            h = torch.sigmoid(a_o) * torch.tanh(norm_c(c))
            hs.append(h)
        return torch.stack(hs)


def network(kind):
    """Return the full LSTM with an addition, or a network of ``ablations.py``."""
    if kind not in ("bias 1", "layer norm", "recurrent dropout"):
        return Network(kind, 2, ADDING["hidden_size"], 1)
    model = Network("full LSTM", 2, ADDING["hidden_size"], 1)
    model.layer = Added(2, ADDING["hidden_size"], kind)
    return model


KINDS = ["bias 1", "layer norm", "recurrent dropout"]


def run(kind, seed):
    """Return the skills on 1,000 new sequences after ``updates`` and after twice as many."""
    torch.manual_seed(seed)
    rng, T, model = np.random.default_rng(seed), ADDING["T"], network(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=ADDING["lr"])

    def error(batch):
        x = torch.tensor(batch.x, dtype=torch.float32)
        y = model(x, torch.full((x.shape[1],), T))[:, 0]
        return torch.mean((y - torch.tensor(batch.target[-1], dtype=torch.float32)) ** 2)

    skills = []
    for _ in range(2):
        model.train()
        for _ in range(ADDING["updates"]):
            update(model, optimizer, error(tasks.adding(rng, T, ADDING["batch"])), ADDING["clip"])
        model.eval()
        with torch.no_grad():
            left = error(tasks.adding(np.random.default_rng([seed, 1]), T, 1000)).item()
        skills.append(round(1 - left / tasks.ADDING_CHANCE, 4))
    return skills


def main():
    torch.set_num_threads(1)
    start = time.process_time()
    what = "skill (0 chance, 1 perfect) at adding after the updates of ablations.py and after twice as many"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["runs"] = runs = []
        for kind in KINDS:
            for seed in SEEDS:
                once, twice = run(kind, seed)
                runs.append({"network": kind, "seed": seed, "skill": once, "skill of twice": twice})
                print(f"{time.process_time() - start:5.0f} s", *runs[-1].values(), flush=True)


if __name__ == "__main__":
    main()
