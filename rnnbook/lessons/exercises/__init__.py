"""The checks behind the book's exercises, one module for each chapter.

>>> from rnnbook.lessons import exercises
>>> exercises.rnn.check_step(lambda x_t, h_prev, W_ih, W_hh, b_ih, b_hh: None)
It returns None: write its body, end it with return, and run the cell again.

A check runs your function and the book's on the same random inputs. Where they differ it tries the usual mistakes and
names the one that gives your numbers. Each module also holds the reference solutions. Other kinds of exercises ask for
the name of a bug, a prediction, a number from a figure or a plan; they are called in the same way.

``hint("rnn.step")``, ``solution("rnn.step")`` and ``progress()`` are for notebooks.
"""

from rnnbook.lessons.exercises import (
    applications,
    bptt,
    control,
    feedback_networks,
    frameworks,
    gradient_reach,
    gru,
    language_model,
    limits,
    lstm,
    memory,
    parallel,
    pronunciation,
    rnn,
    seq2seq,
    speed,
    state_space,
    time_series,
    truncation,
    variable_length,
    why_recurrence,
)
from rnnbook.lessons.exercises.hints import hint, progress, solution

__all__ = [
    "applications",
    "bptt",
    "control",
    "feedback_networks",
    "frameworks",
    "gradient_reach",
    "gru",
    "language_model",
    "limits",
    "lstm",
    "memory",
    "parallel",
    "pronunciation",
    "rnn",
    "seq2seq",
    "speed",
    "state_space",
    "time_series",
    "truncation",
    "variable_length",
    "why_recurrence",
    "hint",
    "progress",
    "solution",
]
chapters = __all__[:-3]
