"""The loop that the reader closes computes, in the browser, what the plant and the PID controller compute in NumPy."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from follows_from import in_part

from rnnbook.data import plants

FILES = ("rnnbook/*.py", "rnnbook/data/plants.py", "rnnbook/in_numpy/*.py", "book/experiments/*.py")
pytestmark = [pytest.mark.site, in_part("figures that move, in a browser", *FILES)]
ROOT = Path(__file__).parents[2]
CASES = [
    {"K_p": 0.1, "K_i": 0.0, "K_d": 0.0, "load": 0.5, "gain": 1.0},
    {"K_p": 0.15, "K_i": 1.3, "K_d": 0.05, "load": -0.7, "gain": 0.7},
    {"K_p": 1.0, "K_i": 0.5, "K_d": 0.3, "load": 1.0, "gain": 1.2},  # sways up to the largest input
]


@pytest.fixture
def page(figure):
    return figure("steer")


@pytest.fixture
def control(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book/experiments"))
    yield importlib.import_module("control")
    for name in ("control", "side_by_side", "harness"):
        sys.modules.pop(name, None)


def in_numpy(control, K_p, K_i, K_d, load, gain):
    r = np.repeat([0.4, -0.3, 0.2], [60, 60, 40])[:, None]
    y_m, late = plants.reference_model(r), np.arange(160)[:, None] >= 100
    befalls = {"offset": 2.5 + 0 * r, "gain": gain + 0 * r, "load": load * late, "noise": 0 * r}
    ys, _ = control.track(control.PID((0.6, K_p, K_i, K_d)), r, y_m, befalls)
    return y_m[:, 0], ys[:, 0]


@pytest.mark.parametrize("case", CASES, ids=["resting", "tuned", "swaying"])
def test_the_figure_computes_the_plant_and_the_controller(case, page, control):
    found = page.evaluate("(values) => rnnbookSteer(values)", case)
    aims, outputs = in_numpy(control, **case)
    np.testing.assert_allclose(found["aims"], aims, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["outputs"], outputs, rtol=0, atol=1e-12)


def test_the_keyboard_moves_every_gain_and_the_sentence_says_the_error(page, control):
    sliders, says = page.locator("input[type=range]"), page.locator(".animation-says")
    names = ["K_p", "K_i", "K_d", "load", "gain"]
    assert sliders.count() == len(names)
    values = dict(zip(names, (float(sliders.nth(k).input_value()) for k in range(5)), strict=True))
    for k, name in enumerate(names):
        before = says.inner_text()
        sliders.nth(k).focus()
        page.keyboard.press("ArrowRight")
        values[name] += float(sliders.nth(k).get_attribute("step"))
        aims, outputs = in_numpy(control, **values)
        error = np.sqrt(np.mean((outputs - aims) ** 2))
        rest = np.abs(outputs - aims)[-10:].mean()
        assert f"the error is {error:.2f};" in says.inner_text() and f"{rest:.2f} off" in says.inner_text()
        assert says.inner_text() != before or name == "K_d"
    assert page.locator("svg").get_attribute("aria-label") == says.inner_text()
