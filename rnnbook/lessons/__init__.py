"""What only the book's pages need: its figures and the checks of its exercises.

::

    rnnbook.lessons.figures     every figure, one function each, one file a chapter and a few that chapters share
    rnnbook.lessons.exercises   the checks behind the exercises, one file a chapter

Nothing else in the package imports them.
"""
