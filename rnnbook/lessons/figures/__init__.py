"""Every figure of the book, one function each, in one style.

Each function returns the Figure it has drawn; as the last expression of a cell it is shown once.

::

    shared by chapters
    style              set_style, COLOURS, panels, palette_png
    networks           unrolled_network, gradient_flow, dense_with_loop, windowed_versus_recurrent
    cells              rnn_cell, gru_cell, lstm_cell
    charts             line_chart, learning_curves, forecast, error_bars, causality, gate_raster,
                       state_heat, confusion_matrix

    for one chapter each
    why_recurrence     states_while_reading, sequence_kinds
    bptt               weight_paths, path_contributions, state_gradients, check_table, seeds_against
    truncation         cut_gradients
    language_model     character_model, guesses, coloured_text, ranked
    limits             seven_claims
    gates              gradient_paths, gates_while_reading
    lstm               carry_story, product_against_gradient
    gradient_reach     gradient_relay, gradient_reach, gradient_against_lag, path_against_gradient,
                       gradient_heat, reach_and_success, loss_cliff
    memory             memory_tasks, task_shapes, skill_against_length, carry_ramp
    variable_length    ragged_batch, both_directions, share_against
    time_series        series_in_parts, kinds_of_answer, errors_by_horizon, fan_charts,
                       pit_histograms, sampled_futures, states_over_time
    control            control_loop, plant_runs, one_step_and_free, tracking, errors_in_trouble
    seq2seq            two_decoders, attention_map
    speed              calls_on_each_rung, ladder, step_time, roofline, spread_units, ratio_dots
    parallel           scan_rounds, scan_tree, newton_passes, time_against_length, right_after_each_step
    pronunciation      spelling_alignments, ctc_lattice, beam_tree
    state_space        matrix_memory, recall_against_state
    feedback_networks  energy_descent, energy_panels, recall_gallery, recall_against_stored,
                       capacity_curves, jordan_and_elman, errors_over_bits
    applications       genome_lanes, right_against_seconds, spoken_labels
    frameworks         block_orders, shared_batch
"""

from rnnbook.lessons.figures.applications import genome_lanes, right_against_seconds, spoken_labels
from rnnbook.lessons.figures.bptt import (
    check_table,
    path_contributions,
    seeds_against,
    state_gradients,
    weight_paths,
)
from rnnbook.lessons.figures.cells import gru_cell, lstm_cell, rnn_cell
from rnnbook.lessons.figures.charts import (
    causality,
    confusion_matrix,
    error_bars,
    forecast,
    gate_raster,
    learning_curves,
    line_chart,
    state_heat,
)
from rnnbook.lessons.figures.control import (
    control_loop,
    errors_in_trouble,
    one_step_and_free,
    plant_runs,
    tracking,
)
from rnnbook.lessons.figures.feedback_networks import (
    capacity_curves,
    energy_descent,
    energy_panels,
    errors_over_bits,
    jordan_and_elman,
    recall_against_stored,
    recall_gallery,
)
from rnnbook.lessons.figures.frameworks import block_orders, shared_batch
from rnnbook.lessons.figures.gates import gates_while_reading, gradient_paths
from rnnbook.lessons.figures.gradient_reach import (
    gradient_against_lag,
    gradient_heat,
    gradient_reach,
    gradient_relay,
    loss_cliff,
    path_against_gradient,
    reach_and_success,
)
from rnnbook.lessons.figures.language_model import character_model, coloured_text, guesses, ranked
from rnnbook.lessons.figures.limits import seven_claims
from rnnbook.lessons.figures.lstm import carry_story, product_against_gradient
from rnnbook.lessons.figures.memory import carry_ramp, memory_tasks, skill_against_length, task_shapes
from rnnbook.lessons.figures.networks import (
    dense_with_loop,
    gradient_flow,
    unrolled_network,
    windowed_versus_recurrent,
)
from rnnbook.lessons.figures.parallel import (
    newton_passes,
    right_after_each_step,
    scan_rounds,
    scan_tree,
    time_against_length,
)
from rnnbook.lessons.figures.pronunciation import beam_tree, ctc_lattice, spelling_alignments
from rnnbook.lessons.figures.seq2seq import attention_map, two_decoders
from rnnbook.lessons.figures.speed import (
    calls_on_each_rung,
    ladder,
    ratio_dots,
    roofline,
    spread_units,
    step_time,
)
from rnnbook.lessons.figures.state_space import matrix_memory, recall_against_state
from rnnbook.lessons.figures.style import COLOURS, PALETTE, palette_png, panels, set_style
from rnnbook.lessons.figures.time_series import (
    errors_by_horizon,
    fan_charts,
    kinds_of_answer,
    pit_histograms,
    sampled_futures,
    series_in_parts,
    states_over_time,
)
from rnnbook.lessons.figures.truncation import cut_gradients
from rnnbook.lessons.figures.variable_length import both_directions, ragged_batch, share_against
from rnnbook.lessons.figures.why_recurrence import sequence_kinds, states_while_reading

__all__ = [
    "COLOURS",
    "PALETTE",
    "attention_map",
    "beam_tree",
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
    "control_loop",
    "ctc_lattice",
    "cut_gradients",
    "dense_with_loop",
    "energy_descent",
    "energy_panels",
    "error_bars",
    "errors_by_horizon",
    "errors_in_trouble",
    "errors_over_bits",
    "fan_charts",
    "forecast",
    "gate_raster",
    "gates_while_reading",
    "genome_lanes",
    "gradient_against_lag",
    "gradient_flow",
    "gradient_heat",
    "gradient_paths",
    "gradient_reach",
    "gradient_relay",
    "gru_cell",
    "guesses",
    "jordan_and_elman",
    "kinds_of_answer",
    "ladder",
    "learning_curves",
    "line_chart",
    "loss_cliff",
    "lstm_cell",
    "matrix_memory",
    "memory_tasks",
    "newton_passes",
    "one_step_and_free",
    "palette_png",
    "panels",
    "path_against_gradient",
    "path_contributions",
    "pit_histograms",
    "plant_runs",
    "product_against_gradient",
    "ragged_batch",
    "ranked",
    "ratio_dots",
    "reach_and_success",
    "recall_against_state",
    "recall_against_stored",
    "recall_gallery",
    "right_after_each_step",
    "right_against_seconds",
    "rnn_cell",
    "roofline",
    "sampled_futures",
    "scan_rounds",
    "scan_tree",
    "seeds_against",
    "sequence_kinds",
    "series_in_parts",
    "set_style",
    "seven_claims",
    "share_against",
    "shared_batch",
    "skill_against_length",
    "spelling_alignments",
    "spoken_labels",
    "state_gradients",
    "state_heat",
    "states_over_time",
    "states_while_reading",
    "spread_units",
    "step_time",
    "task_shapes",
    "time_against_length",
    "tracking",
    "two_decoders",
    "unrolled_network",
    "weight_paths",
    "windowed_versus_recurrent",
]
