"""What the pages on the package leave out of, and change in, the docstrings.

Left out is what Python itself says of a named tuple's fields ("Alias for field number 0"): its class says what it is.
A block that a line of two colons opens is a table or a map, and no Python to be coloured.
"""

from __future__ import annotations


def skip(app, what, name, member, skipped, options):
    """Leave out a field of a named tuple."""
    return True if type(member).__name__ == "_tuplegetter" else None


def plain_blocks(app, what, name, obj, options, lines):
    """Open each block that stands alone as plain text."""
    lines[:] = [".. code-block:: none" if line.strip() == "::" else line for line in lines]


def setup(app):
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", plain_blocks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
