"""The reference pages keep up with the package: every module on the API page, every chapter on the front page."""

import pkgutil
import re
from pathlib import Path

import yaml

import rnnbook

ROOT = Path(__file__).parents[1]


def test_every_module_stands_on_the_api_page():
    modules = {m.name for m in pkgutil.walk_packages(rnnbook.__path__, "rnnbook.")} | {"rnnbook"}
    listed = re.findall(
        r"automodule:: (\S+)",
        "".join(page.read_text() for page in [ROOT / "book/api.md", *(ROOT / "book/api").glob("*.md")]),
    )
    assert len(listed) == len(set(listed))
    assert modules == set(listed)


def test_the_front_page_leads_to_every_numbered_chapter():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [c["file"] for part in toc["parts"] if part.get("numbered") for c in part["chapters"]]
    front = (ROOT / "book/index.md").read_text()
    assert chapters
    for chapter in chapters:
        assert f"({Path(chapter).name}.ipynb)" in front, chapter
