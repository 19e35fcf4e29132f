"""Exercises of the chapter *The basic RNN*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes


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
        "tanh is left off": lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: x_t @ W_ih.T + b_ih + h_prev @ W_hh.T + b_hh,
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
        "every step starts from h_0: the loop never hands h on": _state_never_updated,
        "the initial state h_0 is ignored and zeros are used": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(
            xs, 0 * h_0, W_ih, W_hh, b_ih, b_hh
        ),
        "the outputs begin with h_0 and miss the last step": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: np.concatenate(
            [h_0[None], forward(xs, h_0, W_ih, W_hh, b_ih, b_hh)[:-1]]
        ),
        "the sequence is read from its end": lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(
            xs[::-1], h_0, W_ih, W_hh, b_ih, b_hh
        ),
        "the sequence is read from its end and the outputs are turned round": (
            lambda xs, h_0, W_ih, W_hh, b_ih, b_hh: forward(xs[::-1], h_0, W_ih, W_hh, b_ih, b_hh)[::-1]
        ),
        "the weights change from step to step": _new_weights_each_step,
    },
    looks_at="Follow one h through the loop: where does it come from, where does it go?",
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
