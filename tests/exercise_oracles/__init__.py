"""What each exercise's solution is compared with: one module for each chapter, one function for each exercise.

The function for ``lstm.check_coupled_step`` is ``exercise_oracles.lstm.coupled_step``. It takes the exercise's own
inputs by name and gets to the results on another way than the solution: autograd, ``torch.nn``, SciPy, the package's
layers and conversions, brute force. None calls a solution. What several of them share is in ``ways``.
"""

from importlib import import_module


def oracle_of(name):
    """Return the oracle of an exercise, by its name in ``test_exercises.EXERCISES``; None where there is none."""
    chapter, _, check = name.partition(".check_")
    return getattr(import_module(f"exercise_oracles.{chapter}"), check, None)
