"""Exercises of the chapter *Backpropagation through time*."""

import numpy as np

from rnnbook.in_numpy import RNN
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def delta_rule(x, target, w, b):
    """Return dw and db of L = (h - target)² / 2 for one tanh unit h = tanh(w x +
    b).
    """
    h = np.tanh(w * x + b)
    delta = (h - target) * (1 - h**2)
    return delta * x, delta


def _delta_with(slope, error=lambda h, target: h - target):
    def wrong(x, target, w, b):
        h = np.tanh(w * x + b)
        delta = error(h, target) * slope(h, w * x + b)
        return delta * x, delta

    return wrong


def _tanh_slope(h, a):
    return 1 - h**2


check_delta_rule = Exercise(
    delta_rule,
    lambda rng: dict(zip(("x", "target", "w", "b"), rng.normal(size=4).tolist(), strict=True)),
    returns=("dw", "db"),
    mistakes={
        "the slope φ' is left out (the delta rule of a linear unit)": _delta_with(lambda h, a: 1),
        "the slope is taken at h instead of a: 1 - tanh(h)²": _delta_with(lambda h, a: 1 - np.tanh(h) ** 2),
        "the slope is that of the sigmoid, h (1 - h)": _delta_with(lambda h, a: h * (1 - h)),
        "the sign is reversed: target - h": _delta_with(_tanh_slope, lambda h, target: target - h),
        "a factor 2 is left over, though the loss has the half": _delta_with(
            _tanh_slope, lambda h, target: 2 * (h - target)
        ),
        "the input x is left out of dw": lambda x, target, w, b: (delta_rule(x, target, w, b)[1],) * 2,
        "db carries the factor x as well": lambda x, target, w, b: (delta_rule(x, target, w, b)[0],) * 2,
    },
    looks_at="Follow the links: the weight moves a, a moves h, and h moves the loss.",
    about=About("chain rule", "write", 1, 5),
)


def immediate_and_total(xs, h_0, w, v, b):
    """Return the immediate and the total derivative, two numbers, of the last
    h_t = tanh(w x_t + v h_{t-1} + b) with respect to w, for xs (T,) from h_0.
    """
    h, total = h_0, 0.0
    for x_t in xs:
        h = np.tanh(w * x_t + v * h + b)
        slope = 1 - h**2
        immediate = slope * x_t
        total = immediate + slope * v * total
    return immediate, total


def _total_with(share, factor):
    """The recursion total = share + factor · total over the steps, where ``share`` or ``factor`` is wrong."""

    def wrong(xs, h_0, w, v, b):
        h, total = h_0, 0.0
        for x_t in xs:
            h_prev, h = h, np.tanh(w * x_t + v * h + b)
            slope = 1 - h**2
            total = share(slope, x_t, h_prev) + factor(slope, v, w) * total
        return immediate_and_total(xs, h_0, w, v, b)[0], total

    return wrong


def _share(slope, x_t, h_prev):
    return slope * x_t


def _through_v_alone(xs, h_0, w, v, b):
    """Both derivatives with respect to v, which the chapter computes."""
    h, total = h_0, 0.0
    for x_t in xs:
        h_prev, h = h, np.tanh(w * x_t + v * h + b)
        immediate = (1 - h**2) * h_prev
        total = immediate + (1 - h**2) * v * total
    return immediate, total


check_immediate_and_total = Exercise(
    immediate_and_total,
    lambda rng: {
        "xs": rng.normal(size=int(rng.integers(3, 7))),
        "h_0": rng.normal(),
        "w": 0.5 * rng.normal(),
        "v": 0.5 + rng.random(),
        "b": 0.5 * rng.normal(),
    },  # fmt: skip
    returns=("the immediate derivative", "the total derivative"),
    mistakes={
        "the immediate derivative is given for both": lambda xs, h_0, w, v, b: (
            (immediate_and_total(xs, h_0, w, v, b)[0],) * 2
        ),
        "the two are in the wrong order": lambda xs, h_0, w, v, b: immediate_and_total(xs, h_0, w, v, b)[::-1],
        "the derivatives are those with respect to v, not w": _through_v_alone,
        "the path through the state lacks the slope φ'": _total_with(_share, lambda slope, v, w: v),
        "the path through the state lacks the weight v": _total_with(_share, lambda slope, v, w: slope),
        "the path through the state has the weight w instead of v": _total_with(_share, lambda slope, v, w: slope * w),
        "the shares of the steps are added without the states they pass through": _total_with(
            _share, lambda slope, v, w: 1
        ),
        "the path through the state is counted alone, without the immediate one": lambda xs, h_0, w, v, b: (
            lambda immediate, total: (immediate, total - immediate)
        )(*immediate_and_total(xs, h_0, w, v, b)),
        "the initial state is ignored and zero is used": lambda xs, h_0, w, v, b: immediate_and_total(xs, 0.0, w, v, b),
    },
    looks_at="Two paths: directly, with the previous state held fixed; and through the previous state.",
    about=About("chain rule", "write", 2, 10),
)


def step_back(dh_out, dh_next, c, W_ih, W_hh, alpha):
    """Return da (B, H), dx (B, D) and the gradient with respect to the state
    before (B, H), for h_t = (1 - alpha) h_{t-1} + alpha c_t and c_t = tanh(a_t).
    """
    dh = dh_out + dh_next
    da = alpha * dh * (1 - c**2)
    return da, da @ W_ih, da @ W_hh + (1 - alpha) * dh


def _step_back_inputs(rng):
    B, H = sizes(rng, 2)
    D = H  # square on purpose: a missing transpose must show in the numbers, not in an error
    return _step_back_arrays(rng, B, D, H)


def _step_back_arrays(rng, B, D, H):
    return {"dh_out": rng.normal(size=(B, H)), "dh_next": rng.normal(size=(B, H)),
            "c": np.tanh(rng.normal(size=(B, H))), "W_ih": rng.normal(size=(H, D)),
            "W_hh": rng.normal(size=(H, H)), "alpha": rng.uniform(0.2, 0.8)}  # fmt: skip


def _leaky(change):
    """A step back in which one part, named in ``change``, is done differently."""

    def wrong(dh_out, dh_next, c, W_ih, W_hh, alpha):
        dh = dh_out + dh_next
        of = {"slope": 1 - c**2, "direct": (1 - alpha) * dh, "da": lambda slope: alpha * dh * slope}
        of |= change(dh=dh, c=c, alpha=alpha, slope=1 - c**2, W_hh=W_hh)
        da = of["da"](of["slope"])
        handed = of.get("handed", lambda da: da)(da)
        return da, handed @ W_ih, of.get("state", lambda da: da @ W_hh)(handed) + of["direct"]

    return wrong


check_step_back = Exercise(
    step_back,
    _step_back_inputs,
    returns=("da", "dx", "the gradient with respect to the state before"),
    mistakes={
        "dh_next is forgotten": lambda dh_out, dh_next, **rest: step_back(dh_out, 0, **rest),
        "dh_out is forgotten": lambda dh_out, dh_next, **rest: step_back(0, dh_next, **rest),
        "the slope of tanh is forgotten": _leaky(lambda **v: {"slope": 1}),
        "the slope is taken at c instead of a: 1 - tanh(c)²": _leaky(lambda c, **v: {"slope": 1 - np.tanh(c) ** 2}),
        "alpha is left out of da": _leaky(lambda dh, **v: {"da": lambda slope: dh * slope}),
        "the direct path, (1 - alpha) dh, is left out": _leaky(lambda **v: {"direct": 0}),
        "the direct path carries alpha dh instead of (1 - alpha) dh": _leaky(
            lambda dh, alpha, **v: {"direct": alpha * dh}
        ),
        "the direct path passes through the slope of tanh as well": _leaky(
            lambda dh, alpha, slope, **v: {"direct": (1 - alpha) * dh * slope}
        ),
        "the direct path carries all of dh": _leaky(lambda dh, **v: {"direct": dh}),
        "W_hh is transposed: in rows, the product is da @ W_hh": lambda W_hh, **rest: step_back(W_hh=W_hh.T, **rest),
        "W_ih is transposed: in rows, the product is da @ W_ih": lambda W_ih, **rest: step_back(W_ih=W_ih.T, **rest),
        "both matrices are transposed": lambda W_ih, W_hh, **rest: step_back(W_ih=W_ih.T, W_hh=W_hh.T, **rest),
        "dh is passed on where da should be, to the input and the state": _leaky(
            lambda dh, **v: {"handed": lambda da: dh}
        ),
        "dh is passed on where da should be, to the previous state": _leaky(
            lambda dh, W_hh, **v: {"state": lambda da: dh @ W_hh}
        ),
    },
    looks_at="Three questions: what reaches h, what reaches a, and on which two paths did the previous state enter h?",
    also=[lambda rng: _step_back_arrays(rng, *sizes(rng, 3))],
    about=About("backward pass", "write", 2, 10),
)


def backward(dhs, xs, hs, cs, W_ih, W_hh, alpha):
    """Return dW_ih (H, D), dW_hh (H, H), db (H,) and dh_0 (B, H); ``hs``
    (T + 1, B, H) has the initial state first, ``cs`` (T, B, H) is tanh(a).
    """
    dW_ih, dW_hh, db = np.zeros_like(W_ih), np.zeros_like(W_hh), np.zeros(len(W_hh))
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        da, _, dh_next = step_back(dhs[t], dh_next, cs[t], W_ih, W_hh, alpha)
        dW_ih += da.T @ xs[t]
        dW_hh += da.T @ hs[t]
        db += da.sum(axis=0)
    return dW_ih, dW_hh, db, dh_next


def _backward_inputs(rng):
    T, B, D, H = sizes(rng, 4)
    alpha, cs = rng.uniform(0.2, 0.8), np.tanh(rng.normal(size=(T, B, H)))
    hs = [0.5 * rng.normal(size=(B, H))]
    for c in cs:
        hs.append((1 - alpha) * hs[-1] + alpha * c)
    return {"dhs": rng.normal(size=(T, B, H)), "xs": rng.normal(size=(T, B, D)), "hs": np.stack(hs), "cs": cs,
            "W_ih": rng.normal(size=(H, D)), "W_hh": rng.normal(size=(H, H)), "alpha": alpha}  # fmt: skip


def _gradients(dhs, hs, cs, W_ih, W_hh, alpha, carried=True, forward=False, slope=lambda c: 1 - c**2, direct=True):
    """Return da (T, B, H) and dh_0, with one thing changed by an argument."""
    das, dh_next = np.zeros_like(dhs), np.zeros_like(hs[0])
    for t in range(len(dhs)) if forward else reversed(range(len(dhs))):
        dh = dhs[t] + carried * dh_next
        das[t] = alpha * dh * slope(cs[t])
        dh_next = das[t] @ W_hh + direct * (1 - alpha) * dh
    return das, dh_next


def _sums(das, xs, h_before, dh_0):
    flat = das.reshape(-1, das.shape[2])
    return flat.T @ xs.reshape(len(flat), -1), flat.T @ h_before.reshape(len(flat), -1), flat.sum(axis=0), dh_0


def _with(before=lambda hs: hs[:-1], **changes):
    """The backward pass with one thing changed: what multiplies da in dW_hh, or an argument of ``_gradients``."""

    def wrong(dhs, xs, hs, **rest):
        das, dh_0 = _gradients(dhs, hs, **rest, **changes)
        return _sums(das, xs, before(hs), dh_0)

    return wrong


def _bias_with(reduce):
    def wrong(**arguments):
        dW_ih, dW_hh, _, dh_0 = backward(**arguments)
        das, _ = _gradients(**{name: value for name, value in arguments.items() if name != "xs"})
        return dW_ih, dW_hh, reduce(das), dh_0

    return wrong


def _only_the_first_step(dhs, xs, hs, **rest):
    das, dh_0 = _gradients(dhs, hs, **rest)
    return _sums(das[:1], xs[:1], hs[:1], dh_0)


def _start_left_out(xs, hs, **rest):
    return backward(xs=xs, hs=np.concatenate([0 * hs[:1], hs[1:]]), **rest)


def _dh_of_the_first_state(dhs, xs, hs, cs, W_ih, W_hh, alpha):
    found = backward(dhs, xs, hs, cs, W_ih, W_hh, alpha)
    later = backward(dhs[1:], xs[1:], hs[1:], cs[1:], W_ih, W_hh, alpha)[3] if len(xs) > 1 else np.zeros_like(hs[0])
    return *found[:3], dhs[0] + later


check_backward = Exercise(
    backward,
    _backward_inputs,
    returns=("dW_ih", "dW_hh", "db", "dh_0"),
    mistakes={
        "the gradients are assigned with = instead of added with +=": _only_the_first_step,
        "nothing arrives from the next step: dh_next stays zero": _with(carried=False),
        "the loop runs forward in time": _with(forward=True),
        "the slope of tanh is forgotten": _with(slope=np.ones_like),
        "W_hh is transposed in the backward pass": lambda dhs, xs, hs, W_hh, **rest: _with()(
            dhs=dhs, xs=xs, hs=hs, W_hh=W_hh.T, **rest
        ),
        "the direct path from state to state is left out": _with(direct=False),
        "dW_hh takes the state after the step, not the one before": _with(before=lambda hs: hs[1:]),
        "dW_hh leaves out the initial state": _start_left_out,
        "db is taken from the first sequence, not summed over the batch": _bias_with(lambda das: das[:, 0].sum(axis=0)),
        "db is averaged over the batch instead of summed": _bias_with(lambda das: das.mean(axis=1).sum(axis=0)),
        "dh_0 is the gradient of the first state, one step too late": _dh_of_the_first_state,
    },
    looks_at="Write down for one t which state the step reads, and which it makes.",
    about=About("backward pass", "write", 3, 20),
)


def ends(dy, hs, dx, symbols, E):
    """Return dW_hy (V, H), db_y (V,) and dE, of E's shape (S, D), from dy (T, B, V),
    the states hs (T, B, H), dx (T, B, D) and the symbols (T, B) that were read.
    """
    dW_hy = np.einsum("tbv,tbh->vh", dy, hs)
    db_y = dy.sum(axis=(0, 1))
    dE = np.zeros_like(E)
    np.add.at(dE, symbols, dx)
    return dW_hy, db_y, dE


def _ends_inputs(rng):
    T, B, V, H, D = sizes(rng, 5)
    S = int(rng.integers(4, 7))  # fewer symbols than places: some are read twice
    symbols = rng.integers(S, size=(T, B))
    symbols[0, :2] = symbols[1, 0] = symbols[2, 1] = 1
    return {"dy": rng.normal(size=(T, B, V)), "hs": np.tanh(rng.normal(size=(T, B, H))),
            "dx": rng.normal(size=(T, B, D)), "symbols": symbols, "E": rng.normal(size=(S, D))}  # fmt: skip


def _table(fill):
    """The ends with a different way to fill dE."""

    def wrong(dy, hs, dx, symbols, E):
        dE = np.zeros_like(E)
        fill(dE, symbols, dx)
        return *ends(dy, hs, dx, symbols, E)[:2], dE

    return wrong


def _counted_once(dE, symbols, dx):
    dE[symbols] += dx


def _averaged(dE, symbols, dx):
    np.add.at(dE, symbols, dx)
    dE /= np.maximum(np.bincount(symbols.ravel(), minlength=len(dE)), 1)[:, None]


def _of_one_sequence(dE, symbols, dx):
    np.add.at(dE, symbols[:, 0], dx[:, 0])


def _one_step_late(dy, hs, dx, symbols, E):
    before = np.concatenate([0 * hs[:1], hs[:-1]])
    return np.einsum("tbv,tbh->vh", dy, before), *ends(dy, hs, dx, symbols, E)[1:]


check_ends = Exercise(
    ends,
    _ends_inputs,
    returns=("dW_hy", "db_y", "dE"),
    mistakes={
        "a symbol that is read several times counts once: dE[symbols] += dx": _table(_counted_once),
        "a row of dE is the mean over its uses instead of their sum": _table(_averaged),
        "dE is taken from the first sequence of the batch": _table(_of_one_sequence),
        "dW_hy takes the state from before the step": _one_step_late,
        "dW_hy and db_y are those of the last step alone": lambda dy, hs, dx, symbols, E: (
            *ends(dy[-1:], hs[-1:], dx[-1:], symbols[-1:], E)[:2],
            ends(dy, hs, dx, symbols, E)[2],
        ),
        "db_y is averaged over the batch instead of summed": lambda dy, hs, dx, symbols, E: (
            ends(dy, hs, dx, symbols, E)[0],
            dy.mean(axis=1).sum(axis=0),
            ends(dy, hs, dx, symbols, E)[2],
        ),
        "all gradients are averaged over the batch instead of summed": lambda dy, **rest: tuple(
            grad / dy.shape[1] for grad in ends(dy, **rest)
        ),
    },
    looks_at="At which steps, and in which sequences, does one entry of each of the three act?",
    about=About("output layer and embedding", "write", 2, 15),
)


def _training(program, updates=100, lr=0.03):
    """Return the losses of 100 updates with the gradients of ``program``: 8 units should say what they read two steps
    before, through a fixed output layer.
    """
    rng, (T, B, D, H), alpha = np.random.default_rng(0), (10, 16, 1, 8), 0.6
    xs, v = rng.normal(size=(T, B, D)), rng.normal(size=H)
    W_ih, W_hh, b = rng.normal(size=(H, D)), 0.3 * rng.normal(size=(H, H)), np.zeros(H)
    losses = []
    for _ in range(updates):
        hs, cs = [np.zeros((B, H))], []
        for x in xs:
            cs.append(np.tanh(x @ W_ih.T + hs[-1] @ W_hh.T + b))
            hs.append((1 - alpha) * hs[-1] + alpha * cs[-1])
        wrong = np.stack(hs[3:]) @ v - xs[:-2, :, 0]  # of steps 3 to T
        losses.append(np.mean(wrong**2))
        dhs = np.concatenate([np.zeros((2, B, H)), 2 * wrong[..., None] * v / wrong.size])
        dW_ih, dW_hh, db, _ = program(dhs, xs, np.stack(hs), np.stack(cs), W_ih, W_hh, alpha)
        W_ih, W_hh, b = W_ih - lr * dW_ih, W_hh - lr * dW_hh, b - lr * db
    return losses


check_bug_in_backward = FindTheBug(
    check_backward,
    looks_at="Which of the four results are wrong? Then try program.difference(hs=0), W_hh=0, alpha=1.0.",
    curve=_training,
    about=About("backward pass", "find the bug", 3, 15),
)


def gradient_of_the_start():
    """Carry a gradient of 1 back over twenty steps of one unit whose states are all
    zero.
    """
    layer = RNN(1, 1, dtype=np.float64)
    layer.params.update({name: 0 * value for name, value in layer.params.items()})
    layer.params["weight_hh"][:] = 0.9
    outputs, _, trace = layer.forward(np.zeros((20, 1, 1)))
    dhs = np.zeros_like(outputs)
    dhs[-1] = 1  # a loss on the last state alone
    return layer.backward(dhs, trace)[1][0, 0]


check_start = Predict(
    "what is dh_0, if the loss sends a gradient of 1 to the last of twenty states?",
    run=gradient_of_the_start,
    why="Each of the twenty steps multiplies by φ'(0) v = 0.9, and 0.9 to the power of twenty is about an eighth.",
    misreadings={
        "one factor is forgotten, from h_1 to h_0": 0.9**19,
        "every step is assumed to take away a tenth of the first value": -1.0,
        "the gradient is assumed to arrive unchanged": 1.0,
        "only one step is counted": 0.9,
        "the slope of tanh at zero is assumed to be a half": 0.45**20,
    },
    tolerance=0.05,
    hint="What is the slope of tanh at zero? How many times does the gradient pass from a state to the one before?",
    about=About("backward pass", "predict", 1, 5),
)

check_inputs_right = ReadAFigure(
    "fig-bptt-museum",
    4.0,
    why="Four bugs spoil a single sum, dW_hh or db. The inputs' gradient is computed from da, which is right there.",
    misreadings={
        "the bugs that spoil the inputs' gradient are counted": 3.0,
        "the correct backward pass is counted too": 5.0,
        "one of the bugs in a single sum is missed": 2.0,
        "every row is counted": 8.0,
    },
    look="Read the column x from top to bottom, and leave out the first row.",
    tolerance=0.01,
    about=About("gradient check", "read a figure", 1, 5),
)
