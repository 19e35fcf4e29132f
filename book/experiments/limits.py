"""The rows of the chapter *Advantages and drawbacks, measured* that need several trainings, each with its rivals.

    python book/experiments/limits.py      about half a minute on one core; writes limits.json beside it

``history``: the next month's sunspots from windows of T months, a network of its own for each T, beside the linear
predictor of the same months.   ``gap``: a hidden month from the months around it.   ``shift``: a digit that comes
later, or that is followed by a wait.
"""

import time

import numpy as np
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import RNN, Adam, SequenceClassifier, clip_grad_norm
from rnnbook.in_numpy.functions import cross_entropy, mean_squared_error

SETTINGS = {
    "units": 16, "batch": 64, "updates": 500, "lr": 5e-3, "max_norm": 1.0, "months": [1, 2, 3, 6, 12, 24, 48],
    "gap": 24, "rows": 24, "digits": {"units": 32, "updates": 400, "train": 1300}, "shifts": [0, 1, 2, 4, 8, 16],
    "block": 24,
}  # fmt: skip
SEEDS = [0, 1, 2, 3, 4]


def train(layer, outputs, loss, draw, updates, rng):
    """Train a layer and a dense layer on its last state; return the model."""
    model = SequenceClassifier(outputs, layer, rng=rng)
    optimizer = Adam(model.params, lr=SETTINGS["lr"])
    for _ in range(updates):
        x, target = draw()
        y, trace = model.forward(x)
        _, dy = loss(y, target)
        grads = model.backward(dy, trace)
        clip_grad_norm(grads, SETTINGS["max_norm"])
        optimizer.step(grads)
    return model


def series():
    """Return the sunspots before 1904 and the 29 years after, and the scale of the first part."""
    past, later, _ = data.split_by_time(data.sunspots_monthly().value, (0.6, 0.2, 0.2))
    return past, later, data.standardise(past)


def months(part, T):
    """Windows x (T, N, 1) and the month after each, (N, 1), of a scaled series."""
    x, y = data.windows(part, T)
    return x.T[:, :, None], y[:, None]


def forecaster(seed, x, y, rounds=1):
    """Train a network on windows x (T, N, D) and amounts y (N, 1), for so many times the updates."""
    rng = np.random.default_rng(seed)
    layer = RNN(x.shape[2], SETTINGS["units"], dtype=np.float64, rng=rng)

    def draw():
        batch = rng.integers(len(y), size=SETTINGS["batch"])
        return x[:, batch], y[batch]

    return train(layer, 1, mean_squared_error, draw, rounds * SETTINGS["updates"], rng)


def linear(x, y):
    """Return the linear predictor of y (N, 1) from all of x (T, N, D) by least squares, as a function of new x."""

    def columns(x):
        flat = x.swapaxes(0, 1).reshape(x.shape[1], -1)
        return np.hstack([flat, np.ones((len(flat), 1))])

    weights = np.linalg.lstsq(columns(x), y, rcond=None)[0]
    return lambda x: columns(x) @ weights


def rmse(errors, unit=1.0):
    return round(float(np.sqrt(np.mean(np.square(errors))) * unit), 2)


def interval(first, second, block):
    """Return the 95 % interval of rmse(first) - rmse(second), errors (N,) of the same months, by drawing blocks."""
    rng, N = np.random.default_rng(0), len(first)
    starts = rng.integers(0, N - block + 1, (2000, N // block))
    chosen = (starts[:, :, None] + np.arange(block)).reshape(2000, -1)
    drawn = np.sqrt(np.mean(first[chosen] ** 2, axis=1)) - np.sqrt(np.mean(second[chosen] ** 2, axis=1))
    return [round(float(q), 2) for q in np.quantile(drawn, [0.025, 0.975])]


def history():
    """Errors at each T, trained and used there; and with the first 23 of 24 months in other orders, in training too.

    Either one order for all windows, or one for each.
    """
    past, later, scale = series()
    part, new = scale(past), scale(later)
    N = len(later) - max(SETTINGS["months"])
    found, errors = {"network": {}, "linear": {}}, {}
    for T in SETTINGS["months"]:
        x, y = months(part, T)
        x_new, y_new = (a[..., -N:, :] for a in months(new, T))
        errors[T] = [(forecaster(seed, x, y).forward(x_new)[0] - y_new)[:, 0] * scale.std for seed in SEEDS]
        found["network"][str(T)] = [rmse(e) for e in errors[T]]
        found["linear"][str(T)] = rmse(linear(x, y)(x_new) - y_new, scale.std)
    x, y = months(part, 24)
    x_new, y_new = (a[..., -N:, :] for a in months(new, 24))
    for name in ("one order", "an order for each window"):
        found[name], found[f"linear, {name}"] = [], []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            if name == "one order":
                known, unknown = (a[[*order, 23]] for order in [rng.permutation(23)] for a in (x, x_new))
            else:
                known, unknown = (np.concatenate([rng.permuted(a[:23], axis=0), a[23:]]) for a in (x, x_new))
            y_found = forecaster(seed, known, y).forward(unknown)[0]
            found[name].append(rmse(y_found - y_new, scale.std))
            found[f"linear, {name}"].append(rmse(linear(known, y)(unknown) - y_new, scale.std))
    found["same again"] = rmse(np.diff(later)[-N:])
    mean = {T: np.sqrt(np.mean(np.square(errors[T]), axis=0)) for T in errors}  # over the seeds, for each month
    found["one month less 24, interval"] = interval(mean[1], mean[24], SETTINGS["block"])
    return found


def gap():
    """Errors of a hidden month: from before, from both sides, by a network that waits, and by rivals without units."""
    past, later, scale = series()
    T = SETTINGS["gap"]

    def sides(part):
        pieces = np.lib.stride_tricks.sliding_window_view(scale(part), 2 * T + 1).T
        return np.stack([pieces[:T], pieces[:T:-1]], axis=-1), pieces[T][:, None], pieces

    (x, y, pieces), (x_new, y_new, new) = sides(past), sides(later)

    def waiting(pieces):  # reads on behind the gap, where 0 and a mark stand, and answers at the end
        marked = np.zeros((2 * T + 1, pieces.shape[1], 2))
        marked[:, :, 0], marked[T, :, 0], marked[T, :, 1] = pieces, 0, 1
        return marked

    waits = waiting(pieces), waiting(new)
    kinds = {
        "network, before": (x[:, :, :1], x_new[:, :, :1]),
        "network, both sides": (x, x_new),
        "network that waits": waits,
    }
    found = {}
    for kind, (known, unknown) in kinds.items():
        models = [forecaster(seed, known, y) for seed in SEEDS]
        found[kind] = [rmse(model.forward(unknown)[0] - y_new, scale.std) for model in models]
    models = [forecaster(seed, waits[0], y, rounds=2) for seed in SEEDS]
    found["network that waits, twice the updates"] = [rmse(m.forward(waits[1])[0] - y_new, scale.std) for m in models]
    found["linear, before"] = rmse(linear(x[:, :, :1], y)(x_new[:, :, :1]) - y_new, scale.std)
    found["linear, both sides"] = rmse(linear(x, y)(x_new) - y_new, scale.std)
    found["mean of the two neighbours"] = rmse((new[T - 1] + new[T + 1]) / 2 - new[T], scale.std)
    return found


def shift():
    """Accuracies by shift, (seeds, shifts): a digit with empty rows before it or after it, and its rivals."""
    digits = data.digits()
    images, labels, F = digits.images / 16, digits.labels, SETTINGS["rows"]
    sizes = SETTINGS["digits"]

    def place(chosen, before, after):
        return np.pad(images[chosen].swapaxes(0, 1), ((before, after), (0, 0), (0, 0)))

    def network(rows, rng, bias=False, wait=0, rounds=1):
        layer = RNN(8, sizes["units"], bias=bias, dtype=np.float64, rng=rng)

        def draw():
            batch = rng.choice(rows, size=SETTINGS["batch"])
            return place(batch, 0, int(rng.integers(0, wait + 1)) if wait else 0), labels[batch]

        return train(layer, 10, cross_entropy, draw, rounds * sizes["updates"], rng)

    def fitted(rows, shifts):
        x = np.concatenate([place(rows, s, F - 8 - s) for s in shifts], axis=1)
        return linear(x, np.tile(np.eye(10)[labels[rows]], (len(shifts), 1)))

    names = ["network, rows before", "network with bias, rows before", "network, rows after",
             "network that trained to wait, rows after", "linear, rows before",
             "linear of all shifts, rows before",
             "network that trained to wait twice as long, rows after",
             "network that trained to wait four times as long, rows after"]  # fmt: skip
    found: dict[str, list] = {name: [] for name in names}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rows, test = np.split(rng.permutation(len(images)), [sizes["train"]])
        plain, biased = network(rows, rng), network(rows, rng, bias=True)
        waits = network(rows, rng, wait=F - 8)
        longer = [network(rows, rng, wait=F - 8, rounds=rounds) for rounds in (2, 4)]
        once, augmented = fitted(rows, [0]), fitted(rows, range(F - 7))
        answers = [
            [
                plain.forward(place(test, s, 0))[0], biased.forward(place(test, s, 0))[0],
                plain.forward(place(test, 0, s))[0], waits.forward(place(test, 0, s))[0],
                once(place(test, s, F - 8 - s)), augmented(place(test, s, F - 8 - s)),
                *[net.forward(place(test, 0, s))[0] for net in longer],
            ]
            for s in SETTINGS["shifts"]
        ]  # fmt: skip
        for name, column in zip(names, zip(*answers, strict=True), strict=True):
            found[name].append([round(float(np.mean(y.argmax(axis=1) == labels[test])), 4) for y in column])
    return found


def main():
    start = time.process_time()
    what = "errors [sunspot number] by length of the history and of a hidden month; accuracy of shifted digits"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["history"], record["gap"], record["shift"] = history(), gap(), shift()
        record["cpu_seconds"] = round(time.process_time() - start)


if __name__ == "__main__":
    main()
