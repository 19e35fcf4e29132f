"""The baselines forecast what they say, from the past alone, and the linear one equals statsmodels'."""

import numpy as np
import pytest

from rnnbook import data, rivals
from rnnbook.rivals.forecasts import fit_autoregression, persistence, root_mean_squared_error, seasonal_naive

N, PAST = 60, 41  # values of the series, and how many of them are kept when the future is changed


@pytest.fixture
def series():
    return np.random.default_rng(0).normal(size=N).cumsum()


FORECASTS = {
    "persistence": lambda s, horizon: persistence(s, horizon),
    "seasonal": lambda s, horizon: seasonal_naive(s, 5, horizon),
    "autoregression": lambda s, horizon: fit_autoregression(s[:PAST], 3, horizon).forecast(s),
}
each_forecast = pytest.mark.parametrize("forecast", FORECASTS.values(), ids=FORECASTS)
each_horizon = pytest.mark.parametrize("horizon", [1, 4, 7])


def test_persistence_repeats_the_value_horizon_steps_earlier():
    np.testing.assert_array_equal(persistence([5, 3, 8, 1], 1), [np.nan, 5, 3, 8])
    np.testing.assert_array_equal(persistence([5, 3, 8, 1], 3), [np.nan, np.nan, np.nan, 5])


@pytest.mark.parametrize(("horizon", "lag"), [(1, 3), (3, 3), (4, 6), (7, 9)])
def test_the_seasonal_forecast_repeats_whole_periods_and_never_looks_past_the_horizon(horizon, lag):
    series = np.arange(12.0)
    np.testing.assert_array_equal(seasonal_naive(series, 3, horizon)[lag:], series[:-lag])
    assert np.isnan(seasonal_naive(series, 3, horizon)[:lag]).all()


@each_horizon
@each_forecast
def test_a_forecast_is_aligned_and_uses_nothing_from_within_its_horizon(forecast, horizon, series):
    before = forecast(series, horizon)
    assert before.shape == series.shape
    changed = series.copy()
    changed[PAST:] += 100  # what is known at PAST - 1 decides the forecasts up to PAST - 1 + horizon
    after = forecast(changed, horizon)
    np.testing.assert_array_equal(after[: PAST + horizon], before[: PAST + horizon])
    assert (after[PAST + horizon :] != before[PAST + horizon :]).any()


@pytest.mark.parametrize("order", [1, 2, 5])
def test_one_step_ahead_the_autoregression_equals_statsmodels(order, series):
    from statsmodels.tsa.ar_model import AutoReg  # not earlier: it would take every process a second

    ours = fit_autoregression(series, order)
    theirs = AutoReg(series, order).fit()
    np.testing.assert_allclose(np.r_[ours.bias, ours.weights[::-1]], theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.forecast(series)[order:], theirs.fittedvalues, rtol=1e-9)


def test_it_finds_the_coefficients_of_a_series_that_has_them():
    series = [1.0, 2.0, -1.0]
    for _ in range(20):
        series.append(0.6 * series[-1] - 0.3 * series[-3] + 0.5)
    model = fit_autoregression(series, 3)
    np.testing.assert_allclose(model.weights, [-0.3, 0, 0.6], atol=1e-9)  # the oldest first
    np.testing.assert_allclose(model.bias, 0.5, atol=1e-9)


def test_on_the_sunspots_it_gives_the_errors_known_for_them():
    series = data.sunspots_monthly().value
    train, test = data.split_by_time(series, (0.8, 0.2))
    errors = [
        root_mean_squared_error(forecast[-len(test) :], test)
        for forecast in (
            persistence(series, 1),
            persistence(series, 12),
            fit_autoregression(train, 24, 1).forecast(series),
            fit_autoregression(train, 132, 12).forecast(series),
        )
    ]
    np.testing.assert_allclose(errors, [19.62, 37.73, 17.48, 26.31], atol=0.005)


def test_the_error_is_the_root_of_the_mean_square():
    assert root_mean_squared_error(np.array([1.0, 5.0]), np.array([4.0, 1.0])) == np.sqrt(12.5)


@pytest.mark.parametrize(
    "dtype, forecast, series", [(np.uint8, 0, 100), (np.int16, 500, 3), (np.int8, -100, 100), (np.float16, 300, 0)]
)
def test_the_error_does_not_wrap_or_overflow_in_the_arrays_own_dtype(dtype, forecast, series):
    forecast, series = np.array([forecast], dtype), np.array([series], dtype)
    assert root_mean_squared_error(forecast, series) == abs(float(forecast[0]) - float(series[0]))
    assert root_mean_squared_error(series, forecast) == root_mean_squared_error(forecast, series)


def test_a_series_of_any_dtype_has_its_autoregression(series):
    whole = np.round(10 * series)
    expected = fit_autoregression(whole, 3)
    for dtype in (np.int16, np.float16, np.float32):
        np.testing.assert_allclose(fit_autoregression(whole.astype(dtype), 3).weights, expected.weights, atol=1e-12)


def test_a_missing_forecast_a_wrong_length_or_size_is_told_in_a_sentence(series):
    with pytest.raises(ValueError, match="a number for each of 60 times, but lacks 7"):
        root_mean_squared_error(persistence(series, 7), series)
    with pytest.raises(ValueError, match=r"forecast should have shape \(60,\), but has shape \(59,\)"):
        root_mean_squared_error(series[1:], series)
    with pytest.raises(ValueError, match="series should have a number for each of 60 times, but lacks 1"):
        root_mean_squared_error(series, np.where(series == series.max(), np.nan, series))
    with pytest.raises(ValueError, match=r"forecast should hold at least one number, but has shape \(0,\)"):
        root_mean_squared_error([], [])
    with pytest.raises(ValueError, match=r"series should have shape \(N,\), but has shape \(2, 3\)"):
        persistence(np.zeros((2, 3)))
    for forecasts in (np.zeros(5), np.zeros((2, 3))):
        with pytest.raises(ValueError, match=r"forecasts should have shape \(M,\) with M at most 4, but has shape"):
            rivals.align(forecasts, np.zeros(4))
    with pytest.raises(ValueError, match="train should have 21 values or more for order 10, but has 20"):
        fit_autoregression(series[:20], 10)
    assert len(fit_autoregression(series[:21], 10).weights) == 10
    with pytest.raises(ValueError, match="horizon should be at least 1, but is 0"):
        persistence(series, 0)
    with pytest.raises(TypeError, match=r"period should be a whole number, but is 2\.5"):
        seasonal_naive(series, 2.5)


def test_align_puts_the_forecasts_last():
    np.testing.assert_array_equal(rivals.align([1, 2], np.zeros(4)), [np.nan, np.nan, 1, 2])
