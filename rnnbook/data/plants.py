"""Three machines to model and one to control: the plants of Narendra & Parthasarathy (1990), and a model to follow.

::

    plant_step(y, y_prev, u)      the plant that is identified (their example 2) and controlled (example 7)
    example_1, example_3          two more, of the same signature
    simulate(u)                   a plant's response to a whole sequence of inputs
    random_input(rng, T, B)       inputs to excite it with; paper_input(T, example) is the paper's test
    reference_model(r)            the outputs that a controlled plant should follow
    exact_inverse(y, y_prev, y_next)     the input that leads to y_next, if you know the equation

A plant is what control engineers call the machine that they control. All of these are simulated, in steps without a
unit. Outputs and inputs are numbers or arrays of any one shape, so that many runs can go side by side.
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_choice


class Parameters(NamedTuple):
    """What may drift in the plant of examples 2 and 7; the paper's values."""

    offset: float = 2.5
    gain: float = 1.0


NOMINAL = Parameters()
LARGEST_INPUT = {1: 1.0, 2: 2.0, 3: 2.0}  # the paper's training inputs are uniform between minus and plus this


def plant_step(y, y_prev, u, parameters=NOMINAL):
    """Return the next output y⁺ from the last two, y and y_prev, and the input u.

    Without input it rests at 0, at 0.5 and at 2; the middle one is unstable. ``parameters`` is for a plant that drifts.
    Source: Narendra & Parthasarathy (1990), examples 2 and 7.
    """
    return own_motion(y, y_prev, parameters) + parameters.gain * u  # eq-control-plant


def own_motion(y, y_prev, parameters=NOMINAL):
    """Return the part of ``plant_step`` that does not depend on the input."""
    return y * y_prev * (y + parameters.offset) / (1 + y**2 + y_prev**2)


def example_1(y, y_prev, u):
    """Return the next output of a plant that is linear in its outputs and a sum of three sines in its input."""
    driven = 0.6 * np.sin(np.pi * u) + 0.3 * np.sin(3 * np.pi * u) + 0.1 * np.sin(5 * np.pi * u)
    return 0.3 * y + 0.6 * y_prev + driven


def example_3(y, y_prev, u):
    """Return the next output of a plant of order one, whose input is cubed; y_prev is not used."""
    return y / (1 + y**2) + u**3


PLANTS = {1: example_1, 2: plant_step, 3: example_3}


def simulate(u, step=plant_step, start=(0.0, 0.0), load=0.0):
    """Return the outputs y (T, ...), where ``y[t]`` follows the input ``u[t]``, for u (T, ...).

    ``start``: the last two outputs before the first input, the newer one first. ``load``: a disturbance that is added
    to every next output; a number, or an array of the shape of u.
    """
    u = np.asarray(u, dtype=np.float64)
    load = np.broadcast_to(np.asarray(load, dtype=np.float64), u.shape)
    y, y_prev = (np.broadcast_to(np.asarray(value, dtype=np.float64), u.shape[1:]) for value in start)
    ys = np.empty_like(u)
    for t in range(len(u)):
        y, y_prev = step(y, y_prev, u[t]) + load[t], y
        ys[t] = y
    return ys


def random_input(rng, T, B, example=2, hold=1):
    """Draw inputs (T, B), uniform in the range of the example; each is held for ``hold`` steps.

    ``rng`` is a Generator or a seed. The paper trains on ``hold=1``.
    """
    check_choice("example", example, list(PLANTS))
    largest = LARGEST_INPUT[example]
    drawn = np.random.default_rng(rng).uniform(-largest, largest, size=(-(-T // hold), B))
    return np.repeat(drawn, hold, axis=0)[:T]


def paper_input(T, example=2):
    """Return the paper's test input (T,): slow sines, of period 250 in example 1, and 25 and 10 in the others."""
    check_choice("example", example, list(PLANTS))
    k = np.arange(T)
    if example == 1:
        return np.sin(2 * np.pi * k / 250)
    return np.sin(2 * np.pi * k / 25) + (np.sin(2 * np.pi * k / 10) if example == 3 else 0)


def reference_model(r, start=(0.0, 0.0)):
    """Return the outputs y_m (T, ...) to be followed, for set points r (T, ...); ``y_m[t]`` follows ``r[t]``.

    A linear plant that is stable and gains 5: a constant r is followed by 5 r. Source: example 7.
    """

    def step(y_m, y_m_prev, r_t):
        return 0.6 * y_m + 0.2 * y_m_prev + r_t  # eq-control-reference

    return simulate(r, step, start)


def exact_inverse(y, y_prev, y_next, parameters=NOMINAL):
    """Return the input u with which the plant goes from y and y_prev to y_next: its equation, solved for u."""
    return (y_next - own_motion(y, y_prev, parameters)) / parameters.gain  # eq-control-inverse
