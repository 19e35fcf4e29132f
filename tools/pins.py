"""Write .binder/requirements.txt: what a chapter needs to run, each package at the version that constraints.txt pins.

    python tools/pins.py               write the file
    python tools/pins.py --missing     write nothing; say in what constraints.txt and this environment differ
    python tools/pins.py --renew       write constraints.txt anew: the newest version of each package that pip finds to
                                       go together; `make renew` then rebuilds .venv and runs the tests

The list is written out in full, instead of pointing at constraints.txt, because Binder can then install it before it
copies the repository, and keep that layer from one commit to the next.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RUNTIME_EXTRAS = ("torch", "weights", "book")
HEAD = """\
# Made by tools/pins.py from constraints.txt; a test holds the two together.
# The versions that end in +cpu exist without CUDA only, so the name torch cannot bring gigabytes of it.
--extra-index-url https://download.pytorch.org/whl/cpu
"""


def constraints(text: str | None = None) -> dict[str, tuple[str, Marker | None]]:
    """Return each pinned package's version and marker, by its normal name."""
    lines = (text if text is not None else (ROOT / "constraints.txt").read_text()).splitlines()
    pins: dict[str, tuple[str, Marker | None]] = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = re.fullmatch(r"([\w.-]+)==([\w.!-]+)(?:\s*;\s*(.+))?", line.strip())
        if not found:
            raise ValueError(f"constraints.txt should hold lines like name==version, but has {line!r}")
        name, marker = canonicalize_name(found[1]), Marker(found[3]) if found[3] else None
        here = marker is None or marker.evaluate()
        if name in pins and here == _applies(pins[name]):
            raise ValueError(f"constraints.txt pins {name} twice")
        if name not in pins or here:  # of two pins for two Pythons, the one for this Python
            pins[name] = (found[2], marker)
    return pins


def _applies(pin: tuple[str, Marker | None]) -> bool:
    return pin[1] is None or pin[1].evaluate()


def resolved() -> dict[str, str]:
    """Ask pip, without installing anything, for the newest versions that go together."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    answer = subprocess.run(
        [*command, "pip", "setuptools", ".[torch,weights,book,dev]"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    found = [package["metadata"] for package in json.loads(answer.stdout)["install"]]
    return {package["name"]: package["version"].split("+")[0] for package in found if package["name"] != "rnnbook"}


def renewed(text: str, versions: dict[str, str]) -> str:
    """Return the text of constraints.txt with other versions: its comments stay, and the pins of other platforms.

    A GPU's packages are left out: on Linux `make` installs PyTorch for the CPU, which needs none of them.
    """
    lines = text.splitlines()
    elsewhere = [line for line in lines if ";" in line and not _applies(next(iter(constraints(line).values())))]
    markers = {canonicalize_name(line.split("==")[0]): line.partition(";")[2] for line in lines if ";" in line}
    pins = [
        f"{name}=={version}" + (f" ;{markers[key]}" if (key := canonicalize_name(name)) in markers else "")
        for name, version in versions.items()
        if not name.startswith(("nvidia-", "cuda-"))
    ]
    comments = [line for line in lines if line.startswith("#")]
    pins = sorted(pins + elsewhere, key=lambda line: canonicalize_name(line.split("==")[0]))
    return "\n".join(comments + pins) + "\n"


def installed() -> dict[str, str]:
    """Return the version of each package of this environment, without a local part such as +cpu."""
    found: dict[str, str] = {canonicalize_name(d.metadata["Name"]): d.version.split("+")[0] for d in distributions()}
    found.pop("rnnbook", None)
    return found


def differences(pins: dict[str, tuple[str, Marker | None]], here: dict[str, str]) -> list[str]:
    """Say in what the environment and the pins differ, one sentence each."""
    wanted = {name: pin[0] for name, pin in pins.items() if _applies(pin)}
    return (
        [
            f"{name}=={here[name]} is installed, but constraints.txt does not pin it"
            for name in sorted(here.keys() - wanted)
        ]
        + [f"{name}=={wanted[name]} is pinned, but not installed" for name in sorted(wanted.keys() - here)]
        + [
            f"{name}=={wanted[name]} is pinned, but {here[name]} is installed"
            for name in sorted(here.keys() & wanted)
            if here[name] != wanted[name]
        ]
    )


def closure(roots: list[str]) -> set[str]:
    """Return the normal names of the packages named and of all that they need here."""
    seen: set[str] = set()
    queue = [Requirement(root) for root in roots]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        try:
            version(name)
        except PackageNotFoundError:
            continue
        if name in seen:
            continue
        seen.add(name)
        for line in requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in requirement.extras or {""}):
                queue.append(needed)
    return seen


def binder_requirements() -> str:
    """Return the text of .binder/requirements.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    roots = list(project["dependencies"])
    for extra in RUNTIME_EXTRAS:
        roots += project["optional-dependencies"][extra]
    pins = constraints()
    lines = []
    for name in sorted(closure(roots) - {"setuptools"}):
        pinned = pins[name][0]
        lines.append(f"{name}=={pinned}" + ("+cpu" if name == "torch" else ""))
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    if "--missing" in sys.argv[1:]:
        problems = differences(constraints(), installed())
        print("\n".join(problems) or "constraints.txt and this environment agree")
        return 1 if problems else 0
    if "--renew" in sys.argv[1:]:
        path = ROOT / "constraints.txt"
        path.write_text(renewed(path.read_text(), resolved()))
        return 0
    (ROOT / ".binder" / "requirements.txt").write_text(binder_requirements())
    return 0


if __name__ == "__main__":
    sys.exit(main())
