"""Which earlier characters does a prediction depend on? Three small character models, and how far back each looks.

    OMP_NUM_THREADS=1 python book/experiments/connectivity.py        about five minutes on one core

trains an RNN, a GRU and an LSTM with the same number of parameters on the King James text, two seeds each, and writes
connectivity.json beside this file. Seed 0's weights, rounded to float16, become book/_static/connectivity-weights.js:
the figure in the chapter *A language model* computes with them in the reader's browser.

The connectivity of the prediction at step t with the character at step s is the norm of the gradient of the logit of
the character that came, y_t[x_{t+1}], with respect to the embedding e_s. Its reach is the number of the last characters
that hold 90 % of the sum of these norms.
"""

import base64
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from harness import recording
from text_model_training import bits, in_nats, parts, source, streams
from torch import nn

WHAT = "how many characters back the predictions of small character models depend, by cell and seed"
SETTINGS = {
    "embedding": 16, "hidden": {"RNN": 73, "GRU": 46, "LSTM": 40}, "batch": 64, "steps_back": 64, "updates": 2_000,
    "lr": {"RNN": 5e-3, "GRU": 1e-2, "LSTM": 1e-2}, "clip": 1.0,
    "schedule": "100 updates of warm-up, then a cosine to zero", "forget_bias": 1.0, "snippets": 200, "length": 150,
    "share": 0.9,
}  # fmt: skip
SEEDS = [0, 1]
SCRIPT = Path(__file__).parents[1] / "_static/connectivity-weights.js"
CALL = "rnnbookConnectivity"


class SmallModel(nn.Module):
    """Embedding, recurrent layer, linear: logits (T, B, V) for tokens (T, B)."""

    def __init__(self, cell, V):
        super().__init__()
        H = SETTINGS["hidden"][cell]
        self.embedding = nn.Embedding(V, SETTINGS["embedding"])
        self.layer = getattr(nn, cell)(SETTINGS["embedding"], H)
        self.head = nn.Linear(H, V)
        if cell == "LSTM":
            with torch.no_grad():
                self.layer.bias_hh_l0.zero_()
                self.layer.bias_ih_l0.zero_()[H : 2 * H] = SETTINGS["forget_bias"]

    def forward(self, tokens, state=None):
        hs, state = self.layer(self.embedding(tokens), state)
        return self.head(hs), state


def train(cell, seed, past, V):
    """Return a small model, trained."""
    torch.manual_seed(seed)
    model = SmallModel(cell, V)
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"][cell], fused=True)
    x, y = streams(past, SETTINGS["batch"])
    T, steps, state = SETTINGS["steps_back"], SETTINGS["updates"], None
    for i in range(steps):
        k = i % (len(x) // T) * T
        state = None if k == 0 else state
        for group in optimizer.param_groups:
            group["lr"] = SETTINGS["lr"][cell] * min(1, (i + 1) / 100) * (1 + math.cos(math.pi * i / steps)) / 2
        logits, state = model(x[k : k + T], state)
        state = tuple(s.detach() for s in state) if cell == "LSTM" else state.detach()
        optimizer.zero_grad()
        in_nats(logits, y[k : k + T]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimizer.step()
    return model


def norms(model, tokens):
    """The connectivity (T, B) of the last prediction of B texts (T + 1, B) with each of the T characters read."""
    e = model.embedding(tokens[:-1]).detach().requires_grad_()
    hs, _ = model.layer(e)
    wanted = model.head(hs[-1]).gather(1, tokens[-1:].T).sum()  # the texts do not touch each other
    (gradient,) = torch.autograd.grad(wanted, e)
    return gradient.norm(dim=-1)


def reach(found, share):
    """How many of the last characters hold this share of the sum of the norms (T, B), for each text."""
    summed = found.flip(0).cumsum(0) / found.sum(0)
    return (summed < share).sum(0) + 1


def measure(model, test):
    """The reach of the model over snippets of the test part, and its mean profile: the share of each lag."""
    L, N = SETTINGS["length"], SETTINGS["snippets"]
    starts = torch.linspace(0, len(test) - L - 1, N).long()
    found = norms(model, torch.stack([test[a : a + L + 1] for a in starts], dim=1))
    back = reach(found, SETTINGS["share"]).double()
    profile = (found / found.sum(0)).mean(1).flip(0)
    return {"median": back.median().item(), "mean": round(back.mean().item(), 2),
            "profile": [round(value, 5) for value in profile[:40].tolist()]}  # fmt: skip


def script(vocabulary, models):
    """The text of the file that the browser loads: the vocabulary, and each network's numbers as float16 in base64."""

    def pack(array):
        return {"shape": array.shape, "half": base64.b64encode(array.astype("<f2").tobytes()).decode()}

    networks = {
        cell: {name: pack(array.detach().numpy()) for name, array in model.state_dict().items()}
        for cell, model in models.items()
    }
    return f"{CALL}({json.dumps({'vocabulary': ''.join(vocabulary), 'networks': networks}, separators=(',', ':'))});\n"


def stored(path=SCRIPT):
    """Return the vocabulary, and {cell: {name: array}} in float64, of the file that the browser loads."""
    text = path.read_text(encoding="utf-8")
    found = json.loads(text.removeprefix(f"{CALL}(").removesuffix(");\n"))
    unpacked = {
        cell: {
            name: np.frombuffer(base64.b64decode(part["half"]), "<f2").reshape(part["shape"]).astype(float)
            for name, part in state.items()
        }
        for cell, state in found["networks"].items()
    }
    return found["vocabulary"], unpacked


def main():
    torch.set_num_threads(1)
    vocabulary, past, _, test = parts()
    with recording(__file__, WHAT, settings=SETTINGS, seeds=SEEDS) as record:
        runs, first = [], {}
        for seed in SEEDS:
            for cell in SETTINGS["hidden"]:
                start = time.process_time()
                model = train(cell, seed, past, len(vocabulary))
                if seed == 0:
                    model.load_state_dict({name: array.half().float() for name, array in model.state_dict().items()})
                    first[cell] = model
                runs.append({"cell": cell, "seed": seed, "parameters": sum(p.numel() for p in model.parameters()),
                             "test": round(bits(model, test, 50), 4), "cpu_seconds": round(time.process_time() - start),
                             **measure(model, test)})  # fmt: skip
                print({k: v for k, v in runs[-1].items() if k != "profile"}, flush=True)
            SCRIPT.write_text(script(vocabulary, first), encoding="utf-8")
        record |= {"data": source(), "runs": runs}


if __name__ == "__main__":
    main()
