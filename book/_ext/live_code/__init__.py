"""Code cells that run in the reader's browser: a Sphinx extension for books made of notebooks (MyST-NB).

The cell of an exercise becomes an editor with *Check*, *Stop*, *Hint* and *Reset*; a cell with the tag ``live`` gets a
button, *Try it*, that makes an editor of it. The first press loads Python (Pyodide and NumPy, from files that the book
serves itself: no other host is ever asked); nothing is loaded before it. With scripts off, and where the files of
Python are missing, the page reads as without this extension.

The directive ``live-exercises`` lists all exercises, with what the reader has solved, and lets the attempts be exported
to a file and imported; ``live-answer NAME`` is the solution of one.

In ``conf.py``, or in ``_config.yml`` of a Jupyter Book::

    extensions = ["myst_nb", "live_code"]
    live_code_python = ".venv/share/pyodide"     # a folder with the files named in live_code.python.FILES
    live_code_package = "rnnbook"                # a package of the repository that the cells import
    live_code_without = ["in_torch"]             # its folders that the browser cannot use
    live_code_exercise = r"(check_\\w+)\\("        # a cell in which this is found is an exercise
    live_code_hints = "lessons:hints"            # a function that returns an exercise's hints, from the groups found
    live_code_about = "lessons:about"            # a function that returns what a page shows of it: see below
    live_code_answer = "lessons:answer"          # a function that returns an exercise's solution as Markdown, by name
    live_code_imports = ["numpy", "math"]        # what a cell may import, beside the package, to run in the browser

``live_code_about`` names a function that is given the groups, too, and returns a dict: ``line``, which is shown under
the statement; ``concept``, ``kind``, ``stars`` and ``minutes``, the columns of the list; ``here``, False for an
exercise that needs more than the browser has.

``slices`` finds what a cell needs from the cells before it; ``pages`` writes it into the page; ``archive`` packs the
package; ``python`` fetches and verifies Pyodide. ``static/`` holds what runs in the browser: ``live_code.js`` (the
page's side), ``live_code_worker.mjs`` (Python's side, a web worker), ``live_code_run.py`` (a cell, run as a notebook
would) and ``live_code.css``.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from live_code import archive, pages


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("live_code_python", None, "html", [str, type(None)])
    app.add_config_value("live_code_package", None, "html", [str, type(None)])
    app.add_config_value("live_code_without", [], "html", [list])
    app.add_config_value("live_code_exercise", None, "html", [str, type(None)])
    app.add_config_value("live_code_hints", None, "html", [str, type(None)])
    app.add_config_value("live_code_about", None, "html", [str, type(None)])
    app.add_config_value("live_code_answer", None, "env", [str, type(None)])
    app.add_config_value("live_code_imports", ["numpy"], "html", [list])
    app.add_node(pages.ExerciseList)
    app.add_directive("live-exercises", pages.ExerciseListDirective)
    app.add_directive("live-answer", pages.AnswerDirective)
    app.connect("doctree-resolved", pages.mark_cells)
    app.connect("html-page-context", pages.add_files)
    app.connect("build-finished", archive.write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
