"""Every figure of the book, one function each, in one style.

Each function returns the Figure it has drawn; as the last expression of a cell it is shown, once.

::

    style       set_style, COLOURS, panels, palette_png
    networks    unrolled_network, gradient_flow, dense_with_loop, windowed_versus_recurrent,
                sequence_kinds
    backprop    weight_paths, path_contributions, check_table, seeds_against
    cells       rnn_cell, gru_cell, lstm_cell
    carry       carry_story, product_against_gradient
    charts      line_chart, learning_curves, forecast, error_bars, bars,
                parameters_against_length, causality, gradient_reach, gate_raster,
                confusion_matrix
    series      series_in_parts
    feedback    energy_descent, energy_panels, recall_gallery, recall_against_stored,
                capacity_curves, jordan_and_elman, errors_over_bits
    limits      gradient_relay, gradient_against_lag, reach_and_success, with_and_without
    memory      memory_tasks, skill_against_length, carry_ramp
    speed       calls_on_each_rung, ladder, step_time, ratio_dots
    frameworks  block_orders, shared_batch
    ragged      ragged_batch, both_directions, share_against
    parallel    scan_rounds, time_against_length, right_after_each_step
    text        character_model, guesses, coloured_text
    uncertainty kinds_of_answer, errors_by_horizon, fan_charts, pit_histograms, spread_against_error
"""

from .backprop import check_table, path_contributions, seeds_against, weight_paths
from .carry import carry_story, product_against_gradient
from .cells import gru_cell, lstm_cell, rnn_cell
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
from .feedback import (
    capacity_curves,
    energy_descent,
    energy_panels,
    errors_over_bits,
    jordan_and_elman,
    recall_against_stored,
    recall_gallery,
)
from .frameworks import block_orders, shared_batch
from .limits import gradient_against_lag, gradient_relay, reach_and_success, with_and_without
from .memory import carry_ramp, memory_tasks, skill_against_length
from .networks import dense_with_loop, gradient_flow, sequence_kinds, unrolled_network, windowed_versus_recurrent
from .parallel import right_after_each_step, scan_rounds, time_against_length
from .ragged import both_directions, ragged_batch, share_against
from .series import series_in_parts
from .speed import calls_on_each_rung, ladder, ratio_dots, step_time
from .style import COLOURS, PALETTE, palette_png, panels, set_style
from .text import character_model, coloured_text, guesses
from .uncertainty import errors_by_horizon, fan_charts, kinds_of_answer, pit_histograms, spread_against_error

__all__ = [
    "COLOURS",
    "PALETTE",
    "bars",
    "block_orders",
    "both_directions",
    "calls_on_each_rung",
    "capacity_curves",
    "carry_ramp",
    "carry_story",
    "causality",
    "character_model",
    "check_table",
    "coloured_text",
    "confusion_matrix",
    "dense_with_loop",
    "energy_descent",
    "energy_panels",
    "error_bars",
    "errors_by_horizon",
    "errors_over_bits",
    "fan_charts",
    "forecast",
    "gate_raster",
    "gradient_against_lag",
    "gradient_flow",
    "gradient_reach",
    "gradient_relay",
    "gru_cell",
    "guesses",
    "jordan_and_elman",
    "kinds_of_answer",
    "ladder",
    "learning_curves",
    "line_chart",
    "lstm_cell",
    "memory_tasks",
    "palette_png",
    "panels",
    "parameters_against_length",
    "path_contributions",
    "pit_histograms",
    "product_against_gradient",
    "ragged_batch",
    "ratio_dots",
    "reach_and_success",
    "recall_against_stored",
    "recall_gallery",
    "right_after_each_step",
    "rnn_cell",
    "scan_rounds",
    "seeds_against",
    "sequence_kinds",
    "series_in_parts",
    "set_style",
    "share_against",
    "shared_batch",
    "skill_against_length",
    "spread_against_error",
    "step_time",
    "time_against_length",
    "unrolled_network",
    "weight_paths",
    "windowed_versus_recurrent",
    "with_and_without",
]
