"""Figures of small memory tasks: the tasks, the skill at each length, the carry that counts."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, WIDTH, canvas, panels, styled

TASKS = {
    "adding": ((".7", ".2*", ".9", ".1", ".4", ".5*", ".8", ".3"), "sum of the marked: .7", (1, 5)),
    "copy": (("A", "C", "B", "·", "·", "·", "·", "!"), "A C B", (0, 1, 2)),
    "temporal order": (("c", "X", "a", "d", "b", "Y", "a", "c"), "first X, then Y", (1, 5)),
    "counting": (("a", "a", "a", "a", "b", "b", "b", "b"), "after four b: the end", (0, 1, 2, 3)),
}


@styled
def memory_tasks(*names):
    """Tasks as strips of eight steps each, all four by default: what is read, kept and asked for."""
    pitch, side, names = 0.44, 0.4, names or tuple(TASKS)
    sheet = Sheet(WIDTH, 0.25 + 0.7 * len(names))
    for row, name in enumerate(names):
        symbols, asked, kept = TASKS[name]
        y = 0.7 * (len(names) - row) - 0.22
        sheet.text(0.05, y, name, size=11.5, ha="left")
        for step, symbol in enumerate(symbols):
            colour = "c" if step in kept else "x"
            x = 1.55 + pitch * step
            sheet.box(x, y, side, side, colour=colour, fill=0.3 if step in kept else 0, gid=f"{name}-{step}")
            sheet.text(x, y, symbol, colour, 11.5)
        sheet.line((1.6 + pitch * 7.6, y), (5.2, y), gid=f"{name}-asks")
        sheet.text(5.28, y, asked, size=10.5, ha="left")
    return sheet.figure


@styled
def skill_against_length(lengths, skills):
    """Skill against the length of the sequence, one panel per task: {task: {cell: (N, S)}}, S seeds at N lengths.

    ``lengths`` (N,) are those of every task, or a dict of them by task. The line joins the means, the bar runs from the
    worst seed to the best; 0 is chance and 1 perfect.
    """
    figure, row = panels(1, len(skills), height=3.8, sharey=True, squeeze=False)
    for axes, (task, cells) in zip(row[0], skills.items(), strict=True):
        at = np.asarray(lengths[task] if isinstance(lengths, dict) else lengths)
        for place, (cell, values) in enumerate(cells.items()):
            values = np.asarray(values, dtype=float)
            check_shape(f"skills[{task!r}][{cell!r}]", values, (len(at), "S"))
            mean = values.mean(axis=1)
            axes.errorbar(
                at * (1 + 0.035 * (place - (len(cells) - 1) / 2)),
                mean,
                label=cell,
                yerr=[mean - values.min(axis=1), values.max(axis=1) - mean],
                fmt=MARKERS[place],
                linestyle="-" if place < len(PALETTE) else DASHES,
                color=PALETTE[place % len(PALETTE)],
                markersize=5.5,
                linewidth=1.4,
                elinewidth=1,
            )
        axes.axhline(0, color=COLOURS["h"], linestyle=DASHES, linewidth=1, zorder=1)
        axes.set(xscale="log", title=task, xlabel="T (steps)")
        axes.set_xticks(at, [str(T) for T in at])
        axes.minorticks_off()
    row[0, 0].set_ylabel("skill: 0 chance, 1 perfect")
    handles, labels = row[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, columnspacing=1.2)
    return figure


@styled
def carry_ramp(carry, symbols, names, on=None):
    """A few units' carry after every symbol read: carry (T, N), symbols a string of T letters, names of N units."""
    carry = np.asarray(carry, dtype=float)
    check_shape("carry", carry, (len(symbols), len(names)))
    axes = canvas(on)
    steps = np.arange(1, len(symbols) + 1)
    for unit, name in enumerate(names):
        axes.plot(steps, carry[:, unit], MARKERS[unit] + "-", markersize=3.5, color=PALETTE[unit], label=name)
    for place in np.flatnonzero(np.array(list(symbols[1:])) != np.array(list(symbols[:-1]))):
        axes.axvline(place + 1.5, color=COLOURS["h"], linestyle=DASHES, linewidth=1)
    axes.set_xticks(steps, list(symbols), fontsize=9)
    axes.set(xlabel="symbol read", ylabel="carry $c_t$")
    axes.legend()
    return axes.figure


@styled
def task_shapes(batch, features, answers):
    """One sequence of a task as the arrays that hold it: x (T, D) on its side, and below it the answers that count.

    ``batch``: a ``tasks.Batch`` of which the first sequence is shown. ``features``: the names of the D rows.
    ``answers``: the text of every step's answer, "" where none counts.
    """
    x, mask = np.asarray(batch.x[:, 0], dtype=float), np.asarray(batch.mask[:, 0], dtype=bool)
    T, D = x.shape
    check_shape("features", np.asarray(features), (D,))
    check_shape("answers", np.asarray(answers), (T,))
    axes = canvas(height=0.95 + 0.27 * (D + 1))
    steps = np.arange(T + 1) + 0.5
    grid = {"edgecolor": "#BBBBBB", "linewidth": 0.5}
    axes.pcolormesh(steps, np.arange(D + 1) - 0.5, x.T, cmap="Blues", vmin=0, vmax=2.2, **grid)
    for t, d in np.argwhere(x):
        shown = f"{x[t, d]:.1f}".removeprefix("0") if x[t, d] != 1 else "1"
        axes.text(t + 1, d, shown, ha="center", va="center", fontsize=9, color=COLOURS["h"])
    for t in range(T):
        counts = "#E6DCEF" if mask[t] else "white"
        axes.fill_between([t + 0.5, t + 1.5], D - 0.3, D + 0.7, facecolor=counts, **grid)
        axes.text(t + 1, D + 0.2, answers[t], ha="center", va="center", fontsize=9, color=COLOURS["c"])
    axes.set_yticks([*range(D), D + 0.2], [*features, "answer"])
    axes.set(xlabel="step t", xlim=(0.5, T + 0.5), ylim=(D + 0.7, -0.5))
    axes.set_xticks(range(1, T + 1))
    axes.tick_params(length=0)
    axes.grid(visible=False)
    return axes.figure
