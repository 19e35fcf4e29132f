"""A series in time, forecasts that say how sure they are, and the proof whether to believe them."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.style import COLOURS, PALETTE, STYLES, canvas, panels, styled

MISSED = "#B0003A"


@styled
def kinds_of_answer():
    """Three answers to the same question: a number with one width for all times, a normal density, a mixture."""
    figure, row = panels(1, 3, height=2.9, sharey=True)
    grid = np.linspace(-3.2, 3.2, 300)
    means, wide = np.array([-1.3, 0.1, 1.1, 0.3]), np.array([0.25, 0.5, 0.85, 0.4])
    gaps, narrow = (0.0, -1.0, -2.2, 0.0), (0.25, 0.28, 0.4, 0.25)
    kinds = [  # mean, width, second hump, weight of the first
        [(m, 0.5, 0.0, 1.0) for m in means],
        [(m, w, 0.0, 1.0) for m, w in zip(means, wide, strict=True)],
        [(m, w, gap, 0.65) for m, w, gap in zip(means, narrow, gaps, strict=True)],
    ]
    titles = ["a number\n(the same width always)", "a normal density\nat every step", "a mixture\nof normal densities"]
    for axes, title, answers, colour in zip(row, titles, kinds, PALETTE, strict=False):
        for t, (mean, sigma, gap, weight) in enumerate(answers):
            bump = weight * np.exp(-0.5 * ((grid - mean) / sigma) ** 2)
            bump += (1 - weight) * np.exp(-0.5 * ((grid - mean - gap) / sigma) ** 2)
            height = bump / (bump.sum() * (grid[1] - grid[0]))
            axes.fill_betweenx(grid, t, t + 0.55 * height, color=colour, alpha=0.35, linewidth=0)
            axes.plot(t + 0.55 * height, grid, color=colour, linestyle="-", linewidth=1.3)
        axes.plot(np.arange(4), means, "o", color=COLOURS["h"], markersize=5)
        axes.set(title=title, xlabel="step $t$", xticks=range(4), xlim=(-0.4, 4.2))
        axes.set_xticklabels(range(1, 5))
        axes.grid(axis="x", visible=False)
    row[0].set(ylabel="what comes next", yticks=[])
    return figure


@styled
def errors_by_horizon(curves, units, xlabel="months ahead"):
    """Errors against the horizon, a panel a series: {title: {name: (S, K), one row a seed}}; units: {title: label}.

    The line is the mean over the seeds, the band runs from the smallest to the largest.
    """
    figure, row = panels(1, len(curves), height=3.3, squeeze=False)
    for axes, (title, methods) in zip(row[0], curves.items(), strict=True):
        for place, (name, errors) in enumerate(methods.items()):
            errors = np.atleast_2d(np.asarray(errors, dtype=float))
            check_shape(f"curves[{title!r}][{name!r}]", errors, ("S", errors.shape[1]))
            months = np.arange(1, errors.shape[1] + 1)
            axes.fill_between(
                months, errors.min(axis=0), errors.max(axis=0), color=PALETTE[place], alpha=0.15, linewidth=0
            )
            axes.plot(months, errors.mean(axis=0), color=PALETTE[place], linestyle=STYLES[place], label=name)
        axes.set(title=title, xlabel=xlabel, ylabel=units[title], xticks=[1, 6, 12, 18, 24])
    handles, labels = row[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


@styled
def fan_charts(time, observed, fans, label, xlabel="year"):
    """A series (N,) over forecasts of it, a panel each: {title: {"median": (N,), 50: (low, high), 90: (low, high)}}.

    Observations outside the widest band are marked; the title ends with their share.
    """
    time, observed = np.asarray(time), np.asarray(observed, dtype=float)
    check_shape("observed", observed, time.shape)
    figure, column = panels(len(fans), 1, height=0.5 + 2.35 * len(fans), sharex=True, sharey=True, squeeze=False)
    for axes, (title, fan) in zip(column[:, 0], fans.items(), strict=True):
        levels = sorted((level for level in fan if level != "median"), reverse=True)
        for level in levels:
            low, high = (np.asarray(bound, dtype=float) for bound in fan[level])
            check_shape(f"fans[{title!r}][{level}]", np.stack([low, high]), (2, len(time)))
            axes.fill_between(
                time,
                low,
                high,
                color=PALETTE[0],
                alpha=0.22 if level == levels[0] else 0.4,
                linewidth=0,
                label=f"{level} % interval",
            )
        axes.plot(time, fan["median"], color=PALETTE[0], linestyle="-", linewidth=1.2, label="median")
        axes.plot(time, observed, color=COLOURS["h"], linestyle="-", linewidth=0.8, label="observed")
        low, high = fan[levels[0]]
        missed = (observed < low) | (observed > high)
        axes.plot(time[missed], observed[missed], "o", color=MISSED, markersize=3, label=f"outside {levels[0]} %")
        axes.set(
            title=f"{title}: {100 * missed.mean():.0f} % outside the {levels[0]} % interval",
            ylabel=label,
            xlim=(time[0], time[-1]),
        )
    column[-1, 0].set_xlabel(xlabel)
    figure.legend(
        *column[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=5,
        columnspacing=1.1,
        handlelength=1.5,
        handletextpad=0.5,
    )
    return figure


@styled
def pit_histograms(values, bins=10):
    """How often the truth fell into each tenth of its forecast density, a panel a model: {title: values (N,) in 0 … 1}.

    A calibrated forecast gives equal bars. The grey band holds nineteen bars of twenty if the N values were
    independent.
    """
    figure, row = panels(1, len(values), height=2.9, sharey=True, squeeze=False)
    for place, (axes, (title, pit)) in enumerate(zip(row[0], values.items(), strict=True)):
        pit = np.asarray(pit, dtype=float)
        check_shape(f"values[{title!r}]", pit, ("N",))
        share, edges = np.histogram(pit, bins=bins, range=(0, 1))
        slack = 1.96 * np.sqrt((1 - 1 / bins) / bins / len(pit))
        axes.axhspan(1 / bins - slack, 1 / bins + slack, color="#9A9A9A", alpha=0.35, linewidth=0)
        axes.axhline(1 / bins, color=COLOURS["h"], linestyle=(0, (4, 2)), linewidth=1.2)
        axes.bar(
            edges[:-1],
            share / len(pit),
            width=1 / bins,
            align="edge",
            color=PALETTE[place],
            edgecolor="white",
            alpha=0.85,
        )
        axes.set(title=title, xlabel="place in the density", xlim=(0, 1), xticks=[0, 0.5, 1])
        axes.grid(axis="x", visible=False)
    row[0, 0].set_ylabel("share of the months")
    return figure


@styled
def spread_against_error(groups, label, on=None):
    """Stated against actual: {name: (stated (G,), actual (G,))}, both root mean squares in G groups of months."""
    axes = canvas(on, height=3.4, width=4.6)
    top = 0.0
    for place, (name, (stated, actual)) in enumerate(groups.items()):
        stated, actual = np.asarray(stated, dtype=float), np.asarray(actual, dtype=float)
        check_shape(f"groups[{name!r}][1]", actual, stated.shape)
        axes.plot(
            stated,
            actual,
            "os^D"[place % 4],
            color=PALETTE[place],
            linestyle=STYLES[place],
            markersize=6,
            linewidth=1.2,
            label=name,
        )
        top = max(top, 1.08 * stated.max(), 1.08 * actual.max())
    axes.plot([0, top], [0, top], color=COLOURS["h"], linestyle=(0, (4, 2)), linewidth=1.2, label="stated = actual")
    axes.set(xlabel=f"stated spread {label}", ylabel=f"actual error {label}", xlim=(0, top), ylim=(0, top))
    axes.legend()
    return axes.figure


@styled
def series_in_parts(time, series, parts, label, xlabel="year", on=None):
    """A series (N,) over time (N,), cut into named parts: {name: consecutive indices}, each shaded and named."""
    time, series = np.asarray(time), np.asarray(series, dtype=float)
    check_shape("series", series, time.shape)
    axes = canvas(on, height=2.7)
    for number, (name, part) in enumerate(parts.items()):
        axes.plot(time[part], series[part], color=PALETTE[number], linestyle="-", linewidth=1, label=name)
        axes.axvspan(time[part[0]], time[part[-1]], color=PALETTE[number], alpha=0.08, linewidth=0)
        axes.annotate(
            name,
            ((time[part[0]] + time[part[-1]]) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=PALETTE[number],
            fontsize=10.5,
        )
    axes.set(xlabel=xlabel, ylabel=label, xlim=(time[0], time[-1]))
    return axes.figure
