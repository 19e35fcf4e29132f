"""Point forecasts of three monthly series on the scale that suits each, by small networks of equal size.

    python book/experiments/time_series_contests.py         three minutes on one core; writes its .json beside it
    python book/experiments/time_series_contests.py PATH    a trial: one seed, a tenth of the updates, into PATH

A network reads a series month by month, learns to say the next month, and is fed its own forecasts for the months after
it; one more GRU learns the month a year ahead itself. They read the sunspots as roots, the sea as anomalies, carbon
dioxide as its change over a year. The chapter *How sure is a forecast?* shows the result, beside lines that choose
among these and the series themselves.
"""

import sys
import time
from copy import deepcopy

import numpy as np
import torch
from harness import recording
from time_series import rounded

from rnnbook import data, in_numpy, in_torch
from rnnbook.in_numpy import LSTM, Linear
from rnnbook.lessons.forecasting import in_blocks, in_form, squared_errors

SETTINGS = {
    "layers": {"GRU": 16, "LSTM": 14, "RNN": 29}, "read": 96, "idle": 24, "batch": 16, "updates": 400,
    "validate_every": 40, "lr": 5e-3, "max_norm": 0.5, "seeds": [0, 1, 2, 3, 4], "fractions": [0.6, 0.2, 0.2],
    "contests": [1, 12], "blocks": {"sunspots": 10, "sea temperature": 10, "carbon dioxide": 8},
    "forms": {"sunspots": "root", "sea temperature": "anomalies", "carbon dioxide": "change"},
}  # fmt: skip
READ, IDLE = SETTINGS["read"], SETTINGS["idle"]
squared = torch.nn.functional.mse_loss
SERIES = {
    "sunspots": data.sunspots_monthly,
    "sea temperature": data.el_nino_monthly,
    "carbon dioxide": data.co2_monthly,
}


def cut(value):
    """The months of training, validation and test."""
    return data.split_by_time(np.arange(len(value)), SETTINGS["fractions"])


def train(x, target, reach, parts, outputs, loss, seed, kind="GRU", first=0, updates=None, double=False):
    """Train on x (N, D) and target (N, ...), which looks ``reach`` steps ahead; returns the layer and the head.

    The layer and the head are drawn by ``rnnbook.in_numpy`` and returned as such; ``rnnbook.in_torch`` trains them,
    from the same weights in float64. No target of the training lies in the validation part, and none of the validation
    in the test part. The weights kept are those with the least loss in validation. With ``double`` the training goes on
    for as many updates again, and a second pair is returned, the best of both halves.
    """
    rng, units = np.random.default_rng(seed), SETTINGS["layers"][kind]
    layer = getattr(in_numpy, kind)(x.shape[1], units, dtype=np.float64, rng=rng)
    head = outputs(units, rng)
    fast, last_layer = in_pytorch(layer, head)
    params = [*fast.parameters(), *last_layer.parameters()]
    optimizer = torch.optim.Adam(params, SETTINGS["lr"], fused=True)
    x, target = torch.tensor(x), torch.tensor(target)
    last, inside = parts[0][-1] - reach, torch.tensor(parts[1][:-reach])
    updates = updates or SETTINGS["updates"]
    best, kept, found = np.inf, None, []
    for step in range(1, updates * (1 + double) + 1):
        starts = rng.integers(parts[0][0] + first, last - READ + 2, size=SETTINGS["batch"])
        rows = torch.tensor(starts + np.arange(READ)[:, None])
        optimizer.zero_grad()
        loss(last_layer(fast(x[rows])[0][IDLE:]), target[rows[IDLE:]]).backward()
        torch.nn.utils.clip_grad_norm_(params, SETTINGS["max_norm"])
        optimizer.step()
        if step % SETTINGS["validate_every"] == 0:
            with torch.no_grad():
                value = loss(last_layer(fast(x[:, None])[0])[inside], target[inside][:, None]).item()
            if value < best:
                best, kept = value, [p.detach().numpy().copy() for p in params]
        if step % updates == 0:
            layer, head = deepcopy((layer, head))
            for p, best_p in zip([*layer.params.values(), *head.params.values()], kept, strict=True):
                p[...] = best_p
            found += [layer, head]
    return found


def in_pytorch(layer, head):
    """The same layer of ``in_torch`` and the same dense layer, with the same weights, in float64."""
    units, inputs = head.params["weight"].shape[1], layer.params["weight_ih"].shape[1]
    fast = getattr(in_torch, type(layer).__name__)(inputs, units, dtype=torch.float64)
    last_layer = torch.nn.Linear(units, len(head.params["weight"]), dtype=torch.float64)
    for module, drawn in ((fast, layer), (last_layer, head)):
        module.load_state_dict({name: torch.tensor(p) for name, p in drawn.state_dict().items()})
    return fast, last_layer


def dense(V):
    """What draws a dense layer with V outputs on H units."""
    return lambda H, rng: Linear(H, V, dtype=np.float64, rng=rng)


def ahead(z, horizons):
    """The values 1 … horizons steps after each of z (N,): (N, horizons), NaN past the end."""
    padded = np.concatenate([z, np.full(horizons, np.nan)])
    return np.stack([padded[k : k + len(z)] for k in range(1, horizons + 1)], axis=1)


def iterate(layer, head, x, steps):
    """Feed a one-step network its own forecasts from every month on: (N, steps), all starts side by side."""
    hs, state = layer.forward(x[:, None, None])[0][:, 0], None
    if isinstance(layer, LSTM):  # its cell states are in no output: read them month by month
        states = []
        for x_t in x:
            _, state = layer.step(np.array([[x_t]]), state)
            states.append(state)
        state = tuple(np.concatenate(part) for part in zip(*states, strict=True))
    else:
        state = hs
    found = []
    for _ in range(steps):
        y, _ = head.forward(hs)
        found.append(y[:, 0])
        hs, state = layer.step(y, state)
    return np.stack(found, axis=1)


def errors(forecasts, value, part):
    """RMSE at each horizon, for the targets in a part: forecasts (N, K) made at each month for the K after it."""
    return [float(np.sqrt(squared_errors(forecasts, value, part, k).mean())) for k in range(1, forecasts.shape[1] + 1)]


def summary(forecasts, name, value, parts):
    """What is recorded of forecasts (N, 12): RMSE on validation and test, and the test's blocks at 1 and 12 months."""
    found = {"validation": errors(forecasts, value, parts[1]), "test": errors(forecasts, value, parts[2])}
    for k in SETTINGS["contests"]:
        wrong = squared_errors(forecasts, value, parts[2], k)
        found[f"blocks {k}"] = in_blocks(wrong, SETTINGS["blocks"][name]).tolist()
    return found


def point(name, kind, seed, updates=None):
    """Iterated forecasts of one series in its form; a GRU is also trained for twice as long: one run, or two."""
    value = SERIES[name]().value
    parts = cut(value)
    series = in_form(value, parts[0], SETTINGS["forms"][name])
    scale = data.standardise(series.x[parts[0]][series.first :])
    z = scale(series.x)
    trained = train(
        z[:, None], ahead(z, 1), 1, parts, dense(1), squared, seed, kind, series.first, updates, kind == "GRU"
    )
    runs = []
    for place in range(0, len(trained), 2):
        forecasts = series.back(scale.undo(iterate(*trained[place : place + 2], z, SETTINGS["contests"][-1])))
        about = {"series": name, "layer": kind, "doubled": place > 0, "seed": seed}
        runs.append(about | summary(forecasts, name, value, parts))
    return runs


def direct(name, n, inputs, seed, updates=None):
    """Forecasts by a GRU that learns the month n ahead itself; the second of two inputs is the sea's anomaly."""
    value = SERIES[name]().value
    parts = cut(value)
    series = in_form(value, parts[0], SETTINGS["forms"][name])
    x = np.column_stack([series.x, sea_beside(SERIES[name]().time, parts[0])]) if inputs == 2 else series.x[:, None]
    scale = data.standardise(x[parts[0]][series.first :])
    z = scale(x)
    target = ahead(z[:, 0], n)[:, -1:]
    layer, head = train(z, target, n, parts, dense(1), squared, seed, first=series.first, updates=updates)
    forecasts = np.full((len(z), n), np.nan)
    forecasts[:, -1] = head.forward(layer.forward(z[:, None])[0])[0][:, 0, 0] * scale.std[0] + scale.mean[0]
    wrong = [squared_errors(series.back(forecasts), value, part, n) for part in parts[1:]]
    return {
        "series": name, "ahead": n, "inputs": inputs, "seed": seed, "validation": float(np.sqrt(wrong[0].mean())),
        "test": float(np.sqrt(wrong[1].mean())),
        "blocks": in_blocks(wrong[1], SETTINGS["blocks"][name]).tolist(),
    }  # fmt: skip


def sea_beside(time, past):
    """The anomalies of the sea in the months ``time`` (N,) of another series, their means from its months ``past``."""
    sea = data.el_nino_monthly()
    start = int(np.argmin(np.abs(sea.time - time[0])))
    return in_form(sea.value[start : start + len(time)], past, "anomalies").x


def main():
    start, path, seeds, updates = time.process_time(), None, SETTINGS["seeds"], None
    if len(sys.argv) > 1:
        path, seeds, updates = sys.argv[1], [0], 40
    what = "errors of networks fed their own forecasts for 12 months, and of some that learn the month a year ahead"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds, path=path) as record:
        record |= {"point": [], "direct": []}
        for kind in SETTINGS["layers"]:
            for name in SERIES:
                for seed in seeds:
                    record["point"] += [rounded(run) for run in point(name, kind, seed, updates)]
                    last = record["point"][-1]["test"]
                    print(f"{time.process_time() - start:5.0f} s", name, kind, seed, last[0], last[11], flush=True)
        for name, inputs in [*((name, 1) for name in SERIES), ("carbon dioxide", 2)]:
            for seed in seeds:
                record["direct"].append(rounded(direct(name, SETTINGS["contests"][-1], inputs, seed, updates)))
                print(f"{time.process_time() - start:5.0f} s", record["direct"][-1], flush=True)


if __name__ == "__main__":
    main()
