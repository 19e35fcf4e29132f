"""Charts of a series in time."""

import numpy as np

from ..errors import check_shape
from .style import PALETTE, canvas, styled


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
