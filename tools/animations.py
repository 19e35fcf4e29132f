"""The frames of the book's two animations, computed with rnnbook.

    python tools/animations.py      a second; writes carry.js and backwards.js into book/_static

A scene has ``shapes``, which stand from the start, and ``frames``: each says a sentence and sets what it changes.
``book/_static/animation.js`` plays it. A file is one call with JSON inside, so that it also loads without a server.
"""

import json
from pathlib import Path

import numpy as np

from rnnbook.in_numpy import LSTM, RNN

STATIC = Path(__file__).resolve().parents[1] / "book/_static"
NUMBERS = [0.3, -0.6, 0.9, 0.2, -0.4, 0.7, -0.9, 0.5, 0.8, -0.2, 0.4, 0.6]
WRITE, ASK = [3, 7], [5, 6, 10, 11]  # steps, counted from one


def holder():
    """Return an LSTM of one unit, its weights set by hand, and its input (T, 1, 3): number, write, ask."""
    layer = LSTM(3, 1, dtype=np.float64)
    for value in layer.params.values():
        value[...] = 0
    layer.params["weight_ih"][:] = [[0, 12, 0], [0, -12, 0], [1, 0, 0], [0, 0, 12]]  # rows i, f, g, o
    layer.params["bias_ih"][:] = [-6, 6, 0, -6]
    x = np.zeros((len(NUMBERS), 1, 3))
    x[:, 0, 0] = NUMBERS
    x[[t - 1 for t in WRITE], 0, 1] = 1
    x[[t - 1 for t in ASK], 0, 2] = 1
    return layer, x


def shape(name, kind, colour, **attributes):
    """Return one thing to draw: an SVG element with its attributes, its colour a letter of the book."""
    return {"id": name, "kind": kind, "colour": colour, **attributes}


def number(value):
    """Return a number as it is shown: two digits, a true minus, no minus zero."""
    return f"{value + 0:.2f}".replace("-0.00", "0.00").replace("-", "−")


def carry_scene():
    """Return the scene of one unit's carry: three frames a step, keep, add and show."""
    layer, x = holder()
    hs, _, trace = layer.forward(x)
    gates, cs = trace.gates[:, :, 0, 0], trace.cs[:, 0, 0]
    T = len(x)
    shapes = [
        shape("belt", "rect", "c", x=8, y=70, width=344, height=4),
        shape("belt-name", "text", "c", x=8, y=22, text="carry c", anchor="start"),
        shape("step", "text", "h", x=352, y=22, text="", anchor="end"),
        shape("times", "text", "f", x=120, y=92, text="× f"),
        shape("plus", "text", "i", x=215, y=92, text="+ i g"),
        shape("shows", "text", "o", x=310, y=92, text="o shows h"),
        shape("crate", "rect", "c", x=20, y=40, width=56, height=28, hollow=True),
        shape("crate-value", "text", "c", x=48, y=59, text="0.00"),
        shape("read-value", "text", "x", x=215, y=196, text=""),
        shape("h-value", "text", "h", x=310, y=196, text=""),
    ]
    for name, left in (("f", 120), ("i", 200), ("g", 236), ("o", 310)):
        shapes += [
            shape(f"{name}-frame", "rect", name, x=left - 11, y=106, width=22, height=50, hollow=True),
            shape(f"{name}-bar", "rect", name, x=left - 11, y=156, width=22, height=0),
            shape(f"{name}-name", "text", name, x=left, y=174, text=name),
        ]
    middle = shape("zero", "line", "x", x1=8, y1=242, x2=352, y2=242)
    shapes += [middle, shape("past", "text", "c", x=8, y=210, text="c so far", anchor="start")]
    pitch = 344 / T
    shapes += [
        shape(f"past-{t}", "rect", "c", x=round(8 + pitch * t + 3, 1), y=242, width=round(pitch - 6, 1), height=0)
        for t in range(T)
    ]
    frames = []
    for t in range(T):
        i, f, g, o = gates[:, t]
        read, write, ask = x[t, 0]
        heights = {
            f"{name}-bar": {"y": round(156 - 50 * abs(value), 1), "height": round(50 * abs(value), 1)}
            for name, value in zip("ifgo", (i, f, g, o), strict=True)
        }
        word = " and is told to write" if write else " and is asked" if ask else ""
        frames += [
            {
                "say": f"Step {t + 1}: it reads {number(read)}{word}. The forget gate, {number(f)}, leaves "
                f"{number(f * cs[t])} of {number(cs[t])} on the belt.",
                "start": {"crate": {"x": 20}, "crate-value": {"x": 48, "text": number(cs[t])}},
                "set": {
                    "step": {"text": f"step {t + 1} of {T}"},
                    "crate": {"x": 92},
                    "crate-value": {"x": 120, "text": number(f * cs[t])},
                    "read-value": {"text": f"x = {number(read)}"},
                    "h-value": {"text": ""},
                    "g-name": {"text": "g" if g >= 0 else "−g"},
                    **heights,
                },
            },
            {
                "say": f"Step {t + 1}: the input gate, {number(i)}, lets {number(i * g)} of the candidate "
                f"{number(g)} onto the belt.",
                "set": {"crate": {"x": 187}, "crate-value": {"x": 215, "text": number(cs[t + 1])}},
            },
            {
                "say": f"Step {t + 1}: the carry is {number(cs[t + 1])}. The output gate, {number(o)}, shows "
                f"h = {number(hs[t, 0, 0])}.",
                "set": {
                    "crate": {"x": 282},
                    "crate-value": {"x": 310},
                    "h-value": {"text": f"h = {number(hs[t, 0, 0])}"},
                    f"past-{t}": {
                        "y": round(242 - 26 * max(cs[t + 1], 0), 1),
                        "height": round(26 * abs(cs[t + 1]), 1),
                    },
                },
            },
        ]
    return {
        "name": "carry",
        "title": "The carry of one LSTM unit, step by step",
        "size": [360, 280],
        "shapes": shapes,
        "frames": frames,
    }


def backwards(T=6):
    """Return what a loss on the last of T steps sends back through a basic RNN of three units.

    The norms of the gradient by h_1 .. h_T, and of the gradient by W_hh when the steps T, T-1, .. 1 have added theirs.
    """
    rng = np.random.default_rng(3)
    layer = RNN(2, 3, dtype=np.float64, rng=rng)
    hs, _, trace = layer.forward(rng.normal(size=(T, 1, 2)))
    question = np.zeros_like(hs)
    question[-1] = 1
    by_state, by_weight = [np.linalg.norm(question[-1])], []
    for k in reversed(range(T)):  # go back through the steps k + 1 .. T alone
        tail = trace._replace(x=trace.x[k:], hs=trace.hs[k:])
        _, dh, grads = layer.backward(question[k:], tail)
        by_state.append(np.linalg.norm(dh))
        by_weight.append(np.linalg.norm(grads["weight_hh"]))
    return by_state[T - 1 :: -1], by_weight


def backwards_scene(T=6):
    """Return the scene of a loss's gradient on its way back: T frames forward, one for the loss, T back."""
    by_state, by_weight = backwards(T)
    tall = 70 / max(by_state)
    places = [28 + 52 * t for t in range(T)]
    shapes = [
        shape("phase", "text", "h", x=8, y=22, text="", anchor="start"),
        shape("weight", "text", "gradient", x=8, y=226, text="|dW| = 0.00", anchor="start"),
        shape("loss", "rect", "h", x=330, y=52, width=24, height=28, hollow=True),
        shape("loss-name", "text", "h", x=342, y=71, text="L"),
    ]
    for t, x in enumerate(places, start=1):
        end = x + 35 if t < T else 329
        shapes += [
            shape(f"arrow-{t}", "line", "h", x1=x + 17, y1=66, x2=end, y2=66),
            shape(f"state-{t}", "circle", "h", cx=x, cy=66, r=16, hollow=True),
            shape(f"name-{t}", "text", "h", x=x, y=71, text="h" + "₀₁₂₃₄₅₆₇₈₉"[t]),
            shape(f"bar-{t}", "rect", "gradient", x=x - 11, y=180, width=22, height=0),
            shape(f"size-{t}", "text", "gradient", x=x, y=198, text=""),
        ]
    shapes += [
        shape("signal", "circle", "h", cx=places[0] - 20, cy=38, r=5),
        shape("trail", "line", "gradient", x1=342, y1=38, x2=342, y2=38, dashed=True),
        shape("back", "circle", "gradient", cx=342, cy=38, r=0),
    ]
    frames = [
        {
            "say": f"Forward, step {t}: the state h{t} is computed from h{t - 1} and the input, and kept.",
            "set": {"phase": {"text": "forward"}, "signal": {"cx": places[t - 1]}},
        }
        for t in range(1, T + 1)
    ]
    frames += [
        {
            "say": "The loss L looks at the last state alone. Now the gradient sets out on its way back.",
            "set": {"phase": {"text": "the loss"}, "signal": {"cx": 342}},
        }
    ]
    for t, weight in zip(range(T, 0, -1), by_weight, strict=True):
        size = by_state[t - 1]
        frames += [
            {
                "say": f"Back, step {t}: a gradient of size {number(size)} reaches h{t}. Step {t} adds its share to "
                f"the gradient by the weights, which has the size {number(weight)} now.",
                "set": {
                    "phase": {"text": "back"},
                    "signal": {"r": 0},
                    "trail": {"x1": places[t - 1]},
                    "back": {"cx": places[t - 1], "r": round(9 * (size / max(by_state)) ** 0.5, 1)},
                    f"bar-{t}": {"y": round(180 - tall * size, 1), "height": round(tall * size, 1)},
                    f"size-{t}": {"text": number(size)},
                    "weight": {"text": f"|dW| = {number(weight)}"},
                },
            }
        ]
    return {
        "name": "backwards",
        "title": "A gradient on its way back through six steps",
        "size": [360, 240],
        "shapes": shapes,
        "frames": frames,
    }


def script(scene):
    """Return the file's text: one call of the player with the scene as JSON."""
    return f"rnnbookAnimation({json.dumps(scene, ensure_ascii=False, separators=(',', ':'))});\n"


def main():
    for scene in (carry_scene(), backwards_scene()):
        (STATIC / f"{scene['name']}.js").write_text(script(scene), encoding="utf-8")


if __name__ == "__main__":
    main()
