"""Where the book lives: one address in _config.yml, from which all others follow, and which a fork overrides.

GitHub sets GITHUB_REPOSITORY=owner/name in every workflow. Where it is set, the launch buttons, the links to the
repository, the pages' own address, the links to copies that are published with them, and the install line of the
chapters' first cell all name that repository.
"""

from __future__ import annotations

import os
import re

from sphinx.application import Sphinx
from sphinx.config import Config

SLUG = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def repository_url(configured: str, environment: dict[str, str] | os._Environ[str]) -> str:
    """Return the repository's address: the environment's owner/name where given, else the configured one."""
    slug = environment.get("GITHUB_REPOSITORY", "")
    if not slug:
        return configured
    if not SLUG.fullmatch(slug):
        raise ValueError(f"GITHUB_REPOSITORY should be owner/name, but is {slug!r}")
    return f"https://github.com/{slug}"


def pages_url(repository: str) -> str:
    """Return the address at which GitHub Pages serves the repository's book."""
    owner, name = repository.rstrip("/").split("/")[-2:]
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def settle(app: Sphinx, config: Config) -> None:
    options = dict(config.html_theme_options)
    configured = options["repository_url"]
    actual = repository_url(configured, os.environ)
    options["repository_url"] = actual
    config.html_theme_options = options
    config.html_baseurl = pages_url(actual)
    config.ogp_site_url = pages_url(actual)
    if actual != configured:

        def rename(app: Sphinx, docname: str, source: list[str]) -> None:
            source[0] = source[0].replace(configured, actual).replace(pages_url(configured), pages_url(actual))

        app.connect("source-read", rename)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", settle, priority=100)  # before the theme and opengraph read the values
    return {"parallel_read_safe": True, "parallel_write_safe": True}
