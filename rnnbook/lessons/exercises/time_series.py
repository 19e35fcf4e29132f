"""Exercises of the chapter *How sure is a forecast?*"""

import numpy as np

from rnnbook.in_numpy.functions import log_softmax, softmax
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design, at_least
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def normal_loss(mu, s, x):
    """Return the mean of -log N(x; μ, σ²) [nats], σ = exp(s), and its gradients by
    mu and by s; all (N,).
    """
    error = (x - mu) / np.exp(s)
    loss = np.mean(0.5 * error**2 + s + 0.5 * np.log(2 * np.pi))
    return loss, -error / np.exp(s) / len(x), (1 - error**2) / len(x)


def _normals(rng):
    (N,) = sizes(rng, 1)
    return {"mu": rng.normal(size=N), "s": 0.5 * rng.normal(size=N), "x": rng.normal(size=N)}


def _replace(function, place, wrong):
    """The right results, but for one of them."""

    def mistaken(**arguments):
        results = list(function(**arguments))
        results[place] = wrong(**arguments)
        return tuple(results)

    return mistaken


check_normal_loss = Exercise(
    normal_loss,
    _normals,
    returns=("loss", "dmu", "ds"),
    mistakes={
        "the term s is left out of the loss, so that a huge σ costs nothing": _replace(
            normal_loss, 0, lambda mu, s, x: normal_loss(mu, s, x)[0] - np.mean(s)
        ),
        "the constant, half the logarithm of 2π, is left out of the loss": _replace(
            normal_loss, 0, lambda mu, s, x: normal_loss(mu, s, x)[0] - 0.5 * np.log(2 * np.pi)
        ),
        "s is taken for the logarithm of the variance": _replace(
            lambda mu, s, x: normal_loss(mu, s / 2, x), 2, lambda mu, s, x: normal_loss(mu, s / 2, x)[2] / 2
        ),
        "the logarithm of the variance stands in the loss where that of σ belongs": _replace(
            normal_loss, 0, lambda mu, s, x: normal_loss(mu, s, x)[0] + np.mean(s)
        ),
        "the squared error is divided by σ in the loss, not by its square": _replace(
            normal_loss, 0, lambda mu, s, x: np.mean((x - mu) ** 2 / np.exp(s) / 2 + s + 0.5 * np.log(2 * np.pi))
        ),
        "s is taken for σ itself": lambda mu, s, x: normal_loss(mu, np.log(np.abs(s)), x),
        "the sign of dmu is turned": _replace(normal_loss, 1, lambda mu, s, x: -normal_loss(mu, s, x)[1]),
        "the error in dmu is divided by σ once instead of twice": _replace(
            normal_loss, 1, lambda mu, s, x: normal_loss(mu, s, x)[1] * np.exp(s)
        ),
        "ds forgets that s also stands by itself in the loss": _replace(
            normal_loss, 2, lambda mu, s, x: normal_loss(mu, s, x)[2] - 1 / len(x)
        ),
        "the gradient by σ is given for that by s": _replace(
            normal_loss, 2, lambda mu, s, x: normal_loss(mu, s, x)[2] / np.exp(s)
        ),
        "the gradients are those of the sum, not of the mean": lambda mu, s, x: (
            normal_loss(mu, s, x)[0],
            *(len(x) * part for part in normal_loss(mu, s, x)[1:]),
        ),
    },
    looks_at="Write the loss of one x as e²/2 + s + a constant, with e = (x - μ) exp(-s), and differentiate.",
    about=About("likelihood", "write", 2, 15),
)


def responsibilities(a, mu, s, x):
    """Return r (N, K): how much each component answers for x (N,); logits a
    (however large or small), means and log deviations s are (N, K).
    """
    error = (x[:, None] - mu) * np.exp(-s)
    log_joint = log_softmax(a) - 0.5 * error**2 - s
    return np.exp(log_softmax(log_joint))


def _mixtures(rng):
    N, K = sizes(rng, 2)
    return {name: rng.normal(size=(N, K)) for name in ("a", "mu", "s")} | {"x": rng.normal(size=N)}


def _far_logits(rng):
    inputs = _mixtures(rng)
    return inputs | {"a": 800 * inputs["a"]}  # exp of such logits is more than a float64 holds


def _error(mu, s, x):
    return (x[:, None] - mu) * np.exp(-s)


check_responsibilities = Exercise(
    responsibilities,
    _mixtures,
    returns=("r",),
    mistakes={
        "the weights π are returned, before x is known": lambda a, mu, s, x: softmax(a),
        "the weights π are left out": lambda a, mu, s, x: responsibilities(0 * a, mu, s, x),
        "σ is left out of the density's height, 1 / σ": lambda a, mu, s, x: softmax(a - 0.5 * _error(mu, s, x) ** 2),
        "the logits are multiplied in place of their softmax": lambda a, mu, s, x: (
            a * np.exp(-0.5 * _error(mu, s, x) ** 2 - s)
            / (a * np.exp(-0.5 * _error(mu, s, x) ** 2 - s)).sum(axis=1, keepdims=True)
        ),
        "the sum that divides is missing": lambda a, mu, s, x: (
            softmax(a) * np.exp(-0.5 * _error(mu, s, x) ** 2 - s) / np.sqrt(2 * np.pi)
        ),
        "the sum that divides runs over the rows, not over the components": lambda a, mu, s, x: (
            softmax((log_softmax(a) - 0.5 * _error(mu, s, x) ** 2 - s).T).T
        ),
        "s is taken for the logarithm of the variance": lambda a, mu, s, x: responsibilities(a, mu, s / 2, x),
        "the half in the exponent is forgotten": lambda a, mu, s, x: softmax(a - _error(mu, s, x) ** 2 - s),
    },
    looks_at="Weight times density, for each component; then divide each row by its sum.",
    also=[_far_logits],
)  # fmt: skip


def conformal_share(old, new, share):
    """Return the split-conformal half width from the errors ``old`` (N,), and the
    share of the errors ``new`` (M,) that lie within it.
    """
    scores = np.sort(np.abs(old))
    k = int(np.ceil((len(old) + 1) * share))
    width = scores[k - 1]
    return width, np.mean(np.abs(new) <= width)


def _old_and_new(rng):
    old, new = (
        rng.normal(-0.7, 1, size=int(rng.integers(20, 40))),
        rng.normal(0.7, 1.4, size=int(rng.integers(150, 200))),
    )
    new[: len(old)] = -old  # one of them is just as wide as the interval
    return {"old": old, "new": new, "share": float(rng.choice([0.5, 0.7, 0.8, 0.9]))}


def _within(width, new):
    return width, np.mean(np.abs(new) <= width)


check_conformal_share = Exercise(
    conformal_share,
    _old_and_new,
    returns=("half width", "share inside"),
    mistakes={
        "the sign of the old errors is kept: the quantile of the errors, not of their sizes": lambda old, new, share: (
            _within(np.sort(old)[int(np.ceil((len(old) + 1) * share)) - 1], new)
        ),
        "the new errors themselves decide how wide the interval is": lambda old, new, share: (
            conformal_share(new, new, share)
        ),
        "np.quantile interpolates, and forgets the + 1 for the new month": lambda old, new, share: (
            _within(np.quantile(np.abs(old), share), new)
        ),
        "a normal density is assumed: a multiple of the root mean square": lambda old, new, share: (
            _within({0.5: 0.6745, 0.7: 1.0364, 0.8: 1.2816, 0.9: 1.6449}[share] * np.sqrt(np.mean(old**2)), new)
        ),
        "the share outside is returned": lambda old, new, share: (
            conformal_share(old, new, share)[0], 1 - conformal_share(old, new, share)[1]
        ),
        "the sign of the new errors is kept, so that every low one counts as inside": lambda old, new, share: (
            conformal_share(old, new, share)[0], np.mean(new <= conformal_share(old, new, share)[0])
        ),
        "the quantile of 1 - share is taken: the share outside for the share inside": lambda old, new, share: (
            conformal_share(old, new, 1 - share)
        ),
        "the rank is one too many: Python counts from 0": lambda old, new, share: (
            _within(np.sort(np.abs(old))[int(np.ceil((len(old) + 1) * share))], new)
        ),
        "the whole width is returned for the half": lambda old, new, share: (
            2 * conformal_share(old, new, share)[0], conformal_share(old, new, share)[1]
        ),
        "the half width is doubled": lambda old, new, share: _within(2 * conformal_share(old, new, share)[0], new),
    },
    looks_at="Sort the sizes of the old errors; the half width is the k-th, k = (N + 1) share, rounded up.",
    about=About("conformal intervals", "write", 2, 15),
)  # fmt: skip


check_bug_in_responsibilities = FindTheBug(
    check_responsibilities,
    looks_at="Let all components be alike but one number: program.difference(a=0), then s=0, mu=0. Where is it right?",
    about=About("mixtures", "find the bug", 2, 10),
)


def gradient_two_deviations_off():
    """Give one truth, two standard deviations above the mean, to a normal head with
    mu = s = 0.
    """
    mu, s, x = np.zeros(1), np.zeros(1), np.array([2.0])
    return normal_loss(mu, s, x)[2][0]


check_pull_on_width = Predict(
    "what is the gradient of the normal loss by s = log σ, if the truth lies 2 σ from the mean (one value, σ = 1)?",
    run=gradient_two_deviations_off,
    why="It is 1 - e², with e = 2 the error in deviations: negative, so that descent makes the density wider.",
    misreadings={
        "the error is not squared": -1.0,
        "the sign is turned: descent would make the density narrower": 3.0,
        "the term of log σ is left out": -4.0,
        "it is the gradient with respect to the mean": -2.0,
    },
    tolerance=0.01,
    hint="The loss is e²/2 + s, where e = (x - μ) exp(-s). Differentiate with respect to s.",
    about=About("likelihood", "predict", 2, 5),
)

check_highest_tenth = ReadAFigure(
    "fig-series-pit",
    0.21,
    why="A fifth of the months lie in the highest tenth of what the normal head thought possible: it is too low.",
    misreadings={
        "the dashed line is read, where the bar should be": 0.1,
        "the bar of the autoregression is read": 0.16,
        "the upper edge of the grey band is read": 0.12,
        "it is counted, how much too high the bar is": 0.11,
    },
    look="Find the panel of the normal head, and in it the last of the ten bars.",
    tolerance=0.07,
    about=About("calibration", "read a figure", 1, 5),
)

check_forecast_fairly = Design(
    {
        "split": (["in time"], "Shuffled months have neighbours in the training part: the network looks them up."),
        "scale": (["training part"], "A mean of the whole series has seen the test years."),
        "rival": (
            ["autoregression"],
            "A linear autoregression with as many past months is the rival that costs nothing.",
        ),
        "seeds": (at_least(3), "One seed does not tell the network from luck; three give an interval."),
        "chosen on": (
            ["validation part"],
            "An epoch or a width that is chosen on the test part reports too small an error.",
        ),
    },
    plan={
        "split": "in time",
        "scale": "training part",
        "rival": "autoregression",
        "seeds": 5,
        "chosen on": "validation part",
    },
    looks_at="For each point ask: could something of the test years have reached the network?",
    about=About("experiments", "design", 2, 10),
)
