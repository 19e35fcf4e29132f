"""Run by test_surprises.py in a process of its own, with KERAS_BACKEND set: what pieces of code raise or warn of.

``python keras_messages.py cells.json messages.json``: cells holds {name: code}, messages gets {name: message}, with an
empty message where there is none. The code finds `keras` imported.
"""

import json
import re
import sys
import warnings
from pathlib import Path

import keras


def message_of(code: str) -> str:
    """The error that the code raises, or else its last warning, on one line and without the terminal's colours."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            exec(code, {"keras": keras})
        except Exception as error:
            found = str(error)
        else:
            found = str(seen[-1].message) if seen else ""
    return " ".join(re.sub(r"\x1b\[\d*m", "", found).split())


cells = json.loads(Path(sys.argv[1]).read_text())
messages = {name: message_of(code) for name, code in cells.items()}
Path(sys.argv[2]).write_text(json.dumps({"backend": keras.backend.backend(), "messages": messages}))
