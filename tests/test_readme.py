"""The README shows what is there: its code runs, its picture is the package's, its map names what exists."""

import io
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from torch_oracle import AUTO

from rnnbook.lessons import exercises, figures

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBERS = {9: "nine", 10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen"}
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
    beside = json.loads((ROOT / "benchmarks/results/amd_epyc/layers_peers_1_thread.json").read_text(encoding="utf-8"))
    for peer in ("in_torch", "jax", "keras"):
        values = [f"{beside['geometric_means']['train'][peer][layer]:.2f}" for layer in ("RNN", "GRU", "LSTM")]
        assert f"{values[0]}, {values[1]} and {values[2]}" in README, peer
    for row in beside["rows"]:
        least = {peer: row["train"][peer]["min_ms"] for peer in ("in_torch", "jax")}
        assert min(least, key=least.get) == ("jax" if row["sizes"] == beside["rows"][0]["sizes"] else "in_torch")
    both = json.loads((ROOT / "benchmarks/results/layers_2_threads.json").read_text())["geometric_means"]["train"]
    values = [f"{both['in_torch'][layer]:.2f}" for layer in ("RNN", "GRU", "LSTM")]
    assert (
        f"(benchmarks/results/layers_2_threads.json), `in_torch` takes {values[0]}, {values[1]} and {values[2]}."
        in README
    )
    for name, *cells in rows:
        assert cells == [f"{means[peers[name]][layer]:.2f}" for layer in ("RNN", "GRU", "LSTM")], name


def test_the_counts_are_those_of_the_book():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = sum(len(part["chapters"]) for part in toc["parts"] if part.get("numbered"))
    verdicts = [v for p in (ROOT / "book/verdicts").glob("*.json") for v in json.loads(p.read_text())["verdicts"]]
    asked = [e for name in exercises.chapters for e in exercises.hints.of_chapter(name).values()]
    known = sum(len(getattr(e, "mistakes", ())) + len(getattr(e, "misreadings", ())) for e in asked)
    floors = {"verdicts": len(verdicts), "exercises": len(asked), "mistakes": known}
    assert f"**{chapters} chapters" in README
    for thing, there_are in floors.items():
        stated = int(re.search(rf"more than (\d+) {thing}", README)[1])
        assert stated < there_are < 1.25 * stated, thing
    sets = len(re.findall(r"^## ", (ROOT / "book/data_cards.md").read_text(), re.MULTILINE))
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert f"{NUMBERS[sets]} real data sets" in changes
    scripts = {path.stem for path in (ROOT / "book/_static").glob("*.js")}
    moving = [name for name in scripts - {"a11y", "animation", "figure"} if not name.endswith("-weights")]
    assert f"{NUMBERS[len(moving)].capitalize()} figures that move" in changes


def test_the_counts_against_cudnn_are_the_measured_ones():
    measured = json.loads((ROOT / "benchmarks/results/gpu.json").read_text())["times"]
    ahead = {}
    for case in measured:
        train = {peer: times["train"] for peer, times in case["microseconds_per_step"].items()}
        ahead.setdefault(case["dtype"], []).append(train["triton"] < train["cudnn"])
    told = {
        dtype: [int(n) for n in re.search(rf"in (\d+) of (\d+)(?: cases)?\s+in {dtype}", README).groups()]
        for dtype in ahead
    }
    assert told == {dtype: [sum(cases), len(cases)] for dtype, cases in ahead.items()}


def test_what_the_readme_says_that_the_package_needs_is_what_it_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python, torch = project["requires-python"], project["optional-dependencies"]["torch"][0]
    assert f"Python {python.removeprefix('>=')} or newer and NumPy" in README
    assert f"PyTorch {torch.removeprefix('torch>=')} or newer" in README


def test_each_licence_of_a_table_is_declared():
    cards = (ROOT / "rnnbook/data/tables/README.md").read_text()
    licence = (ROOT / "LICENSE").read_text()
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    spdx = {"CC BY 4.0": "CC-BY-4.0", "BSD licence of two clauses": "BSD-2-Clause"}
    for words, identifier in spdx.items():
        assert re.search(rf"^{words}", cards, re.MULTILINE), words
        assert words in " ".join(licence.split()) and identifier in declared
    starts = re.findall(r"^## \w+\n\n(.+)", cards, re.MULTILINE)
    others = [line for line in starts if not line.startswith((*spdx, "Public domain", "No restriction"))]
    assert starts and others == []
