"""Exercises of the chapter *The basic RNN*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def step(x_t, h_prev, W_ih, W_hh, b_ih, b_hh):
    """Return h_t (B, H) from x_t (B, D) and h_prev (B, H)."""
    a_t = x_t @ W_ih.T + b_ih + h_prev @ W_hh.T + b_hh
    return np.tanh(a_t)


def _step_inputs(rng):
    B, H = sizes(rng, 2)
    D = H  # square on purpose: a missing transpose must show in the numbers, not in an error
    return _step_arrays(rng, B, D, H)


def _step_arrays(rng, B, D, H):
    shapes = {"x_t": (B, D), "h_prev": (B, H), "W_ih": (H, D), "W_hh": (H, H), "b_ih": (H,), "b_hh": (H,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


check_step = Exercise(
    step,
    _step_inputs,
    returns=("h_t",),
    mistakes={
        "tanh is left out": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: x_t @ W_ih.T + b_ih + h_prev @ W_hh.T + b_hh,
        "the bias of the hidden side, b_hh, is left out": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(
            x_t, h_prev, W_ih, W_hh, b_ih, 0
        ),
        "the bias of the input side, b_ih, is left out": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(
            x_t, h_prev, W_ih, W_hh, 0, b_hh
        ),
        "both biases are left out": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(x_t, h_prev, W_ih, W_hh, 0, 0),
        "W_hh is not transposed": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(
            x_t, h_prev, W_ih, W_hh.T, b_ih, b_hh
        ),
        "W_ih is not transposed": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(
            x_t, h_prev, W_ih.T, W_hh, b_ih, b_hh
        ),
        "neither weight matrix is transposed": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(
            x_t, h_prev, W_ih.T, W_hh.T, b_ih, b_hh
        ),
        "relu is used instead of tanh": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: np.maximum(
            x_t @ W_ih.T + b_ih + h_prev @ W_hh.T + b_hh, 0
        ),
        "the sigmoid is used instead of tanh": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: (
            1 / (1 + np.exp(-(x_t @ W_ih.T + b_ih + h_prev @ W_hh.T + b_hh)))
        ),
        "tanh is applied to both parts before they are added": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: (
            np.tanh(x_t @ W_ih.T + b_ih) + np.tanh(h_prev @ W_hh.T + b_hh)
        ),
        "the memory h_prev is not used": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: step(
            x_t, 0 * h_prev, W_ih, W_hh, b_ih, b_hh
        ),
    },
    looks_at="Look again at the three equations of the block.",
    also=[lambda rng: _step_arrays(rng, *sizes(rng, 3))],
    about=About("the step", "write", 1, 5),
)


def forward(xs, h_0, W_ih, W_hh, b_ih, b_hh):
    """Return h after every step (T, B, H) for xs (T, B, D), starting from h_0 (B,
    H).
    """
    hs, h = [], h_0
    for x_t in xs:
        h = step(x_t, h, W_ih, W_hh, b_ih, b_hh)
        hs.append(h)
    return np.stack(hs)


def _forward_inputs(rng):
    T, B, D, H = sizes(rng, 4)
    shapes = {"xs": (T, B, D), "h_0": (B, H), "W_ih": (H, D), "W_hh": (H, H), "b_ih": (H,), "b_hh": (H,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def _state_never_updated(xs, h_0, W_ih, W_hh, b_ih, b_hh):
    return np.stack([step(x_t, h_0, W_ih, W_hh, b_ih, b_hh) for x_t in xs])


def _new_weights_each_step(xs, h_0, W_ih, W_hh, b_ih, b_hh):
    hs, h = [], h_0
    for t, x_t in enumerate(xs):
        h = step(x_t, h, W_ih * (t + 1), W_hh * (t + 1), b_ih, b_hh)
        hs.append(h)
    return np.stack(hs)


check_forward = Exercise(
    forward,
    _forward_inputs,
    returns=("hs",),
    mistakes={
        "every step starts from h_0: the loop never passes h on": _state_never_updated,
        "the initial state h_0 is ignored and zeros are used": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(
            xs, 0 * h_0, W_ih, W_hh, b_ih, b_hh
        ),
        "the outputs begin with h_0 and lack the last step": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: np.concatenate(
            [h_0[None], forward(xs, h_0, W_ih, W_hh, b_ih, b_hh)[:-1]]
        ),
        "the outputs begin with h_0: one state too many": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: np.concatenate(
            [h_0[None], forward(xs, h_0, W_ih, W_hh, b_ih, b_hh)]
        ),
        "the loop leaves out the first step": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(
            xs[1:], h_0, W_ih, W_hh, b_ih, b_hh
        ),
        "the sequence is read from its end": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(
            xs[::-1], h_0, W_ih, W_hh, b_ih, b_hh
        ),
        "the sequence is read from its end and the outputs are reversed": (
            lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(xs[::-1], h_0, W_ih, W_hh, b_ih, b_hh)[::-1]
        ),
        "the weights change from step to step": _new_weights_each_step,
    },
    looks_at="Follow one h through the loop: where does it come from, and where does it go?",
    about=About("the loop", "write", 1, 10),
)


def count_parameters(D, H, V):
    """Return the number of parameters of the block with its output layer."""
    return H * D + H * H + 2 * H + V * H + V


check_count_parameters = Exercise(
    count_parameters,
    lambda rng: dict(zip("DHV", rng.permutation(np.arange(2, 40))[:3].tolist())),
    returns=("the number",),
    mistakes={
        "the block has one bias instead of two": lambda D, H, V: H * D + H * H + H + V * H + V,
        "the output layer is left out": lambda D, H, V: H * D + H * H + 2 * H,
        "the output layer's bias is left out": lambda D, H, V: H * D + H * H + 2 * H + V * H,
        "all biases are left out": lambda D, H, V: H * D + H * H + V * H,
        "the recurrent matrix W_hh is left out": lambda D, H, V: H * D + 2 * H + V * H + V,
        "the output layer has two biases": lambda D, H, V: H * D + H * H + 2 * H + V * H + 2 * V,
    },
    looks_at="Count the shapes in the parameter table, one by one.",
    about=About("parameters", "write", 1, 5),
)


def batch_first(xs, h_0, W_ih, W_hh, b_ih, b_hh):
    """Return h after every step (B, T, H) for xs (B, T, D): the batch comes first,
    the state h_0 stays (B, H).
    """
    hs = forward(xs.swapaxes(0, 1), h_0, W_ih, W_hh, b_ih, b_hh)
    return hs.swapaxes(0, 1)


def _batch_first_inputs(rng):
    inputs = _forward_inputs(rng)
    B, D = len(inputs["h_0"]), inputs["W_ih"].shape[1]
    inputs["xs"] = rng.normal(size=(B, B, D))  # T = B on purpose: a missing swap must show in the numbers
    return inputs


check_batch_first = Exercise(
    batch_first,
    _batch_first_inputs,
    returns=("hs",),
    mistakes={
        "nothing is swapped: the batch is read as time": forward,
        "only the input is swapped, and the outputs stay time first": (
            lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(xs.swapaxes(0, 1), h_0, W_ih, W_hh, b_ih, b_hh)
        ),
        "only the outputs are swapped": (
            lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(xs, h_0, W_ih, W_hh, b_ih, b_hh).swapaxes(0, 1)
        ),
    },
    looks_at="Which axis does the loop run over? Print the shapes before and after it.",
    also=[lambda rng: (inputs := _forward_inputs(rng)) | {"xs": inputs["xs"].swapaxes(0, 1)}],  # T is not B
    about=About("shapes", "write", 2, 10),
)


def read_in_pieces(xs, k, W_ih, W_hh, b_ih, b_hh):
    """Return h after every step (T, B, H) for xs (T, B, D), read in pieces of at most
    k steps: the same states as in one piece, which starts from zeros.
    """
    h, hs = np.zeros((xs.shape[1], len(W_hh))), []
    for start in range(0, len(xs), k):
        for x_t in xs[start : start + k]:
            h = step(x_t, h, W_ih, W_hh, b_ih, b_hh)
            hs.append(h)
    return np.stack(hs)


def _pieces_inputs(rng):
    inputs = _forward_inputs(rng)
    T = int(rng.integers(7, 12))
    B, D = len(inputs.pop("h_0")), inputs["W_ih"].shape[1]
    return inputs | {"xs": rng.normal(size=(T, B, D)), "k": int(rng.integers(3, 6))}


def _with_start_of_each_piece(state_of):
    """The function that starts each piece but the first from state_of(hs so far)."""

    def wrong(xs, k, W_ih, W_hh, b_ih, b_hh):
        zeros = np.zeros((xs.shape[1], len(W_hh)))
        hs: list = []
        for start in range(0, len(xs), k):
            h = state_of(hs, k, zeros) if start else zeros
            for x_t in xs[start : start + k]:
                h = step(x_t, h, W_ih, W_hh, b_ih, b_hh)
                hs.append(h)
        return np.stack(hs)

    return wrong


check_read_in_pieces = Exercise(
    read_in_pieces,
    _pieces_inputs,
    returns=("hs",),
    mistakes={
        "every piece starts from zeros again": _with_start_of_each_piece(lambda hs, k, zeros: zeros),
        "a piece starts from the first state of the piece before it": _with_start_of_each_piece(
            lambda hs, k, zeros: hs[-k]
        ),
        "a piece starts from the state before the last one": _with_start_of_each_piece(lambda hs, k, zeros: hs[-2]),
        "a piece starts from the mean of all states so far": _with_start_of_each_piece(
            lambda hs, k, zeros: np.mean(hs, axis=0)
        ),
        "the pieces overlap by one step": lambda xs, k, **weights: read_in_pieces(
            xs[[t for s in range(0, len(xs), k) for t in range(max(s - 1, 0), min(s + k, len(xs)))]], k, **weights
        ),
        "the last, shorter piece is dropped": lambda xs, k, **weights: read_in_pieces(
            xs[: len(xs) // k * k], k, **weights
        ),
    },
    looks_at="What does the layer know about the first piece when it begins the second? Where is h set?",
    about=About("initial state", "find the bug", 2, 10),
)


def flat_share(states, limit):
    """Return for each unit (H,) the share of the steps of states (T, H) at which the
    slope of tanh is below ``limit``.
    """
    return np.mean(1 - states**2 < limit, axis=0)


check_flat_share = Exercise(
    flat_share,
    lambda rng: {
        "states": np.tanh(2 * rng.normal(size=(int(rng.integers(30, 40)), int(rng.integers(4, 9))))),
        "limit": float(rng.uniform(0.1, 0.3)),
    },
    returns=("share",),
    mistakes={
        "the state itself is compared with the limit, and not the slope": lambda states, limit: np.mean(
            states < limit, axis=0
        ),
        "states near zero are counted: there tanh is steepest": lambda states, limit: np.mean(
            np.abs(states) < limit, axis=0
        ),
        "steep steps are counted instead of flat ones": lambda states, limit: np.mean(1 - states**2 > limit, axis=0),
        "the slope is taken as 1 - |h|": lambda states, limit: np.mean(1 - np.abs(states) < limit, axis=0),
        "the slope is taken at h, as if h were the pre-activation": lambda states, limit: np.mean(
            1 - np.tanh(states) ** 2 < limit, axis=0
        ),
        "steps are counted and not divided by their number": lambda states, limit: np.sum(
            1 - states**2 < limit, axis=0
        ),
        "units are averaged at each step, and not steps for each unit": lambda states, limit: np.mean(
            1 - states**2 < limit, axis=1
        ),
    },
    looks_at="The slope of tanh at a is 1 - tanh(a)², and tanh(a) is the state. The lower panel shows it.",
    about=About("saturation", "write", 1, 5),
)


def change_the_tenth():
    """Run a layer on 24 random inputs twice, the second time with a different tenth
    input; count the states that move.
    """
    rng = np.random.default_rng(0)
    xs, h_0 = rng.normal(size=(24, 1, 2)), np.zeros((1, 3))
    weights = {"W_ih": rng.normal(size=(3, 2)), "W_hh": rng.normal(size=(3, 3))}
    weights |= {"b_ih": np.ones(3), "b_hh": np.ones(3)}
    before = forward(xs, h_0, **weights)
    xs[9] += 1
    return np.sum(np.any(forward(xs, h_0, **weights) != before, axis=(1, 2)))


check_states_that_move = Predict(
    "of the states after each of 24 steps, how many change when the tenth input is different?",
    run=change_the_tenth,
    why="The first nine states are finished before the tenth input is read; it and all later ones depend on it.",
    misreadings={
        "the tenth state itself is left out": 14.0,
        "the ninth state is counted as well": 16.0,
        "the states before it are counted": 9.0,
        "only the tenth state is assumed to change": 1.0,
        "all states are assumed to change": 24.0,
        "the tenth is counted among those that stay": 10.0,
    },
    tolerance=0.01,
    hint="Which states are finished before the tenth input is read?",
    about=About("causality", "predict", 1, 3),
)

check_least_flat = ReadAFigure(
    "fig-rnn-states",
    "5",  # a name: no unit is near another
    why="The row of unit 5 has the fewest white cells: two of 39 slopes are below 0.1.",
    misreadings={
        "white is read as steep; white cells are flat": "3",
        "the upper panel is read: there unit 1 is the darkest": "1",
        "the row with many white cells is read as the steepest": "7",
    },
    look="In the lower panel, white means flat. Which row has the fewest white cells?",
    choices=tuple("12345678"),
    about=About("saturation", "read a figure", 1, 3),
)
