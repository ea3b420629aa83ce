"""Files that belong together: a folder has all of them or keeps all that it had.

They are written into a temporary folder. Renaming that decides; the files are then
moved to their places, by the next process that looks (`settle`) if this one is killed.
What others put into the folder stays: `MANIFEST` lists what the package wrote there,
and only that is replaced.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vlmcore.files import beside, make_folder, temporary_folder, write_json

MANIFEST = "vlmcore-files.json"
"""Lists the files that the package wrote into a folder, with their SHA-256."""
_DECIDED = ".vlmcore-written-"
"""Start of the name of a folder whose files are complete and on their way."""


@contextmanager
def files_beside(
    folder: str | Path, *, whole: bool = True, own: dict[str, str] | None = None
) -> Iterator[Path]:
    """Lets files of a folder be written beside their places, as `beside` does for one.

    Args:
        folder: or a link to one; it is made if it is missing.
        whole: whether these are all files that belong together, so that earlier ones
            that are not among them go.
        own: more files there that may be replaced, with their SHA-256.

    Yields:
        An empty temporary folder; its files are moved if nothing failed.

    Raises:
        ValueError: the package did not write a file that would be replaced, or the file
            was changed since.
    """
    folder = Path(folder).resolve()
    with temporary_folder(folder) as temporary:
        settle(folder)
        files = temporary / "files"
        files.mkdir()
        yield files
        before = written_files(folder)
        now = {name: sha256(files / name) for name in _names(files)}
        for name, checksum in now.items():
            _refuse_foreign(folder, name, checksum, before | (own or {}))
        write_json(files / MANIFEST, {"files": now if whole else before | now})
        files.rename(folder / f"{_DECIDED}{temporary.name[-8:]}")
        settle(folder)


def settle(folder: Path) -> Path:
    """Finishes for writers that were killed after their files were complete.

    Several processes may do so at a time.

    Returns:
        The folder.
    """
    for files in sorted(folder.glob(f"{_DECIDED}*")):
        if now := written_files(files):
            for name in _names(files):
                _move(files / name, folder / name)
            for name, checksum in written_files(folder).items():
                place = folder / name
                if name not in now and place.is_file() and sha256(place) == checksum:
                    place.unlink()
            _move(files / MANIFEST, folder / MANIFEST)
        for empty in (*sorted(files.rglob("*"), reverse=True), files):
            with suppress(OSError):  # it has files of others, or is gone
                empty.rmdir()
    return folder


def written_files(folder: Path) -> dict[str, str]:
    """The files that the package wrote into a folder, with their checksums."""
    try:
        return dict(json.loads((folder / MANIFEST).read_text())["files"])
    except FileNotFoundError:
        return {}


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(files: Path) -> list[str]:
    """All files in a folder and the folders in it, without its own manifest."""
    paths = [path for path in sorted(files.rglob("*")) if path.is_file()]
    names = [path.relative_to(files).as_posix() for path in paths]
    return [name for name in names if name != MANIFEST]


def _refuse_foreign(
    folder: Path, name: str, checksum: str, before: dict[str, str]
) -> None:
    """Refuses to replace a file of others by one with this checksum."""
    path = folder / name
    above = [folder / part for part in Path(name).parents if (folder / part).exists()]
    for place in (*above, path):
        if place.exists() and place.is_dir() == (place == path):
            kind = "folder" if place.is_dir() else "file"
            raise ValueError(f"{place} is a {kind}; choose another folder to write to")
    part = written_files(path.parent)  # what was saved on its own
    own = {checksum, before.get(name), part.get(path.name)}
    if path.exists() and path.name != MANIFEST and sha256(path) not in own:
        raise ValueError(
            f"{path} would be replaced, and vlmcore did not write it, or it was "
            "changed since; choose another folder, or move the file away"
        )


def _move(source: Path, place: Path) -> None:
    """Moves a file to its place, or to where a link there points."""
    place = place.resolve()
    make_folder(place.parent)
    try:
        source.replace(place)
    except FileNotFoundError:
        return  # another process has moved it
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with beside(place) as partial:  # the link points to another disk
            shutil.copy(source, partial)
        source.unlink()
