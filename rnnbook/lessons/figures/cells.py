"""Drawings of the inside of one step: the blocks of the RNN, the GRU and the LSTM, as they are computed."""

from rnnbook.lessons.figures.sheet import SIGN, Sheet
from rnnbook.lessons.figures.style import WIDTH, styled

DISC, GATE = 0.28, 0.42  # radius of an input or output, side of a gate's box, inches
PREVIOUS = r"${}_{{t\!-\!1}}$"  # h_{t-1}, set tightly enough to fit in a disc


@styled
def rnn_cell():
    """One step of the basic RNN: a_t = W_ih x_t + b_ih + b_hh + W_hh h_{t-1}, then h_t = tanh(a_t)."""
    sheet = Sheet(WIDTH, 3.75)
    y, plus, tanh, out = 1.85, 3.1, 4.35, 5.2
    sheet.frame(1.25, 0.85, 5.65, 2.8)
    sheet.disc(0.5, y, DISC, PREVIOUS.format("h"), "h", size=15, gid="h_prev")
    sheet.line((0.5 + DISC, y), (1.75, y), colour="W_hh")
    sheet.box(2.05, y, 0.6, 0.46, "$W_{hh}$", "W_hh", size=15, gid="W_hh")
    sheet.line((2.35, y), (plus - SIGN, y), colour="W_hh")
    sheet.disc(plus, 0.36, DISC, "$x_t$", "x", gid="x")
    sheet.line((plus, 0.36 + DISC), (plus, 1.0), colour="W_ih")
    sheet.box(plus, 1.23, 0.6, 0.46, "$W_{ih}$", "W_ih", size=15, gid="W_ih")
    sheet.line((plus, 1.46), (plus, y - SIGN), colour="W_ih")
    sheet.text(plus, 2.52, "$b_{ih} + b_{hh}$", size=14, gid="bias")
    sheet.line((plus, 2.38), (plus, y + SIGN))
    sheet.operation(plus, y, "+", gid="sum")
    sheet.line((plus + SIGN, y), (tanh - 0.33, y))
    sheet.text(3.6, y + 0.15, "$a_t$", size=15)
    sheet.box(tanh, y, 0.66, 0.46, r"$\tanh$", "h", size=15, gid="tanh")
    sheet.line((tanh + 0.33, y), (6.5 - DISC, y))
    sheet.joint(out, y)
    sheet.disc(6.5, y, DISC, "$h_t$", "h", gid="h")
    sheet.disc(out, 3.42, DISC, "$y_t$", "h", gid="y")
    sheet.line((out, y), (out, 3.42 - DISC), colour="W_hy")
    sheet.text(out + 0.08, 2.96, "$W_{hy}$", "W_hy", 14, ha="left")
    return sheet.figure


def gate(sheet, x, y, name, function=r"$\sigma$", h_from=None, x_from=None):
    """A gate's box at (x, y) in its colour, reading h from the line at height h_from and x from x_from."""
    half = GATE / 2
    if x_from is not None:
        at = x + (0.09 if h_from is not None else 0)
        sheet.line((at, x_from), (at, x_from + 0.1), colour="x", head=False)
        sheet.line((at, x_from + 0.1), (at, y - half), colour="x", bridge=h_from is not None)
        sheet.joint(at, x_from, "x")
    if h_from is not None:
        sheet.line((x - 0.09, h_from), (x - 0.09, y - half))
        sheet.joint(x - 0.09, h_from)
    sheet.box(x, y, 0.56, GATE, function, name, size=15, gid=f"gate-{name}", fill=0.2)


@styled
def gru_cell():
    """One step of the GRU as in ``torch.nn``: r scales W_hn h_{t-1}, and z mixes the result with h_{t-1}."""
    sheet = Sheet(WIDTH, 4.15)
    top, middle, gates, row_h, row_x = 3.5, 2.85, 2.2, 1.3, 0.95
    z, r, times, n, out = 2.0, 3.05, 4.05, 5.1, 6.6
    sheet.frame(1.05, 0.7, 6.0, 3.9)
    sheet.line((0.5, top), (z - SIGN, top))  # h_{t-1}, along the top
    sheet.line((1.4, top), (1.4, row_h), (times, row_h), (times, 1.47), head=False)
    sheet.joint(1.4, top)
    sheet.line((1.7, 0.3), (1.7, row_x), (n, row_x), (n, gates - GATE / 2), colour="x")
    gate(sheet, z, gates, "z", h_from=row_h, x_from=row_x)
    gate(sheet, r, gates, "r", h_from=row_h, x_from=row_x)
    sheet.box(times, 1.64, 0.56, 0.34, "$W_{hn}$", "h", size=13, gid="W_hn")
    sheet.line((times, 1.81), (times, gates - SIGN))
    sheet.line((r + 0.28, gates), (times - SIGN, gates), colour="r")
    sheet.operation(times, gates, "×", gid="reset")
    sheet.line((times + SIGN, gates), (n - 0.28, gates))
    gate(sheet, n, gates, "n", r"$\tanh$")
    sheet.line((z, gates + GATE / 2), (z, top - SIGN), colour="z")
    sheet.line((z, middle), (3.0, middle), colour="z")
    sheet.joint(z, middle, "z")
    sheet.box(3.28, middle, 0.56, 0.34, "$1 - z$", "z", size=13, gid="one-minus-z")
    sheet.line((3.56, middle), (n - SIGN, middle), colour="z")
    sheet.line((n, gates + GATE / 2), (n, middle - SIGN), colour="n")
    sheet.operation(n, middle, "×", gid="new")
    sheet.line((n, middle + SIGN), (n, top - SIGN))
    sheet.operation(z, top, "×", gid="keep")
    sheet.line((z + SIGN, top), (n - SIGN, top))
    sheet.operation(n, top, "+", gid="sum")
    sheet.line((n + SIGN, top), (out - DISC, top))
    sheet.disc(0.5, top, DISC, PREVIOUS.format("h"), "h", size=15, gid="h_prev")
    sheet.disc(out, top, DISC, "$h_t$", "h", gid="h")
    sheet.disc(1.7, 0.32, DISC, "$x_t$", "x", gid="x")
    places = {"z": (z - 0.17, middle - 0.22), "r": (r + 0.42, gates + 0.14), "n": (n + 0.19, middle - 0.3)}
    for name, (x, y) in places.items():
        sheet.text(x, y, f"${name}_t$", name, 15, gid=f"label-{name}")
    return sheet.figure


@styled
def lstm_cell():
    """One step of the LSTM: the carry c runs along the top, f scales it, i lets g in, and o lets h out."""
    sheet = Sheet(WIDTH, 4.4)
    top, low, middle, gates, row_h, row_x = 3.75, 2.75, 2.95, 2.05, 1.25, 0.9
    f, i, g, o, out, right = 1.8, 2.75, 3.8, 4.75, 5.5, 6.6
    sheet.frame(1.0, 0.65, 6.05, 4.12)
    sheet.line((0.5, row_h), (o - 0.09, row_h), (o - 0.09, gates - GATE / 2))  # h_{t-1} to every gate
    sheet.line((1.3, 0.3), (1.3, row_x), (o + 0.09, row_x), (o + 0.09, gates - GATE / 2), colour="x")
    for x, name in ((f, "f"), (i, "i"), (g, "g")):
        gate(sheet, x, gates, name, r"$\tanh$" if name == "g" else r"$\sigma$", row_h, row_x)
    gate(sheet, o, gates, "o")
    sheet.line((0.5 + DISC, top), (f - SIGN, top), colour="c")  # the carry
    sheet.line((f + SIGN, top), (g - SIGN, top), colour="c")
    sheet.line((g + SIGN, top), (right - DISC, top), colour="c")
    sheet.line((f, gates + GATE / 2), (f, top - SIGN), colour="f")
    sheet.operation(f, top, "×", gid="forget")
    sheet.line((i, gates + GATE / 2), (i, middle), (g - SIGN, middle), colour="i")
    sheet.line((g, gates + GATE / 2), (g, middle - SIGN), colour="g")
    sheet.operation(g, middle, "×", gid="input")
    sheet.line((g, middle + SIGN), (g, top - SIGN))
    sheet.operation(g, top, "+", gid="sum")
    sheet.line((out, top), (out, 3.47), colour="c")
    sheet.joint(out, top, "c")
    sheet.box(out, 3.3, 0.62, 0.34, r"$\tanh$", "c", size=14, gid="tanh")
    sheet.line((out, 3.13), (out, low + SIGN), colour="c")
    sheet.line((o, gates + GATE / 2), (o, low), (out - SIGN, low), colour="o")
    sheet.operation(out, low, "×", gid="output")
    sheet.line((out, low - SIGN), (out, row_h), (right - DISC, row_h))
    sheet.disc(0.5, top, DISC, PREVIOUS.format("c"), "c", size=15, gid="c_prev")
    sheet.disc(right, top, DISC, "$c_t$", "c", gid="c")
    sheet.disc(0.5, row_h, DISC, PREVIOUS.format("h"), "h", size=15, gid="h_prev")
    sheet.disc(right, row_h, DISC, "$h_t$", "h", gid="h")
    sheet.disc(1.3, 0.32, DISC, "$x_t$", "x", gid="x")
    for x, name in ((f, "f"), (i, "i"), (g, "g"), (o, "o")):
        sheet.text(x + 0.17, gates + 0.4, f"${name}_t$", name, 15, gid=f"label-{name}")
    return sheet.figure
