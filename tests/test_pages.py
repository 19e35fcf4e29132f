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


def test_every_entry_of_the_bibliography_leads_somewhere_and_is_cited():
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    entries = dict(re.findall(r"^@\w+\{(\w+),\n(.*?)^\}", text, re.S | re.M))
    assert len(entries) > 100
    assert [k for k, e in entries.items() if not re.search(r"^ *(doi|url|eprint|isbn) *= *\{.", e, re.M)] == []
    pages = [*(ROOT / "book").glob("**/*.md"), *(ROOT / "rnnbook").glob("**/*.py")]
    everything = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    assert [key for key in entries if key not in everything] == []
