"""The teacher's kit: from the book's one source to notebooks, releases for graders, grades and score files.

The command::

    python -m coursework release lstm gru        student and solution notebooks, nbgrader's and otter's releases, keys
    python -m coursework grade FOLDER KEY        grades and feedback for submitted notebooks, without a grader
    python -m coursework nbgrader NAME FOLDER    the same files from nbgrader's gradebook
    python -m coursework bare --wheel --pages    the package and the book without solutions
    python -m coursework routes lstm gru         the same answers graded in four ways, side by side
    python -m coursework figures lstm            its figures as SVG

The files::

    statements   the exercises of a chapter, read from book/text      markdown     MyST as plain Markdown
    programs     solutions cut out of a chapter's module              notebooks    student and solution notebooks
    rubric       points and shares (rubric.toml)                      keys         what is right, as stored numbers
    seeds        hidden seeds                                         variants     conventions that differ by student
    nbgrader, otter, plain   three graders                            page         the page's check, in a browser
    scores       JSON, Canvas, Moodle, feedback                       bare         a build without solutions
    release      everything for one assignment                        routes       four graders side by side
    figures      figures as SVG                                       borrowed     known mistakes as answers
"""
