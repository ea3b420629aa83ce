"""Student copies of master notebooks.

Solutions are between nbgrader's marks, and a cleared cell reads as nbgrader's
ClearSolutions leaves it, so a master also works there. nbgrader itself is not used: it
requires JupyterLab, a database and forty more packages for a page of code.
"""

import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from vlmcore.files import find_above
from vlmcore.folders import files_beside, sha256

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
LARGEST = 20_000_000
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


def find_assignments(folder: Path | None = None) -> Path:
    """Returns the given folder of assignments, or the book's.

    The book's is looked for in the working directory and above it.

    Raises:
        FileNotFoundError: no folder is given and the book's is not there.
    """
    return folder or find_above("book/assignments", "--assignments")


def masters(assignments: Path) -> list[Path]:
    """Lists the master notebooks in `masters/` of a folder of assignments.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted((assignments / "masters").glob("*.ipynb"))
    if not found:
        raise FileNotFoundError(
            f"{assignments / 'masters'} holds no master notebook; name a folder of "
            "assignments with --assignments"
        )
    return found


def read_notebook(path: Path) -> NotebookNode:
    """Reads a notebook in format 4.

    Raises:
        ValueError: the file is not a notebook.
    """
    return parse_notebook(path.read_bytes(), path.name)


def parse_notebook(content: bytes, name: str = "this file") -> NotebookNode:
    """Returns the content of a notebook's file in format 4.

    Raises:
        ValueError: it is not a notebook, or larger than `LARGEST` bytes.
    """
    if len(content) > LARGEST:
        raise ValueError(
            f"{name} has {len(content):,} bytes, more than {LARGEST:,}; clear its "
            "outputs and save it again"
        )
    try:
        notebook = nbformat.reads(content.decode(), 4)
        nbformat.validate(notebook)
    except Exception as error:  # made-up files can raise anything
        raise ValueError(
            f"{name} is not a notebook that can be read; save it again as .ipynb"
        ) from error
    return notebook


def student_copy(master: NotebookNode) -> NotebookNode:
    """Returns a copy of a master without solutions, outputs and counts.

    Raises:
        ValueError: the marks of a solution do not come in pairs.
    """
    student = deepcopy(master)
    for cell in student.cells:
        if cell.cell_type == "code":
            cell.update(
                source=clear_solutions(cell.source), outputs=[], execution_count=None
            )
    return student


def clear_solutions(source: str) -> str:
    r"""Replaces each marked solution of a cell by `raise NotImplementedError()`.

    Example:
        >>> solution = "### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"
        >>> print(clear_solutions(f"def one():\n    {solution}"))
        def one():
            # YOUR CODE HERE
            raise NotImplementedError()
    """
    pattern = rf"^([ \t]*){BEGIN}$.*?^[ \t]*{END}$"
    flags = re.MULTILINE | re.DOTALL
    cleared, count = re.subn(
        pattern,
        lambda marked: "\n".join(marked[1] + line for line in STUB.split("\n")),
        source,
        flags=flags,
    )
    if {source.count("BEGIN SOLUTION"), source.count("END SOLUTION")} != {count}:
        raise ValueError(
            f"a solution needs one line {BEGIN!r} and, after it, one line {END!r}; "
            f"this cell does not pair them:\n{source}"
        )
    return cleared


def release(out: Path, assignments: Path) -> list[Path]:
    """Writes the student copy of every master into a folder.

    Earlier copies are replaced if this wrote them, or if git has them as they are.

    Raises:
        ValueError: a notebook there would be replaced that is no student copy, or that
            was changed.
    """
    copies = {
        path.name: student_copy(read_notebook(path)) for path in masters(assignments)
    }
    with files_beside(out, whole=False, own=_committed(out, copies)) as partial:
        for name, copy in copies.items():
            nbformat.write(copy, partial / name)
    return [out / name for name in copies]


def _committed(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Notebooks without solutions that git can give back, with their checksums.

    A clone has the student copies of the book and no list of who wrote them.
    """
    found = dict[str, str]()
    for path in (folder / name for name in names):
        commands = (
            ["git", "ls-files", "--error-unmatch", path.name],
            ["git", "diff", "--quiet", "HEAD", "--", path.name],
        )
        # there is no git, no repository, or a change that is not committed
        with suppress(OSError, subprocess.CalledProcessError):
            for command in commands:
                subprocess.run(command, cwd=folder, check=True, capture_output=True)
            if BEGIN not in path.read_text():
                found[path.name] = sha256(path)
    return found
