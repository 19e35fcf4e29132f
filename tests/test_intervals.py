"""The interval of a mean over a few seeds is SciPy's."""

import numpy as np
import pytest
from scipy import stats

from rnnbook.lessons.intervals import T_VALUES, interval


@pytest.mark.parametrize("N", T_VALUES)
def test_the_half_width_is_that_of_students_t(N):
    values = np.random.default_rng(N).normal(3, 2, N)
    low, high = stats.t.interval(0.95, N - 1, loc=values.mean(), scale=stats.sem(values))
    mean, half = interval(values)
    assert mean == pytest.approx((low + high) / 2, abs=1e-12) and half == pytest.approx((high - low) / 2, rel=2e-4)


def test_another_number_of_seeds_is_refused_by_its_shape():
    with pytest.raises(ValueError, match=r"but has \(7,\)"):
        interval(np.zeros(7))
