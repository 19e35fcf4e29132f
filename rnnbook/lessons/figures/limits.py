"""The figures of the seven claims: each row one experiment, its numbers as bars; and states that wait for a digit."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.style import COLOURS, PALETTE, WIDTH, canvas, panels, styled


@styled
def seven_claims(rows):
    """One row a claim: {claim: {what was measured: (value, its text)}}, bars beside each other on that row's own scale.

    The longest bar of a row has the full length, so that bars compare within a row and not between rows.
    """
    bars = [len(measured) for measured in rows.values()]
    axes = canvas(height=0.3 + 0.24 * sum(bars) + 0.16 * len(bars))
    place, ticks = 0.0, []
    for claim, measured in rows.items():
        longest = max(value for value, _ in measured.values())
        axes.text(-0.04, place + 0.5 * (len(measured) - 1), claim, ha="right", va="center", fontsize=10.5)
        for n, (name, (value, text)) in enumerate(measured.items()):
            axes.barh(place + n, value / longest, height=0.8, color=PALETTE[0] if n == 0 else "#B9C7D3")
            axes.text(1.04, place + n, f"{text}  {name}", ha="left", va="center", fontsize=9.5, color=COLOURS["h"])
        place += len(measured) + 0.7
        ticks.append(place - 0.85)
    for line in ticks[:-1]:
        axes.axhline(line, color="#DDDDDD", linewidth=0.8, xmin=0, xmax=1)
    axes.set(xlim=(-1.15, 3.1), ylim=(place - 0.9, -0.7))
    axes.set_axis_off()
    axes.figure.set_size_inches(WIDTH, axes.figure.get_figheight())
    return axes.figure


@styled
def state_heat(states):
    """The states of a network while it reads, {title: (T, H)}: a column a step, a row a unit, -1 to 1, 0 is white."""
    figure, row = panels(1, len(states), height=2.7, sharey=True, squeeze=False)
    for axes, (title, values) in zip(row[0], states.items(), strict=True):
        values = np.asarray(values, dtype=float)
        check_shape(f"states[{title!r}]", values, ("T", "H"))
        steps, units = np.arange(len(values) + 1) + 0.5, np.arange(values.shape[1] + 1) + 0.5
        picture = axes.pcolormesh(steps, units, values.T, cmap="PuOr", vmin=-1, vmax=1)
        axes.set(title=title, xlabel="step t")
        axes.grid(visible=False)
    row[0, 0].set_ylabel("unit")
    figure.colorbar(picture, ax=list(row[0]), label="state", ticks=[-1, 0, 1], aspect=14, pad=0.015)
    return figure
