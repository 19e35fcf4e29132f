"""Exercises of the chapter *How sure is a forecast?*"""

import numpy as np

from rnnbook.in_numpy.functions import gaussian_mixture, log_softmax, softmax
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design, at_least
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def sample_crps(drawn, x):
    """Return the CRPS (N,) of M draws for each of N months, drawn (M, N), at the
    truths x (N,), in their unit.
    """
    M = len(drawn)
    distance = np.abs(drawn - x).mean(axis=0)
    between = np.abs(drawn[:, None] - drawn).sum(axis=(0, 1)) / (M * (M - 1))
    return distance - between / 2


def _draws(rng):
    M, N = sizes(rng, 2)
    return {"drawn": rng.normal(size=(M, N)) + rng.normal(size=N), "x": rng.normal(size=N)}


def _distance(drawn, x):
    return np.abs(drawn - x).mean(axis=0)


def _between(drawn):
    return 2 * (_distance(drawn, 0) - sample_crps(drawn, 0))


check_sample_crps = Exercise(
    sample_crps,
    _draws,
    returns=("crps",),
    mistakes={
        "a draw is also paired with itself: divided by M² instead of M (M - 1)": lambda drawn, x: (
            _distance(drawn, x) - 0.5 * _between(drawn) * (len(drawn) - 1) / len(drawn)
        ),
        "the factor of a half before the second term is forgotten": lambda drawn, x: (
            _distance(drawn, x) - _between(drawn)
        ),
        "the second term is left out: the mean absolute error of the draws": _distance,
        "the second term is added instead of subtracted": lambda drawn, x: _distance(drawn, x) + 0.5 * _between(drawn),
        "each pair is counted once, but divided by the number of ordered pairs": lambda drawn, x: (
            _distance(drawn, x) - 0.25 * _between(drawn)
        ),
        "the draws are averaged first: the absolute error of their mean": lambda drawn, x: np.abs(
            drawn.mean(axis=0) - x
        ),
        "the first term is the distance from the mean of the draws": lambda drawn, x: (
            np.abs(drawn.mean(axis=0) - x) - 0.5 * _between(drawn)
        ),
        "the sign of the distance to the truth is kept": lambda drawn, x: (
            (drawn - x).mean(axis=0) - 0.5 * _between(drawn)
        ),
        "the distance to the truth is squared": lambda drawn, x: (
            ((drawn - x) ** 2).mean(axis=0) - 0.5 * _between(drawn)
        ),
        "the distances to the truth are summed, not averaged": lambda drawn, x: (
            len(drawn) * _distance(drawn, x) - 0.5 * _between(drawn)
        ),
        "draws of different months are paired as well, giving one spread for all": lambda drawn, x: (
            _distance(drawn, x) - 0.5 * _between(drawn).mean()
        ),
        "the mean over the months is returned, one number for all": lambda drawn, x: np.full(
            len(x), sample_crps(drawn, x).mean()
        ),
    },
    looks_at="Two means for each month: over M distances to the truth, and over M (M - 1) distances between draws.",
    about=About("CRPS", "write", 2, 15),
)


def responsibilities(a, mu, s, x):
    """Return r (N, K): how far each component accounts for the truth x (N,); the
    logits a, of any size, the means mu and the log deviations s are (N, K).
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
        "the logits are used as weights instead of their softmax": lambda a, mu, s, x: (
            a * np.exp(-0.5 * _error(mu, s, x) ** 2 - s)
            / (a * np.exp(-0.5 * _error(mu, s, x) ** 2 - s)).sum(axis=1, keepdims=True)
        ),
        "the division by the sum is missing": lambda a, mu, s, x: (
            softmax(a) * np.exp(-0.5 * _error(mu, s, x) ** 2 - s) / np.sqrt(2 * np.pi)
        ),
        "the normalising sum runs over the rows, not over the components": lambda a, mu, s, x: (
            softmax((log_softmax(a) - 0.5 * _error(mu, s, x) ** 2 - s).T).T
        ),
        "s is mistaken for the logarithm of the variance": lambda a, mu, s, x: responsibilities(a, mu, s / 2, x),
        "the half in the exponent is forgotten": lambda a, mu, s, x: softmax(a - _error(mu, s, x) ** 2 - s),
    },
    looks_at="Weight times density, for each component; then divide each row by its sum.",
    also=[_far_logits],
)  # fmt: skip


def conformal_share(old, new, share):
    """Return the split-conformal half width from the errors ``old`` (M,), and the
    share of the errors ``new`` (N,) that lie within it.
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
    new[: len(old)] = -old  # one of them is exactly on the border of the interval
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
        "the sign of the old errors is kept, and np.quantile interpolates": lambda old, new, share: (
            _within(np.quantile(old, share), new)
        ),
        "the new errors themselves decide how wide the interval is": lambda old, new, share: (
            conformal_share(new, new, share)
        ),
        "np.quantile interpolates, and lacks the + 1 for the new month": lambda old, new, share: (
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
        "the quantile of 1 - share is taken: the share outside instead of the share inside": lambda old, new, share: (
            conformal_share(old, new, 1 - share)
        ),
        "the rank is one too many: Python counts from 0": lambda old, new, share: (
            _within(np.sort(np.abs(old))[int(np.ceil((len(old) + 1) * share))], new)
        ),
        "the full width is returned instead of the half": lambda old, new, share: (
            2 * conformal_share(old, new, share)[0], conformal_share(old, new, share)[1]
        ),
        "the half width is doubled": lambda old, new, share: _within(2 * conformal_share(old, new, share)[0], new),
    },
    looks_at="Sort the sizes of the old errors; the half width is the k-th, k = (M + 1) share, rounded up.",
    about=About("conformal intervals", "write", 2, 15),
)  # fmt: skip


check_bug_in_responsibilities = FindTheBug(
    check_responsibilities,
    looks_at="Make the components equal in one thing: program.difference(a=0), then s=0, mu=0. When is it right?",
    about=About("mixtures", "find the bug", 2, 10),
)


def gradient_two_deviations_off():
    """Give a normal head with mu = s = 0 a truth of 2; return the gradient of the
    loss with respect to s.
    """
    _, (_, _, ds) = gaussian_mixture(np.zeros(3), np.array(2.0))
    return ds


check_pull_on_width = Predict(
    "what is the gradient of the normal loss with respect to s = log σ, if σ = 1 and the truth is 2 above the mean?",
    run=gradient_two_deviations_off,
    why="It is 1 - e², where e = 2 is the error in units of σ: negative, so descent widens the density.",
    misreadings={
        "the error is not squared": -1.0,
        "the sign is reversed: descent would make the density narrower": 3.0,
        "the term of log σ is left out": -4.0,
        "it is the gradient with respect to the mean": -2.0,
    },
    tolerance=0.01,
    hint="The loss is e²/2 + s, where e = (x - μ) exp(-s). Differentiate with respect to s.",
    about=About("likelihood", "predict", 2, 5),
)

check_highest_tenth = ReadAFigure(
    "fig-series-pit",
    0.23,
    why="Nearly a quarter of the months are in the top tenth of what this mixture thought possible: it aims too low.",
    misreadings={
        "the dashed line is read instead of the bar": 0.1,
        "the bar of the mixture on the level is read": 0.2,
        "the bar of the AR is read": 0.117,
        "the ninth bar is read": 0.145,
        "the bar's excess over 0.1 is given, not its height": 0.13,
    },
    look="Find the panel of the mixture on the root, and read the last of its ten bars.",
    tolerance=0.07,
    about=About("calibration", "read a figure", 1, 5),
)

check_forecast_fairly = Design(
    {
        "split": (["in time"], "Shuffled months have neighbours in the training part: the network looks them up."),
        "scale": (["training part"], "A mean of the whole series has seen the test years."),
        "rival": (
            ["autoregression"],
            "A linear autoregression on the same past months is the rival that costs next to nothing.",
        ),
        "seeds": (at_least(3), "One seed does not tell the network from luck; three give an interval."),
        "chosen on": (
            ["validation part"],
            "An epoch or a width chosen on the test part reports too small an error.",
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
