"""Seeds that nobody can guess without the course's secret, and that are the same whenever the secret is the same."""

import hashlib
import secrets
from pathlib import Path

PRACTICE = "practice"  # what students check with before handing in is not secret


def seed(secret: str, name: str, variant: int) -> int:
    """Return the seed of one exercise in one variant."""
    return int.from_bytes(hashlib.sha256(f"{secret}|{name}|{variant}".encode()).digest()[:8], "big")


def secret_in(path: Path) -> str:
    """Return the secret in a file, which is made if there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(32) + "\n")
        path.chmod(0o600)
    found = path.read_text().strip()
    if len(found) < 16:
        raise ValueError(f"{path} should hold a secret of at least 16 characters, but holds {len(found)}")
    return found
