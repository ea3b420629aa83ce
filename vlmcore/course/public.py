"""The tree that is published: the book without solutions and hidden tests.

The repository in which a course is prepared holds masters and hidden tests; students
clone what this writes, so that no solution travels with a question.
"""

import subprocess
from pathlib import Path, PurePosixPath

from vlmcore.folders import files_beside

PRIVATE = ("book/assignments/masters", "book/assignments/hidden", "tests/course")
"""Folders that are left out: solutions, hidden tests, and tests that quote them."""


def published_files(root: Path) -> list[str]:
    """Lists the files of a checkout that are published, by git's list of its files.

    Raises:
        ValueError: the folder is no checkout of git, or git is missing.
    """
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(
            f"{root} is no checkout of git, or git is not installed, so nobody knows "
            "which files belong to the book; clone it"
        ) from error
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [name for name in names if not _private(name) and (root / name).is_file()]


def publish(out: Path, assignments: Path) -> list[str]:
    """Writes the published files into a folder, and removes those of an earlier call.

    Args:
        out: the folder, such as a clone of the public repository.
        assignments: the book's folder of assignments.

    Returns:
        The names of the files.

    Raises:
        ValueError: a file there was changed, or is of someone else's making.
    """
    root = assignments.resolve().parents[1]
    names = published_files(root)
    with files_beside(out) as partial:
        for name in names:
            place = partial / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((root / name).read_bytes())
            place.chmod((root / name).stat().st_mode)
    return names


def _private(name: str) -> bool:
    return any(PurePosixPath(name).is_relative_to(folder) for folder in PRIVATE)
