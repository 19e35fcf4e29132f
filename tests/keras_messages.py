"""Imported by keras_outputs.py: what pieces of code raise or warn of. The code finds `keras` imported."""

import re
import warnings

import keras


def message_of(code: str) -> str:
    """The error that the code raises, or else its last warning, or nothing: on one line, without terminal colours."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            exec(code, {"keras": keras})
        except Exception as error:
            found = str(error)
        else:
            found = str(seen[-1].message) if seen else ""
    return " ".join(re.sub(r"\x1b\[\d*m", "", found).split())
