"""The figure of the seven claims: each row one experiment, its numbers as bars."""

from rnnbook.lessons.figures.style import COLOURS, PALETTE, WIDTH, canvas, styled


@styled
def seven_claims(rows):
    """One row per claim: {claim: {what was measured: (value, its text)}}, bars on that row's own scale.

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
