"""Learn three plants from their inputs and outputs, and run on without them: one-step against free-run error.

    python book/experiments/identification.py     about ten minutes on one core; writes identification.json beside it

The plants are examples 1 to 3 of Narendra & Parthasarathy (1990). A *one-step* error reads the true outputs up to now;
a *free run* knows the inputs alone. Every seed has its own training data; the tests are the same for all. Behind the
chapter *Can a network learn a machine, and steer it?*
"""

import numpy as np
import torch
from harness import recording
from side_by_side import Dense, EachSeed, count, fit

from rnnbook.data import plants
from rnnbook.rivals import narx

SETTINGS = {
    "T": 100, "sequences": 128, "validation": 32, "noise": 0.2, "lags": 2, "dense": [20, 10], "RNN": 16, "GRU": 9,
    "random": 320,
    "one-step": {"updates": 4000, "batch": 256, "lr": 5e-3, "clip": 1.0},
    "free run": {"updates": 1000, "batch": 32, "window": 40, "lr": 5e-3, "clip": 1.0},
    "recurrent": {"updates": 1000, "batch": 32, "lr": 5e-3, "clip": 1.0},
    "then": {"lr": 1e-3},
}  # fmt: skip
SEEDS = [0, 1, 2, 3, 4]
REST = 10  # steps at rest that are known before a sequence: nobody has to guess how it began
HOLD = 20  # steps for which the slower test input stays


def quiet(x):
    """Put the steps at rest before a sequence (T, B)."""
    return np.concatenate([np.zeros((REST, *x.shape[1:])), x])


def training_data(example, seed, noise=0.0, hold=1):
    """Return inputs and outputs, (T, B) each, for training and for validation; ``noise`` is the meter's."""
    rng, parts = np.random.default_rng([seed, example, hold]), []
    for B in (SETTINGS["sequences"], SETTINGS["validation"]):
        u = plants.random_input(rng, SETTINGS["T"], B, example, hold)
        y = plants.simulate(u, plants.PLANTS[example])
        parts += [quiet(u), quiet(y + noise * rng.normal(size=y.shape))]
    return parts


def pulses(T, B, rng):
    """Return inputs (T, B) that are 0 but for pushes of three steps, up or down, each 30 steps."""
    u = np.zeros((T, B))
    for start in range(0, T, 30):
        u[start : start + 3] = rng.choice([-1.5, 1.5], size=B)
    return u


def tests(example):
    """Return {name: (u, y)}: the paper's signal, fresh random inputs, held ones, and pushes for example 2."""
    rng = np.random.default_rng([99, example])
    inputs = {
        "paper": plants.paper_input(500, example)[:, None],
        "random": plants.random_input(rng, 200, 16, example),
        "held": plants.random_input(rng, 200, 16, example, HOLD),
    }
    if example == 2:
        inputs["pushes"] = pulses(300, 16, rng)
    return {name: (quiet(u), quiet(plants.simulate(u, plants.PLANTS[example]))) for name, u in inputs.items()}


def nrmse(predicted, y):
    """Return the error as a share of the outputs' standard deviation; the steps at rest do not count."""
    wrong = predicted[..., -(len(y) - REST) :, :] - y[REST:]
    return np.sqrt(np.mean(wrong**2, axis=(-2, -1))) / y[REST:].std()


# ---- The rivals ---------------------------------------------------------------------------------------------------

RIVALS = {
    "ARX": [(lags, narx.linear) for lags in (1, 2, 3, 4, 6, 8)],
    "Hammerstein": [(lags, narx.powers_of_input(d)) for lags in (1, 2, 3) for d in (3, 7, 11, 21)],
    "polynomial": [(lags, narx.products(d)) for lags, degrees in ((1, (3, 5, 7)), (2, (2, 3, 4, 5))) for d in degrees],
    "random features": [(2, narx.random_tanh(0, 4, SETTINGS["random"], scale)) for scale in (0.1, 0.3, 1.0)],
}  # fmt: skip


def rival(kind, example, seed, noise=0.0, hold=1):
    """Fit each of a kind on the training part, choose by the free run on the validation part, judge on the tests."""
    u, y, u_valid, y_valid = training_data(example, seed, noise, hold)
    fitted = [narx.fit_narx(u, y, lags, features) for lags, features in RIVALS[kind]]
    judged = [nrmse(model.free_run(u_valid, y_valid), y_valid) for model in fitted]
    best = int(np.argmin(judged))
    errors = {
        name: [nrmse(fitted[best].one_step(*test), test[1]), nrmse(fitted[best].free_run(*test), test[1])]
        for name, test in tests(example).items()
    }
    return {"chosen": best, "parameters": len(fitted[best].weights), "errors": errors}


# ---- The networks: all seeds side by side -------------------------------------------------------------------------


class Scaled:
    """The training data of all seeds as tensors (T, S, B), divided by one standard deviation a seed."""

    def __init__(self, example, noise=0.0, hold=1):
        u, y, _, _ = zip(*(training_data(example, seed, noise, hold) for seed in SEEDS), strict=True)
        self.u_scale, self.y_scale = (torch.tensor([part.std() for part in x])[:, None] for x in (u, y))
        self.u = torch.tensor(np.stack(u, 1)) / self.u_scale
        self.y = torch.tensor(np.stack(y, 1)) / self.y_scale
        self.rng = np.random.default_rng([example, hold])

    def windows(self, length, batch, first):
        """Draw inputs and outputs (length, S, batch) that begin at step ``first`` or later."""
        T, S, B = self.u.shape
        start = self.rng.integers(first, T - length + 1, (S, batch))
        rows, seeds, columns = start + np.arange(length)[:, None, None], np.arange(S)[:, None], np.arange(B)
        columns = self.rng.integers(B, size=(S, batch))
        return self.u[rows, seeds, columns], self.y[rows, seeds, columns]


def run_dense(network, u, y, free):
    """Predict ``y[lags:]``, (T, S, B) all: with the true outputs, or from its own predictions alone."""
    lags, predicted = SETTINGS["lags"], []
    if not free:
        T = len(u)
        known = [y[lags - k : T - k] for k in range(1, lags + 1)] + [u[lags - k : T - k] for k in range(lags)]
        x = torch.stack(known, -1).transpose(0, 1)  # (S, T, B, 2 lags)
        flat, _ = network.step(x.flatten(1, 2))
        return flat.reshape(x.shape[:3]).transpose(0, 1)
    past = list(y[:lags])
    for t in range(lags, len(u)):
        x = torch.stack([past[-1], past[-2], u[t], u[t - 1]], -1)
        out, _ = network.step(x)
        past.append(out[..., 0])
        predicted.append(out[..., 0])
    return torch.stack(predicted)


def train(kind, example, noise=0.0, hold=1, longer=1):
    """Train one kind of network on all seeds; returns it, what predicts with it, and the data."""
    data, way = Scaled(example, noise, hold), "recurrent" if kind in ("RNN", "GRU") else kind
    settings = SETTINGS[way] | {"updates": longer * SETTINGS[way]["updates"]}
    lags, T = SETTINGS["lags"], SETTINGS["T"]
    if way == "recurrent":
        network = EachSeed(kind, SEEDS, SETTINGS[kind])

        def loss(update):
            u, y = data.windows(T, settings["batch"], REST)
            return (network.run(u) - y).square().mean((0, 2))
    else:
        network = Dense(SEEDS, 2 * lags, SETTINGS["dense"])
        loss = loss_on_windows(network, data, way)

    return fit(network, loss, settings), data


def loss_on_windows(network, data, way):
    """Return the loss, one number a seed, of a feed-forward network on freshly drawn windows."""
    lags, settings = SETTINGS["lags"], SETTINGS[way]
    length = lags + (1 if way == "one-step" else settings["window"])

    def loss(update):
        u, y = data.windows(length, settings["batch"], REST - lags)
        return (run_dense(network, u, y, free=way == "free run") - y[lags:]).square().mean((0, 2))

    return loss


def then_free_run(example):
    """Train one step ahead, then on in free run at a lower rate, as one would to repair a model; judge."""
    net, data = train("one-step", example)
    for p in net.parameters:
        p.requires_grad_(True)
    fit(net, loss_on_windows(net, data, "free run"), SETTINGS["free run"] | SETTINGS["then"])
    return judged("free run", net, data, example)


def longer(example):
    """Return what the two ways of training come to with twice the updates, and one after the other."""
    return {
        "one-step, 2 x": network("one-step", example, longer=2),
        "free run, 2 x": network("free run", example, longer=2),
        "one-step, then free run": then_free_run(example),
    }


def network(kind, example, noise=0.0, hold=1, longer=1):
    """Train and judge: the errors of every seed on every test, one-step (not for u alone) and in free run."""
    return judged(kind, *train(kind, example, noise, hold, longer), example)


def judged(kind, net, data, example):
    """Return the parameters and the errors of every seed's network on every test."""
    errors = {}
    for name, (u, y) in tests(example).items():
        us, ys = (torch.tensor(x)[:, None].expand(-1, len(SEEDS), -1) for x in (u, y))
        us, ys, found = us / data.u_scale, ys / data.y_scale, []
        with torch.no_grad():
            if kind in ("RNN", "GRU"):
                runs = [None, net.run(us)]
            else:
                runs = [run_dense(net, us, ys, free) for free in (False, True)]
        for run in runs:
            found.append(run if run is None else nrmse((run * data.y_scale).transpose(0, 1).numpy(), y))
        errors[name] = found
    return [
        {
            "parameters": count(net),
            "errors": {name: [None if f is None else f[s] for f in found] for name, found in errors.items()},
        }
        for s in range(len(SEEDS))
    ]


NETWORKS = ["one-step", "free run", "RNN", "GRU"]
CASES = {  # name: example, noise of the meter, steps for which an input is held, networks
    "example 2": (2, 0.0, 1, NETWORKS),
    "example 2, noise": (2, SETTINGS["noise"], 1, ["one-step", "free run", "GRU"]),
    "example 1": (1, 0.0, 1, NETWORKS),
    "example 1, held": (1, 0.0, HOLD, ["one-step", "free run", "GRU"]),
    "example 3": (3, 0.0, 1, NETWORKS),
}


def rounded(value):
    """Round every number to four significant digits."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main():
    torch.set_num_threads(1)
    what = "NRMSE on each test, [one-step, free run], by case, model and seed; None: it reads no outputs"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        for case, (example, noise, hold, networks) in CASES.items():
            found = {kind: [rival(kind, example, seed, noise, hold) for seed in SEEDS] for kind in RIVALS}
            found |= {kind: network(kind, example, noise, hold) for kind in networks}
            record[case] = rounded(found)
        record["example 2, longer"] = rounded(longer(2))


if __name__ == "__main__":
    main()
