"""Hints, solutions and progress: for an exercise by its name, ``"rnn.step"``, and for all together.

In a notebook: ``exercises.hint("rnn.step")`` gives one hint more with each call, ``exercises.solution("rnn.step")`` the
solution, after an attempt or at the second call, and ``exercises.progress()`` counts what this session has solved.
"""

from importlib import import_module
from typing import Any

from rnnbook.lessons.exercises.question import Question

_given: dict[str, int] = {}  # hints
_asked: set[str] = set()  # solutions


class Text(str):
    """Markdown: a notebook renders it, any other place shows it as it is."""

    def _repr_markdown_(self):
        return str(self)

    def __repr__(self):
        return str(self)


def find(name: str) -> Question:
    """Return the exercise of this name, "rnn.step" or "rnn.check_step"; raises KeyError with the names there are."""
    chapter, _, own = name.partition(".")
    own = own if own.startswith("check_") else f"check_{own}"
    everything = of_chapter(chapter) if chapter in _chapters() else {}
    if own not in everything:
        known = [f"{chapter}.{key[6:]}" for key in everything] or _chapters()
        raise KeyError(f"no exercise {name!r}; there are {', '.join(known)}")
    return everything[own]


def of_chapter(chapter: str) -> dict[str, Question]:
    """Return the exercises of a chapter by their names, ``check_step``."""
    module = import_module(f"rnnbook.lessons.exercises.{chapter}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Question)}


def _chapters() -> list[str]:
    return list(import_module("rnnbook.lessons.exercises").chapters)


def hints(chapter: str, name: str) -> list[str]:
    """Return the hints to the exercise ``name`` of a chapter, ``hints("lstm", "check_step")``; the first says least."""
    return find(f"{chapter}.{name}").hints()


def about(chapter: str, name: str) -> dict[str, Any]:
    """Return what a page shows of an exercise: concept, kind, level, minutes."""
    told = find(f"{chapter}.{name}").about
    return told.for_a_page() if told else {}


def answer(name: str) -> str:
    """Return the book's solution of an exercise, "rnn.step", as Markdown."""
    return find(name).answer()


def hint(name: str) -> Text:
    """Return the next hint to an exercise, ``hint("rnn.step")``, that no answer to the last attempt has given."""
    asked = find(name)
    all_of_them = asked.hints()
    k = min(_given.get(name, 0), len(all_of_them) - 1)
    while k < len(all_of_them) - 1 and all_of_them[k] in asked.said:  # the answer to an attempt has given it
        k += 1
    _given[name] = k + 1
    rest = len(all_of_them) - k - 1
    more = f" ({rest} more: call it again)" if rest else ""
    return Text(f"**Hint {k + 1} of {len(all_of_them)}**{more}\n\n{all_of_them[k]}")


def solution(name: str) -> Text:
    """Return the book's solution of an exercise; before an attempt, only at the second call."""
    asked = find(name)
    if not asked.attempts and name not in _asked:
        _asked.add(name)
        return Text("No attempt yet. Call it again to see the solution anyway.")
    return Text(asked.answer())


def progress() -> Text:
    """Return a table of what has been solved and tried in this session, chapter by chapter."""
    rows = ["| chapter | solved | tried, not solved |", "|---|---|---|"]
    solved_in_all, in_all = 0, 0
    for chapter in _chapters():
        all_of_them = {name: asked for name, asked in of_chapter(chapter).items() if asked.about}
        solved = [name for name, asked in all_of_them.items() if any(asked.attempts)]
        tried = [name[6:] for name, asked in all_of_them.items() if asked.attempts and not any(asked.attempts)]
        solved_in_all, in_all = solved_in_all + len(solved), in_all + len(all_of_them)
        if solved or tried:
            rows.append(f"| {chapter} | {len(solved)} of {len(all_of_them)} | {', '.join(tried)} |")
    head = f"**{solved_in_all} of {in_all} exercises solved** in this session."
    return Text("\n".join([head, "", *rows]) if len(rows) > 2 else f"{head} The first check starts the count.")
