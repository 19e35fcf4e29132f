"""Train the character model of the chapter *A language model*: an LSTM of 512 units on the King James text.

    OMP_NUM_THREADS=1 python book/experiments/text_model_training.py FOLDER [NAME ...]

Each run is kept in FOLDER as it learns; a run that was cut off goes on from there. When all are done it writes
text_model_training.json beside this file and the large network's weights in float16 as text_model.safetensors.
Products are taken in bfloat16 (``torch.autocast``), which is several times faster on a processor that has them and slow
on one that has not; weights, the optimizer and every loss that is reported are float32. Forty minutes on an idle core.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from harness import recording
from torch import nn

from rnnbook import data, weights

WHAT = "bits per character of character models as they learn, by hidden size and seed"
SETTINGS = {
    "fractions": [0.9, 0.05, 0.05], "embedding": 64, "clip": 1.0, "forget_bias": 1.0,
    "optimizer": "Adam; warm-up of 100 updates, then constant, then a cosine to zero",
    "products": "bfloat16", "every": 250, "valid_characters": 50_000, "evaluation_streams": 50,
    "stages": ["updates", "streams", "steps back", "largest rate", "dropout"],
    "runs": {
        "large": {"hidden": 512, "seed": 0, "constant": 5_000, "updates": 14_250,
                  "stages": [[250, 64, 96, 4e-3, 0.2], [14_000, 32, 64, 3e-3, 0.2]]},
        **{f"small_{seed}": {"hidden": 256, "seed": seed, "constant": 2_000, "updates": 6_000,
                             "stages": [[250, 64, 96, 4e-3, 0.1], [5_750, 32, 64, 3e-3, 0.1]]}
           for seed in range(3)},
    },
    "rounding_characters": 20_000,
}  # fmt: skip
WEIGHTS = Path(__file__).with_name("text_model.safetensors")


class CharacterModel(nn.Module):
    """Embedding, LSTM, linear: logits (T, B, V) for tokens (T, B); dropout on the
    states, half of it on the input.
    """

    def __init__(self, V, hidden):
        super().__init__()
        self.embedding = nn.Embedding(V, SETTINGS["embedding"])
        self.layer = nn.LSTM(SETTINGS["embedding"], hidden)
        self.head = nn.Linear(hidden, V)
        self.dropout = 0.0
        with torch.no_grad():
            self.layer.bias_hh_l0.zero_()
            forget = slice(hidden, 2 * hidden)
            self.layer.bias_ih_l0.zero_()[forget] = SETTINGS["forget_bias"]

    def forward(self, tokens, state=None):
        dropout, e = nn.functional.dropout, self.embedding(tokens)
        hs, state = self.layer(dropout(e, self.dropout / 2, self.training), state)
        return self.head(dropout(hs, self.dropout, self.training)), state


def parts():
    """Return the vocabulary (V,), and the tokens of the training, validation and test part."""
    text = data.bible_text()
    vocabulary = np.array(sorted(set(text)))
    split = data.split_by_time(np.searchsorted(vocabulary, list(text)), SETTINGS["fractions"])
    return vocabulary, *(torch.tensor(part) for part in split)


def streams(tokens, B):
    """Cut tokens (N,) into B streams side by side: what is read (S, B) and what comes next (S, B)."""
    S = (len(tokens) - 1) // B
    return tokens[: S * B].reshape(B, S).T.contiguous(), tokens[1 : S * B + 1].reshape(B, S).T.contiguous()


def in_nats(logits, targets):
    return nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


@torch.no_grad()
def bits(model, tokens, B):
    """The model's mean loss on tokens (N,), read as B streams from a zero state [bits per character]."""
    x, y = streams(tokens, B)
    total, state = 0.0, None
    model.eval()
    for x_part, y_part in zip(x.split(512), y.split(512), strict=True):
        logits, state = model(x_part, state)
        total += in_nats(logits, y_part).item() * y_part.numel()
    model.train()
    return total / y.numel() / math.log(2)


def rate(i, constant, steps):
    """The learning rate of update i as a share of its largest."""
    fallen = max(0, i - constant) / (steps - constant)
    return min(1, (i + 1) / 100) * (1 + math.cos(math.pi * fallen)) / 2


def chunks(past, run):
    """Yield (x, y, begins, largest rate, dropout) for one update after the other, stage by stage."""
    for updates, B, T, lr, dropout in run["stages"]:
        x, y = streams(past, B)
        for i in range(updates):
            k = i % (len(x) // T) * T
            yield x[k : k + T], y[k : k + T], k == 0, lr, dropout


def update(model, optimizer, x, y, state):
    """Take one step; return the loss in bits and the state that it ends with."""
    with torch.autocast("cpu", torch.bfloat16):
        logits, state = model(x, state)
    loss = in_nats(logits, y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
    optimizer.step()
    return loss.item() / math.log(2), tuple(s.detach() for s in state)


def train(run, path):
    """Train as ``run`` says, from what stands in ``path`` if it is there; return the model and what was recorded.

    While the rate is constant the end may be put off or brought forward.
    """
    vocabulary, past, valid, _ = parts()
    torch.manual_seed(run["seed"])
    model = CharacterModel(len(vocabulary), run["hidden"])
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    found = {"step": 0, "state": None, "learning": [], "cpu_seconds": 0.0}
    if path.exists():
        found = torch.load(path, weights_only=True)
        model.load_state_dict(found["model"])
        optimizer.load_state_dict(found["optimizer"])
        torch.set_rng_state(found["rng"])
    state, start, losses = found["state"], time.process_time(), []
    for i, (x, y, begins, lr, dropout) in enumerate(chunks(past, run)):
        if i < found["step"]:
            continue
        model.dropout, state = dropout, None if begins else state
        for group in optimizer.param_groups:
            group["lr"] = lr * rate(i, run["constant"], run["updates"])
        loss, state = update(model, optimizer, x, y, state)
        losses.append(loss)
        if (i + 1) % SETTINGS["every"] == 0 or i + 1 == run["updates"]:
            on_valid = bits(model, valid[: SETTINGS["valid_characters"]], SETTINGS["evaluation_streams"])
            found["learning"].append([i + 1, round(sum(losses) / len(losses), 4), round(on_valid, 4)])
            found |= {"step": i + 1, "state": state, "rng": torch.get_rng_state(), "model": model.state_dict()}
            found |= {"optimizer": optimizer.state_dict()}
            found["cpu_seconds"] += time.process_time() - start
            start, losses = time.process_time(), []
            torch.save(found, path.with_suffix(".unfinished"))
            path.with_suffix(".unfinished").replace(path)
            print(path.stem, *found["learning"][-1], f"{found['cpu_seconds']:.0f} s", flush=True)
    return model, found


def rounded(state, kind):
    """The weights as they come back from a file of float16, or of int8 with one scale a row."""
    if kind == "float16":
        return {name: w.half().float() for name, w in state.items()}
    scales = {name: w.abs().amax(-1, keepdim=True).clamp_min(1e-12) / 127 for name, w in state.items()}
    return {name: (w / scales[name]).round() * scales[name] for name, w in state.items()}


def report(name, model, found):
    """Return what the record says about one run: its curve, and what rounding the weights costs on validation."""
    _, _, valid, _ = parts()
    part, B = valid[: SETTINGS["rounding_characters"]], SETTINGS["evaluation_streams"]
    state, losses = model.state_dict(), {"float32": round(bits(model, part, B), 5)}
    for kind in ("float16", "int8"):
        again = CharacterModel(len(model.head.bias), SETTINGS["runs"][name]["hidden"])
        again.load_state_dict(rounded(state, kind))
        losses[kind] = round(bits(again, part, B), 5)
    return {
        "name": name, **SETTINGS["runs"][name], "parameters": sum(p.numel() for p in model.parameters()),
        "characters": sum(updates * B * T for updates, B, T, *_ in SETTINGS["runs"][name]["stages"]),
        "cpu_seconds": round(found["cpu_seconds"]), "rounded": losses, "learning": found["learning"],
    }  # fmt: skip


def source():
    return {"name": "bible_text", "sha256": data.SOURCES["bible_text"].sha256}


def main():
    folder, *names = sys.argv[1:] or ["."]
    names = names or list(SETTINGS["runs"])
    torch.set_num_threads(1)
    runs, chosen = [], SETTINGS["runs"]
    seeds = sorted({chosen[name]["seed"] for name in names})
    with recording(__file__, WHAT, settings=SETTINGS, seeds=seeds) as record:
        for name in names:
            model, found = train(chosen[name], Path(folder) / f"{name}.pt")
            runs.append(report(name, model, found))
            print(json.dumps({k: v for k, v in runs[-1].items() if k != "learning"}), flush=True)
            if name == "large":
                weights.storage.write(WEIGHTS, {k: v.half().numpy() for k, v in model.state_dict().items()})
        record |= {"data": source(), "runs": runs}


if __name__ == "__main__":
    main()
