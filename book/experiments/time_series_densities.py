"""Densities of the sunspots a year ahead, stated by networks, and paths sampled from one that looks a month ahead.

    python book/experiments/time_series_densities.py         two minutes on one core; writes its .json beside it
    python book/experiments/time_series_densities.py PATH    a trial: one seed, a tenth of the updates, into PATH

The networks are those of ``time_series_contests.py``, with a head that answers with a density. The chapter *How sure is
a forecast?* shows the result.
"""

import sys
import time

import numpy as np
import torch
from harness import recording
from time_series_contests import SERIES, ahead, cut, dense, rounded, squared, train

from rnnbook import data
from rnnbook.in_numpy import MixtureHead
from rnnbook.in_numpy.mixture import mixture_cdf, mixture_parts
from rnnbook.lessons.densities import inside, score
from rnnbook.lessons.forecasting import in_blocks, in_form

SETTINGS = {
    "seeds": [0, 1, 2, 3, 4], "ahead": 12, "components": 3, "blocks": 10, "origins": 3, "paths": 100,
    "densities": [["level", "constant"], ["level", "mixture"], ["root", "mixture"]],
    "picture": {"paths": 24, "months": 132},
}  # fmt: skip
N, BLOCKS = SETTINGS["ahead"], SETTINGS["blocks"]


def bells(K):
    """What draws a mixture of K normal densities on H units."""
    return lambda H, rng: MixtureHead(H, K, dtype=np.float64, rng=rng)


def mixture_loss(y, target):
    """The mean of -log p(target) [nats] of mixtures y (…, 3K): ``gaussian_mixture`` as PyTorch differentiates it."""
    logits, mu, s = y.chunk(3, dim=-1)
    log_density = -0.5 * ((target[..., None] - mu) * torch.exp(-s)) ** 2 - s - 0.5 * np.log(2 * np.pi)
    return -torch.logsumexp(torch.log_softmax(logits, -1) + log_density, -1).mean()


def answers(trained, z):
    """What a layer and its head answer after each month of z (N,): (N, outputs)."""
    layer, head = trained
    return head.forward(layer.forward(z[:, None, None])[0])[0][:, 0]


def densities(name, form, kind, seed, updates=None, parts=None):
    """The density of the month a year ahead, as mixtures (N, 3K) aligned with the month that they are about."""
    value = SERIES[name]().value
    parts = parts or cut(value)
    series = in_form(value, parts[0], form)
    z = data.standardise(series.x[parts[0]])(series.x)
    target = ahead(z, N)[:, -1]
    options = {"seed": seed, "updates": updates}
    if kind == "constant":
        made = answers(train(z[:, None], target[:, None], N, parts, dense(1), squared, **options), z)[:, 0]
        known = parts[1] - N
        s = 0.5 * np.log(np.mean((made[known] - target[known]) ** 2))  # from the validation part
        y = np.stack([np.zeros(len(z)), made, np.full(len(z), s)], axis=-1)
    else:
        K = 1 if kind == "normal" else SETTINGS["components"]
        y = answers(train(z[:, None], target, N, parts, bells(K), mixture_loss, **options), z)
    return np.concatenate([np.full((N, y.shape[1]), np.nan), y[:-N]])


def conformal_quantile(scores, share):
    """The score that a new one exceeds with probability 1 - share at most, if old and new are exchangeable."""
    n = len(scores)
    return np.sort(scores)[min(int(np.ceil((n + 1) * share)), n) - 1]


def sure(name, form, kind, seed, updates=None):
    """What a density of the month a year ahead is worth on the test part."""
    value = SERIES[name]().value
    past, later, test = cut(value)
    y = densities(name, form, kind, seed, updates=updates)
    found = score(y[test], value, past, form, test)
    x = in_form(value, past, form).x
    old = np.abs(mixture_cdf(y[later], data.standardise(x[past])(x)[later]) - 0.5)  # for split conformal
    repaired = {str(c): float(np.mean(np.abs(found.pit - 0.5) <= conformal_quantile(old, c / 100))) for c in (50, 90)}
    return {
        "series": name, "form": form, "kind": kind, "seed": seed,
        "nats": float(found.nats.mean()), "crps": float(found.crps.mean()), "width": float(found.width.mean()),
        "rmse": float(np.sqrt(np.mean((found.mean - value[test]) ** 2))),
        "inside": {str(c): float(inside(found.pit, c / 100).mean()) for c in (50, 90)}, "conformal": repaired,
        "blocks of nats": in_blocks(found.nats, BLOCKS).tolist(),
        "blocks of crps": in_blocks(found.crps, BLOCKS).tolist(),
        "largest weight": float(mixture_parts(y[test])[0].max(axis=-1).mean()),
        "pit": np.histogram(found.pit, bins=10, range=(0, 1))[0].tolist(),
    }  # fmt: skip


def sample_paths(layer, head, h, paths, steps, rng):
    """From states h (M, H), draw ``paths`` futures of each: (steps, M · paths), standardised."""
    h, found = np.repeat(h, paths, axis=0), []
    for _ in range(steps):
        _, mu, s = np.split(head.forward(h)[0], 3, axis=1)
        drawn = mu + np.exp(s) * rng.normal(size=mu.shape)
        found.append(drawn[:, 0])
        h, _ = layer.step(drawn, h)
    return np.array(found)


def futures(seed, updates=None):
    """Sampled paths of the sunspots, with the root read: their CRPS a year ahead, and from one origin a picture."""
    value = SERIES["sunspots"]().value
    past, _, test = parts = cut(value)
    series = in_form(value, past, "root")
    scale = data.standardise(series.x[past])
    z = scale(series.x)
    layer, head = train(z[:, None], ahead(z, 1)[:, 0], 1, parts, bells(1), mixture_loss, seed, updates=updates)
    rng = np.random.default_rng([seed, 1])
    hs = layer.forward(z[:, None, None])[0][:, 0]
    drawn = sample_paths(layer, head, hs[test - N], SETTINGS["paths"], N, rng)[-1]
    ends = np.maximum(scale.undo(drawn.reshape(len(test), -1)), 0) ** 2 - 3 / 8
    wrong = [crps_of_sample(row, truth) for row, truth in zip(ends, value[test], strict=True)]
    place = np.mean(ends < value[test][:, None], axis=1)
    run = {"seed": seed, "crps": float(np.mean(wrong)), "blocks of crps": in_blocks(np.array(wrong), BLOCKS).tolist(),
           "inside": {str(c): float(inside(place, c / 100).mean()) for c in (50, 90)}}  # fmt: skip
    if seed == 0:
        picture = SETTINGS["picture"]
        drawn = sample_paths(layer, head, hs[test[:1] - 1], picture["paths"], picture["months"], rng)
        run["picture"] = np.round(np.maximum(scale.undo(drawn), 0) ** 2 - 3 / 8).T.astype(int).tolist()
    return run


def crps_of_sample(drawn, truth):
    """The CRPS of a density from which M values ``drawn`` (M,) were drawn; pairs of two different ones are compared."""
    M = len(drawn)
    between = np.abs(drawn[:, None] - drawn).sum() / (M * (M - 1))
    return np.mean(np.abs(drawn - truth)) - between / 2


def rolling(seed, updates=None):
    """CRPS in each third of the test part: fitted once, and fitted again before each on all that was known."""
    value = SERIES["sunspots"]().value
    past, later, test = cut(value)
    once, run = densities("sunspots", "root", "mixture", seed, updates), {"seed": seed, "once": [], "again": []}
    for span in np.array_split(test, SETTINGS["origins"]):
        known, y = np.arange(span[0]), once
        parts = (known[: -len(later)], known[-len(later) :], span)
        if span[0] > test[0]:
            y = densities("sunspots", "root", "mixture", seed, updates, parts)
        run["once"].append(float(score(once[span], value, past, "root", span).crps.mean()))
        run["again"].append(float(score(y[span], value, parts[0], "root", span).crps.mean()))
    return run


def main():
    start, path, seeds, updates = time.process_time(), None, SETTINGS["seeds"], None
    if len(sys.argv) > 1:
        path, seeds, updates = sys.argv[1], [0], 40
    what = "densities of the sunspots a year ahead: stated at once, sampled month by month, fitted again"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds, path=path) as record:
        record |= {"sure": [], "futures": [], "rolling": []}
        for form, kind in SETTINGS["densities"]:
            for seed in seeds:
                record["sure"].append(rounded(sure("sunspots", form, kind, seed, updates)))
                shown = {key: record["sure"][-1][key] for key in ("nats", "crps", "rmse", "inside")}
                print(f"{time.process_time() - start:5.0f} s", form, kind, seed, shown, flush=True)
        for seed in seeds:
            record["futures"].append(rounded(futures(seed, updates)))
            record["rolling"].append(rounded(rolling(seed, updates)))
            last = record["futures"][-1]["crps"], record["rolling"][-1]
            print(f"{time.process_time() - start:5.0f} s", *last, flush=True)


if __name__ == "__main__":
    main()
