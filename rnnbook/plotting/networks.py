"""Drawings of whole networks: unrolled over time, with its gradients, beside a windowed one, in its kinds."""
from ..errors import check_size
from .sheet import PALE, Sheet
from .style import COLOURS, WIDTH, styled

BLOCK, DISC = 0.52, 0.215           # side of a hidden block and radius of an input or output, inches
BELOW, ABOVE = 1.12, 1.12           # from a block's centre down to its input, up to its output


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
    highlight: a step t; what y_t can't depend on, the future, is drawn pale.
    The same colour on two arrows is the same weight matrix: the copies share W_ih, W_hh and W_hy.
    """
    T = check_size("T", T)
    inputs, outputs = steps_of("inputs", inputs, T), steps_of("outputs", outputs, T)
    if highlight is not None and highlight not in range(1, T + 1):
        raise ValueError(f"highlight should be a step from 1 to {T}, but is {highlight!r}")
    start = 2.4 if folded else 0.3                          # where h_0 stands, or would
    pitch = min(1.35, max(0.97, (WIDTH - start - 0.6) / T))
    sheet = Sheet(start + pitch * T + 0.6, 3.05)
    middle = 1.55
    if folded:
        draw_folded(sheet, 0.45, middle, bool(inputs), bool(outputs))
        sheet.line((1.55, middle), (2.05, middle), colour=COLOURS["x"], gid="unroll")
        sheet.text(1.78, middle + 0.17, "unroll", COLOURS["x"], 10)
    centres = [start + pitch * t for t in range(T + 1)]
    draw_copies(sheet, centres, middle, inputs, outputs, initial_state, highlight or T)
    return sheet.figure


def draw_copies(sheet, centres, middle, inputs, outputs, initial_state, last, labels=True):
    """The state h_0 and T copies of the block, at T + 1 centres; those after step ``last`` are pale."""
    if initial_state:
        sheet.disc(centres[0], middle, DISC, "$h_{0}$", COLOURS["h"], gid="initial-state")
    for t, x in enumerate(centres[1:], start=1):
        h, W_hh, y, W_hy, x_t, W_ih = (COLOURS[name] if t <= last else PALE
                                       for name in ("h", "W_hh", "h", "W_hy", "x", "W_ih"))
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


def draw_input(sheet, x, middle, step, colour=COLOURS["x"], weight_colour=COLOURS["W_ih"], labels=True):
    bottom = middle - BELOW
    sheet.disc(x, bottom, DISC, f"$x_{{{step}}}$", colour, gid=f"input-{step}")
    sheet.line((x, bottom + DISC), (x, middle - BLOCK / 2), colour=weight_colour, gid=f"arrow-ih-{step}")
    if labels:
        sheet.text(x + 0.07, middle - 0.57, "$W_{ih}$", weight_colour, 14, ha="left")


def draw_output(sheet, x, middle, step, colour=COLOURS["h"], weight_colour=COLOURS["W_hy"], labels=True):
    top = middle + ABOVE
    sheet.disc(x, top, DISC, f"$y_{{{step}}}$", colour, gid=f"output-{step}")
    sheet.line((x, middle + BLOCK / 2), (x, top - DISC), colour=weight_colour, gid=f"arrow-hy-{step}")
    if labels:
        sheet.text(x + 0.07, middle + 0.55, "$W_{hy}$", weight_colour, 14, ha="left")


def draw_folded(sheet, x, middle, inputs=True, outputs=True):
    """The block once, with the arrow that brings its state back for the next step."""
    sheet.box(x, middle, BLOCK, BLOCK, "$h_{t}$", COLOURS["h"], gid="folded")
    right, half = x + BLOCK / 2, 0.13
    sheet.line((right, middle + half), (right + 0.36, middle + half), (right + 0.36, middle - half),
               (right, middle - half), colour=COLOURS["W_hh"], gid="loop")
    sheet.text(right + 0.44, middle, "$W_{hh}$", COLOURS["W_hh"], 14, ha="left")
    if inputs:
        draw_input(sheet, x, middle, "t")
    if outputs:
        draw_output(sheet, x, middle, "t")
