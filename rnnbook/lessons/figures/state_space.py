"""Figures of the linear recurrences: a matrix that stores pairs, with its numbers, and recall against its size."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.style import COLOURS, DASHES, MARKERS, PALETTE, canvas, panels, styled


@styled
def matrix_memory(matrices):
    """Matrices (K, V) side by side, each under its title, with its number in every cell: {title: matrix}.

    Violet is above zero, orange below; all share one scale.
    """
    matrices = {title: np.asarray(S, dtype=float) for title, S in matrices.items()}
    most = max(np.abs(S).max() for S in matrices.values()) or 1.0
    figure, row = panels(1, len(matrices), height=2.2, squeeze=False)
    for axes, (title, S) in zip(row[0], matrices.items(), strict=True):
        check_shape(f"matrices[{title!r}]", S, ("K", "V"))
        axes.imshow(S / most, cmap="PuOr", vmin=-1.6, vmax=1.6, aspect="equal")
        for (i, j), value in np.ndenumerate(S):
            axes.text(j, i, f"{round(value, 2) + 0:.2f}".replace("-", "−"), ha="center", va="center", fontsize=10)
        axes.set(title=title, xticks=[], yticks=[])
        axes.grid(visible=False)
    row[0, 0].set_ylabel("key")
    for axes in row[0]:
        axes.set_xlabel("value")
    return figure


@styled
def recall_against_state(states, right, bound=None, growing=(), on=None):
    """Share of right answers against the numbers in the state: states {name: n}, right {name: (S,) one per seed}.

    A dot for every seed, a marker at the mean, the name beside it. ``growing``: the names whose state grows with the
    input, drawn hollow. ``bound``, dashed: with fewer numbers not all answers can be right.
    """
    axes = canvas(on, height=4.2)
    for place, (name, values) in enumerate(right.items()):
        values = np.atleast_1d(np.asarray(values, dtype=float))
        check_shape(f"right[{name!r}]", values, ("S",))
        colour, x = PALETTE[place % len(PALETTE)], states[name]
        axes.plot(np.full(len(values), x), values, ".", color=colour, markersize=5, alpha=0.5)
        axes.plot(
            x,
            values.mean(),
            MARKERS[place % len(MARKERS)],
            linestyle="none",
            color=colour,
            markersize=9,
            markerfacecolor="white" if name in growing else colour,
            label=name,
        )
    if bound is not None:
        axes.axvline(bound, color=COLOURS["h"], linestyle=DASHES, linewidth=1.2, zorder=1)
        axes.annotate(
            "counting bound",
            (bound, 0.5),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            rotation=90,
            va="center",
        )
    axes.set(xscale="log", xlabel="numbers in the state", ylabel="share of right answers", ylim=(-0.03, 1.05))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, handletextpad=0.3)
    return axes.figure
