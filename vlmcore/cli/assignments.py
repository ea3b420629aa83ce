"""The two commands of a course: student copies of the assignments, and grades."""

from pathlib import Path
from typing import Annotated

import typer

_Assignments = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of the assignments. Default: the nearest book/assignments.",
    ),
]


def release_assignments(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for the copies.")
    ] = Path("release"),
    assignments: _Assignments = None,
) -> None:
    """Write the student copy of every assignment, without solutions."""
    from vlmcore.course.notebooks import find_assignments, release

    for path in release(out, find_assignments(assignments)):
        print(f"{path}: student copy")


def check_submissions(
    submissions: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, help="Notebooks that students handed in."
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for the reports.")
    ] = Path("reports"),
    assignments: _Assignments = None,
    hidden: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the hidden tests. Default: hidden/ in the assignments.",
        ),
    ] = None,
    assignment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Assignment. Default: the one whose checks the notebook calls.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time for all cells.")] = 120,
    call_seconds: Annotated[
        float, typer.Option(help="Time for each call of a function.")
    ] = 60,
    memory: Annotated[float, typer.Option(metavar="GB", help="Memory.")] = 2,
) -> None:
    """Grade submissions: NAME.ipynb gets NAME.json, NAME.md and its output NAME.txt."""
    from vlmcore.course.grading import grade_all
    from vlmcore.course.submission import Limits

    limits = Limits(seconds, call_seconds, memory)
    grades = grade_all(submissions, out, limits, assignments, hidden, assignment)
    for path, grade in zip(submissions, grades, strict=True):
        print(
            f"{path.name}: {grade.points:g} of {grade.out_of:g} points, see "
            f"{out / path.stem}.md"
        )
