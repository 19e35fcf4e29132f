"""The runs behind the chapter *The LSTM*: the cheat sheet's form of its equations on the adding task, part by part.

    python book/experiments/adding_lstm.py      about two minutes on one core; writes adding_lstm.json beside it

The cheat sheet differs from the libraries in two places: no tanh on the output, and a relevance gate in the candidate.
The first is tried alone and both together, from the same weights and on the same sequences; beside them the standard
form with as many units as give it the cheat sheet's number of parameters. All seeds of a form train side by side in
one array, each with its own gradient norm. The task is ``rnnbook.data.tasks.adding``.
"""

import numpy as np
import torch
from harness import recording

from rnnbook.data import tasks

SETTINGS = {"T": 20, "batch": 32, "hidden_size": 24, "lr": 5e-3, "clip": 1.0, "updates": [300, 600], "test": 1000}
SEEDS = list(range(6))
FORMS = {  # tanh on the output, relevance gate, units
    "standard": (True, False, 24),
    "no tanh on the output": (False, False, 24),
    "cheat sheet": (False, True, 24),
    "standard, 27 units": (True, False, 27),
}


def start(form, seed):
    """Return W_ih (5H, 2), W_hh (5H, H), b (5H,) and the read-out's w (H,) and its bias (), as ``torch.nn`` draws them.

    The four blocks i, f, g, o and the read-out come first, so that a fifth one changes none of them. b is the sum of
    the two biases that ``torch.nn.LSTM`` has.
    """
    _, _, H = FORMS[form]
    rng = np.random.default_rng([seed, 0])
    shapes = [(4 * H, 2), (4 * H, H), (4 * H,), (4 * H,), (H,), ()]
    W_ih, W_hh, b_ih, b_hh, w, b_y = (rng.uniform(-(H**-0.5), H**-0.5, shape) for shape in shapes)
    fifth = [rng.uniform(-(H**-0.5), H**-0.5, shape) for shape in [(H, 2), (H, H), (H,), (H,)]]
    b = np.append(b_ih + b_hh, fifth[2] + fifth[3])
    blocks = [np.concatenate([W_ih, fifth[0]]), np.concatenate([W_hh, fifth[1]]), b]
    return [*blocks, w, b_y]


def answer(form, x, parameters):
    """Read x (S, T, B, 2), all seeds at once; returns y (S, B) and the largest |c| and |h| of each seed (S,)."""
    squashed, relevance, H = FORMS[form]
    W_ih, W_hh, b, w, b_y = parameters
    S, T, B, _ = x.shape
    h = c = largest_c = largest_h = torch.zeros(S, B, H)
    blocks = 5 if relevance else 4
    V, V_g = W_hh[:, : blocks * H].mT.contiguous(), W_hh[:, 2 * H : 3 * H].mT.contiguous()
    us = torch.baddbmm(b[:, None, : blocks * H], x.flatten(1, 2), W_ih[:, : blocks * H].mT).unflatten(1, (T, B))
    for u in us.unbind(1):
        v = torch.bmm(h, V)
        i, f, _, o, *r = (u + v).sigmoid().split(H, dim=-1)
        v_g = torch.bmm(r[0] * h, V_g) if relevance else v[..., 2 * H : 3 * H]
        c = f * c + i * torch.tanh(u[..., 2 * H : 3 * H] + v_g)
        h = o * (torch.tanh(c) if squashed else c)
        if not torch.is_grad_enabled():
            largest_c, largest_h = torch.maximum(largest_c, c.abs()), torch.maximum(largest_h, h.abs())
    y = (h @ w[..., None])[..., 0] + b_y[:, None]
    return y, largest_c.amax((1, 2)), largest_h.amax((1, 2))


def draw(rngs, B):
    """Return a batch of the adding task for each generator: x (S, T, B, 2) and the sums (S, B)."""
    batches = [tasks.adding(rng, SETTINGS["T"], B) for rng in rngs]
    x, sums = np.stack([b.x for b in batches]), np.stack([b.target[-1] for b in batches])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(sums, dtype=torch.float32)


def run_form(form, seeds):
    """Train one form from all seeds side by side; returns for each seed its test errors and how large c and h grew."""
    starts = [start(form, seed) for seed in seeds]
    parameters = [torch.tensor(np.stack(p), dtype=torch.float32).requires_grad_() for p in zip(*starts, strict=True)]
    optimizer = torch.optim.Adam(parameters, lr=SETTINGS["lr"])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    found = [{"errors": []} for _ in seeds]
    for update in range(1, SETTINGS["updates"][-1] + 1):
        x, sums = draw(rngs, SETTINGS["batch"])
        optimizer.zero_grad()
        (answer(form, x, parameters)[0] - sums).square().mean(1).sum().backward()
        norms = sum(p.grad.flatten(1).square().sum(1) if p.dim() > 1 else p.grad.square() for p in parameters).sqrt()
        scale = (SETTINGS["clip"] / norms).clamp(max=1)
        for p in parameters:
            p.grad *= scale.reshape(-1, *[1] * (p.dim() - 1))
        optimizer.step()
        if update in SETTINGS["updates"]:
            with torch.no_grad():
                x, sums = draw([np.random.default_rng([seed, 2]) for seed in seeds], SETTINGS["test"])
                y, largest_c, largest_h = answer(form, x, parameters)
            for seed, error, most_c, most_h in zip(
                found, (y - sums).square().mean(1).tolist(), largest_c.tolist(), largest_h.tolist(), strict=True
            ):
                seed["errors"].append(round(error, 5))
                seed |= {"largest_c": round(most_c, 2), "largest_h": round(most_h, 2)}
    return found


def main():
    torch.set_num_threads(1)
    what = "the adding task: mean squared errors by the form of the LSTM's equations, after 300 and 600 updates"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["forms"] = {form: run_form(form, SEEDS) for form in FORMS}


if __name__ == "__main__":
    main()
