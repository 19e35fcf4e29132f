"""The pages on the package leave out what Python itself says of a named tuple's fields ("Alias for field number 0")."""

from __future__ import annotations


def skip(app, what, name, member, skipped, options):
    """Leave out a field of a named tuple: its class says what its fields are."""
    return True if type(member).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
