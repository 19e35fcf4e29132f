"""Steer a plant along a reference: laws that know the equation, a tuned PID, and networks trained through a model.

    python book/experiments/control.py     about six minutes on one core; writes control.json beside it

The plant is example 7 of Narendra & Parthasarathy (1990). Each seed identifies its own model of the plant, draws its
own training references, and tunes or trains its controllers; all are judged on the real plant with the same test
references, as it is and in trouble: a load, parameters that drift, a noisy meter. Behind the chapter *Can a network
learn a machine, and steer it?*
"""

import numpy as np
import torch
from harness import recording
from side_by_side import Dense, Recurrent, count, fit

from rnnbook.data import plants

SETTINGS = {
    "T": 200, "tests": 32, "largest_u": 10.0, "offset": [2.5, 1.5], "gain": [1.0, 0.7], "load": 0.5, "noise": 0.1,
    "model": {"samples": 12800, "sizes": [20, 10], "updates": 4000, "batch": 256, "lr": 5e-3, "clip": 1.0},
    "controller": {"T": 60, "batch": 32, "updates": 600, "lr": 1e-2, "clip": 1.0, "dense": [20, 10], "GRU": 8},
    "pid": {"candidates": 2000, "rounds": 10, "references": 16},
    "loads": 1.0, "gains": [0.6, 1.2], "offsets": [1.5, 3.0], "noises": 0.15,
}  # fmt: skip
SEEDS = [0, 1, 2, 3, 4]
T, BOUND = SETTINGS["T"], SETTINGS["largest_u"]


def references(rng, T, B):
    """Return set points r (T, B) and the outputs y_m (T, B) to follow: half of them steps, half slow sines."""
    r = np.empty((T, B))
    for k in range(B):
        if k % 2:
            turns, phase = rng.uniform(20, 60), rng.uniform(0, 2 * np.pi)
            r[:, k] = rng.uniform(0.2, 0.6) * np.sin(2 * np.pi * np.arange(T) / turns + phase)
        else:
            holds = rng.integers(15, 40, size=T)
            r[:, k] = np.repeat(rng.uniform(-0.6, 0.6, T), holds)[:T]
    return r, plants.reference_model(r)


def trouble(kind, rng, T, B):
    """Return what befalls each run, (T, B) each: the plant's offset and gain, the load, and the meter's noise."""
    s, one = SETTINGS, np.ones((T, B))
    found = {"offset": s["offset"][0] * one, "gain": s["gain"][0] * one, "load": 0 * one, "noise": 0 * one}
    late = np.arange(T)[:, None] >= T // 4
    if kind in ("load", "all"):
        found["load"] = s["load"] * late * rng.choice([-1, 1], size=B)
    if kind in ("drift", "all"):
        share = np.clip((np.arange(T)[:, None] - T // 4) / (T // 2), 0, 1) * one
        for name in ("offset", "gain"):
            start, end = s[name]
            found[name] = start + (end - start) * share
    if kind in ("noise", "all"):
        found["noise"] = s["noise"] * rng.normal(size=(T, B))
    if kind == "drawn":  # what a controller may be tuned or trained with: sizes and times of its own in every run
        after = np.arange(T)[:, None] >= rng.integers(0, T, size=B)
        found["load"] = rng.uniform(-s["loads"], s["loads"], B) * after
        found["gain"] = rng.uniform(*s["gains"], B) * one
        found["offset"] = rng.uniform(*s["offsets"], B) * one
        found["noise"] = rng.uniform(0, s["noises"], B) * rng.normal(size=(T, B))
    return found


SITUATIONS = ["as it is", "load", "drift", "noise", "all"]


def track(controller, r, y_m, befalls):
    """Run a controller on the real plant; returns the outputs (T, ...) and its inputs.

    ``controller(t, y, y_prev, r_t, target, error)`` gets the last two measured outputs, the set point, the reference's
    next output, and its last output minus the measured one; arrays of any shape that broadcasts with (B,).
    """
    y = y_prev = seen = seen_prev = before = np.zeros(y_m.shape[1:])
    ys, us = [], []
    for t in range(len(y_m)):
        u = np.clip(controller(t, seen, seen_prev, r[t], y_m[t], before - seen), -BOUND, BOUND)
        parameters = plants.Parameters(befalls["offset"][t], befalls["gain"][t])
        y, y_prev = plants.plant_step(y, y_prev, u, parameters) + befalls["load"][t], y
        seen, seen_prev, before = y + befalls["noise"][t], seen, y_m[t]
        ys.append(y)
        us.append(u)
    return np.stack(ys), np.stack(us)


def off(ys, y_m):
    """Return how far outputs ys (T, ..., B) are from the reference (T, B), as (..., T, B)."""
    return np.moveaxis(ys, 0, -2) - y_m


def tracking_error(ys, y_m):
    """Return the root mean squared error as a share of the reference's standard deviation."""
    return np.sqrt(np.mean(off(ys, y_m) ** 2, axis=(-2, -1))) / y_m.std()


# ---- Laws that know the equation, or a model of it ----------------------------------------------------------------


def open_loop(y_m):
    """Inputs that would do if the plant were exactly its equation: computed beforehand, from the reference alone."""
    past = np.concatenate([np.zeros((2, *y_m.shape[1:])), y_m])
    us = plants.exact_inverse(past[1:-1], past[:-2], y_m)
    return lambda t, y, y_prev, r, target, error: us[t]


def papers_law(motion):
    """u = -N(y, y_prev) + 0.6 y + 0.2 y_prev + r."""
    return lambda t, y, y_prev, r, target, error: 0.6 * y + 0.2 * y_prev + r - motion(y, y_prev)


class Inverse:
    """Aim at the reference's next output: u = y_m - N(y, y_prev) - d, with d an estimate of what the model misses.

    ``rate`` 0 leaves d at zero; with another one, d follows the difference between the last output and the model's.
    """

    def __init__(self, motion, rate=0.0):
        self.motion, self.rate = motion, rate
        self.missed, self.said = 0.0, None

    def __call__(self, t, y, y_prev, r, target, error):
        if self.rate and self.said is not None:
            self.missed = self.missed + self.rate * (y - self.said - self.missed)
        motion = self.motion(y, y_prev)
        u = np.clip(target - motion - self.missed, -BOUND, BOUND)
        self.said = motion + u
        return u


class Adaptive(Inverse):
    """The same without d: the model's last layer goes on learning from every step, as the paper's does.

    ``features(y, y_prev)`` (..., F) and ``weights`` (F,) make the model. ``rate`` is that of normalised gradient steps.
    """

    def __init__(self, features, weights, rate):
        super().__init__(None, rate)
        self.features, self.weights, self.read = features, weights, None

    def __call__(self, t, y, y_prev, r, target, error):
        if self.said is not None:
            wrong = (y - self.said) / (1 + np.sum(self.read**2, -1))
            self.weights = self.weights + self.rate * wrong[..., None] * self.read
        self.read = self.features(y, y_prev)
        motion = np.sum(self.read * self.weights, -1)
        u = np.clip(target - motion, -BOUND, BOUND)
        self.said = motion + u
        return u


class PID:
    """u = K_f target + K_p e + K_i (sum of e) + K_d (change of e): four gains, each a number or (C, 1)."""

    def __init__(self, gains):
        self.gains, self.total, self.before = gains, 0.0, 0.0

    def __call__(self, t, y, y_prev, r, target, error):
        K_f, K_p, K_i, K_d = self.gains
        self.total = self.total + error
        change, self.before = error - self.before, error
        return K_f * target + K_p * error + K_i * self.total + K_d * change


def tune_pid(seed, kind):
    """Search the four gains on training references: draws over decades, then ever smaller steps about the best."""
    rng, s = np.random.default_rng([seed, 7]), SETTINGS["pid"]
    r, y_m = references(rng, T, s["references"])
    befalls = {name: part[:, None] for name, part in trouble(kind, rng, T, s["references"]).items()}
    gains = 10 ** rng.uniform(-3, 0.5, (4, s["candidates"], 1)) * rng.choice(
        [-1, 1], (4, s["candidates"], 1), p=[0.2, 0.8]
    )
    gains *= rng.random(gains.shape) < 0.8  # some gains are zero: a P or a PI controller is among the candidates
    best, least = None, np.inf
    for k in range(s["rounds"]):
        errors = tracking_error(track(PID(gains), r[:, None], y_m[:, None], befalls)[0], y_m)
        if errors.min() < least:
            best, least = gains[:, errors.argmin()], errors.min()
        spread = 0.3 / 1.5**k
        gains = best[:, None] * (1 + spread * rng.normal(size=(4, 400, 1))) + 0.1 * spread * rng.normal(
            size=(4, 400, 1)
        )
    return best[:, 0]


# ---- The model, and the controllers that are trained through it ---------------------------------------------------


def motion_data(seed):
    """Return the last two outputs (N, 2) and what the next one is without its input (N,): the input is added, known."""
    rng = np.random.default_rng([seed, 2])
    u = plants.random_input(rng, 100, SETTINGS["model"]["samples"] // 100)
    y = plants.simulate(u)
    past = np.concatenate([np.zeros((2, u.shape[1])), y])
    return np.stack([past[1:-1], past[:-2]], -1).reshape(-1, 2), (y - u).ravel()


def identify():
    """Train the model N(y, y_prev) of every seed, one step ahead, by the paper's network and amounts of data."""
    x, target = (torch.tensor(np.stack(part)) for part in zip(*(motion_data(seed) for seed in SEEDS), strict=True))
    s, rng = SETTINGS["model"], np.random.default_rng(5)
    model, rows = Dense(SEEDS, 2, s["sizes"]), np.arange(len(SEEDS))[:, None]

    def loss(update):
        chosen = rng.integers(x.shape[1], size=(len(SEEDS), s["batch"]))
        return (model.step(x[rows, chosen])[0][..., 0] - target[rows, chosen]).square().mean(1)

    return fit(model, loss, s)


class OneSeed:
    """One seed's model in NumPy: ``features(y, y_prev)`` before the last layer, and the ``weights`` of that layer."""

    def __init__(self, model, s):
        *self.inner, last = (W[s].numpy() for W in model.parameters)
        self.weights = last[:, 0]

    def features(self, y, y_prev):
        x = np.stack(np.broadcast_arrays(y, y_prev), -1)
        for W in self.inner:
            x = np.tanh(x @ W[:-1] + W[-1])
        return np.concatenate([x, np.ones_like(x[..., :1])], -1)

    def __call__(self, y, y_prev):
        return self.features(y, y_prev) @ self.weights


NETWORKS = {  # name: kind, whether it reads the running sum of the error, what it is trained with, for how long
    "dense": ("dense", False, "as it is", 1),
    "GRU": ("GRU", False, "as it is", 1),
    "dense, trouble": ("dense", False, "drawn", 1),
    "GRU, trouble": ("GRU", False, "drawn", 1),
    "GRU, trouble, twice as long": ("GRU", False, "drawn", 2),
    "dense and sum, trouble": ("dense", True, "drawn", 1),
}
SUM = 0.1  # the running sum of the error is read in units of ten


def build(kind, summed):
    s = SETTINGS["controller"]
    if kind == "GRU":
        return Recurrent("GRU", SEEDS, 3 + summed, s["GRU"])
    return Dense(SEEDS, 3 + summed, s["dense"])


def train(name, model):
    """Train a controller of every seed through the model and itself, by backpropagation through time."""
    kind, summed, befalling, longer = NETWORKS[name]
    s, S = SETTINGS["controller"], len(SEEDS)
    network, rngs = build(kind, summed), [np.random.default_rng([seed, 3]) for seed in SEEDS]

    def loss(update):
        drawn = []
        for rng in rngs:
            _, y_m = references(rng, s["T"], s["batch"])
            drawn.append([y_m, *trouble(befalling, rng, s["T"], s["batch"]).values()])
        y_m, _, gain, load, noise = (torch.tensor(np.stack(part, 1)) for part in zip(*drawn, strict=True))
        y = y_prev = seen = seen_prev = before = total = torch.zeros(S, s["batch"], dtype=torch.float64)
        h, value = network.start(S, s["batch"]), 0
        for t in range(s["T"]):
            total = total + (before - seen)
            x = [seen, seen_prev, y_m[t]] + [SUM * total] * summed
            u, h = network.step(torch.stack(x, -1), h)
            motion, _ = model.step(torch.stack([y, y_prev], -1))
            y, y_prev = motion[..., 0] + gain[t] * u[..., 0] + load[t], y
            seen, seen_prev, before = y + noise[t], seen, y_m[t]
            value = value + (y - y_m[t]).square().mean(1)
        return value / s["T"]

    return fit(network, loss, s | {"updates": longer * s["updates"]})


class Trained:
    """A trained network as a controller of all seeds at once: everything is (S, B)."""

    def __init__(self, network, summed):
        self.network, self.summed, self.total, self.h = network, summed, 0.0, None

    def __call__(self, t, y, y_prev, r, target, error):
        S, self.total = len(SEEDS), self.total + error
        x = [y, y_prev, target] + [SUM * self.total] * self.summed
        x = torch.tensor(np.stack([np.broadcast_to(part, (S, *np.shape(target))) for part in x], -1))
        if t == 0:
            self.h = self.network.start(S, x.shape[1])
        u, self.h = self.network.step(x, self.h)
        return u[..., 0].numpy()


# ---- Judging ------------------------------------------------------------------------------------------------------


def tests():
    """Return {situation: (r, y_m, what befalls)}; "held", for the error that remains, has references of its own."""
    r, y_m = references(np.random.default_rng(1000), T, SETTINGS["tests"])
    cases = {kind: (r, y_m, trouble(kind, np.random.default_rng(1001), T, r.shape[1])) for kind in SITUATIONS}
    held = np.broadcast_to([0.3, 0.3, -0.3, -0.3], (T, 4))
    befalls = trouble("as it is", None, T, 4)
    befalls["load"] = np.broadcast_to([0.5, -0.5, 0.5, -0.5], (T, 4)) * (np.arange(T)[:, None] >= T // 4)
    return cases | {"held": (held, plants.reference_model(held), befalls)}


def judge(make):
    """Return the tracking error in each situation, and what remains of a constant load of a half at the end of "held".

    ``make(y_m)`` returns a fresh controller.
    """
    found = {}
    for name, (r, y_m, befalls) in tests().items():
        ys, _ = track(make(y_m), r, y_m, befalls)
        wrong = np.abs(off(ys, y_m)[..., -20:, :]).mean((-2, -1)) / SETTINGS["load"]
        found[name] = wrong if name == "held" else tracking_error(ys, y_m)
    return found


RATES = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]


def tuned(make, seed):
    """Return the rate of ``make(rate)`` that is best on training references, in trouble as it may be drawn."""
    rng = np.random.default_rng([seed, 8])
    r, y_m = references(rng, T, SETTINGS["pid"]["references"])
    befalls = trouble("drawn", rng, T, r.shape[1])
    return RATES[int(np.argmin([tracking_error(track(make(rate), r, y_m, befalls)[0], y_m) for rate in RATES]))]


def laws(seed, model):
    """Return {name: maker of a controller} for one seed, tuned where there is something to tune."""
    exact, gains = plants.own_motion, {kind: tune_pid(seed, kind) for kind in ("as it is", "drawn")}

    def corrected(motion):
        return lambda rate: Inverse(motion, rate)

    def adaptive(rate):
        return Adaptive(model.features, model.weights, rate)

    rates = {
        "exact": tuned(corrected(exact), seed),
        "model": tuned(corrected(model), seed),
        "adaptive": tuned(adaptive, seed),
    }
    makers = {
        "open loop": open_loop,
        "PID": lambda y_m: PID(gains["as it is"]),
        "PID, trouble": lambda y_m: PID(gains["drawn"]),
        "exact inverse, paper's law": lambda y_m: papers_law(exact),
        "exact inverse": lambda y_m: Inverse(exact),
        "exact inverse and load estimate": lambda y_m: Inverse(exact, rates["exact"]),
        "learned inverse, paper's law": lambda y_m: papers_law(model),
        "learned inverse": lambda y_m: Inverse(model),
        "learned inverse and load estimate": lambda y_m: Inverse(model, rates["model"]),
        "learned inverse, adapting": lambda y_m: adaptive(rates["adaptive"]),
    }
    return makers, {"rates": rates, "gains": {kind: [float(k) for k in found] for kind, found in gains.items()}}


def plain(value):
    """Return numbers and lists with four significant digits."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray) and np.ndim(value):
        return [plain(part) for part in value]
    return value if isinstance(value, str | int) else float(f"{value:.4g}")


def main():
    torch.set_num_threads(1)
    what = (
        "error as a share of the reference's deviation by controller, situation and seed; held: what remains of a load"
    )
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        model, errors, record["tuned"] = identify(), {}, []
        for s, seed in enumerate(SEEDS):
            makers, chosen = laws(seed, OneSeed(model, s))
            record["tuned"].append(plain(chosen))
            for name, make in makers.items():
                for situation, value in judge(make).items():
                    errors.setdefault(name, {}).setdefault(situation, []).append(plain(value))
        record["parameters"] = {}
        for name, (_, summed, _, _) in NETWORKS.items():
            network = train(name, model)
            record["parameters"][name] = count(network)
            errors[name] = plain(judge(lambda y_m, n=network, s=summed: Trained(n, s)))
        record["errors"] = errors


if __name__ == "__main__":
    main()
