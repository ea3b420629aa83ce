"""Submissions as learning platforms export them: whose they are, and their content.

Folders and zip files are read in the layouts of nbgrader
(`submitted/STUDENT/a1/x.ipynb`), Moodle (`NAME_123_assignsubmission_file_/x.ipynb`) and
Canvas (`name_123_456_x.ipynb`); otherwise a notebook belongs to the folder in which it
lies, or to its own name.
"""

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from vlmcore.course.notebooks import LARGEST
from vlmcore.course.text import clean, file_name

_MOODLE = re.compile(r"^(.+)_\d+_assignsubmission_file(_.*)?$")
_CANVAS = re.compile(r"^([^_]+)_(?:LATE_)?\d+_\d+_(.+)$")


@dataclass(frozen=True)
class HandedIn:
    """One file of one student."""

    student: str
    name: str
    """Name of the file as it was handed in."""
    path: Path
    member: str | None = None
    """Name inside the zip file that `path` is."""
    report: str = ""
    """Name of the reports, unique and without a suffix."""

    def content(self) -> bytes:
        """Returns the file, or its first bytes if it is too large to be a notebook."""
        if self.member is None:
            with self.path.open("rb") as file:
                return file.read(LARGEST + 1)
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
            return file.read(LARGEST + 1)


def find_submissions(
    places: Sequence[Path], roster: dict[str, str] | None = None
) -> list[HandedIn]:
    """Lists the notebooks in files, folders and zip files.

    Args:
        places: what the person who grades names.
        roster: a student for each file name, name without suffix, or name that a
            platform gives; it decides where it has an entry.

    Returns:
        Submissions in order, each with a name for its reports that no other has.

    Raises:
        ValueError: there is none.
    """
    found = [item for place in places for item in _listed(place)]
    if not found:
        raise ValueError(f"there is no notebook in {', '.join(map(str, places))}")
    named = [_registered(item, roster or {}) for item in found]
    taken: Counter[str] = Counter()
    unique = []
    for item in named:
        name = file_name(item.student)
        taken[name.casefold()] += 1
        number = taken[name.casefold()]
        report = name if number == 1 else f"{name}-{number}"
        while number > 1 and taken[report.casefold()]:
            number += 1
            report = f"{name}-{number}"
        taken[report.casefold()] += number > 1
        unique.append(replace(item, report=report))
    return unique


def read_roster(path: Path | None) -> dict[str, str]:
    """Returns the student for each file of a table with the columns file and student.

    Raises:
        ValueError: the columns are missing, or a file has two students.
    """
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"file", "student"} <= set(rows[0]):
        raise ValueError(f"{path} needs the columns file and student, and a line below")
    pairs = {(f"{row['file']}".strip(), f"{row['student']}".strip()) for row in rows}
    twice = [name for name, n in Counter(file for file, _ in pairs).items() if n > 1]
    if twice:
        raise ValueError(f"{path} gives two students to {', '.join(twice)}")
    return dict(pairs)


def _registered(item: HandedIn, roster: dict[str, str]) -> HandedIn:
    names = (item.name, item.name.removesuffix(".ipynb"), item.student)
    student = next((roster[n] for n in names if n in roster), item.student)
    return replace(item, student=clean(student, 100), name=clean(item.name, 200))


def _listed(place: Path) -> Iterator[HandedIn]:
    """Yields the notebooks of a file, folder or zip file."""
    if place.is_dir():
        for path in sorted(place.rglob("*.ipynb")):
            inside = path.relative_to(place).parts
            if ".ipynb_checkpoints" not in inside and path.is_file():
                yield HandedIn(_owner((place.name, *inside)), path.name, path)
    elif zipfile.is_zipfile(place) and place.suffix == ".zip":
        with zipfile.ZipFile(place) as archive:
            names = sorted(n for n in archive.namelist() if n.endswith(".ipynb"))
        for name in names:
            parts = PurePosixPath(name.replace("\\", "/")).parts
            yield HandedIn(_owner((place.stem, *parts)), parts[-1], place, name)
    elif place.is_file():
        # the folder of a file tells something only in a platform's layout
        yield HandedIn(_owner(place.absolute().parts, False), place.name, place)
    else:
        raise FileNotFoundError(f"there is no file or folder {place}")


def _owner(parts: tuple[str, ...], in_folder: bool = True) -> str:
    """Returns whose a file is, from the folders above it and its name."""
    *folders, name = parts
    if moodle := next(filter(None, map(_MOODLE.match, folders)), None):
        return moodle[1]
    if "submitted" in folders[:-1]:  # nbgrader
        return folders[folders.index("submitted") + 1]
    if canvas := _CANVAS.match(name):
        return canvas[1]
    if in_folder and len(folders) > 1:
        return folders[1]
    return name.removesuffix(".ipynb")
