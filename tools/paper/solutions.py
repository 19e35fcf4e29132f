"""The exercises' solutions: taken out of the chapters, so that nobody reads one by accident, and put at the end."""

from __future__ import annotations

from bs4 import Tag

from paper.site import title_of
from paper.tags import make

PAGE = "solutions"


def collect(chapters: dict[str, Tag]) -> Tag:
    """Move every solution into a chapter of its own, and return that; links lead from exercise to solution and back."""
    section = make("section", id=PAGE)
    section.append(make("h1", "Solutions"))
    for page, chapter in chapters.items():
        moved = list(_moved(chapter))
        if moved:
            part = make("section", id=f"{PAGE}--{page}")
            part.append(make("h2", title_of(chapter)))
            part.extend(moved)
            section.append(part)
    return section


def _moved(chapter: Tag) -> list[Tag]:
    moved = []
    for k, solution in enumerate(chapter.select(".solution")):
        exercise = solution.find_previous(class_="exercise")
        if not isinstance(exercise, Tag) or not exercise.get("id"):
            continue
        if not solution.get("id"):
            solution["id"] = f"{chapter['id']}--solution-{k}"
        title = exercise.select_one(".admonition-title")
        heading = solution.select_one(".admonition-title")
        if title is None or heading is None:
            continue
        label = " ".join(title.get_text().split())
        heading.clear()
        heading.append(make("a", label, href=f"#{exercise['id']}"))
        title.append(" ")
        title.append(make("a", "Solution", classes="to-solution", href=f"#{solution['id']}"))
        moved.append(solution.extract())
    return moved
