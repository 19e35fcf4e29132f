"""The page's own check, in a real browser: worker, Python and package as a built book serves them, without the book."""

import contextlib
import functools
import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from coursework.statements import ROOT

sys.path.append(str(ROOT / "tools"))
WAIT = 300_000  # milliseconds
PAGE = """<!doctype html><title>page</title><script type="module">
const worker = new Worker("_static/live_code/live_code_worker.mjs", {type: "module"});
let done;
const ready = new Promise((yes, no) => worker.onmessage = ({data}) => {
  if (data.ready) yes(); else if (data.failed) no(data.failed); else if (data.result) done(data.result);
});
window.run = async (code) => {
  await ready;
  return await new Promise((yes) => { done = yes; worker.postMessage({setup: [], code}); });
};
</script>"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def settings() -> dict[str, Any]:
    """Return the book's configuration of the extension that runs code on its pages."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    return {name: value for name, value in config.items() if name.startswith("live_code_")}


@contextlib.contextmanager
def opened(folder: Path, python: Path = Path(sys.prefix, "share/pyodide")) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Yield a function that runs code as a page's cell, and returns what the page gets: output, passed, error.

    ``folder``: where to put the files that a book would serve. Raises FileNotFoundError if the browser's Python, which
    ``make book`` fetches, is not there.
    """
    import browser
    from live_code import archive
    from live_code import python as files
    from playwright.sync_api import sync_playwright

    if missing := files.wrong(python):
        raise FileNotFoundError(f"{python} lacks {', '.join(missing)}: make book fetches them")
    config = SimpleNamespace(**settings() | {"live_code_python": str(python)})
    app: Any = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=folder, srcdir=ROOT, config=config)
    folder.mkdir(parents=True, exist_ok=True)
    archive.write_files(app, None)
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=["--no-sandbox"])
        try:
            page = chromium.new_page()
            page.set_default_timeout(WAIT)
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/page.html")
            page.wait_for_function("window.run")
            yield lambda code: page.evaluate("(code) => window.run(code)", code)
        finally:
            chromium.close()
            server.shutdown()


def verdict(
    run: Callable[[str], dict[str, Any]], answer: str, name: str, variable: str
) -> tuple[str, str, list[str], int]:
    """Return kind, mistake and right results of the page's verdict on an answer, and how many results there are."""
    chapter, _, check = name.partition(".")
    asks = f"exercises.{chapter}.check_{check}"
    told = run(
        f"{answer}\nimport json\nfrom rnnbook.lessons import exercises\nv = {asks}.verdict({variable})\n"
        f"print(json.dumps([v.kind, v.mistake, list(v.right), len(getattr({asks}, 'returns', ('answer',)))]))"
    )
    if told["error"]:
        raise RuntimeError(f"the page could not answer {name}:\n{told['error']}")
    kind, mistake, right, count = json.loads(told["output"].splitlines()[-1])
    return kind, mistake, right, count
