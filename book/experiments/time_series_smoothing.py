"""Exponential smoothing with a recurrent network: alone, and with a GRU that is trained together with it.

    python book/experiments/time_series_smoothing.py         a minute on one core; writes its .json beside it
    python book/experiments/time_series_smoothing.py PATH    a trial: one seed, a tenth of the updates, into PATH

The smoothing has a share α of the level, a share γ of the season, a drift and the season of the first year. The GRU
reads what the smoothing did not expect, and adds a correction to its forecast; one loss trains both. After Smyl (2020),
with sums for his products, one series at a time, no dilation and no ensemble. The chapter *How sure is a forecast?*
shows the result.
"""

import sys
import time

import numpy as np
import torch
from harness import recording
from time_series_contests import IDLE, READ, SERIES, cut, dense, in_pytorch, rounded
from time_series_contests import SETTINGS as POINT

from rnnbook.in_numpy import GRU, Adam, clip_grad_norm
from rnnbook.in_numpy.functions import sigmoid
from rnnbook.lessons.forecasting import in_blocks, in_form, squared_errors
from rnnbook.lessons.smoothing import PERIOD, first_season, smooth, smooth_backward

SETTINGS = {
    "units": 16, "updates": 400, "lr of the smoothing": 2e-2, "seeds": [0, 1, 2, 3, 4], "contests": [1, 12],
    "forms": {"sunspots": "root", "sea temperature": "level", "carbon dioxide": "level"},
    "seasonal": {"sunspots": False, "sea temperature": True, "carbon dioxide": True},
}  # fmt: skip


class Smoothed:
    """Exponential smoothing of a series, with a network's correction or without one; one loss for both.

    y (N,) is the whole series, in its form; ``ahead`` the months from reading to forecast, at most 12.
    """

    def __init__(self, y, past, ahead, seasonal, network, seed):
        self.y, self.ahead, self.seasonal, self.rng = y, ahead, seasonal, np.random.default_rng(seed)
        self.scale = float(np.std(np.diff(y[past])))
        season = first_season(y[past]) if seasonal else np.zeros(PERIOD)
        self.smoothing = {"alpha": np.zeros(1), "gamma": np.full(1, -2.0), "season": season, "drift": np.zeros(1)}
        self.layer = self.head = None
        if network:
            layer = GRU(1, SETTINGS["units"], dtype=np.float64, rng=self.rng)
            self.layer, self.head = in_pytorch(layer, dense(1)(SETTINGS["units"], self.rng))

    def network(self):
        """The parameters of the network, none where there is none."""
        return [*self.layer.parameters(), *self.head.parameters()] if self.layer else []

    def read(self, y):
        """Smooth y (P,): shares, levels (P + 1,), seasons (P + 12,), and what was not expected of each month (P,)."""
        shares = [float(sigmoid(self.smoothing[name])[0]) for name in ("alpha", "gamma")]
        shares[1] *= self.seasonal
        levels, seasons = smooth(y, *shares, self.smoothing["season"])
        return shares, levels, seasons, (y - seasons[: len(y)] - levels[:-1]) / self.scale

    def forecasts(self):
        """What each month expects of the one ``ahead`` months later: (N, ahead), NaN but in the last column."""
        _, levels, seasons, surprise = self.read(self.y)
        found = np.full((len(self.y), self.ahead), np.nan)
        found[:, -1] = levels[1:] + seasons[self.ahead : len(self.y) + self.ahead]
        found[:, -1] += self.scale * self.smoothing["drift"]
        if self.layer:
            with torch.no_grad():
                correction = self.head(self.layer(torch.tensor(surprise[:, None, None]))[0])
            found[:, -1] += self.scale * correction[:, 0, 0].numpy()
        return found

    def gradients(self, past):
        """The gradients of the mean squared error of sixteen pieces of the past, by the parameters of the smoothing;
        those of the network are left in its ``grad``.
        """
        y = self.y[past]
        (alpha, gamma), levels, seasons, surprise = self.read(y)
        starts = self.rng.integers(0, len(y) - self.ahead - READ + 1, size=POINT["batch"])
        rows = starts + np.arange(READ)[:, None]
        heard = rows[IDLE:]
        expected = levels[heard + 1] + seasons[heard + self.ahead] + self.scale * self.smoothing["drift"]
        error = torch.tensor((expected - y[heard + self.ahead]) / self.scale, requires_grad=True)
        reads = torch.tensor(surprise[rows][..., None], requires_grad=True)
        correction = self.head(self.layer(reads)[0][IDLE:])[..., 0] if self.layer else 0
        (error + correction).square().mean().backward()
        derror = error.grad.numpy() / self.scale  # by the forecast, in the unit of y
        dlevels, dseasons = np.zeros_like(levels), np.zeros_like(seasons)
        np.add.at(dlevels, heard + 1, derror)
        np.add.at(dseasons, heard + self.ahead, derror)
        if self.layer:
            dread = -reads.grad[..., 0].numpy() / self.scale  # by what was expected of the months that are read
            np.add.at(dlevels, rows, dread)
            np.add.at(dseasons, rows, dread)
        dalpha, dgamma, dseason = smooth_backward(dlevels, dseasons, y, alpha, gamma, levels, seasons)
        return {
            "alpha": np.array([dalpha * alpha * (1 - alpha)]),
            "gamma": np.array([dgamma * gamma * (1 - gamma)]),
            "season": dseason * self.seasonal,
            "drift": np.array([derror.sum() * self.scale]),
        }


def copies(model):
    """Copies of all that is learned: of the smoothing, then of the network."""
    return [p.copy() for p in [*model.smoothing.values(), *(p.detach().numpy() for p in model.network())]]


def run(name, ahead, network, seed, updates=None):
    """Errors of one contest: RMSE on validation and test, the test's blocks, and the shares that were learned."""
    value = SERIES[name]().value
    past, later, test = cut(value)
    form = in_form(value, past, SETTINGS["forms"][name])
    model = Smoothed(form.x, past, ahead, SETTINGS["seasonal"][name], network, seed)
    optimizer, best, kept = Adam(model.smoothing, SETTINGS["lr of the smoothing"]), np.inf, None
    net = torch.optim.Adam(model.network(), POINT["lr"], fused=True) if network else None
    for update in range(updates or SETTINGS["updates"]):
        if network:
            net.zero_grad()
        grads = model.gradients(past)
        clip_grad_norm(grads, POINT["max_norm"])
        optimizer.step(grads)
        if network:
            torch.nn.utils.clip_grad_norm_(model.network(), POINT["max_norm"])
            net.step()
        if (update + 1) % POINT["validate_every"] == 0:
            error = squared_errors(form.back(model.forecasts()), value, later, ahead).mean()
            if error < best:
                best, kept = error, copies(model)
    for p, best_p in zip([*model.smoothing.values(), *(p.detach().numpy() for p in model.network())], kept):
        p[...] = best_p
    wrong = squared_errors(form.back(model.forecasts()), value, test, ahead)
    return {
        "series": name, "ahead": ahead, "network": network, "seed": seed, "validation": float(np.sqrt(best)),
        "test": float(np.sqrt(wrong.mean())), "blocks": in_blocks(wrong, POINT["blocks"][name]).tolist(),
        "shares": model.read(form.x)[0],
    }  # fmt: skip


def main():
    start, path, seeds, updates = time.process_time(), None, SETTINGS["seeds"], None
    if len(sys.argv) > 1:
        path, seeds, updates = sys.argv[1], [0], 40
    what = "errors of exponential smoothing, alone and with a GRU, one month and one year ahead"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds, path=path) as record:
        record["runs"] = []
        for name in SERIES:
            for ahead in SETTINGS["contests"]:
                for network in (False, True):
                    for seed in seeds if network else seeds[:1]:  # alone, only the order of the pieces is drawn
                        record["runs"].append(rounded(run(name, ahead, network, seed, updates)))
                        print(f"{time.process_time() - start:5.0f} s", record["runs"][-1], flush=True)


if __name__ == "__main__":
    main()
