"""Files that appear complete or not at all, and results in readable JSON.

A file is written under a temporary name beside its place and renamed. Nothing here
imports torch.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def read_results(folder: str | Path) -> list[dict[str, Any]]:
    """All results in a folder, in the order of their file names.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a file is not JSON.
    """
    files = sorted(Path(folder).glob("*.json"))
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no result; book/results/LOG.md and the ledger name the "
            "commands that make them"
        )
    return [read_json(path) for path in files]


def read_json(path: Path) -> Any:
    """One file of JSON.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is damaged at line {error.lineno}: {error.msg}; copy or make it "
            "again"
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Writes a file that is there completely or not at all.

    Raises:
        ValueError: a number is NaN or infinite; a missing number is None.
    """
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file of text that is there completely or not at all."""
    with beside(path) as partial:
        partial.write_text(text)


@contextmanager
def beside(path: str | Path) -> Iterator[Path]:
    """Lets a file be written beside its place and moves it there if nothing failed.

    Args:
        path: its place, or a link to it. A missing folder is made.

    Yields:
        Where to write: the same name, in a temporary folder that no reader of results
        opens.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.stem}.partial-", dir=path.parent) as folder:
        yield Path(folder) / path.name
        (Path(folder) / path.name).replace(path)


@contextmanager
def files_beside(folder: str | Path) -> Iterator[Path]:
    """Lets files of a folder be written beside their places, as `beside` does for one.

    All other files of the folder stay as they are.

    Args:
        folder: is made if it is missing.

    Yields:
        An empty temporary folder; its files are moved if nothing failed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".partial-", dir=folder) as temporary:
        yield Path(temporary)
        for source in sorted(Path(temporary).rglob("*")):
            if source.is_file():
                with beside(folder / source.relative_to(temporary)) as place:
                    shutil.move(source, place)


def find_above(folder: str, option: str) -> Path:
    """Finds a folder of the book in the working directory or the nearest one above it.

    Args:
        folder: such as `book/results`.
        option: of the command line that names another one.

    Raises:
        FileNotFoundError: there is none.
    """
    here = Path.cwd()
    for above in (here, *here.parents):
        if (above / folder).is_dir():
            return above / folder
    raise FileNotFoundError(
        f"there is no {folder} in {here} or above it; work in a clone of the book or "
        f"name the folder with {option}"
    )


def difference(value: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """The entries of a nested dict that differ from the usual ones."""
    different = {}
    for name, entry in value.items():
        other = usual.get(name)
        if (
            isinstance(entry, dict)
            and isinstance(other, dict)
            and entry.get("name") == other.get("name")
        ):
            if nested := difference(entry, other):
                different[name] = nested
        elif entry != other:
            different[name] = entry
    return different
