"""Forecasts of three series and how sure they are: five seeds for every network.

    python book/experiments/time_series.py      four minutes on one core; writes time_series.json beside it

A GRU reads a series month by month and answers after every month: with 24 numbers (the next 24 months at once), with
one (the next month, to be fed back), or with a density of the month a year ahead. The chapter *How sure is a
forecast?* builds the same networks and shows the result.
"""

import sys
import time

import numpy as np
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import GRU, Adam, Linear, MixtureHead, clip_grad_norm, join
from rnnbook.in_numpy.functions import gaussian_mixture, mean_squared_error
from rnnbook.in_numpy.mixture import mixture_cdf, mixture_moments, mixture_parts, mixture_quantile

SETTINGS = {
    "H": 16, "read": 96, "idle": 24, "batch": 16, "steps": 400, "validate_every": 20, "lr": 5e-3, "max_norm": 0.5,
    "seeds": [0, 1, 2, 3, 4], "fractions": [0.6, 0.2, 0.2], "horizons": 24, "ahead": 12, "components": 3,
}  # fmt: skip
H, READ, IDLE, FAR, N = (SETTINGS[key] for key in ("H", "read", "idle", "horizons", "ahead"))
SERIES = {
    "sunspots": data.sunspots_monthly,
    "sea temperature": data.el_nino_monthly,
    "carbon dioxide": data.co2_monthly,
}


def fit(x, target, reach, parts, loss, outputs, seed, scored=None):
    """Train on x (N,) and target (N, ...), which looks ``reach`` steps ahead; returns the outputs (N, 1, V),
    the layer, the head and the course of training.

    No target of the training lies in the validation part, and none of the validation in the test part. The weights
    kept are those with the least loss in validation; ``scored(y)`` is recorded beside that loss.
    """
    rng = np.random.default_rng(seed)
    layer = GRU(1, H, dtype=np.float64, rng=rng)
    head = outputs(rng)
    params = join(layer=layer.params, head=head.params)
    optimizer, past, later = Adam(params, SETTINGS["lr"]), parts[0], parts[1]
    last, inside = past[-1] - reach, later[:-reach]
    best, kept, course = np.inf, None, []

    def forward():
        return head.forward(layer.forward(x[:, None, None])[0])[0]

    for step in range(SETTINGS["steps"]):
        starts = rng.integers(past[0], last - READ + 2, size=SETTINGS["batch"])
        rows = starts + np.arange(READ)[:, None]
        hs, _, trace = layer.forward(x[rows][..., None])
        y, head_trace = head.forward(hs[IDLE:])
        _, dy = loss(y, target[rows[IDLE:]])
        dhs, dhead = head.backward(dy, head_trace)
        _, _, dlayer = layer.backward(np.concatenate([np.zeros((IDLE, *dhs.shape[1:])), dhs]), trace)
        grads = join(layer=dlayer, head=dhead)
        clip_grad_norm(grads, SETTINGS["max_norm"])
        optimizer.step(grads)
        if (step + 1) % SETTINGS["validate_every"] == 0:
            y = forward()
            value, _ = loss(y[inside], target[inside][:, None])
            course.append([value] + ([scored(y)] if scored else []))
            if value < best:
                best, kept = value, {name: p.copy() for name, p in params.items()}
    for name, p in params.items():
        p[...] = kept[name]
    return forward(), layer, head, course


def point_head(V):
    """What draws a dense layer with V outputs."""
    return lambda rng: Linear(H, V, dtype=np.float64, rng=rng)


def density_head(K):
    """What draws a mixture of K normal densities."""
    return lambda rng: MixtureHead(H, K, dtype=np.float64, rng=rng)


def ahead(z, horizons):
    """The values 1 … horizons steps after each of z (N,): (N, horizons), NaN past the end."""
    padded = np.concatenate([z, np.full(horizons, np.nan)])
    return np.stack([padded[k : k + len(z)] for k in range(1, horizons + 1)], axis=1)


def iterate(layer, head, x, steps):
    """Feed a one-step network its own forecasts from every month on: (N, steps), all starts side by side."""
    hs, _, _ = layer.forward(x[:, None, None])
    h, found = hs[:, 0], []
    for _ in range(steps):
        y, _ = head.forward(h)
        found.append(y[:, 0])
        h, _ = layer.step(y, h)
    return np.stack(found, axis=1)


def errors(forecasts, value, part):
    """RMSE at each horizon, for the targets in a part: forecasts (N, K) made at each month for the K after it."""
    wrong = [forecasts[part - k, k - 1] - value[part] for k in range(1, forecasts.shape[1] + 1)]
    return [float(np.sqrt(np.mean(each**2))) for each in wrong]


def point(name, form, seed):
    """Direct and iterated forecasts of one series: RMSE on validation and test at 1 … 24 months, in the series' unit.

    form: "level", the series as it is; "change", its difference over 12 months; "leak", scaled by the whole series.
    """
    value = SERIES[name]().value
    parts = data.split_by_time(np.arange(len(value)), SETTINGS["fractions"])
    base = np.concatenate([np.full(12, value[0]), value[:-12]]) if form == "change" else np.zeros(len(value))
    series = value - base
    scale = data.standardise(series if form == "leak" else series[parts[0]][12 if form == "change" else 0 :])
    z = scale(series)
    run = {"series": name, "form": form, "seed": seed}

    def back(forecasts):
        """From standardised forecasts (N, K) to the unit; a change is added to the month 12 before."""
        found = scale.undo(forecasts)
        for k in range(1, found.shape[1] + 1 if form == "change" else 0):
            then = np.arange(len(value)) + k - 12
            known = then <= np.arange(len(value))
            earlier = value[np.clip(then, 0, len(value) - 1)]
            # more than a year ahead the base is itself a forecast: that of 12 months before
            found[:, k - 1] += earlier if known.all() else found[:, k - 13]
        return found

    def test_error(y):
        return errors(scale.undo(y[:, 0]), series, parts[2])[N - 1]

    y, _, _, course = fit(z, ahead(z, FAR), FAR, parts, mean_squared_error, point_head(FAR), seed, test_error)
    run["direct"] = [errors(back(y[:, 0]), value, part) for part in parts[1:]]
    if form != "leak":
        _, layer, head, _ = fit(z, ahead(z, 1), 1, parts, mean_squared_error, point_head(1), seed)
        run["iterated"] = [errors(back(iterate(layer, head, z, FAR)), value, part) for part in parts[1:]]
    values, tests = np.array(course).T
    run["stopped"] = [float(tests[values.argmin()]), float(tests.min())]  # by validation, by a look at the test part
    return run


def conformal_quantile(scores, share):
    """The score that a new one exceeds with probability 1 - share at most, if old and new are exchangeable."""
    n = len(scores)
    return np.sort(scores)[min(int(np.ceil((n + 1) * share)), n) - 1]


def sure(name, kind, seed):
    """A density of the month a year ahead, on the test part: shares inside, width, loss in nats, PIT."""
    value = SERIES[name]().value
    parts = data.split_by_time(np.arange(len(value)), SETTINGS["fractions"])
    scale = data.standardise(value[parts[0]])
    z = scale(value)
    target = ahead(z, N)[:, -1]
    if kind == "constant":
        y, _, _, _ = fit(z, target[:, None], N, parts, mean_squared_error, point_head(1), seed)
        made = y[:, 0, 0]
        known = parts[1] - N
        s = 0.5 * np.log(np.mean((made[known] - target[known]) ** 2))  # from the validation part
        y = np.stack([np.zeros(len(z)), made, np.full(len(z), s)], axis=-1)
    else:
        K = 1 if kind == "normal" else SETTINGS["components"]
        y, _, _, _ = fit(z, target, N, parts, gaussian_mixture, density_head(K), seed)
        y = y[:, 0]
    scores = np.abs(mixture_cdf(y[parts[1] - N], z[parts[1]]) - 0.5)  # of the validation part, for split conformal
    y, truth = y[parts[2] - N], z[parts[2]]
    pit = mixture_cdf(y, truth)
    mean, std = mixture_moments(y)
    conformal = {str(c): float(np.mean(np.abs(pit - 0.5) <= conformal_quantile(scores, c / 100))) for c in (50, 90)}
    width = mixture_quantile(y, 0.95) - mixture_quantile(y, 0.05)
    inside = {str(c): float(np.mean(np.abs(pit - 0.5) <= c / 200)) for c in (50, 90)}
    return {
        "series": name, "kind": kind, "seed": seed, "inside": inside, "conformal": conformal,
        "width": float(width.mean() * scale.std),
        "nats": gaussian_mixture(y, truth)[0] + float(np.log(scale.std)),
        "rmse": float(np.sqrt(np.mean((mean - truth) ** 2)) * scale.std),
        "std": [float(v * scale.std) for v in (std.min(), np.median(std), std.max())],
        "largest weight": float(mixture_parts(y)[0].max(axis=-1).mean()),
        "pit": np.histogram(pit, bins=10, range=(0, 1))[0].tolist(),
    }  # fmt: skip


def rounded(run):
    if isinstance(run, float):
        return float(f"{run:.4g}")
    if isinstance(run, list):
        return [rounded(part) for part in run]
    return {key: rounded(part) for key, part in run.items()} if isinstance(run, dict) else run


def main():
    start, path = time.process_time(), None
    points = [(name, "level") for name in SERIES]
    points += [("carbon dioxide", "change"), ("sunspots", "leak"), ("carbon dioxide", "leak")]
    seeds = SETTINGS["seeds"]
    if len(sys.argv) > 1:  # a trial: one seed, and the file to write
        seeds, path = [0], sys.argv[1]
    what = "errors of point forecasts at 1 to 24 months; shares inside, widths and losses of densities a year ahead"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds, path=path) as record:
        record |= {"point": [], "sure": []}
        for name, form in points:
            for seed in seeds:
                record["point"].append(rounded(point(name, form, seed)))
                year_ahead = record["point"][-1]["direct"][1][11]
                print(f"{time.process_time() - start:5.0f} s", name, form, seed, year_ahead, flush=True)
        for name in ("sunspots", "sea temperature"):
            for kind in ("constant", "normal", "mixture"):
                for seed in seeds:
                    record["sure"].append(rounded(sure(name, kind, seed)))
                    print(f"{time.process_time() - start:5.0f} s", record["sure"][-1], flush=True)


if __name__ == "__main__":
    main()
