"""The interval of a mean over a few seeds is SciPy's."""

import json
import re

import numpy as np
import pytest
from conftest import ROOT
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


def test_the_factor_of_every_interval_is_students():
    """In the chapters and the exercises: ``t * values.std(ddof=1) / np.sqrt(n)``, t for n - 1 degrees of freedom."""
    written = re.compile(r"(\d\.\d+) \* \w+\.std\(ddof=1\) / np\.sqrt\((\d+)\)")
    said = re.compile(
        r"\\frac\{t\\, s\}\{\\sqrt\{?(\d+)\}?\}, \\qquad t = (\d\.\d+)|t = (\d\.\d+)\$ and \$\\sqrt (\d+)"
    )
    found = []
    for path in sorted([*(ROOT / "book").glob("*.ipynb"), *(ROOT / "rnnbook/lessons/exercises").glob("*.py")]):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        wrong_on_purpose = "1.96 * values.std(ddof=1) / np.sqrt(3)"
        found += written.findall(text.replace(wrong_on_purpose, ""))
        found += [(t or t2, n or n2) for n, t, t2, n2 in said.findall(text)]
    assert len(found) >= 4
    for t, n in found:
        assert float(t) == pytest.approx(stats.t.ppf(0.975, int(n) - 1), abs=0.0006), (t, n)
