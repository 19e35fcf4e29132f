"""The site as an archive that needs no network: its pages, a program of a few lines that serves them, and a README."""

from __future__ import annotations

import zipfile
from pathlib import Path

FOLDER = "rnnbook"
README = """Recurrent Neural Networks, Step by Step: the site, to be used without a network
{rule}
This is version {version}. The newest is at {address}

Unpack the archive. Then, in the folder that holds this file:

    python3 serve.py            (Windows: py serve.py)

serves the book on your own computer, at http://127.0.0.1:8000/, and opens it in your
browser. Stop it with Ctrl-C. It needs Python 3.8 or newer and nothing else; another
port is chosen with  python3 serve.py 8001. Everything works: the exercises too, whose
Python runs in your browser. Where serve.py cannot be used, any web server will do,
    python3 -m http.server --directory book

Without Python, open book/index.html. Reading, formulas and the figures that move work
there, too; the search finds pages, without a line from each. The exercises do not work:
a browser starts no Python on pages that it opens as files.

No page asks another computer for anything. Links to papers, to the repository and to
Binder and Colab lead out, and need a network if you follow them.

Text and figures: CC BY 4.0. Code: MIT. Pyodide (MPL 2.0), Python, NumPy and MathJax come
with their own licences.
"""
SERVE = '''"""Serve the book on this computer:  python3 serve.py [port]"""

import functools
import http.server
import pathlib
import sys
import webbrowser

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8000


class Handler(http.server.SimpleHTTPRequestHandler):
    # some computers have other ideas of what these are, and a browser then refuses them
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".wasm": "application/wasm",
        ".svg": "image/svg+xml",
        ".json": "application/json",
    }

    def log_message(self, format, *arguments):
        pass


folder = str(pathlib.Path(__file__).resolve().parent / "book")
with http.server.ThreadingHTTPServer(("127.0.0.1", PORT), functools.partial(Handler, directory=folder)) as server:
    address = "http://127.0.0.1:%d/" % server.server_port
    print("The book is at", address, " (stop with Ctrl-C)", flush=True)
    webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
'''
PACKED = {".gz", ".zip", ".whl", ".png", ".woff", ".woff2", ".jpg"}  # pressing these again saves nothing


def members(site: Path, without: str = "paper") -> list[Path]:
    """Return the files of the built site in order, without its folder of files like this one."""
    return sorted(p for p in site.rglob("*") if p.is_file() and p.relative_to(site).parts[0] != without)


def write(site: Path, target: Path, version: str, address: str) -> int:
    """Pack the site, and return how many of its files the archive holds; the same bytes for the same site."""
    target.parent.mkdir(parents=True, exist_ok=True)
    title = README.splitlines()[0]
    readme = README.format(rule="=" * len(title), version=version, address=address)
    found = members(site)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in {"README.txt": readme, "serve.py": SERVE}.items():
            archive.writestr(entry(f"{FOLDER}/{name}"), text.encode(), zipfile.ZIP_DEFLATED, 9)
        for path in found:
            name = f"{FOLDER}/book/{path.relative_to(site).as_posix()}"
            how = zipfile.ZIP_STORED if path.suffix in PACKED else zipfile.ZIP_DEFLATED
            archive.writestr(entry(name), path.read_bytes(), how, 9)
    return len(found)


def entry(name: str) -> zipfile.ZipInfo:
    """Return a file's head in an archive, readable by all and of no particular day."""
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o644 << 16
    return info
