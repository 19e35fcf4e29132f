"""Exercises of the chapter *The LSTM*."""

import numpy as np

from rnnbook.in_numpy import LSTM
from rnnbook.in_numpy.functions import sigmoid
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def _arrays(*names):
    """Draw arrays of one shape (B, H)."""

    def draw(rng):
        shape = sizes(rng, 2)
        return {name: rng.normal(size=shape) for name in names}

    return draw


def coupled_step(a_f, a_g, a_o, c_prev):
    """Return h_t and c_t (B, H) of an LSTM that adds just as much as it forgets, from
    three pre-activations and the old carry, each (B, H).
    """
    f, o = sigmoid(a_f), sigmoid(a_o)
    c = f * c_prev + (1 - f) * np.tanh(a_g)
    return o * np.tanh(c), c


def _coupled(a_f, a_g, a_o, c_prev, squash=np.tanh, show=np.tanh, keep=True, share=True, shown=False):
    f, o = sigmoid(a_f), sigmoid(a_o)
    c = (f if keep else 1) * c_prev + (1 - f if share else 1) * squash(a_g)
    if shown:  # the output gate shrinks the carry itself
        c = o * c
        return np.tanh(c), c
    return o * show(c), c


check_coupled_step = Exercise(
    coupled_step,
    _arrays("a_f", "a_g", "a_o", "c_prev"),
    returns=("h_t", "c_t"),
    mistakes={
        "f and 1 - f are swapped": lambda a_f, **rest: coupled_step(-a_f, **rest),
        "tanh is missing on the candidate": lambda **a: _coupled(**a, squash=lambda a_g: a_g),
        "the candidate gets a sigmoid, as if it were a gate": lambda **a: _coupled(**a, squash=sigmoid),
        "tanh is missing on the output": lambda **a: _coupled(**a, show=lambda c: c),
        "the old carry is not scaled by f": lambda **a: _coupled(**a, keep=False),
        "the candidate is added in full": lambda **a: _coupled(**a, share=False),
        "o is applied before the carry is passed on": lambda **a: _coupled(**a, shown=True),
    },
    looks_at="Take the two equations for the carry and the state, and put 1 - f in place of i.",
    about=About("gates", "write", 1, 10),
)


def carry_gradients(dh, dc_next, f, o, c):
    """Return dc_t and dc^next_{t-1} (B, H): what reaches the carry, and what it
    passes to the step before.
    """
    dc = dc_next + dh * o * (1 - np.tanh(c) ** 2)
    return dc, f * dc


def _gated(**arrays):
    gates = {"i", "f", "o"}
    return {name: sigmoid(value) if name in gates else value for name, value in arrays.items()}


def _carry(dh, dc_next, f, o, c, slope=True, gate=True, scaled=True):
    dc = dc_next + dh * (o if gate else 1) * (1 - np.tanh(c) ** 2 if slope else 1)
    return dc, (f if scaled else 1) * dc


check_carry_gradients = Exercise(
    carry_gradients,
    lambda rng: _gated(**_arrays("dh", "dc_next", "f", "o", "c")(rng)),
    returns=("dc_t", "dc^next_{t-1}"),
    mistakes={
        "what comes back along the belt, dc_next, is forgotten": lambda dc_next, **a: carry_gradients(
            dc_next=0 * dc_next, **a
        ),
        "what comes from the state h_t is forgotten": lambda dh, **a: carry_gradients(dh=0 * dh, **a),
        "the derivative of tanh is forgotten": lambda **a: _carry(**a, slope=False),
        "1 - c² is taken for the derivative, without the tanh inside": lambda dh, dc_next, f, o, c: carry_gradients(
            dh * (1 - c**2), dc_next, f, o, 0 * c
        ),
        "the output gate is forgotten": lambda **a: _carry(**a, gate=False),
        "the gradient is passed on without the forget gate": lambda **a: _carry(**a, scaled=False),
        "the forget gate is already applied to dc_next": lambda dc_next, f, **a: carry_gradients(
            dc_next=f * dc_next, f=f, **a
        ),
    },
    looks_at="The carry is used twice: by h_t, through tanh and o, and by the next step. And c_{t-1} enters times f.",
    about=About("backward pass", "write", 2, 15),
)


check_bug_in_carry_gradients = FindTheBug(
    check_carry_gradients,
    looks_at="Try program.difference(dh=0), then dc_next=0: which of the two paths has the bug?",
    about=About("backward pass", "find the bug", 2, 10),
)


def ten_steps_half_open():
    """Run one unit for ten steps: nothing gets in, the forget gate has the bias 0,
    and the carry starts at 1.
    """
    layer = LSTM(1, 1, dtype=np.float64)
    for value in layer.params.values():
        value[...] = 0
    layer.params["bias_ih"][0] = -50  # the input gate
    start = np.zeros((1, 1)), np.ones((1, 1))
    _, (_, c), _ = layer.forward(np.zeros((10, 1, 1)), start)
    return c.item()


check_half_open = Predict(
    "what is left of the carry after ten steps with a forget bias of 0?",
    run=ten_steps_half_open,
    why="A bias of 0 is a gate of one half: 0.5 to the power of ten.",
    misreadings={
        "a bias of 0 is assumed to leave the gate open": 1.0,
        "a bias of 0 is assumed to close the gate": 0.0,
        "one half is taken off once, not at every step": 0.5,
        "a tenth of the half is taken off at every step": 0.95**10,
    },
    tolerance=0.05,
    hint="What is σ(0)? And what does the next step do to what the first left?",
    about=About("forget gate", "predict", 1, 5),
)

check_open_at_the_end = ReadAFigure(
    "fig-lstm-brackets",
    "unit 3",
    why="At the closing bracket the forget gates of units 1 and 2 are nearly white, that of unit 3 is still dark.",
    misreadings={
        "the row of the input gates is read": "unit 1",
        "the opening bracket is mistaken for the closing one": "none",
        "the rows are counted from below": "unit 2",
    },
    look="Second panel, the column of the first closing bracket: which row is dark there?",
    choices=("unit 1", "unit 2", "unit 3", "none"),
    about=About("forget gate", "read a figure", 1, 5),
)


def to_onnx_order(weight):
    """Return the matrix (4H, D) with its blocks i, f, g, o put in the order i, o,
    f, g.
    """
    i, f, g, o = np.split(weight, 4)
    return np.concatenate([i, o, f, g])


def _in_order(order):
    return lambda weight: np.concatenate([np.split(weight, 4)[k] for k in order])


check_to_onnx_order = Exercise(
    to_onnx_order,
    lambda rng: {"weight": rng.normal(size=(4 * int(rng.integers(2, 5)), *sizes(rng, 1)))},
    returns=("weight",),
    mistakes={
        "the blocks stay in the order i, f, g, o": _in_order([0, 1, 2, 3]),
        "the conversion runs the other way: a matrix in i, o, f, g is put in order i, f, g, o": _in_order([0, 2, 3, 1]),
        "f and o are swapped, and g stays third": _in_order([0, 3, 2, 1]),
        "the result is in the order i, f, o, g": _in_order([0, 1, 3, 2]),
        "every fourth row is taken as a gate, not every block of H rows": lambda weight: weight.reshape(
            -1, 4, weight.shape[1]
        )[:, [0, 3, 1, 2]].reshape(weight.shape),
    },
    looks_at="A gate owns H adjacent rows. Split into four, then stack in the new order.",
    about=About("gate order", "write", 1, 5),
)


def bias_for_half_life(steps):
    """Return the forget-gate bias (N,) that leaves half of the carry after ``steps
    (N,)`` steps.
    """
    f = 0.5 ** (1 / steps)
    return np.log(f / (1 - f))


check_bias_for_half_life = Exercise(
    bias_for_half_life,
    lambda rng: {"steps": rng.uniform(1.5, 60, size=sizes(rng, 1))},
    returns=("bias",),
    mistakes={
        "the gate's value f is returned, not the bias that makes it": lambda steps: 0.5 ** (1 / steps),
        "the sigmoid of f is taken; it is its inverse that you need": lambda steps: sigmoid(0.5 ** (1 / steps)),
        "the sigmoid is inverted by the logarithm alone": lambda steps: np.log(0.5) / steps,
        "1 - f is mistaken for f: this gate forgets as much as the right one keeps": lambda steps: (
            -bias_for_half_life(steps)
        ),
        "the share left after the steps is 1/e, not one half": lambda steps: -np.log(np.expm1(1 / steps)),
        "f is set to 1 - 1/steps, a time constant and not a half-life": lambda steps: np.log(steps - 1),
        "f loses a share of one half divided by steps at every step": lambda steps: np.log(2 * steps - 1),
    },
    looks_at="First find the f whose power f**steps is one half; then the b with σ(b) = f.",
    about=About("memory", "write", 2, 10),
)


def peephole_step(a_i, a_f, a_g, a_o, c_prev, p_i, p_f, p_o):
    """Return h_t and c_t (B, H) of an LSTM whose gates see the carry through p_i,
    p_f, p_o (H,).
    """
    i = sigmoid(a_i + p_i * c_prev)
    f = sigmoid(a_f + p_f * c_prev)
    c = f * c_prev + i * np.tanh(a_g)
    o = sigmoid(a_o + p_o * c)
    return o * np.tanh(c), c


def _peephole_inputs(rng):
    arrays = _arrays("a_i", "a_f", "a_g", "a_o", "c_prev")(rng)
    return arrays | {name: rng.normal(size=arrays["c_prev"].shape[1]) for name in ("p_i", "p_f", "p_o")}


def _step(a_i, a_f, a_g, a_o, c_prev):
    c = sigmoid(a_f) * c_prev + sigmoid(a_i) * np.tanh(a_g)
    return sigmoid(a_o) * np.tanh(c), c


def _output_sees_the_old_carry(a_i, a_f, a_g, a_o, c_prev, p_i, p_f, p_o):
    return _step(a_i + p_i * c_prev, a_f + p_f * c_prev, a_g, a_o + p_o * c_prev, c_prev)


def _peeps_after_the_sigmoid(a_i, a_f, a_g, a_o, c_prev, p_i, p_f, p_o):
    c = (sigmoid(a_f) + p_f * c_prev) * c_prev + (sigmoid(a_i) + p_i * c_prev) * np.tanh(a_g)
    return (sigmoid(a_o) + p_o * c) * np.tanh(c), c


check_peephole_step = Exercise(
    peephole_step,
    _peephole_inputs,
    returns=("h_t", "c_t"),
    mistakes={
        "the output gate looks at the old carry instead of the new one": _output_sees_the_old_carry,
        "the output gate has no peephole": lambda p_o, **a: peephole_step(p_o=0 * p_o, **a),
        "p_i and p_f are swapped": lambda p_i, p_f, **a: peephole_step(p_i=p_f, p_f=p_i, **a),
        "the candidate gets a peephole too": lambda a_g, p_i, c_prev, **a: peephole_step(
            a_g=a_g + p_i * c_prev, p_i=p_i, c_prev=c_prev, **a
        ),
        "the peephole is added after the sigmoid": _peeps_after_the_sigmoid,
        "the peepholes are left out": lambda p_i, p_f, p_o, **a: _step(**a),
    },
    looks_at="The peephole belongs inside the sigmoid; i and f come before the new carry, o after it.",
    about=About("peepholes", "write", 2, 15),
)


check_is_bias_1_better = Design(
    {
        "a": (True, "With one seed each, luck decides: on the adding task the default start failed with some seeds."),
        "b": (True, "The default start of the library is the control; without it there is nothing to be better than."),
        "c": (False, "A learning rate tuned for only one start gives that start an unfair advantage."),
        "d": (True, "A start that has not learned in time may only be slower: double the budget once."),
        "e": (False, "The seeds picked by the result flatter the start that you hope for."),
        "f": (True, "One task does not tell a better start from one that fits this task."),
    },
    looks_at="What else could make one start look better than the other?",
    about=About("experiments", "design", 2, 10),
)
