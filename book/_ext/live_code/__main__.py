"""Fetch and verify Python for the browser: ``python -m live_code FOLDER``."""

import sys
from pathlib import Path

from live_code.python import fetch

missing = fetch(Path(sys.argv[1]))
if missing:  # the book is built in any case
    print(f"Python for the browser is incomplete ({', '.join(missing)}): the pages get no buttons that run code.")
