"""Drops what executed chapters left when what they build on has changed.

The cache itself only sees their own cells.
"""

import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHES = [ROOT / "_build" / ".jupyter_cache", ROOT / "_build" / "chapters"]
KEY = ROOT / "_build" / "cache_key"


def fingerprint() -> str:
    """A hash of the package, the shipped results and the pins."""
    digest = hashlib.sha256()
    for folder, pattern in (
        ("vlmcore", "**/*"),
        ("book/results", "**/*.json"),
        (".", "requirements.txt"),
    ):
        for path in sorted((ROOT / folder).glob(pattern)):
            # recorded times of chapters do not change what a chapter shows
            if path.is_file() and not {"__pycache__", "chapters"} & set(path.parts):
                digest.update(
                    path.relative_to(ROOT).as_posix().encode() + path.read_bytes()
                )
    return digest.hexdigest()


if __name__ == "__main__":
    key = fingerprint()
    if not KEY.exists() or KEY.read_text() != key:
        for cache in CACHES:
            shutil.rmtree(cache, ignore_errors=True)
        KEY.parent.mkdir(exist_ok=True)
        KEY.write_text(key)
