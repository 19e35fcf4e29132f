"""The workflows run without being watched: nothing that they name can move or be missing."""

import re
import shlex

import pytest
import yaml
from conftest import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
# https://github.com/actions/runner-images: images that GitHub has retired; a job that asks for one waits for ever
RETIRED = {"macos-11", "macos-12", "macos-13", "macos-14", "ubuntu-18.04", "ubuntu-20.04", "windows-2019"}


def problems(text: str, targets: set[str]) -> list[str]:
    """Return what an expert would object to in a workflow: one line for each."""
    workflow = yaml.safe_load(text)
    found = [] if workflow.get("permissions") == {"contents": "read"} else ["it may do more than read"]
    found += [] if "concurrency" in workflow else ["two runs can meet"]
    for use, ref, version in re.findall(r"uses: ([\w/-]+)@(\S+) *(#.*)?$", text, re.MULTILINE):
        if not re.fullmatch(r"[0-9a-f]{40}", ref) or not re.match(r"# v\d+\.\d+\.\d+", version):
            found.append(f"{use} is not pinned to a commit, with its version beside it")
    for name, job in workflow["jobs"].items():
        found += [] if "timeout-minutes" in job else [f"{name} has no time limit"]
        matrix = job.get("strategy", {}).get("matrix", {})
        found += [f"{m} is retired" for m in [job["runs-on"], *matrix.get("machine", [])] if m in RETIRED]
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout"):
                kept = step.get("with", {}).get("persist-credentials", True)
                found += [f"{name} leaves its credentials in .git"] if kept else []
            for line in re.findall(r"\bmake ([^\n&|;]+)", step.get("run", "")):
                goals = [word for word in shlex.split(line) if "=" not in word]
                found += [f"there is no target {goal}" for goal in goals if goal not in targets]
    return found


TARGETS = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workflow_names_only_what_is_there_and_cannot_move(path):
    assert problems(path.read_text(), TARGETS) == []


def test_each_fault_is_named():
    text = """
on: push
jobs:
  a:
    runs-on: macos-13
    steps:
      - uses: actions/checkout@v4
      - run: make pdf epup
"""
    assert problems(text, TARGETS) == [
        "it may do more than read",
        "two runs can meet",
        "actions/checkout is not pinned to a commit, with its version beside it",
        "a has no time limit",
        "macos-13 is retired",
        "a leaves its credentials in .git",
        "there is no target epup",
    ]
