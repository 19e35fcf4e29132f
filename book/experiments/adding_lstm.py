"""The long runs behind the chapter *The LSTM*: the adding problem with four starts and three forms of the equations.

    python book/experiments/adding_lstm.py      about six minutes on one core; writes adding_lstm.json beside it

A sequence has T steps of two features: a number from U(0, 1), and a mark that is 1 at two steps and 0 elsewhere. The
answer is the sum of the two marked numbers. Always answering 1 has a mean squared error of 1/6.
"""

import numpy as np
import torch
from harness import recording

from rnnbook.in_numpy import LSTM, Adam, Linear, clip_grad_norm, join
from rnnbook.in_numpy.functions import mean_squared_error
from rnnbook.in_numpy.initialisers import chrono, forget_bias

SETTINGS = {"T": 50, "batch": 64, "hidden_size": 32, "lr": 5e-3, "clip": 1.0, "steps": 800, "every": 20}
SEEDS = [0, 1, 2]
STARTS = {
    "as torch.nn": lambda layer, rng: layer,
    "forget bias 1": lambda layer, rng: forget_bias(layer, 1.0),
    "forget bias 5": lambda layer, rng: forget_bias(layer, 5.0),
    "chrono": lambda layer, rng: chrono(layer, SETTINGS["T"], rng),
}
FORMS = ["standard", "without the last tanh", "cheat sheet"]


def draw(rng, T, B):
    """Return x (T, B, 2) and the sums (B, 1)."""
    x = np.zeros((T, B, 2), np.float32)
    x[:, :, 0] = rng.uniform(size=(T, B))
    for b in range(B):
        x[rng.choice(T, size=2, replace=False), b, 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=0)[:, None]


def run_start(start, seed):
    """Train the NumPy LSTM; returns the mean loss of every 20 updates, and the validation error."""
    rng = np.random.default_rng(seed)
    layer = start(LSTM(2, SETTINGS["hidden_size"], rng=rng), rng)
    head = Linear(SETTINGS["hidden_size"], 1, rng=rng)
    optimizer = Adam(join(layer=layer.params, head=head.params), lr=SETTINGS["lr"])
    losses = []
    for _ in range(SETTINGS["steps"]):
        x, sums = draw(rng, SETTINGS["T"], SETTINGS["batch"])
        hs, (h, _), trace = layer.forward(x)
        y, head_trace = head.forward(h)
        loss, dy = mean_squared_error(y, sums)
        dh, dhead = head.backward(dy, head_trace)
        _, _, dlayer = layer.backward(np.zeros_like(hs), trace, (dh, np.zeros_like(dh)))
        grads = join(layer=dlayer, head=dhead)
        clip_grad_norm(grads, SETTINGS["clip"])
        optimizer.step(grads)
        losses.append(loss)
    x, sums = draw(np.random.default_rng([seed, 1]), SETTINGS["T"], 1000)
    error, _ = mean_squared_error(head.forward(layer.forward(x)[1][0])[0], sums)
    means = np.reshape(losses, (-1, SETTINGS["every"])).mean(axis=1)
    return {"losses": [round(float(m), 5) for m in means], "error": round(error, 5)}


def run_form(form, seed):
    """Train one form of the equations with autograd; returns the validation error and how large c and h grew."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    H = SETTINGS["hidden_size"]
    W_ih, W_hh, b = (torch.empty(5 * H, n).uniform_(-(H**-0.5), H**-0.5) for n in (2, H, 1))
    head = torch.nn.Linear(H, 1)
    parameters = [p.requires_grad_() for p in (W_ih, W_hh, b)] + list(head.parameters())
    optimizer = torch.optim.Adam(parameters, lr=SETTINGS["lr"])

    def answer(x):
        h = c = torch.zeros(x.shape[1], H)
        largest_c = largest_h = 0.0
        for u in torch.as_tensor(x) @ W_ih.T + b[:, 0]:
            v = h @ W_hh.T
            i, f, o, r = (torch.sigmoid(u[:, k * H : (k + 1) * H] + v[:, k * H : (k + 1) * H]) for k in (0, 1, 3, 4))
            heard = (r * h) @ W_hh[2 * H : 3 * H].T if form == "cheat sheet" else v[:, 2 * H : 3 * H]
            c = f * c + i * torch.tanh(u[:, 2 * H : 3 * H] + heard)
            h = o * (torch.tanh(c) if form == "standard" else c)
            largest_c, largest_h = max(largest_c, c.abs().max().item()), max(largest_h, h.abs().max().item())
        return head(h), largest_c, largest_h

    for _ in range(SETTINGS["steps"]):
        x, sums = draw(rng, SETTINGS["T"], SETTINGS["batch"])
        loss = torch.nn.functional.mse_loss(answer(x)[0], torch.as_tensor(sums))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, SETTINGS["clip"])
        optimizer.step()
    x, sums = draw(np.random.default_rng([seed, 1]), SETTINGS["T"], 1000)
    with torch.no_grad():
        y, largest_c, largest_h = answer(x)
    return {
        "error": round(torch.nn.functional.mse_loss(y, torch.as_tensor(sums)).item(), 5),
        "largest_c": round(largest_c, 2),
        "largest_h": round(largest_h, 2),
    }


def main():
    torch.set_num_threads(1)
    what = "the adding problem: mean squared errors of an LSTM by start, and by form of its equations"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["starts"] = {name: [run_start(change, seed) for seed in SEEDS] for name, change in STARTS.items()}
        record["forms"] = {form: [run_form(form, seed) for seed in SEEDS] for form in FORMS}


if __name__ == "__main__":
    main()
