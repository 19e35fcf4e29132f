"""Exercises of the chapter *Can a network learn a machine, and steer it?*"""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design, at_least, some_of
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def free_run(step, u, y, y_prev):
    """Return the outputs (T,) of the model ``step(y, y_prev, u_t)`` for the inputs
    u (T,), from the last two true outputs y and y_prev on.
    """
    ys = []
    for u_t in u:
        y, y_prev = step(y, y_prev, u_t), y
        ys.append(y)
    return np.array(ys)


def _model(rng):
    """A one-step model, newly drawn: a random plant."""
    a, b, c = rng.uniform(0.2, 0.5, 3)
    return lambda y, y_prev, u_t: a * y + b * np.tanh(y_prev) + c * u_t + 0.1


def _free_run_inputs(rng):
    u = rng.normal(size=rng.integers(5, 12))
    return {"step": _model(rng), "u": u, "y": float(rng.normal()), "y_prev": float(rng.normal())}


def _frozen_older(step, u, y, y_prev):
    ys = []
    for u_t in u:
        y = step(y, y_prev, u_t)
        ys.append(y)
    return np.array(ys)


def _both_new(step, u, y, y_prev):
    ys = []
    for u_t in u:
        y = step(y, y_prev, u_t)
        y_prev = y
        ys.append(y)
    return np.array(ys)


def _from_the_start_each_time(step, u, y, y_prev):
    return np.array([step(y, y_prev, u_t) for u_t in u])


check_free_run = Exercise(
    free_run,
    _free_run_inputs,
    returns=("ys",),
    mistakes={
        "y_prev stays as it was at the start": _frozen_older,
        "y_prev becomes the new output instead of the one before it": _both_new,
        "the model never reads its own predictions": _from_the_start_each_time,
        "the two outputs are passed in the wrong order": lambda step, u, y, y_prev: free_run(
            lambda newer, older, u_t: step(older, newer, u_t), u, y, y_prev
        ),
        "the result begins with y and leaves out the last prediction": lambda step, u, y, y_prev: np.array(
            [y, *free_run(step, u, y, y_prev)[:-1]]
        ),
    },
    looks_at="After each step the new output becomes y, and what was y becomes y_prev.",
    about=About("free run", "write", 1, 10),
)


def honest_error(step, u, y):
    """Return the free-run error of the model ``step(y, y_prev, u_t)`` as a share of
    the outputs' standard deviation; u, y (T,), and only y[0] and y[1] may be read.
    """
    past = [y[0], y[1]]
    for t in range(2, len(u)):
        past.append(step(past[-1], past[-2], u[t]))
    wrong = np.array(past[2:]) - y[2:]
    return np.sqrt(np.mean(wrong**2)) / np.std(y[2:])


def _honest_inputs(rng):
    T = int(rng.integers(12, 20))
    u, y = rng.normal(size=T), rng.normal(size=2)
    plant = _model(rng)
    y = np.concatenate([y[::-1], free_run(plant, u[2:], y[0], y[1])])
    return {"step": _model(rng), "u": u, "y": y}


def _one_step_error(step, u, y):
    predicted = [step(y[t - 1], y[t - 2], u[t]) for t in range(2, len(u))]
    return np.sqrt(np.mean((np.array(predicted) - y[2:]) ** 2)) / np.std(y[2:])


def _half_forced(step, u, y):
    past = [y[0], y[1]]
    for t in range(2, len(u)):
        past.append(step(past[-1], y[t - 2], u[t]))
    return np.sqrt(np.mean((np.array(past[2:]) - y[2:]) ** 2)) / np.std(y[2:])


def _known_start_counted(step, u, y):
    return honest_error(step, u, y) * np.std(y[2:]) * np.sqrt((len(y) - 2) / len(y)) / np.std(y)


check_honest_error = Exercise(
    honest_error,
    _honest_inputs,
    returns=("error",),
    mistakes={
        "the true outputs are given to the model at every step, as in the program above": _one_step_error,
        "the newer output is the model's own, and the older one is still the true one": _half_forced,
        "the two outputs that were given are counted as predictions without an error": _known_start_counted,
        "the error is not divided by the standard deviation": lambda step, u, y: (
            honest_error(step, u, y) * np.std(y[2:])
        ),
        "the root is left out": lambda step, u, y: honest_error(step, u, y) ** 2 * np.std(y[2:]),
        "the inputs are read one step late": lambda step, u, y: honest_error(step, np.roll(u, 1), y),
    },
    looks_at="Ask of every number that the model reads at step t: did it come from the plant or from the model?",
    about=About("free run", "find the bug", 2, 10),
)


def remaining_error(load, a, b):
    """Return what remains of y_t - y_t^m, each (B,), long after a constant load (B,)
    has set in: with the paper's law, whose reference has the weights a and b; with
    the inverse; and with the inverse and a load estimate.
    """
    return load / (1 - a - b), load, np.zeros_like(load)


def _remaining_inputs(rng):
    a, b = rng.uniform(0.1, 0.4, 2)
    return {"load": rng.normal(size=rng.integers(3, 9)), "a": float(a), "b": float(b)}


check_remaining_error = Exercise(
    remaining_error,
    _remaining_inputs,
    returns=("paper", "inverse", "estimate"),
    mistakes={
        "the load of one step is taken for its sum over all steps": lambda load, a, b: (load, load, 0 * load),
        "the weight b is left out": lambda load, a, b: (load / (1 - a), load, 0 * load),
        "the sign is reversed: the output minus the reference was asked for": lambda load, a, b: (
            -load / (1 - a - b),
            -load,
            0 * load,
        ),
        "the inverse is assumed to have integral action": lambda load, a, b: (load / (1 - a - b), 0 * load, 0 * load),
        "the load estimate is assumed to leave what the inverse leaves": lambda load, a, b: (
            load / (1 - a - b),
            load,
            load,
        ),
        "feedback is assumed to make the load smaller by the factor 1 - a - b": lambda load, a, b: (
            load * (1 - a - b),
            load,
            0 * load,
        ),
    },
    looks_at="Put the law into the plant, subtract the reference model, and ask at which e nothing changes any more.",
    about=About("observers", "write", 2, 10),
)


def sensitivity(a, b, k):
    """Return s (T,), the derivative of every output y_t with respect to u_k, from
    a_t = ∂y_t/∂y_{t-1} and b_t = ∂y_t/∂y_{t-2}, each (T,), and ∂y_t/∂u_t = 1.
    """
    s = np.zeros(len(a) + 2)
    for t in range(k, len(a)):
        s[t] = (t == k) + a[t] * s[t - 1] + b[t] * s[t - 2]
    return s[:-2]


def _sensitivity_inputs(rng):
    T = int(rng.integers(6, 12))
    return {"a": rng.normal(size=T), "b": rng.normal(size=T), "k": int(rng.integers(1, 4))}


def _recursion(a, b, k, shift=0):
    s = np.zeros(len(a))
    s[k] = 1.0
    for t in range(k + 1, len(a)):
        s[t] = a[t - shift] * s[t - 1] + (b[t - shift] * s[t - 2] if t > 1 else 0)
    return s


check_sensitivity = Exercise(
    sensitivity,
    _sensitivity_inputs,
    returns=("s",),
    mistakes={
        "the path through y_{t-2} is left out": lambda a, b, k: _recursion(a, 0 * b, k),
        "a and b are swapped": lambda a, b, k: _recursion(b, a, k),
        "the slopes of the previous step are used": lambda a, b, k: _recursion(a, b, k, shift=1),
        "only the immediate derivative is left": lambda a, b, k: _recursion(0 * a, 0 * b, k),
        "it begins one step late": lambda a, b, k: np.concatenate([[0.0], _recursion(a, b, k)[:-1]]),
    },
    looks_at="y_t moves for three reasons: u_k itself where t = k, y_{t-1}, and y_{t-2}.",
    about=About("gradients", "write", 2, 15),
)


def pid(errors, K_p, K_i, K_d):
    """Return the inputs u (T,) of a PID controller that sees the errors (T,) one after
    another; before the first one, the error is zero.
    """
    return K_p * errors + K_i * np.cumsum(errors) + K_d * np.diff(errors, prepend=0.0)


def _pid_inputs(rng):
    gains = {name: float(rng.uniform(0.2, 2)) for name in ("K_p", "K_i", "K_d")}
    return {"errors": rng.normal(size=rng.integers(5, 12))} | gains


check_pid = Exercise(
    pid,
    _pid_inputs,
    returns=("u",),
    mistakes={
        "the sum leaves out the present error": lambda errors, K_p, K_i, K_d: pid(errors, K_p, K_i, K_d) - K_i * errors,
        "the mean of the errors is used instead of their sum": lambda errors, K_p, K_i, K_d: (
            pid(errors, K_p, 0, K_d) + K_i * np.cumsum(errors) / np.arange(1, len(errors) + 1)
        ),
        "the change of the error has the wrong sign": lambda errors, K_p, K_i, K_d: pid(errors, K_p, K_i, -K_d),
        "the change is that to the next error, which the controller has not seen": lambda errors, K_p, K_i, K_d: (
            pid(errors, K_p, K_i, 0) + K_d * np.diff(errors, append=0.0)
        ),
        "the first change is zero, as if the first error had been there before": lambda errors, K_p, K_i, K_d: (
            pid(errors, K_p, K_i, 0) + K_d * np.diff(errors, prepend=errors[0])
        ),
        "the sum runs over all errors, including those to come": lambda errors, K_p, K_i, K_d: (
            pid(errors, K_p, 0, K_d) + K_i * errors.sum()
        ),
        "the sum of the errors is missing": lambda errors, K_p, K_i, K_d: pid(errors, K_p, 0, K_d),
        "the change of the error is missing": lambda errors, K_p, K_i, K_d: pid(errors, K_p, K_i, 0),
    },
    looks_at="Three terms: the error, the sum of all errors so far, and the error minus the one before it.",
    about=About("controllers", "write", 2, 10),
)


check_bug_in_sensitivity = FindTheBug(
    check_sensitivity,
    looks_at="Set b to zero, then a: program.difference(b=0). And what about k=0?",
    about=About("gradients", "find the bug", 2, 10),
)


def error_under_a_growing_load():
    """Steer y_t = 0.6 y + 0.2 y_prev + u + 0.1 t by the inverse with a load
    estimate, rho 1/2.
    """
    y = y_prev = said = estimate = 0.0
    aim = 1.0
    for t in range(200):
        estimate = estimate + (y - said - estimate) / 2  # by the last miss
        u = aim - estimate - 0.6 * y - 0.2 * y_prev
        said = 0.6 * y + 0.2 * y_prev + u
        y, y_prev = said + 0.1 * t, y
    return y - aim


check_load_remains = Predict(
    "the inverse with a load estimate, rho = 1/2, steers a plant, and a load that grows by 0.1 at each step is added "
    "to every output. By how much is the output above its aim in the end?",
    run=error_under_a_growing_load,
    why="The estimate gains half of what it lacks at each step: it keeps up once that half is 0.1, so it lacks 0.2.",
    misreadings={
        "the estimate is assumed to remove a growing load as it removes a constant one": 0.0,
        "the estimate is assumed to be one step late, and no more: that is rho = 1": 0.1,
        "half of a step is assumed to be missing": 0.05,
        "the sign is reversed": -0.2,
        "the whole load of the last step is assumed to remain": 19.9,
    },
    tolerance=0.02,
    hint="Call what the estimate lacks e. How much does the load add to e at each step, and how much does e lose?",
    about=About("observers", "predict", 2, 5),
)

check_second_push = ReadAFigure(
    "fig-control-pushes",
    4.6,
    why="The second push lifts the plant from 2 to 4.6, and it falls back to 2: pushes do not add up for long.",
    misreadings={
        "the first push up is read": 3.1,
        "the line of the polynomial is read": 3.3,
        "the line of the linear model is read": 2.0,
        "the height of the input's push is read": 1.5,
        "the height above the place of rest is given": 2.6,
        "the input's push is added to the resting level": 3.5,
    },
    look="In the lower panel, find the peak of the plant's own line, the thick grey one, shortly after step 30.",
    tolerance=0.05,
    about=About("equilibria", "read a figure", 1, 5),
)

check_who_steers = Design(
    {
        "trouble": (
            some_of("load", "noise", "drift", also=["none"]),
            "Calm conditions alone favour an exact inverse: test load, noise or drift.",
        ),
        "rival": (["tuned PID"], "An untuned PID is no rival; tune it for the same trouble."),
        "seeds": (at_least(3), "A trained controller is one draw of its training: three seeds at least."),
        "references": (["new"], "The training references were learned along with the plant: test new ones."),
        "error": (["tracking"], "A one-step error of the model does not say how the loop behaves."),
    },
    plan={
        "trouble": ["load", "noise", "drift"],
        "rival": "tuned PID",
        "seeds": 5,
        "references": "new",
        "error": "tracking",
    },
    looks_at="Under what conditions, against whom, how often, on what, measured how?",
    about=About("experiments", "design", 2, 10),
)
