"""Oracles for *Can a network learn a machine, and steer it?*: the plant itself, autograd, filters, long simulations."""

import numpy as np
import torch
from scipy import signal
from sklearn.metrics import r2_score

from exercise_oracles.ways import said_in
from rnnbook.data import plants


def free_run(step, u, y, y_prev):
    return plants.simulate(u, step, start=(y, y_prev))


def honest_error(step, u, y):
    return np.sqrt(1 - r2_score(y[2:], plants.simulate(u[2:], step, start=(y[1], y[0]))))


def remaining_error(load, a, b):
    """Three hundred steps of the plant under each law, the reference at rest."""

    def end(law):
        y = y_prev = said = missed = np.zeros_like(load)
        for _ in range(300):
            u, said, missed = law(y, y_prev, said, missed)
            y, y_prev = plants.plant_step(y, y_prev, u) + load, y
        return y

    def paper(y, y_prev, said, missed):
        return a * y + b * y_prev - plants.own_motion(y, y_prev), said, missed

    def inverse(y, y_prev, said, missed):
        return plants.exact_inverse(y, y_prev, 0.0), said, missed

    def estimate(y, y_prev, said, missed):
        missed = missed + (y - said - missed) / 2
        return plants.exact_inverse(y, y_prev, -missed), -missed, missed

    return end(paper), end(inverse), end(estimate)


def sensitivity(a, b, k):
    def run(u):
        ys = [torch.zeros((), dtype=torch.float64)] * 2
        for t in range(len(a)):
            ys.append(a[t] * ys[-1] + b[t] * ys[-2] + u[t])
        return torch.stack(ys[2:])

    return torch.autograd.functional.jacobian(run, torch.zeros(len(a), dtype=torch.float64))[:, k].numpy()


def pid(errors, K_p, K_i, K_d):
    """The filter K_p + K_i / (1 - z⁻¹) + K_d (1 - z⁻¹)."""
    numerator = [K_p + K_i + K_d, -K_p - 2 * K_d, K_d]
    return signal.lfilter(numerator, [1, -1], errors)


def load_remains():
    """What the estimate lacks, in the end: lack = 0.1 + (1 - 1/2) lack, one linear equation."""
    return np.linalg.solve([[1 - 0.5]], [0.1])[0]


def second_push():
    return said_in("control", r"The second push, from 2, first lifts it to about (\d\.\d)")
