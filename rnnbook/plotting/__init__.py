"""Every figure of the book, one function each, in one style.

Each function returns the Figure it has drawn; as the last expression of a cell it is shown, once.

style       ``set_style``, ``COLOURS``, ``panels``, ``palette_png``
networks    ``unrolled_network``
charts      ``line_chart``, ``learning_curves``, ``forecast``, ``error_bars``, ``bars``,
            ``parameters_against_length``, ``causality``, ``gradient_reach``, ``gate_raster``,
            ``confusion_matrix``
"""
from .charts import (
    bars,
    causality,
    confusion_matrix,
    error_bars,
    forecast,
    gate_raster,
    gradient_reach,
    learning_curves,
    line_chart,
    parameters_against_length,
)
from .networks import unrolled_network
from .style import COLOURS, PALETTE, palette_png, panels, set_style

__all__ = [
    "COLOURS", "PALETTE", "bars", "causality", "confusion_matrix", "error_bars", "forecast", "gate_raster",
    "gradient_reach", "learning_curves", "line_chart", "palette_png", "panels", "parameters_against_length",
    "set_style", "unrolled_network",
]
