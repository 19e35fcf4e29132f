"""Figures of the LSTM's carry: one unit's story, step by step, and the forget gates against the gradient."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.charts import named
from rnnbook.lessons.figures.style import COLOURS, DASHES, panels, styled


@styled
def carry_story(read, gates, c, h, notes=None):
    """What one unit reads, how far its gates are open, and what it holds and shows, at each of T steps.

    read, c, h (T,). gates: {letter: values (T,) from 0 to 1}, a strip each. notes: {step from 1: word above it}.
    """
    read, c, h = (np.asarray(values, dtype=float) for values in (read, c, h))
    T = len(read)
    gates = named("gates", gates)
    figure, rows = panels(3, 1, height=4.9, sharex=True, height_ratios=[1, 0.36 * len(gates), 1.5])
    steps = np.arange(1, T + 1)
    rows[0].bar(steps, read, width=0.55, color=COLOURS["x"])
    for step, word in (notes or {}).items():
        rows[0].annotate(word, (step, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=10)
    rows[0].set(ylabel="number read")
    for row, (name, values) in enumerate(gates.items()):
        check_shape(f"gates[{name!r}]", values, (T,))
        shades = LinearSegmentedColormap.from_list(name, ["white", COLOURS.get(name, COLOURS["h"])])
        rows[1].pcolormesh(np.arange(T + 1) + 0.5, [row - 0.42, row + 0.42], values[None], vmin=0, vmax=1, cmap=shades)
    rows[1].set(yticks=range(len(gates)), ylim=(len(gates) - 0.4, -0.6), ylabel="gates")
    rows[1].set_yticklabels([f"${name}$" for name in gates], fontsize=14)
    rows[1].tick_params(axis="y", length=0, pad=2)
    figure.align_ylabels(rows)
    check_shape("c", c, (T,))
    check_shape("h", h, (T,))
    rows[2].step(
        np.arange(T + 1) + 0.5,
        np.append(c, c[-1]),
        where="post",
        color=COLOURS["c"],
        linestyle="-",
        linewidth=2.6,
        label="carry $c$",
    )
    rows[2].bar(steps, h, width=0.34, color=COLOURS["h"], label="state $h$")
    rows[2].set(xlabel="step", ylabel="held and shown", xticks=steps)
    rows[2].legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    for axes in rows[:2]:
        axes.tick_params(axis="x", length=0)
        axes.grid(axis="x", visible=False)
    rows[1].grid(visible=False)
    for axes in (rows[0], rows[2]):
        axes.axhline(0, color=COLOURS["h"], linewidth=0.8)
    return figure


@styled
def product_against_gradient(runs, floor=None):
    """The product of the forget gates beside the gradient of the carry: {title: (products, measured)}, a panel each.

    Both are (N, H), row n for the lag n + 1, a column for each unit. The line is the median of their absolute values
    over the units, the band runs from the smallest to the largest. Anything below ``floor`` is cut off.
    """
    figure, row = panels(1, len(runs), height=3.5, sharey=True, squeeze=False)
    looks = [("product of the forget gates", "f", "-", 0.28), ("measured gradient", "gradient", DASHES, 0.16)]
    for axes, (title, pair) in zip(row[0], runs.items(), strict=True):
        for values, (label, colour, style, shade) in zip(pair, looks, strict=True):
            values = np.abs(np.asarray(values, dtype=float))
            check_shape(f"runs[{title!r}]", values, np.shape(pair[0]))
            lags = np.arange(1, len(values) + 1)
            axes.fill_between(
                lags, values.min(axis=1), values.max(axis=1), color=COLOURS[colour], alpha=shade, linewidth=0
            )
            axes.plot(lags, np.median(values, axis=1), color=COLOURS[colour], linestyle=style, label=label)
        axes.set(yscale="log", title=title, xlabel="lag: steps back", xlim=(1, len(values)))
    if floor is not None:
        row[0, 0].set_ylim(bottom=floor)
    row[0, 0].set_ylabel(r"$|\,\partial c_T / \partial c_{T-k}\,|$ of a unit")
    figure.legend(*row[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
