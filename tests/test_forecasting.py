"""Forecasts on other scales come back to the series' own, and scores of densities are what they are defined to be."""

import numpy as np
import pytest
from scipy import integrate, stats

from rnnbook import rivals
from rnnbook.data import standardise
from rnnbook.lessons import densities, forecasting, smoothing

N, PAST = 90, np.arange(60)


@pytest.fixture
def value():
    rng = np.random.default_rng(0)
    return 30 + 0.2 * np.arange(N) + 4 * np.sin(np.arange(N) * np.pi / 6) + rng.normal(size=N)


def perfect(x, steps):
    """Forecasts that come true: row t holds the steps values after x[t], NaN past the end."""
    padded = np.concatenate([x, np.full(steps, np.nan)])
    return np.stack([padded[k : k + len(x)] for k in range(1, steps + 1)], axis=1)


@pytest.mark.parametrize("form", forecasting.FORMS)
def test_a_perfect_forecast_of_a_form_is_one_of_the_series(form, value):
    series = forecasting.in_form(value, PAST, form)
    back = series.back(perfect(series.x, 24))
    for k in range(1, 25):
        months = np.arange(series.first + 12, N - k)  # a change more than a year ahead needs its own base
        np.testing.assert_allclose(back[months, k - 1], value[months + k], rtol=0, atol=1e-10)


@pytest.mark.parametrize("form", forecasting.FORMS)
def test_no_form_looks_at_what_comes_after(form, value):
    changed = value.copy()
    changed[75:] += 50
    before, after = (forecasting.in_form(v, PAST, form) for v in (value, changed))
    np.testing.assert_array_equal(before.x[:75], after.x[:75])
    forecasts = np.random.default_rng(1).normal(5, 1, size=(N, 24))
    np.testing.assert_array_equal(before.back(forecasts)[:75], after.back(forecasts)[:75])


def test_each_form_is_what_it_is_called(value):
    month = np.arange(N) % 12
    anomalies = forecasting.in_form(value, PAST, "anomalies").x
    for m in range(12):
        assert anomalies[PAST][month[PAST] == m].mean() == pytest.approx(0, abs=1e-12)
    change = forecasting.in_form(value, PAST, "change")
    assert change.first == 12
    np.testing.assert_allclose(change.x[12:] + value[:-12], value[12:])
    np.testing.assert_allclose(forecasting.in_form(value, PAST, "root").x ** 2, value + 0.375)
    with pytest.raises(ValueError, match="form should be one of .*, but is 'logarithm'"):
        forecasting.in_form(value, PAST, "logarithm")


def test_direct_and_iterated_lines_are_those_of_one_month_at_a_time(value):
    series = forecasting.in_form(value, PAST, "change")
    direct = forecasting.direct_lines(series, PAST, 4, [1, 5])
    iterated = forecasting.iterated_lines(series, PAST, 4, 5)
    one, five = (rivals.fit_autoregression(series.x[PAST][12:], 4, k) for k in (1, 5))
    for t in (40, 63, N - 7):
        read = list(series.x[t - 3 : t + 1])
        assert direct[t, 4] == pytest.approx(np.dot(read, five.weights) + five.bias + value[t + 5 - 12])
        for k in range(1, 6):
            read.append(np.dot(read[-4:], one.weights) + one.bias)
            assert iterated[t, k - 1] == pytest.approx(read[-1] + value[t + k - 12])
    assert direct[63, 0] == pytest.approx(iterated[63, 0])
    assert np.isnan(direct[:, 1:4]).all()
    wrong = forecasting.squared_errors(iterated, value, np.arange(70, 80), 5)
    assert wrong[3] == pytest.approx((iterated[68, 4] - value[73]) ** 2)


def test_blocks_are_consecutive_and_as_even_as_possible():
    values = np.arange(22.0).reshape(2, 11)
    np.testing.assert_allclose(forecasting.in_blocks(values, 4), [[1, 4, 7, 9.5], [12, 15, 18, 20.5]])


def test_the_crps_of_many_quantiles_nears_the_integral():
    levels, truth = (np.arange(4000) + 0.5) / 4000, np.array([0.3, -2.0])
    found = forecasting.crps_of_quantiles(np.repeat(stats.norm.ppf(levels)[:, None], 2, axis=1), truth)
    for crps, x in zip(found, truth):
        below = integrate.quad(lambda z: stats.norm.cdf(z) ** 2, -12, x)[0]
        above = integrate.quad(lambda z: stats.norm.sf(z) ** 2, x, 12)[0]
        assert crps == pytest.approx(below + above, abs=1e-3)


@pytest.mark.parametrize("form", ["level", "root", "anomalies"])
def test_a_density_is_scored_in_the_unit_of_the_series(form, value):
    series, months, rng = forecasting.in_form(value, PAST, form), np.arange(70, 75), np.random.default_rng(2)
    scale = standardise(series.x[PAST])
    mu, s = rng.normal(scale(series.x[months]), 0.5), rng.normal(-0.5, 0.2, size=5)
    y = np.stack([np.zeros(5), mu, s], axis=-1)
    found = densities.score(y, value, PAST, form, months)
    normal = stats.norm(scale.undo(mu), scale.std * np.exp(s))
    base = 0 if form == "root" else value[months] - series.x[months]
    in_unit = (lambda x: x**2 - 0.375) if form == "root" else (lambda x: x + base)
    step = 1e-5  # the density of the series itself: the slope of its distribution function
    to_form = (lambda v: np.sqrt(v + 0.375)) if form == "root" else (lambda v: v - base)
    slope = (normal.cdf(to_form(value[months] + step)) - normal.cdf(to_form(value[months] - step))) / (2 * step)
    np.testing.assert_allclose(found.nats, -np.log(slope), rtol=1e-6)
    np.testing.assert_allclose(found.pit, normal.cdf(series.x[months]), atol=1e-12)
    np.testing.assert_allclose(found.width, in_unit(normal.ppf(0.95)) - in_unit(normal.ppf(0.05)), rtol=1e-9)
    drawn = in_unit(normal.rvs(size=(200_000, 5), random_state=rng))
    np.testing.assert_allclose(found.mean, drawn.mean(axis=0), atol=0.05)
    spread = np.abs(drawn[:100_000] - drawn[100_000:]).mean(axis=0)
    np.testing.assert_allclose(found.crps, np.abs(drawn - value[months]).mean(axis=0) - spread / 2, atol=0.03)


def test_the_loss_of_a_mixture_is_that_of_its_density():
    y, x = np.random.default_rng(3).normal(size=(4, 9)), np.linspace(-2, 2, 4)
    pi = np.exp(y[:, :3]) / np.exp(y[:, :3]).sum(axis=1, keepdims=True)
    density = (pi * stats.norm.pdf(x[:, None], y[:, 3:6], np.exp(y[:, 6:]))).sum(axis=1)
    np.testing.assert_allclose(densities.minus_log_density(y, x), -np.log(density), atol=1e-12)
    assert list(densities.inside(np.array([0.04, 0.06, 0.5, 0.96]), 0.9)) == [False, True, True, False]


def test_the_first_season_is_found_beneath_a_trend():
    season = np.random.default_rng(5).normal(size=12)
    season -= season.mean()
    t = np.arange(60)
    found = smoothing.first_season(3 + 0.5 * t + season[t % 12])
    np.testing.assert_allclose(found, season + 0.25, atol=1e-12)  # twelve months lie half a month beside their middle


def test_smoothing_follows_its_equations_and_their_gradient():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    y, dlevels, dseasons = rng.normal(size=31), rng.normal(size=32), rng.normal(size=43)
    alpha, gamma = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.3, 0.2))
    first = torch.tensor(rng.normal(size=12), requires_grad=True)
    levels, seasons = [(torch.tensor(y[:12]) - first).mean()], list(first)
    for t in range(31):
        levels.append(alpha * (y[t] - seasons[t]) + (1 - alpha) * levels[-1])
        seasons.append(gamma * (y[t] - levels[-1]) + (1 - gamma) * seasons[t])
    ours = smoothing.smooth(y, 0.3, 0.2, first.detach().numpy())
    for found, expected in zip(ours, (levels, seasons)):
        np.testing.assert_allclose(found, torch.stack(expected).detach(), rtol=0, atol=1e-12)
    weighted = [torch.stack(part) @ torch.tensor(d) for part, d in ((levels, dlevels), (seasons, dseasons))]
    sum(weighted).backward()
    for found, leaf in zip(smoothing.smooth_backward(dlevels, dseasons, y, 0.3, 0.2, *ours), (alpha, gamma, first)):
        np.testing.assert_allclose(found, leaf.grad, rtol=0, atol=1e-12)
