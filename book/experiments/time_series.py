"""Point forecasts of three monthly series by small networks, on every scale that the line may use too.

    python book/experiments/time_series.py           five minutes on one core; writes time_series.json beside it
    python book/experiments/time_series.py PATH      a trial: one seed, a tenth of the updates, written to PATH

A network reads a series month by month and answers after every month: with 24 numbers, the next 24 months (direct), or
with one, the next month, which is then fed back (iterated). The chapter *How sure is a forecast?* shows the result.
"""

import sys
import time

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_numpy, in_torch
from rnnbook.in_numpy import LSTM, Linear
from rnnbook.lessons.forecasting import in_blocks, in_form, squared_errors

SETTINGS = {
    "layers": {"GRU": 16, "LSTM": 14, "RNN": 29}, "read": 96, "idle": 24, "batch": 16, "updates": 400,
    "validate_every": 40, "lr": 5e-3, "max_norm": 0.5, "seeds": [0, 1, 2, 3, 4], "fractions": [0.6, 0.2, 0.2],
    "horizons": 24, "contests": [1, 12], "blocks": {"sunspots": 10, "sea temperature": 10, "carbon dioxide": 8},
    "forms": {"sunspots": ["level", "root"], "sea temperature": ["level", "anomalies", "change"],
              "carbon dioxide": ["level", "change"]},
}  # fmt: skip
READ, IDLE, FAR = (SETTINGS[key] for key in ("read", "idle", "horizons"))
squared = torch.nn.functional.mse_loss
SERIES = {
    "sunspots": data.sunspots_monthly,
    "sea temperature": data.el_nino_monthly,
    "carbon dioxide": data.co2_monthly,
}


def cut(value):
    """The months of training, validation and test."""
    return data.split_by_time(np.arange(len(value)), SETTINGS["fractions"])


def train(x, target, reach, parts, outputs, loss, seed, kind="GRU", first=0, updates=None, scored=None):
    """Train on x (N, D) and target (N, ...), which looks ``reach`` steps ahead; returns the outputs (N, 1, V),
    the layer, the head and the course of training.

    The layer and the head are drawn by ``rnnbook.in_numpy`` and returned as such; ``rnnbook.in_torch`` trains them,
    from the same weights in float64. No target of the training lies in the validation part, and none of the validation
    in the test part. The weights kept are those with the least loss in validation; ``scored(y)`` is recorded beside it.
    """
    rng, units = np.random.default_rng(seed), SETTINGS["layers"][kind]
    layer = getattr(in_numpy, kind)(x.shape[1], units, dtype=np.float64, rng=rng)
    head = outputs(units, rng)
    fast, last_layer = in_pytorch(layer, head)
    params = [*fast.parameters(), *last_layer.parameters()]
    optimizer = torch.optim.Adam(params, SETTINGS["lr"])
    x, target = torch.tensor(x), torch.tensor(target)
    last, inside = parts[0][-1] - reach, torch.tensor(parts[1][:-reach])
    best, kept, course = np.inf, None, []
    for step in range(updates or SETTINGS["updates"]):
        starts = rng.integers(parts[0][0] + first, last - READ + 2, size=SETTINGS["batch"])
        rows = torch.tensor(starts + np.arange(READ)[:, None])
        optimizer.zero_grad()
        loss(last_layer(fast(x[rows])[0][IDLE:]), target[rows[IDLE:]]).backward()
        torch.nn.utils.clip_grad_norm_(params, SETTINGS["max_norm"])
        optimizer.step()
        if (step + 1) % SETTINGS["validate_every"] == 0:
            with torch.no_grad():
                y = last_layer(fast(x[:, None])[0])
                value = loss(y[inside], target[inside][:, None]).item()
            course.append([value] + ([scored(y.numpy())] if scored else []))
            if value < best:
                best, kept = value, [p.detach().numpy().copy() for p in params]
    for p, best_p in zip([*layer.params.values(), *head.params.values()], kept, strict=True):
        p[...] = best_p
    return head.forward(layer.forward(x.numpy()[:, None])[0])[0], layer, head, course


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
    """What is recorded of forecasts (N, 24): RMSE on validation and test, and the test's blocks at 1 and 12 months."""
    found = {"validation": errors(forecasts, value, parts[1]), "test": errors(forecasts, value, parts[2])}
    for k in SETTINGS["contests"]:
        found[f"blocks {k}"] = in_blocks(
            squared_errors(forecasts, value, parts[2], k), SETTINGS["blocks"][name]
        ).tolist()
    return found


def point(name, form, seed, kind="GRU", updates=None, ways=("direct", "iterated")):
    """Direct and iterated forecasts of one series in a form of ``in_form``, or "leak", scaled by the whole series."""
    value = SERIES[name]().value
    parts = cut(value)
    series = in_form(value, parts[0], "level" if form == "leak" else form)
    scale = data.standardise(series.x if form == "leak" else series.x[parts[0]][series.first :])
    z = scale(series.x)
    options = {"kind": kind, "first": series.first, "updates": updates}
    run = {"series": name, "form": form, "layer": kind, "updates": updates or SETTINGS["updates"], "seed": seed}

    def back(forecasts):
        return series.back(scale.undo(forecasts))

    def test_error(y):
        return errors(back(y[:, 0]), value, parts[2])[11]

    if "direct" in ways:
        y, _, _, course = train(
            z[:, None], ahead(z, FAR), FAR, parts, dense(FAR), squared, seed, scored=test_error, **options
        )
        run["direct"] = summary(back(y[:, 0]), name, value, parts)
        values, tests = np.array(course).T
        run["stopped"] = [
            float(tests[values.argmin()]),
            float(tests.min()),
        ]  # by validation, by a look at the test part
    if "iterated" in ways:
        _, layer, head, _ = train(z[:, None], ahead(z, 1), 1, parts, dense(1), squared, seed, **options)
        run["iterated"] = summary(back(iterate(layer, head, z, FAR)), name, value, parts)
    return run


def with_the_sea(n, inputs, seed, updates=None):
    """The change of carbon dioxide n months ahead, from itself alone or with the anomalies of the sea."""
    air, sea = data.co2_monthly(), data.el_nino_monthly()
    parts = cut(air.value)
    start = int(np.argmin(np.abs(sea.time - air.time[0])))
    change = in_form(air.value, parts[0], "change")
    warmth = in_form(sea.value[start : start + len(air.value)], parts[0], "anomalies").x
    both = np.column_stack([change.x, warmth])[:, :inputs]
    scale = data.standardise(both[parts[0]][change.first :])
    z, own = scale(both), data.standardise(change.x[parts[0]][change.first :])
    target = ahead(own(change.x), n)[:, -1:]
    y, _, _, course = train(z, target, n, parts, dense(1), squared, seed, first=change.first, updates=updates)
    forecasts = np.full((len(z), n), np.nan)
    forecasts[:, -1] = own.undo(y[:, 0, 0])
    wrong = [squared_errors(change.back(forecasts), air.value, part, n) for part in parts[1:]]
    return {
        "ahead": n, "inputs": inputs, "seed": seed, "validation": float(np.sqrt(wrong[0].mean())),
        "test": float(np.sqrt(wrong[1].mean())),
        "blocks": in_blocks(wrong[1], SETTINGS["blocks"]["carbon dioxide"]).tolist(),
    }  # fmt: skip


def rounded(run):
    if isinstance(run, float):
        return float(f"{run:.4g}")
    if isinstance(run, list):
        return [rounded(part) for part in run]
    return {key: rounded(part) for key, part in run.items()} if isinstance(run, dict) else run


def chosen_form(runs, name):
    """The form in which the iterated GRUs erred least on the validation part, a month ahead, in the mean."""
    score = {
        form: np.mean(
            [run["iterated"]["validation"][0] for run in runs if (run["series"], run["form"]) == (name, form)]
        )
        for form in SETTINGS["forms"][name]
    }
    return min(score, key=score.get)


def main():
    start, path, seeds, updates = time.process_time(), None, SETTINGS["seeds"], SETTINGS["updates"]
    if len(sys.argv) > 1:
        path, seeds, updates = sys.argv[1], [0], 40
    what = "errors of point forecasts at 1 to 24 months, and of carbon dioxide with the sea as a second input"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds, path=path) as record:
        record |= {"point": [], "inputs": []}
        both, year, month = ("direct", "iterated"), ("direct",), ("iterated",)
        jobs = [(name, form, "GRU", updates, both) for name, forms in SETTINGS["forms"].items() for form in forms]
        jobs += [("carbon dioxide", "leak", "GRU", updates, year)]
        jobs += [(name, None, *more, month) for name in SERIES
                 for more in (("LSTM", updates), ("RNN", updates), ("GRU", 2 * updates))]  # fmt: skip
        for name, form, kind, length, ways in jobs:
            form = form or chosen_form(record["point"], name)
            for seed in seeds:
                record["point"].append(rounded(point(name, form, seed, kind, length, ways)))
                year_ahead = record["point"][-1][ways[-1]]["test"][11]
                print(f"{time.process_time() - start:5.0f} s", name, form, kind, length, seed, year_ahead, flush=True)
        for n in SETTINGS["contests"]:
            for inputs in (1, 2):
                for seed in seeds:
                    record["inputs"].append(rounded(with_the_sea(n, inputs, seed, updates)))
                    print(f"{time.process_time() - start:5.0f} s", record["inputs"][-1], flush=True)


if __name__ == "__main__":
    main()
