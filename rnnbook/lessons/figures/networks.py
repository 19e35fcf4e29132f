"""Drawings of whole networks: unrolled over time, with gradients, beside a windowed one."""

from matplotlib.patches import Rectangle

from rnnbook.errors import check_size
from rnnbook.lessons.figures.sheet import PALE, Sheet, named_colour, tint
from rnnbook.lessons.figures.style import WIDTH, styled

BLOCK, DISC = 0.52, 0.215  # side of a hidden block and radius of an input or output, inches
BELOW, ABOVE = 1.12, 1.12  # from a block's centre down to its input, up to its output


def steps_of(name, steps, T):
    """The steps 1..T named by an argument: all of them for True, none for False, or a checked collection."""
    if steps is True or steps is False:
        return set(range(1, T + 1)) if steps else set()
    outside = sorted(set(steps) - set(range(1, T + 1)))
    if outside:
        raise ValueError(f"{name} should be steps from 1 to {T}, but has {outside}")
    return set(steps)


@styled
def unrolled_network(T=4, inputs=True, outputs=True, initial_state=True, highlight=None, folded=True):
    """The block with its loop, and beside it the same network unrolled over T steps; returns the Figure.

    inputs, outputs: True for every step, False for none, or the steps (1..T) that have one.
    initial_state: draw h_0, where the recurrence starts.   folded: draw the block with its loop on the left.
    highlight: a step t; what y_t cannot depend on, the future, is drawn pale.
    The same colour on two arrows is the same weight matrix: the copies share W_ih, W_hh and W_hy.
    """
    T = check_size("T", T)
    inputs, outputs = steps_of("inputs", inputs, T), steps_of("outputs", outputs, T)
    if highlight is not None and highlight not in range(1, T + 1):
        raise ValueError(f"highlight should be a step from 1 to {T}, but is {highlight!r}")
    start = 2.4 if folded else 0.3  # where h_0 is, or would be
    pitch = min(1.35, max(0.97, (WIDTH - start - 0.6) / T))
    sheet = Sheet(start + pitch * T + 0.6, 3.05)
    middle = 1.55
    if folded:
        draw_folded(sheet, 0.45, middle, bool(inputs), bool(outputs))
        sheet.line((1.55, middle), (2.05, middle), colour="x", gid="unroll")
        sheet.text(1.78, middle + 0.17, "unroll", "x", 10)
    centres = [start + pitch * t for t in range(T + 1)]
    draw_copies(sheet, centres, middle, inputs, outputs, initial_state, highlight or T)
    return sheet.figure


def draw_copies(sheet, centres, middle, inputs, outputs, initial_state, last, labels=True):
    """The state h_0 and T copies of the block, at T + 1 centres; those after step ``last`` are pale."""
    if initial_state:
        sheet.disc(centres[0], middle, DISC, "$h_{0}$", "h", gid="initial-state")
    for t, x in enumerate(centres[1:], start=1):
        h, W_hh, y, W_hy, x_t, W_ih = (name if t <= last else PALE for name in ("h", "W_hh", "h", "W_hy", "x", "W_ih"))
        sheet.box(x, middle, BLOCK, BLOCK, f"$h_{{{t}}}$", h, gid=f"copy-{t}")
        if t > 1 or initial_state:
            before = centres[t - 1] + (BLOCK / 2 if t > 1 else DISC)
            draw_step(sheet, before, x - BLOCK / 2, middle, t, W_hh, labels)
        if t in inputs:
            draw_input(sheet, x, middle, t, x_t, W_ih, labels)
        if t in outputs:
            draw_output(sheet, x, middle, t, y, W_hy, labels)


def draw_step(sheet, start, end, y, t, colour, labels=True):
    sheet.line((start, y), (end, y), colour=colour, gid=f"arrow-hh-{t}")
    if labels:
        sheet.text((start + end) / 2 - 0.03, y + 0.17, "$W_{hh}$", colour, 14)


def draw_input(sheet, x, middle, step, colour="x", weight_colour="W_ih", labels=True):
    bottom = middle - BELOW
    sheet.disc(x, bottom, DISC, f"$x_{{{step}}}$", colour, gid=f"input-{step}")
    sheet.line((x, bottom + DISC), (x, middle - BLOCK / 2), colour=weight_colour, gid=f"arrow-ih-{step}")
    if labels:
        sheet.text(x + 0.07, middle - 0.57, "$W_{ih}$", weight_colour, 14, ha="left")


def draw_output(sheet, x, middle, step, colour="h", weight_colour="W_hy", labels=True):
    top = middle + ABOVE
    sheet.disc(x, top, DISC, f"$y_{{{step}}}$", colour, gid=f"output-{step}")
    sheet.line((x, middle + BLOCK / 2), (x, top - DISC), colour=weight_colour, gid=f"arrow-hy-{step}")
    if labels:
        sheet.text(x + 0.07, middle + 0.55, "$W_{hy}$", weight_colour, 14, ha="left")


def draw_folded(sheet, x, middle, inputs=True, outputs=True):
    """The block drawn once, with the arrow that brings its state back for the next step."""
    sheet.box(x, middle, BLOCK, BLOCK, "$h_{t}$", "h", gid="folded")
    right, half = x + BLOCK / 2, 0.13
    sheet.line(
        (right, middle + half),
        (right + 0.36, middle + half),
        (right + 0.36, middle - half),
        (right, middle - half),
        colour="W_hh",
        gid="loop",
    )
    sheet.text(right + 0.44, middle, "$W_{hh}$", "W_hh", 14, ha="left")
    if inputs:
        draw_input(sheet, x, middle, "t")
    if outputs:
        draw_output(sheet, x, middle, "t")


@styled
def gradient_flow(T=4):
    """The unrolled network with a loss ℓ_t at every step and, dashed, its gradient from state to state.

    An arrow's label says what it carries: dh^out from the step's own loss, dh^next from the next step. Their sum is
    the gradient with respect to the state; before the first step there is no loss, and dh^next is dh_0.
    """
    T = check_size("T", T)
    pitch, middle, off = 1.5, 1.7, 0.1
    sheet = Sheet(0.35 + pitch * T + 0.65, 3.35)
    centres = [0.35 + pitch * t for t in range(T + 1)]
    top, bottom, half = middle + 1.3, middle - 1.3, BLOCK / 2
    back = {"colour": "gradient", "dashed": True}
    sheet.disc(centres[0], middle, DISC, "$h_{0}$", "h", gid="initial-state")
    for t, x in enumerate(centres[1:], start=1):
        before = centres[t - 1] + (half if t > 1 else DISC)
        sheet.box(x, middle, BLOCK, BLOCK, f"$h_{{{t}}}$", "h", gid=f"copy-{t}")
        sheet.disc(x, bottom, DISC, f"$x_{{{t}}}$", "x", gid=f"input-{t}")
        sheet.disc(x, top, DISC, f"$\\ell_{{{t}}}$", "h", gid=f"loss-{t}")
        sheet.line((x - off, bottom + 0.19), (x - off, middle - half), colour="W_ih", gid=f"arrow-ih-{t}")
        sheet.line((x - off, middle + half), (x - off, top - 0.19), colour="W_hy", gid=f"arrow-hy-{t}")
        sheet.line((before, middle + off), (x - half, middle + off), colour="W_hh", gid=f"arrow-hh-{t}")
        sheet.line((x + off, top - 0.19), (x + off, middle + half), gid=f"back-loss-{t}", **back)
        sheet.line((x + off, middle - half), (x + off, bottom + 0.19), gid=f"back-input-{t}", **back)
        sheet.line((x - half, middle - off), (before, middle - off), gid=f"back-state-{t}", **back)
        next_label = f"$\\mathrm{{d}}h^{{\\mathrm{{next}}}}_{{{t - 1}}}$" if t > 1 else "$\\mathrm{d}h_{0}$"
        sheet.text((before + x - half) / 2, middle - 0.38, next_label, "gradient", 13, gid=f"label-next-{t - 1}")
        out_label = f"$\\mathrm{{d}}h^{{\\mathrm{{out}}}}_{{{t}}}$"
        sheet.text(x + 0.16, middle + 0.72, out_label, "gradient", 13, gid=f"label-out-{t}", ha="left")
    return sheet.figure


@styled
def windowed_versus_recurrent(T=8, window=3):
    """A dense network that sees the last ``window`` of T inputs; below it, a recurrent one that sees them all."""
    T, window = check_size("T", T), check_size("window", window)
    if window > T:
        raise ValueError(f"window should be at most T = {T}, but is {window}")
    pitch = 0.72
    sheet = Sheet(0.4 + pitch * (T - 1) + 1.55, 4.1)
    centres = [0.4 + pitch * k for k in range(T)]
    right = centres[-1] + 1.2
    first = T - window
    row, box = 2.45, 3.25  # heights of the inputs and of the dense network
    for k, x in enumerate(centres):
        seen = k >= first
        sheet.disc(x, row, DISC, f"$x_{{{k + 1}}}$", "x" if seen else PALE, gid=f"window-input-{k + 1}")
        if seen:
            sheet.line((x, row + DISC), (x, box - 0.22), colour="x", gid=f"window-arrow-{k + 1}")
    left, middle = centres[first] - 0.28, (centres[first] + centres[-1]) / 2
    sheet.box(middle, box, 2 * (middle - left), 0.44, "", "h", gid="dense")
    sheet.text(middle, box, "dense network" if window > 2 else "dense", "h", 11)
    sheet.line((centres[-1] + 0.28, box), (right - DISC, box))
    sheet.disc(right, box, DISC, r"$\hat{y}$", "h", gid="window-output")
    steps = f"{window} of {T}" if first else f"all {T}"
    sheet.text(centres[0] - DISC, box + 0.5, f"windowed network: sees {steps} steps", "x", 11, ha="left")
    low, high = 0.4, 1.3
    for k, x in enumerate(centres):
        sheet.disc(x, low, DISC, f"$x_{{{k + 1}}}$", "x", gid=f"input-{k + 1}")
        sheet.box(x, high, 0.42, 0.42, f"$h_{{{k + 1}}}$", "h", size=15, gid=f"copy-{k + 1}")
        sheet.line((x, low + DISC), (x, high - 0.21), colour="W_ih", gid=f"arrow-ih-{k + 1}")
        if k:
            sheet.line((x - pitch + 0.21, high), (x - 0.21, high), colour="W_hh", gid=f"arrow-hh-{k + 1}")
    sheet.line((centres[-1] + 0.21, high), (right - DISC, high), colour="W_hy")
    sheet.disc(right, high, DISC, r"$\hat{y}$", "h", gid="output")
    sheet.text(centres[0] - DISC, high + 0.42, f"recurrent network: sees all {T} steps", "x", 11, ha="left")
    return sheet.figure


@styled
def dense_with_loop():
    """The RNN as a dense layer on x_t and h_{t-1} stacked, whose output is fed back at the next step."""
    D, H, side = 3, 4, 0.22
    sheet = Sheet(WIDTH, 3.6)
    middle, stack, layer, out = 2.15, 1.75, 3.75, 5.6
    x_top = middle + side * (D + H) / 2 + 0.05
    h_top = x_top - side * D - 0.1
    cells(sheet, stack, x_top, D, 1, "x", "x")
    cells(sheet, stack, h_top, H, 1, "h", "h_prev")
    sheet.text(stack - 0.42, x_top - side * D / 2, "$x_t$", "x", 17)
    sheet.text(stack - 0.5, h_top - side * H / 2, r"$h_{t\!-\!1}$", "h", 17)
    sheet.line((0.45, x_top - side * D / 2), (stack - 0.66, x_top - side * D / 2), colour="x")
    sheet.frame(layer - 1.1, middle - 0.98, layer + 1.1, middle + 1.17)
    sheet.text(layer, middle + 0.95, "dense layer", "h", 11)
    left, top = layer - side * (D + H) / 2, middle + side * H / 2
    cells(sheet, left + side * D / 2, top, H, D, "W_ih", "W_ih")
    cells(sheet, left + side * (D + H / 2), top, H, H, "W_hh", "W_hh")
    sheet.text(left + side * D / 2, top + 0.16, "$W_{ih}$", "W_ih", 14)
    sheet.text(left + side * (D + H / 2), top + 0.16, "$W_{hh}$", "W_hh", 14)
    sheet.text(layer, middle - 0.72, r"$+\; b_{ih} + b_{hh}\,,$ then $\tanh$", "h", 13)
    sheet.line((stack + side / 2 + 0.08, middle), (layer - 1.1, middle))
    sheet.line((layer + 1.1, middle), (out - side / 2 - 0.05, middle))
    cells(sheet, out, middle + side * H / 2, H, 1, "h", "h")
    sheet.line((out + side / 2 + 0.05, middle), (6.3, middle))
    sheet.text(6.55, middle, "$h_t$", "h", 17)
    sheet.line(
        (out, middle - side * H / 2 - 0.04),
        (out, 0.62),
        (stack, 0.62),
        (stack, h_top - side * H - 0.03),
        colour="W_hh",
        gid="loop",
    )
    sheet.text((stack + out) / 2, 0.4, "next step: what came out as $h_t$ goes in as $h_{t-1}$", "W_hh", 11)
    return sheet.figure


def cells(sheet, x, top, rows, columns, colour, gid, side=0.22):
    """A vector or matrix of rows x columns little squares, its top edge at ``top``, centred on x."""
    for row in range(rows):
        for column in range(columns):
            corner = (x + (column - columns / 2) * side, top - (row + 1) * side)
            sheet.axes.add_patch(
                Rectangle(
                    corner,
                    side,
                    side,
                    facecolor=tint(colour, 0.2),
                    edgecolor=named_colour(colour),
                    linewidth=1,
                    gid=f"{gid}-{row}-{column}",
                    zorder=3,
                )
            )
