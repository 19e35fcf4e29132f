"""The book and the package without solutions: a copy of the source tree from which wheel and pages are built as usual.

What is gone: the solutions, the programs of the known mistakes, the tests with their oracles, this kit. The checks work
from answer keys (``rnnbook/lessons/exercises/keys``). What a determined reader can still find: the results on the keys'
own inputs, which no other inputs share, and the sentences of the known mistakes. And the library is still the library:
``rnnbook.in_numpy`` has the equations, as the chapters show them.
"""

import ast
import inspect
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from coursework import keys, programs, rubric, seeds
from coursework.statements import ROOT, Statement
from rnnbook.lessons import exercises

LEFT_OUT = ("tests/", "coursework/", ".github/", ".ci/")
PAGES = "pages"  # what their inputs are drawn from is not secret
HERE = "rnnbook/lessons/exercises/"
BLOCK = r"^(?P<indent> *)(?P<fence>:{{3,}}|`{{3,}})\{{{}\}}{}[^\n]*\n.*?^(?P=indent)(?P=fence)[ \t]*\n?"
SOLUTION = re.compile(BLOCK.format("solution", ""), re.S | re.M)
ANSWER = re.compile(BLOCK.format("dropdown", r"[ \t]+Answer"), re.S | re.M)  # to an exam question
MODULE = """\
{docstring}

from rnnbook.lessons.exercises.answer_key import opened

{checks}


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    raise AttributeError(f"{{name!r}} is not here: this build of the package has no solutions")
"""


def bare(target: Path) -> list[str]:
    """Write the tree without solutions into ``target``; returns sentences on what a teacher should know about it."""
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = chapters()
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.is_file() or name.startswith(LEFT_OUT):
            continue
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith(HERE) and path.stem in modules:
            place.write_text(module_without(modules[path.stem], target / HERE / "keys"), encoding="utf-8")
        elif path.suffix in (".md", ".ipynb"):
            place.write_text(text_without(path), encoding="utf-8")
        else:
            shutil.copy(path, place)
    _mark_version(target / "rnnbook" / "__init__.py")
    if found := leaks(target):
        raise ValueError(f"these solutions are still there: {', '.join(found)}")
    return callers(target, modules)


def chapters() -> dict[str, ModuleType]:
    """Return the modules that hold exercises, by chapter."""
    names = [module.name for module in pkgutil.iter_modules(exercises.__path__)]
    made = {name: import_module(f"rnnbook.lessons.exercises.{name}") for name in names}
    return {name: module for name, module in made.items() if checks_of(module)}


def checks_of(module: ModuleType) -> dict[str, Any]:
    """Return the exercises of a module by their names there."""
    return {n: v for n, v in vars(module).items() if hasattr(v, "verdict") and not inspect.isclass(v)}


def module_without(module: ModuleType, folder: Path) -> str:
    """Return a chapter's module that opens answer keys, which are written into ``folder``."""
    chapter = module.__name__.rpartition(".")[2]
    default = rubric.read()
    lines = []
    for name, exercise in checks_of(module).items():
        asked = Statement(f"{chapter}.{name}", "", "", "", "", "", "", exercise)
        keys.write(folder / f"{chapter}.{name}.json.gz", _entry(asked, default))
        lines.append(f'{name} = opened("{chapter}.{name}")')
    docstring = f'"""{inspect.getdoc(module)}"""'
    return MODULE.format(docstring=docstring, checks="\n".join(lines))


def text_without(path: Path) -> str:
    """Return a page's or a notebook's text without solutions and the answers to exam questions."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return _without(text, path)
    content = json.loads(text)
    for cell in content.get("cells", []):
        if cell["cell_type"] == "markdown":
            whole = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            kept = _without(whole, path)
            if "myst" in cell["metadata"]:  # the page's source; the notebook's source is the same in plain Markdown
                page = _without(cell["metadata"]["myst"], path)
                if page != cell["metadata"]["myst"]:
                    cell["metadata"]["myst"] = kept = page
            cell["source"] = kept if isinstance(cell["source"], str) else kept.splitlines(keepends=True)
    content["cells"] = [
        c
        for c in content.get("cells", [])
        if c["cell_type"] != "markdown" or ("".join(c["source"]) + c["metadata"].get("myst", "")).strip()
    ]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def leaks(folder: Path) -> list[str]:
    """Return the solutions and the known mistakes whose bodies are in a Python file of the exercises."""
    bodies = {
        _body(function): f"{module.__name__}.{function.__name__}"
        for module in chapters().values()
        for exercise in checks_of(module).values()
        for function in [getattr(exercise, "solution", None), *dict(getattr(exercise, "mistakes", {})).values()]
        if isinstance(function, FunctionType)
    }
    found = set()
    for path in (folder / HERE).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                found |= {bodies.get(_dumped(node), "")}
    return sorted(found - {""})


def callers(folder: Path, modules: dict[str, ModuleType]) -> list[str]:
    """Return a sentence for each chapter whose cells call a solution: they show stored output, and no longer run."""
    said = []
    for path in sorted((folder / "book" / "text").glob("*.md")):
        calls = set(re.findall(r"exercises\.(\w+\.(?!check_)\w+)\(", path.read_text(encoding="utf-8")))
        gone = sorted(call for call in calls if call.partition(".")[0] in modules)
        if gone:
            said.append(f"{path.stem}: cells that call {', '.join(gone)} show their stored output and do not run here")
    return said


def wheel(tree: Path, target: Path) -> Path:
    """Build the wheel of a tree; returns its path."""
    target.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(target),
        str(tree),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the wheel could not be built:\n{done.stderr[-2000:]}")
    return max(target.glob("rnnbook-*.whl"), key=lambda path: path.stat().st_mtime)


def pages(tree: Path) -> Path:
    """Build the pages of a tree, warnings as errors; returns the first page."""
    share = Path(sys.prefix, "share")  # the browser's Python, which make book has fetched
    if share.exists() and not (tree / ".venv").exists():
        (tree / ".venv").mkdir()
        (tree / ".venv" / "share").symlink_to(share)
    script = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "build", ".", "-W", "-n", "--keep-going"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the pages could not be built:\n{(done.stdout + done.stderr)[-4000:]}")
    return tree / "_build" / "html" / "index.html"


def _entry(asked, default):
    """The entry of an exercise in the book's own convention: pages know no students."""
    if keys.kind_of(asked.exercise) != "function":
        return keys.entries(asked, default, PAGES, 1)[0]
    program = programs.prohibitions(asked.exercise, asked.name.rpartition(".")[2])
    return {**keys.common(asked, default), **keys.function(asked.exercise, seeds.seed(PAGES, asked.name, 0), program)}


def _without(text, path):
    kept = ANSWER.sub("", SOLUTION.sub("", text))
    if re.search(rf"literalinclude\}} \S*{HERE}", kept):
        raise ValueError(f"{path} shows a solution outside of a solution's block")
    return re.sub(r"\n{3,}", "\n\n", kept) if kept != text else text


def _body(function):
    """A function's body as text that does not depend on its formatting."""
    try:
        tree = ast.parse(inspect.getsource(function).strip().rstrip(","))
    except (OSError, SyntaxError):
        return ""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    return _dumped(nodes[0]) if nodes else ""


def _dumped(node):
    body = node.body if isinstance(node.body, list) else [node.body]
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return "; ".join(ast.dump(n) for n in body)


def _mark_version(path):
    text = path.read_text(encoding="utf-8")
    marked = re.sub(r'^(__version__ = "[^"+]+)"', r'\1+bare"', text, flags=re.M)
    if marked == text:
        raise ValueError(f"{path} has no version to mark")
    path.write_text(marked, encoding="utf-8")
