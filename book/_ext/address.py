"""The repository's address: `_config.yml` holds it, this repeats it elsewhere.

    make address URL=https://github.com/someone/one-visual-token

Repeated are: the address of the pages in `_config.yml`, the set-up cell of every
chapter, the README, the citation file and the page for addresses that do not exist. A
test compares them.
"""

import re
import sys
from pathlib import Path

from vlmcore.files import write_text

ROOT = Path(__file__).parents[2]


def current(root: Path = ROOT) -> str:
    """The address that `_config.yml` holds."""
    found = re.search(
        r"^  url: (\S+)$", (root / "_config.yml").read_text(), re.MULTILINE
    )
    if found is None:
        raise ValueError(
            f"{root / '_config.yml'} has no line 'url: ...' under 'repository'"
        )
    return found[1]


def pages(url: str) -> str:
    """Where the pages of a GitHub repository are published."""
    owner, name = url.rstrip("/").split("/")[-2:]
    return f"https://{owner}.github.io/{name}/"


def bearers(root: Path = ROOT) -> list[Path]:
    """Every file that may hold the address."""
    return [
        root / "_config.yml",
        root / "README.md",
        root / "CITATION.cff",
        root / "book" / "_extra" / "404.html",
        *sorted((root / "book").rglob("*.ipynb")),
    ]


def set_address(url: str, root: Path = ROOT) -> None:
    """Replaces the old address by `url` in every file that holds it."""
    if not re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+", url):
        raise ValueError(
            f"{url!r} is not an address such as "
            "https://github.com/someone/one-visual-token"
        )
    old = current(root)
    name, short = (re.sub(r"^https://[\w.-]+/", "", address) for address in (old, url))
    for path in bearers(root):
        text = path.read_text()
        new = (
            text.replace(pages(old), pages(url))
            .replace(old, url)
            .replace(f"github/{name}/", f"github/{short}/")
        )
        if new != text:
            write_text(path, new)


if __name__ == "__main__":
    try:
        set_address(*sys.argv[1:2])
    except (TypeError, ValueError) as error:
        sys.exit(f"address not set: {error or 'give one with URL=https://...'}")
