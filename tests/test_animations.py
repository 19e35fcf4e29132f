"""The animations' frames are what rnnbook computes, and fit the player."""

import json
import re
from pathlib import Path

import animations
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]

SCENES = {"carry": animations.carry_scene}


def stored(name):
    """The scene in a file of book/_static: the JSON inside its one call."""
    text = (ROOT / f"book/_static/{name}.js").read_text(encoding="utf-8")
    return json.loads(re.fullmatch(r"rnnbookAnimation\((.*)\);\n", text, re.S)[1])


def after(scene, frame):
    """What every shape looks like after a frame, as the player computes it."""
    looks = {shape["id"]: dict(shape) for shape in scene["shapes"]}
    for changes in scene["frames"][: frame + 1]:
        for part in ("start", "set"):
            for name, look in changes.get(part, {}).items():
                looks[name].update(look)
    return looks


def shown(text):
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("name", SCENES)
def test_the_stored_scene_is_what_the_script_computes(name):
    assert stored(name) == SCENES[name]()


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_names_what_it_changes_and_stays_on_its_sheet(name):
    scene = stored(name)
    width, height = scene["size"]
    ids = [shape["id"] for shape in scene["shapes"]]
    assert len(ids) == len(set(ids)) and scene["name"] == name
    css = (ROOT / "book/_static/custom.css").read_text()
    assert all(f"--rnnbook-{shape['colour']}:" in css for shape in scene["shapes"])
    for number, frame in enumerate(scene["frames"]):
        assert frame["say"].endswith(".")
        for look in after(scene, number).values():
            assert 0 <= look.get("x", 0) <= look.get("x", 0) + look.get("width", 0) <= width
            assert 0 <= look.get("y", 0) <= look.get("y", 0) + look.get("height", 0) <= height
            assert look.get("height", 0) >= 0 and look.get("r", 0) >= 0
    changes = [frame.get(part, {}) for frame in scene["frames"] for part in ("start", "set")]
    changed = {(name, attribute) for change in changes for name in change for attribute in change[name]}
    base = {(shape["id"], attribute) for shape in scene["shapes"] for attribute in shape}
    assert changed <= base  # the player moves from the value that stands to the new one


def test_the_crate_carries_what_a_loop_by_hand_computes():
    scene, (layer, x) = stored("carry"), animations.holder()
    w, b = layer.params["weight_ih"], layer.params["bias_ih"]
    c = 0.0
    for t, x_t in enumerate(x[:, 0]):
        a_i, a_f, a_g, a_o = w @ x_t + b
        i, f, o = 1 / (1 + np.exp(-np.array([a_i, a_f, a_o])))
        kept = f * c
        c = kept + i * np.tanh(a_g)
        values = [after(scene, 3 * t + k)["crate-value"]["text"] for k in range(3)]
        np.testing.assert_allclose([shown(v) for v in values], [kept, c, c], atol=0.0051)
        looks = after(scene, 3 * t + 2)
        assert shown(looks["h-value"]["text"].removeprefix("h = ")) == pytest.approx(o * np.tanh(c), abs=0.0051)
        assert looks["g-name"]["text"] == ("g" if np.tanh(a_g) >= 0 else "−g")  # a bar shows a size
        bars = [looks[f"{name}-bar"]["height"] / 50 for name in "ifgo"]
        np.testing.assert_allclose(bars, [i, f, abs(np.tanh(a_g)), o], atol=0.0021)
        assert looks[f"past-{t}"]["height"] == pytest.approx(26 * abs(c), abs=0.06)
    assert np.sign(after(scene, 99)["past-3"]["y"] - 242) < 0 == np.sign(after(scene, 99)["past-8"]["y"] - 242)


def test_the_figures_that_move_share_what_they_need_alike():
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "book/_static").glob("*.js")}
    users = [name for name, text in scripts.items() if "window.rnnbookFigure;" in text]
    assert len(users) > 10
    for name in users:
        for copied in (
            "createElementNS",
            "prefers-reduced-motion",
            'class: "animation-says"',
            'setAttribute("role", "group")',
        ):
            assert copied not in scripts[name], f"{name}.js has its own: {copied}"
