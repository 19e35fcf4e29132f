"""What a user of the repository is promised besides the package: two commands, one wheel, pins, a fork's own links."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import ROOT
from notebook_form import KERNEL
from pins import constraints, differences, installed, renewed
from repository import pages_url, repository_url
from searches import SLOW

import rnnbook
from rnnbook.data import TABLES

WHEEL = ("rnnbook/**/*.py", "rnnbook/**/*.c", "rnnbook/data/tables/*", "pyproject.toml", "setup.py", "README.md")
BOOK = ("_*.yml", "book/_ext/*.*", "book/_ext/live_code/**/*", "book/_root/*", "book/_static/*", "tools/*.py")
in_part = pytest.mark.search(SLOW, *WHEEL, "LICENSE", *BOOK, "constraints.txt")

TARGETS = set(
    "help book serve test check thorough portable notebooks texts page pdf epub offline slides "
    "bench gpu coursework grading renew clean".split()
)
SLUG = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].removeprefix("https://github.com/")


def tracked() -> list[Path]:
    """Return every text file under version control; in a copy without history, every file that such a copy holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        names = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        made = re.compile(r"\.venv(-grading)?|_build|build|dist|__pycache__|\.git|\.\w+_cache|.*\.egg-info")
        names = [p for p in ROOT.rglob("*") if p.is_file() and not any(map(made.fullmatch, p.relative_to(ROOT).parts))]
    return [p for p in names if p.exists()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def make(*arguments: str) -> str:
    result = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_help_is_the_default_and_names_every_target():
    listed = re.findall(r"^  make (\w+) ", make(), flags=re.MULTILINE)
    assert set(listed) == TARGETS
    assert make() == make("help")


def test_continuous_integration_runs_the_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    assert "exec make test" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "make test" in (ROOT / "README.md").read_text()
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())
    assert "make test" in [step.get("run") for step in workflow["jobs"]["test"]["steps"]]


def test_the_book_is_built_from_nothing_and_warnings_stop_it():
    recipe = (ROOT / "Makefile").read_text().split("\nbook:")[1].split("\n\n")[0]
    assert recipe.index("rm -rf _build/html _build/.doctrees") < recipe.index("jupyter-book build . -W -n --keep-going")


def test_the_tests_run_every_part_and_leave_none_out():
    recipe, units = (
        (ROOT / "Makefile").read_text().split(f"\n{name}:")[1].split("\n\n")[0] for name in ("test", "units")
    )
    assert re.search(r"\$\(MAKE\) .*units book\n", recipe) and "$(pytest) -q -n $(WORKERS) tests/built_book" in recipe
    assert re.search(r"\$\(pytest\) -q -n \$\(WORKERS\) -m 'not site'$", units)  # no folder: tests and chapters
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert options["testpaths"] == ["tests", "book"]
    given = set(re.findall(r"-p \w+|--[\w-]+", options["addopts"]))
    assert {"-p nbval_strict", "--nbval", "--nbval-current-env"} <= given
    assert options["filterwarnings"] == ["error"]


def test_the_tests_that_read_the_built_book_are_one_folder_and_all_marked():
    mark = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.site\b", re.M)
    marked = {path for path in (ROOT / "tests").rglob("test_*.py") if mark.search(text_of(path))}
    assert marked == set((ROOT / "tests/built_book").glob("test_*.py")) != set()


def test_every_installed_package_is_pinned_at_its_version():
    assert differences(constraints(), installed()) == []


def test_a_package_that_is_not_pinned_or_pinned_otherwise_is_named():
    pins = constraints("a==1\nb==2\n# c\nd==4 ; sys_platform == 'nowhere'\n")
    assert differences(pins, {"a": "1", "b": "3", "c": "5"}) == [
        "c==5 is installed, but constraints.txt does not pin it",
        "b==2 is pinned, but 3 is installed",
    ]
    assert differences(pins, {"a": "1"}) == ["b==2 is pinned, but not installed"]
    with pytest.raises(ValueError, match="lines like name==version"):
        constraints("a>=1")


def test_of_two_pins_for_two_pythons_the_one_for_this_python_counts():
    old, new = "a==1 ; python_version < '3.10'\n", "a==2 ; python_version >= '3.10'\n"
    assert constraints(old + new)["a"][0] == constraints(new + old)["a"][0] == "2"
    with pytest.raises(ValueError, match="pins a twice"):
        constraints("a==1\na==2\n")


def test_renewed_pins_keep_comments_markers_and_other_platforms_and_drop_what_is_gone():
    old = "# a list\nb==1\nc==4 ; sys_platform == 'nowhere'\nd==1 ; python_version >= '3.10'\ngone==9\n"
    new = {"e": "7", "B": "2", "d": "3", "nvidia-cublas": "13", "cuda-toolkit": "13"}
    expected = "# a list\nB==2\nc==4 ; sys_platform == 'nowhere'\nd==3 ; python_version >= '3.10'\ne==7\n"
    assert renewed(old, new) == expected


def test_torch_is_the_cpu_build():
    assert not [name for name in installed() if name.startswith(("nvidia", "cuda"))]
    assert sys.platform != "linux" or version("torch").endswith("+cpu")


def test_the_package_needs_numpy_alone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [re.split(r"[<>=]", d)[0] for d in project["dependencies"]] == ["numpy"]
    assert set(project["optional-dependencies"]) == {"torch", "weights", "book", "dev"}


@in_part
@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    copy = tmp_path / "source"
    shutil.copytree(ROOT / "rnnbook", copy / "rnnbook", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    (copy / "tests").mkdir()  # as in the repository: a folder that must stay outside
    (copy / "tests" / "__init__.py").touch()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            str(tmp_path),
            str(copy),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert "-py3-none-" in wheel.name and not wheel.name.endswith("-any.whl")  # any Python, this platform
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"rnnbook", f"rnnbook-{rnnbook.__version__}.dist-info"}
    assert f"rnnbook-{rnnbook.__version__}.dist-info/licenses/LICENSE" in names
    sources = {str(p.relative_to(ROOT)) for p in (ROOT / "rnnbook").rglob("*.py")}
    tables = {f"rnnbook/data/tables/{name}" for name in ("README.md", *(f"{name}.csv.gz" for name in TABLES))}
    assert sources | tables | {"rnnbook/in_torch/compiled/steps.c"} <= set(names)
    built = [name.split(".")[1] for name in names if name.endswith(".so")]
    assert built == (["float32", "float64"] if shutil.which("cc") else [])


def test_the_package_can_be_installed_where_no_compiler_is(tmp_path):
    copy = tmp_path / "source"
    shutil.copytree(ROOT / "rnnbook", copy / "rnnbook", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(tmp_path / "built")]
    variables = os.environ | {"CC": "no-such-compiler"}
    done = subprocess.run(command, cwd=copy, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no-such-compiler" in done.stderr
    built = {p.name for p in (tmp_path / "built" / "rnnbook" / "in_torch" / "compiled").iterdir()}
    assert "lstm.py" in built and not [name for name in built if name.endswith(".so")]


def test_version_and_authors_are_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert "version" in project["dynamic"] and citation["version"] == version("rnnbook") == rnnbook.__version__
    assert f"## {rnnbook.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert citation["authors"][0]["name"] == project["authors"][0]["name"] == config["author"]
    assert citation["title"] == config["title"]


def test_both_licences_are_there():
    licence = (ROOT / "LICENSE").read_text()
    assert "Permission is hereby granted, free of charge" in licence
    assert "https://creativecommons.org/licenses/by/4.0/" in licence


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) < 45


def test_every_mention_of_the_repository_is_that_of_the_configuration():
    owner, name = SLUG.split("/")
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in tracked()
        if path.suffix != ".py"
        for found in re.findall(rf"github\.com/[\w.-]+/{name}\b", text_of(path))
        if found != f"github.com/{SLUG}"
    ]
    wrong += [
        f"{path.relative_to(ROOT)}: {found}"
        for path in tracked()
        if path.suffix != ".py"
        for found in re.findall(rf"https://[\w-]+\.github\.io/{name}/", text_of(path))
        if found != pages_url(f"https://github.com/{SLUG}")
    ]
    assert wrong == []


def test_a_fork_links_to_itself():
    configured = "https://github.com/rnnbook/rnnbook"
    assert repository_url(configured, {}) == configured
    assert repository_url(configured, {"GITHUB_REPOSITORY": "ada/course"}) == "https://github.com/ada/course"
    assert pages_url("https://github.com/Ada/course") == "https://ada.github.io/course/"
    assert pages_url("https://github.com/ada/ada.github.io") == "https://ada.github.io/"
    with pytest.raises(ValueError, match="should be owner/name, but is 'ada'"):
        repository_url(configured, {"GITHUB_REPOSITORY": "ada"})


@in_part
@pytest.mark.slow
def test_a_forks_book_has_its_own_launch_buttons_addresses_and_install_line(tmp_path):
    """Builds a book of two pages with the real configuration, as a fork's deployment does."""
    shutil.copytree(ROOT / "book" / "_ext", tmp_path / "book" / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_root", "_static"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "book" / "references.bib").touch()
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\nchapters:\n  - file: book/rnn\n")
    (tmp_path / "book" / "index.md").write_text(
        "# A book\n\n[Copy](https://rnnbook.github.io/rnnbook/paper/rnnbook.pdf).\n"
    )
    cell = nbformat.v4.new_code_cell(f"# %pip install -q git+https://github.com/{SLUG}", id="a", execution_count=1)
    title = nbformat.v4.new_markdown_cell("# A chapter", id="b")
    nbformat.write(nbformat.v4.new_notebook(cells=[title, cell], metadata=KERNEL), tmp_path / "book" / "rnn.ipynb")
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    result = subprocess.run(
        [sys.executable, jupyter_book, "build", ".", "-W", "-n"],
        cwd=tmp_path,
        env=os.environ | {"GITHUB_REPOSITORY": "ada/course"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    page = (tmp_path / "_build" / "html" / "book" / "rnn.html").read_text()
    assert "https://mybinder.org/v2/gh/ada/course/main?urlpath=lab/tree/book/rnn.ipynb" in page
    assert "https://colab.research.google.com/github/ada/course/blob/main/book/rnn.ipynb" in page
    assert 'content="https://ada.github.io/course/book/rnn.html"' in page
    assert f"github.com/{SLUG}" not in page
    first = (tmp_path / "_build" / "html" / "book" / "index.html").read_text()
    assert 'href="https://ada.github.io/course/paper/rnnbook.pdf"' in first


def test_no_tracked_file_names_a_machine_or_leaves_work_behind():
    # written in two parts, so that this file does not find itself
    words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    paths = re.compile(r"(?<![\w.:/~}])/(?:home|Users|root|work|mnt)/(?!jovyan)\w")
    problems = []
    for path in tracked():
        text = text_of(path)
        problems += [f"{path.relative_to(ROOT)}: {word}" for word in words if re.search(rf"\b{word}\b", text)]
        problems += [f"{path.relative_to(ROOT)}: {found[0]}" for found in paths.finditer(text)]
    assert problems == []


def test_the_gates_colours_are_the_figures_and_readable_in_light_and_dark():
    from rnnbook.lessons.figures import COLOURS

    style = (ROOT / "book" / "_static" / "custom.css").read_text()
    blocks = style.split('html[data-theme="dark"] {')
    light, dark = (dict(re.findall(r"--rnnbook-(\w+): (#\w{6});", block)) for block in blocks[:2])
    assert light == {name: colour.upper() for name, colour in COLOURS.items()}
    assert dark.keys() == light.keys()
    for name in light:
        assert contrast(light[name], "#FFFFFF") >= 4.5, name
        assert contrast(dark[name], "#121212") >= 4.5, name  # the theme's dark page
        assert contrast(dark[name], "#2A303C") >= 4.5, name  # and its dark panel
        rgb = ", ".join(str(int(light[name][i : i + 2], 16)) for i in (1, 3, 5))
        assert f'[style*="color: rgb({rgb})"] {{ color: var(--rnnbook-{name}) !important; }}' in style


def contrast(a: str, b: str) -> float:
    """Return the WCAG contrast ratio of two colours, 1 to 21."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_definition():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
