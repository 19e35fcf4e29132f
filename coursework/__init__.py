"""The teacher's kit: from the book's one source to notebooks, releases for graders, grades and score files.

    python -m coursework                    what there is
    python -m coursework release lstm gru   student and solution notebooks, nbgrader's and otter's releases, keys
    python -m coursework grade ...          grades of handed-in notebooks, in three ways
    python -m coursework bare ...           the book and the wheel without solutions
    python -m coursework routes lstm gru    the same answers graded in four ways, side by side

    statements.py   the exercises of a chapter, read from book/text        markdown.py   MyST as plain Markdown
    programs.py     solutions and inputs cut out of a chapter's module     notebooks.py  student and solution notebooks
    rubric.py       points and shares (rubric.toml)                        keys.py       what is right, as numbers on file
    secrets.py      hidden seeds                                           variants.py   conventions that differ by student
    nbgrader.py, otter.py, plain.py   three graders                        page.py       the page's own check, in a browser
    scores.py       JSON, Canvas, Moodle                                   bare.py       a build without solutions
    release.py      everything for one assignment                          routes.py     four graders side by side
"""
