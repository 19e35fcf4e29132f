"""Exercises of the chapter *Backpropagation through time*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes


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
        "the sign is turned: target - h": _delta_with(_tanh_slope, lambda h, target: target - h),
        "a factor 2 is left over, though the loss has the half": _delta_with(
            _tanh_slope, lambda h, target: 2 * (h - target)
        ),
        "the input x is left out of dw": lambda x, target, w, b: (delta_rule(x, target, w, b)[1],) * 2,
        "db carries the factor x, too": lambda x, target, w, b: (delta_rule(x, target, w, b)[0],) * 2,
    },
    looks_at="Follow the links: the weight moves a, a moves h, h moves the loss.",
    about=About("chain rule", "write", 1, 5),
)


def immediate_and_total(xs, h_0, w, v, b):
    """Return the immediate and the total derivative by v, two numbers, of the last
    h_t = tanh(w x_t + v h_{t-1} + b), for xs (T,) from h_0.
    """
    h, total = h_0, 0.0
    for x_t in xs:
        h_prev, h = h, np.tanh(w * x_t + v * h + b)
        slope = 1 - h**2
        immediate = slope * h_prev
        total = immediate + slope * v * total
    return immediate, total


def _total_with(share, factor, start=0.0):
    """The recursion total = share + factor · total over the steps, where ``share`` or ``factor`` go wrong."""

    def wrong(xs, h_0, w, v, b):
        h, total = h_0, start
        for x_t in xs:
            h_prev, h = h, np.tanh(w * x_t + v * h + b)
            slope = 1 - h**2
            total = share(slope, h_prev, h) + factor(slope, v) * total
        return immediate_and_total(xs, h_0, w, v, b)[0], total

    return wrong


def _share(slope, h_prev, h):
    return slope * h_prev


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
        "the path through the state lacks the slope φ'": _total_with(_share, lambda slope, v: v),
        "the path through the state lacks the weight v": _total_with(_share, lambda slope, v: slope),
        "the shares of the steps are added without the states they pass": _total_with(_share, lambda slope, v: 1),
        "h_t stands where h_{t-1} should in the total derivative": _total_with(
            lambda slope, h_prev, h: slope * h, lambda slope, v: slope * v
        ),
        "the path through the state is counted alone, without the immediate one": lambda xs, h_0, w, v, b: (
            lambda immediate, total: (immediate, total - immediate)
        )(*immediate_and_total(xs, h_0, w, v, b)),
        "the initial state is ignored and zero is used": lambda xs, h_0, w, v, b: immediate_and_total(xs, 0.0, w, v, b),
    },
    looks_at="Two paths: at once, with the state before held fixed; and through the state before.",
    about=About("chain rule", "write", 2, 10),
)


def step_back(dh_out, dh_next, h, W_ih, W_hh):
    """Return da (B, H), dx (B, D) and the gradient by the state before (B, H)."""
    dh = dh_out + dh_next
    da = dh * (1 - h**2)
    return da, da @ W_ih, da @ W_hh


def _step_back_inputs(rng):
    B, H = sizes(rng, 2)
    D = H  # square on purpose: a missing transpose must show in the numbers, not in an error
    return _step_back_arrays(rng, B, D, H)


def _step_back_arrays(rng, B, D, H):
    return {"dh_out": rng.normal(size=(B, H)), "dh_next": rng.normal(size=(B, H)),
            "h": np.tanh(rng.normal(size=(B, H))), "W_ih": rng.normal(size=(H, D)),
            "W_hh": rng.normal(size=(H, H))}  # fmt: skip


def _slope_at_h(dh_out, dh_next, h, W_ih, W_hh):
    da = (dh_out + dh_next) * (1 - np.tanh(h) ** 2)
    return da, da @ W_ih, da @ W_hh


def _dh_instead_of_da(dh_out, dh_next, h, W_ih, W_hh):
    dh = dh_out + dh_next
    return dh * (1 - h**2), dh @ W_ih, dh @ W_hh


def _state_before_gets_dh(dh_out, dh_next, h, W_ih, W_hh):
    da, dx, _ = step_back(dh_out, dh_next, h, W_ih, W_hh)
    return da, dx, (dh_out + dh_next) @ W_hh


check_step_back = Exercise(
    step_back,
    _step_back_inputs,
    returns=("da", "dx", "the gradient by the state before"),
    mistakes={
        "dh_next is forgotten": lambda dh_out, dh_next, h, W_ih, W_hh: step_back(dh_out, 0, h, W_ih, W_hh),
        "dh_out is forgotten": lambda dh_out, dh_next, h, W_ih, W_hh: step_back(0, dh_next, h, W_ih, W_hh),
        "the slope φ' is forgotten": lambda dh_out, dh_next, h, W_ih, W_hh: step_back(
            dh_out, dh_next, np.zeros_like(h), W_ih, W_hh
        ),
        "the slope is taken at h instead of a: 1 - tanh(h)²": _slope_at_h,
        "W_hh is transposed: in rows, the way back is da @ W_hh": lambda dh_out, dh_next, h, W_ih, W_hh: step_back(
            dh_out, dh_next, h, W_ih, W_hh.T
        ),
        "W_ih is transposed: in rows, the way back is da @ W_ih": lambda dh_out, dh_next, h, W_ih, W_hh: step_back(
            dh_out, dh_next, h, W_ih.T, W_hh
        ),
        "both matrices are transposed": lambda dh_out, dh_next, h, W_ih, W_hh: step_back(
            dh_out, dh_next, h, W_ih.T, W_hh.T
        ),
        "dh is handed on where da should be, to the input and the state": _dh_instead_of_da,
        "dh is handed on where da should be, to the state before": _state_before_gets_dh,
    },
    looks_at="Three questions: what reaches h, what reaches a, and who made a?",
    also=[lambda rng: _step_back_arrays(rng, *sizes(rng, 3))],
    about=About("backward pass", "write", 2, 10),
)


def backward(dhs, xs, hs, W_ih, W_hh):
    """Return dW_ih (H, D), dW_hh (H, H) and db (H,); ``hs`` (T + 1, B, H) has the
    initial state first.
    """
    dW_ih, dW_hh, db = np.zeros_like(W_ih), np.zeros_like(W_hh), np.zeros(len(W_hh))
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        da, _, dh_next = step_back(dhs[t], dh_next, hs[t + 1], W_ih, W_hh)
        dW_ih += da.T @ xs[t]
        dW_hh += da.T @ hs[t]
        db += da.sum(axis=0)
    return dW_ih, dW_hh, db


def _backward_inputs(rng):
    T, B, D, H = sizes(rng, 4)
    return {"dhs": rng.normal(size=(T, B, H)), "xs": rng.normal(size=(T, B, D)),
            "hs": np.tanh(rng.normal(size=(T + 1, B, H))), "W_ih": rng.normal(size=(H, D)),
            "W_hh": rng.normal(size=(H, H))}  # fmt: skip


def _pre_activation_gradients(dhs, hs, W_ih, W_hh, carried=True, slope=lambda h: 1 - h**2, forwards=False):
    """Return da (T, B, H), with one thing changed by an argument."""
    das, dh_next = np.zeros_like(dhs), np.zeros_like(hs[0])
    for t in range(len(dhs)) if forwards else reversed(range(len(dhs))):
        das[t] = (dhs[t] + carried * dh_next) * slope(hs[t + 1])
        dh_next = das[t] @ W_hh
    return das


def _sums(das, xs, h_before):
    flat = das.reshape(-1, das.shape[2])
    return flat.T @ xs.reshape(len(flat), -1), flat.T @ h_before.reshape(len(flat), -1), flat.sum(axis=0)


def _bias_of_one_sequence(dhs, xs, hs, W_ih, W_hh):
    das = _pre_activation_gradients(dhs, hs, W_ih, W_hh)
    return *_sums(das, xs, hs[:-1])[:2], das[:, 0].sum(axis=0)


def _bias_averaged(dhs, xs, hs, W_ih, W_hh):
    das = _pre_activation_gradients(dhs, hs, W_ih, W_hh)
    return *_sums(das, xs, hs[:-1])[:2], das.mean(axis=1).sum(axis=0)


def _only_the_first_step(dhs, xs, hs, W_ih, W_hh):
    das = _pre_activation_gradients(dhs, hs, W_ih, W_hh)
    return _sums(das[:1], xs[:1], hs[:1])


def _everything_averaged(dhs, xs, hs, W_ih, W_hh):
    return tuple(grad / dhs.shape[1] for grad in backward(dhs, xs, hs, W_ih, W_hh))


check_backward = Exercise(
    backward,
    _backward_inputs,
    returns=("dW_ih", "dW_hh", "db"),
    mistakes={
        "the gradients are assigned with = instead of added with +=": _only_the_first_step,
        "nothing comes back from the next step: dh_next stays zero": lambda dhs, xs, hs, W_ih, W_hh: _sums(
            _pre_activation_gradients(dhs, hs, W_ih, W_hh, carried=False), xs, hs[:-1]
        ),
        "the loop runs forwards in time": lambda dhs, xs, hs, W_ih, W_hh: _sums(
            _pre_activation_gradients(dhs, hs, W_ih, W_hh, forwards=True), xs, hs[:-1]
        ),
        "the slope φ' is forgotten": lambda dhs, xs, hs, W_ih, W_hh: _sums(
            _pre_activation_gradients(dhs, hs, W_ih, W_hh, slope=np.ones_like), xs, hs[:-1]
        ),
        "W_hh is transposed on the way back": lambda dhs, xs, hs, W_ih, W_hh: _sums(
            _pre_activation_gradients(dhs, hs, W_ih, W_hh.T), xs, hs[:-1]
        ),
        "dW_hh takes the state after the step, not the one before": lambda dhs, xs, hs, W_ih, W_hh: _sums(
            _pre_activation_gradients(dhs, hs, W_ih, W_hh), xs, hs[1:]
        ),
        "the slope is taken from the state before the step": lambda dhs, xs, hs, W_ih, W_hh: _sums(
            _pre_activation_gradients(dhs, np.concatenate([hs[:1], hs[:-1]]), W_ih, W_hh), xs, hs[:-1]
        ),
        "db is taken from the first sequence, not summed over the batch": _bias_of_one_sequence,
        "db is averaged over the batch instead of summed": _bias_averaged,
        "all gradients are averaged over the batch instead of summed": _everything_averaged,
    },
    looks_at="Write down for one t which state the step reads, and which it makes.",
    about=About("backward pass", "write", 3, 20),
)


def truncated_backward(dhs, xs, hs, W_ih, W_hh, k):
    """Return dW_hh (H, H) with the gradient cut every k steps: no piece hears from
    the next one.
    """
    dW_hh = np.zeros_like(W_hh)
    for t in range(0, len(xs), k):
        piece = slice(t, t + k)
        dW_hh += backward(dhs[piece], xs[piece], hs[t : t + k + 1], W_ih, W_hh)[1]
    return dW_hh


def _truncated_inputs(rng):
    (T, k), (B, D, H) = rng.choice([[10, 3], [10, 4], [11, 3], [11, 4], [13, 3], [13, 5]]).tolist(), sizes(rng, 3)
    return {"dhs": rng.normal(size=(T, B, H)), "xs": rng.normal(size=(T, B, D)),
            "hs": np.tanh(rng.normal(size=(T + 1, B, H))), "W_ih": rng.normal(size=(H, D)),
            "W_hh": rng.normal(size=(H, H)), "k": k}  # fmt: skip


def _pieces(dhs, xs, hs, W_ih, W_hh, starts):
    ends = [*starts[1:], len(xs)]
    return sum(backward(dhs[s:e], xs[s:e], hs[s : e + 1], W_ih, W_hh)[1] for s, e in zip(starts, ends, strict=True))


def _state_cut_too(dhs, xs, hs, W_ih, W_hh, k):
    hs_cut = hs.copy()
    total = np.zeros_like(W_hh)
    for t in range(0, len(xs), k):
        hs_cut[t] = 0
        total += backward(dhs[t : t + k], xs[t : t + k], hs_cut[t : t + k + 1], W_ih, W_hh)[1]
        hs_cut[t] = hs[t]
    return total


check_truncated_backward = Exercise(
    truncated_backward,
    _truncated_inputs,
    returns=("dW_hh",),
    mistakes={
        "nothing is cut": lambda dhs, xs, hs, W_ih, W_hh, k: backward(dhs, xs, hs, W_ih, W_hh)[1],
        "the gradient is cut at every step": lambda dhs, xs, hs, W_ih, W_hh, k: truncated_backward(
            dhs, xs, hs, W_ih, W_hh, 1
        ),
        "the pieces are counted from the end": lambda dhs, xs, hs, W_ih, W_hh, k: _pieces(
            dhs, xs, hs, W_ih, W_hh, [0, *range(len(xs) % k, len(xs), k)]
        ),
        "the state is cut as well: every piece starts from zeros": _state_cut_too,
        "the last, shorter piece is left out": lambda dhs, xs, hs, W_ih, W_hh, k: truncated_backward(
            dhs[: len(xs) // k * k], xs[: len(xs) // k * k], hs, W_ih, W_hh, k
        ),
        "only the last k steps are kept": lambda dhs, xs, hs, W_ih, W_hh, k: backward(
            dhs[-k:], xs[-k:], hs[-k - 1 :], W_ih, W_hh
        )[1],
        "the pieces have k + 1 steps": lambda dhs, xs, hs, W_ih, W_hh, k: truncated_backward(
            dhs, xs, hs, W_ih, W_hh, k + 1
        ),
        "the pieces are averaged instead of added": lambda dhs, xs, hs, W_ih, W_hh, k: (
            truncated_backward(dhs, xs, hs, W_ih, W_hh, k) / -(-len(xs) // k)
        ),
    },
    looks_at="For each step, ask: does the gradient of the next step arrive here?",
    about=About("truncation", "write", 3, 15),
)
