"""Files that appear complete or not at all, and results in readable JSON.

A file is written under a temporary name beside its place and renamed. Nothing here
imports torch.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_PARTIAL = ".vlmcore-partial-"


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
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no text ({error.reason}); copy or make it again"
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

    Raises:
        ValueError: there is a folder of this name, or a file where a folder should be.
    """
    path = Path(path).resolve()
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file")
    with temporary_folder(path.parent) as folder:
        partial = folder / path.name
        yield partial
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A hidden folder for what is being written into another one, which is made.

    What writers have left there that were killed is deleted: a folder of this name
    that no process holds.
    """
    make_folder(parent)
    for left in parent.glob(f"{_PARTIAL}*"):
        with suppress(FileNotFoundError), held(left) as dead:
            # a new one may not be held yet
            if dead and time.time() - left.stat().st_mtime > 10:
                shutil.rmtree(left)
    with TemporaryDirectory(prefix=_PARTIAL, dir=parent) as folder, held(Path(folder)):
        yield Path(folder)


@contextmanager
def held(path: Path) -> Iterator[bool | None]:
    """Locks a file or folder as long as this process lives and is here.

    Yields:
        Whether it is locked now, or another process holds it; None where the system or
        disk cannot tell.
    """
    locked: bool | None
    with ExitStack() as stack:
        try:
            import fcntl

            file = os.open(path, os.O_RDONLY)
            stack.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            locked = False
        except (ImportError, OSError):
            locked = None
        yield locked


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, unless they are there.

    Raises:
        ValueError: one of them is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"{folder} cannot be made, since a file has its name or that of a folder "
            "above it; choose another folder"
        ) from error


def refuse_existing(path: Path) -> None:
    """Refuses to write where a file is that may be someone's.

    Raises:
        ValueError: there is one.
    """
    if path.exists():
        raise ValueError(f"{path} is there already; give another name or move it away")


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Writes a result, or replaces an earlier one of the same name.

    Raises:
        ValueError: the file holds something else.
    """
    stored_result(path, name=result["name"])
    write_json(path, result)


def stored_result(path: Path, **made_of: Any) -> dict[str, Any] | None:
    """A result if it is there and was made of the same things.

    Args:
        path: its file.
        **made_of: fields of the result that decide all others.

    Raises:
        ValueError: the file holds something else.
    """
    if not path.exists():
        return None
    stored = read_json(path)
    refuse_other(stored, made_of, path, "move it away or give another folder")
    return stored


def refuse_other(
    stored: Any, made_of: Mapping[str, Any], where: str | Path, way_out: str
) -> None:
    """Refuses to reuse or go on with what was made of other things.

    Args:
        stored: the description that lies beside it.
        made_of: name and value, or fingerprint, of everything that decides an outcome.
        where: the place, for the message.
        way_out: the end of the message.

    Raises:
        ValueError: a value differs or is not described.
    """
    known = stored if isinstance(stored, dict) else {}
    if missing := [name for name in made_of if name not in known]:
        raise ValueError(
            f"{where} does not say its {', '.join(missing)}, so it may belong to "
            f"something else; {way_out}"
        )
    if others := [name for name, value in made_of.items() if known[name] != value]:
        raise ValueError(
            f"{where} belongs to something else (different here: {', '.join(others)}); "
            f"{way_out}"
        )


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
