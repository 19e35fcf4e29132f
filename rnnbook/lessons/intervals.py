"""Confidence intervals of a mean over a few seeds, for the chapters' tables."""

import numpy as np

T_VALUES = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}  # 97.5 %, N - 1 degrees of freedom


def interval(values):
    """Return the mean of ``values`` (N,), one per seed, and the half width of its 95 % interval (Student's t).

    Raises ValueError for an N that is not in ``T_VALUES``.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) not in T_VALUES:
        raise ValueError(f"values should have one of the shapes {[(n,) for n in T_VALUES]}, but has {values.shape}")
    return values.mean(), T_VALUES[len(values)] * values.std(ddof=1) / np.sqrt(len(values))
