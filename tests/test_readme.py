"""The README shows what is there: its code runs, its picture is the package's, its map names what exists."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch_oracle import AUTO

from rnnbook.lessons import figures

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.search(r"rnnbook\.\w+", block).group())
def test_each_example_runs_as_printed(block, capsys):
    exec(compile(block, "README.md", "exec"), {})
    expected = {"rnnbook.in_numpy": "True", "rnnbook.in_torch": AUTO}
    assert capsys.readouterr().out.strip() == expected[re.search(r"rnnbook\.\w+", block).group()]


def test_there_is_an_example_of_each_wing():
    assert [re.search(r"rnnbook\.(\w+)", block).group(1) for block in BLOCKS] == ["in_numpy", "in_torch"]


def test_the_picture_is_what_the_package_draws():
    figures.set_style()
    drawn, _ = figures.palette_png(figures.unrolled_network(4))
    stored = (ROOT / "book/_static/unrolled.png").read_bytes()
    drawn, stored = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), float) for png in (drawn, stored))
    assert drawn.shape == stored.shape
    assert np.abs(drawn - stored).mean() < 0.1


def test_the_map_and_the_links_name_files_that_exist():
    tree = README.split("## Map")[1].split("```")[1]
    names = re.findall(r"^(\S+)", tree, flags=re.MULTILINE) + re.findall(r"\]\(([\w./]+)\)", README)
    assert len(names) > 8
    for name in names:
        assert (ROOT / name).exists(), name


def test_the_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for command in re.findall(r"`?make ([a-z]+)", README):
        assert command in targets


def test_the_table_of_times_is_the_measured_one():
    measured = json.loads((ROOT / "benchmarks/results/layers_1_thread.json").read_text(encoding="utf-8"))
    means = measured["geometric_means"]["train"]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in README.splitlines() if row.startswith("| `in_")]
    peers = {"`in_torch`": "in_torch", '`in_torch`, `"handwritten"`': "handwritten", "`in_numpy`": "in_numpy"}
    assert [row[0] for row in rows] == list(peers)
    beside = json.loads((ROOT / "benchmarks/results/layers_peers_1_thread.json").read_text())["geometric_means"][
        "train"
    ]
    for peer in ("in_torch", "jax", "keras"):
        values = [f"{beside[peer][layer]:.2f}" for layer in ("RNN", "GRU", "LSTM")]
        assert f"{values[0]}, {values[1]} and {values[2]}" in README, peer
    for name, *cells in rows:
        assert cells == [f"{means[peers[name]][layer]:.2f}" for layer in ("RNN", "GRU", "LSTM")], name
