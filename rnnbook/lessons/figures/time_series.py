"""A time series, forecasts that say how sure they are, and ways to find out whether to believe them."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.style import COLOURS, PALETTE, STYLES, canvas, panels, styled

MISSED = "#B0003A"


@styled
def kinds_of_answer():
    """Three ways to answer: a number with one width for all times, a normal density at each step, a mixture."""
    figure, row = panels(1, 3, height=2.9, sharey=True)
    grid = np.linspace(-3.2, 3.2, 300)
    means, wide = np.array([-1.3, 0.1, 1.1, 0.3]), np.array([0.25, 0.5, 0.85, 0.4])
    gaps, narrow = (0.0, -1.0, -2.2, 0.0), (0.25, 0.28, 0.4, 0.25)
    kinds = [  # mean, width, second hump, weight of the first
        [(m, 0.5, 0.0, 1.0) for m in means],
        [(m, w, 0.0, 1.0) for m, w in zip(means, wide, strict=True)],
        [(m, w, gap, 0.65) for m, w, gap in zip(means, narrow, gaps, strict=True)],
    ]
    titles = ["a number\n(always the same width)", "a normal density\nat every step", "a mixture\nof normal densities"]
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
    """Errors at each horizon, {title: {name: (S, K), a row for each seed}}, one panel each; units: {title: label}.

    The line is the mean over the seeds; the band runs from the smallest to the largest.
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
    """A series (N,) and forecasts of it, {title: {"median": (N,), 50: (low, high), 90: (low, high)}}, one panel each.

    Observations outside the widest band are marked, and the title gives their share.
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
    """How often the truth fell into each tenth of its forecast density: {title: values (N,) from 0 to 1}.

    A calibrated forecast gives equal bars. If the N values were independent, the grey band would hold nineteen of
    twenty bars.
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
        axes.set(title=title, xlabel="place in the\nforecast density", xlim=(0, 1), xticks=[0, 0.5, 1])
        axes.grid(axis="x", visible=False)
    row[0, 0].set_ylabel("share of the months")
    return figure


@styled
def series_in_parts(time, series, parts, label, xlabel="year", on=None):
    """A series (N,) at the times (N,), cut into parts {name: consecutive indices}, each shaded and named."""
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


@styled
def sampled_futures(time, observed, now, paths, label, xlabel="year"):
    """A series (N,) and futures drawn for it from month ``now`` on: paths (S, K), a row for each.

    The first path is drawn in bold, so that one of them can be followed.
    """
    time, observed, paths = np.asarray(time), np.asarray(observed, dtype=float), np.asarray(paths, dtype=float)
    check_shape("observed", observed, time.shape)
    check_shape("paths", paths, ("S", "K"))
    axes = canvas(height=3.4)
    ahead = time[now] + (time[1] - time[0]) * np.arange(paths.shape[1])
    for number, path in enumerate(paths):
        bold = {"linewidth": 1.5, "alpha": 1.0, "zorder": 3, "label": "one sampled future"} if number == 0 else {}
        thin = {"linewidth": 0.6, "alpha": 0.35, "label": f"{len(paths) - 1} more" if number == 1 else None}
        axes.plot(ahead, path, color=PALETTE[number == 0], linestyle="-", **(bold or thin))
    axes.plot(time, observed, color=COLOURS["h"], linestyle="-", linewidth=1.5, label="observed")
    axes.axvline(time[now], color=COLOURS["h"], linestyle=(0, (4, 2)), linewidth=1)
    axes.set(xlabel=xlabel, ylabel=label, xlim=(time[0], time[-1]), ylim=(0, None))
    figure = axes.figure
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


@styled
def states_over_time(time, observed, states, label, xlabel="year"):
    """A series (N,) and, below it, the states (N, H) of a network that reads it: a row for each unit, 0 is white."""
    time, observed, states = np.asarray(time), np.asarray(observed, dtype=float), np.asarray(states, dtype=float)
    check_shape("observed", observed, time.shape)
    check_shape("states", states, (len(time), "H"))
    figure, (above, below) = panels(2, 1, height=4.0, sharex=True, height_ratios=[1, 1.6])
    above.plot(time, observed, color=COLOURS["h"], linestyle="-", linewidth=1.2)
    above.set(ylabel=label, xlim=(time[0], time[-1]))
    edges = np.append(time, 2 * time[-1] - time[-2])
    units = np.arange(states.shape[1] + 1) + 0.5
    picture = below.pcolormesh(edges, units, states.T, cmap="PuOr", vmin=-1, vmax=1, rasterized=True)
    below.set(xlabel=xlabel, ylabel="unit")
    below.grid(visible=False)
    figure.colorbar(picture, ax=[above, below], label="state", ticks=[-1, 0, 1], aspect=20, pad=0.015)
    return figure
