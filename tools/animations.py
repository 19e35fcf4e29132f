"""The frames of the book's animation, computed with rnnbook.

    python tools/animations.py      a second; writes carry.js into book/_static

A scene has ``shapes``, which stand from the start, and ``frames``: each says a sentence and sets what it changes.
``book/_static/animation.js`` plays it. A file is one call with JSON inside, so that it also loads without a server.
"""

import json
from pathlib import Path

import numpy as np

from rnnbook.in_numpy import LSTM

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


def script(scene):
    """Return the file's text: one call of the player with the scene as JSON."""
    return f"rnnbookAnimation({json.dumps(scene, ensure_ascii=False, separators=(',', ':'))});\n"


def main():
    scene = carry_scene()
    (STATIC / f"{scene['name']}.js").write_text(script(scene), encoding="utf-8")


if __name__ == "__main__":
    main()
