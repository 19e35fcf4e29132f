"""The parts of the package import each other only along the arrows of its design."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from searches import LIBRARY, SLOW

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt")

PACKAGE = Path(__file__).parents[1] / "rnnbook"
EVERYTHING = {"in_numpy", "in_torch", "training", "weights", "data", "rivals", "lessons", "errors", "torch"}
IMPORTS = {  # part: what it may import, of the package's parts and of PyTorch
    "__init__": set(),
    "errors": set(),
    "in_numpy": {"errors"},
    "in_torch": {"errors", "torch"},
    "training": {"errors", "weights"},  # a checkpoint is a file
    "weights": {"errors"},
    "data": {"errors"},
    "data/tasks": {"errors", "in_numpy"},  # trains the NumPy layers on what is hard to remember
    "data/dates": {"errors", "in_numpy"},  # draws as the tasks do
    "rivals": {"errors", "data"},
    "lessons": EVERYTHING - {"in_torch", "torch"},
}


def imports(source, module="rnnbook.module"):
    """The parts of ``rnnbook``, and the other packages, that a file imports, also inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            base += [node.module] if node.module else []
            names = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            package, *rest = name.split(".")
            found.add(rest[0] if package == "rnnbook" and rest else package)
    return found


def part_of(path):
    """The row of a file: its own, where there is one, else that of its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "/".join(parts) if "/".join(parts) in IMPORTS else parts[0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    part = part_of(path)
    found = imports(path.read_text(encoding="utf-8"), module) & EVERYTHING
    assert found - {path.relative_to(PACKAGE).parts[0]} <= IMPORTS[part]


def test_the_package_has_at_most_nine_names_at_its_top():
    names = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith(("__pycache__", "."))}
    assert names == {part for part in IMPORTS if "/" not in part} and len(names) <= 9


def test_every_import_is_absolute():
    relative = [
        path
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "import torch.nn as nn",
        "from torch import nn",
        "def f():\n    import torch",
        "from rnnbook import in_torch",
        "from rnnbook.in_torch import RNN",
        "import rnnbook.in_torch.rnn",
        "from . import in_torch",
        "from .in_torch import RNN",
    ],
)
def test_a_planted_import_is_found(source):
    assert imports(source) & EVERYTHING - IMPORTS["in_numpy"]


@pytest.mark.parametrize("module", ["rnnbook", "rnnbook.in_numpy", "rnnbook.training", "rnnbook.data"])
def test_importing_the_light_parts_leaves_torch_alone(module):
    heavy = "{'torch', 'matplotlib', 'tqdm', 'safetensors'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, rnnbook; print('numpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


@pytest.mark.slow
@in_part
def test_the_torch_wing_adds_nothing_heavy_to_torch():
    """PyTorch's compiler alone takes a second to import, longer than PyTorch itself."""
    code = "import sys, torch; before = set(sys.modules); import rnnbook.in_torch; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = {name.split(".")[0] for name in done.stdout.split() if not name.startswith("rnnbook")}
    assert not added & {"triton", "sympy", "scipy", "pandas", "keras", "onnx"}
    assert "torch._dynamo" not in done.stdout and "rnnbook.in_torch.gru" in done.stdout
