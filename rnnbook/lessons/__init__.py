"""What only the book's pages need: its figures and the checks of its exercises.

::

    rnnbook.lessons.figures     every figure, one function each; one file per chapter and a few shared ones
    rnnbook.lessons.exercises   the checks behind the exercises, one file per chapter

Nothing else in the package imports them.
"""
