"""The commands of a course: student copies, grades, and the tree to publish."""

from pathlib import Path
from typing import Annotated

import typer

from vlmcore.cli.options import file_argument, folder_option

_Assignments = Annotated[
    Path | None,
    folder_option("Folder of the assignments. Default: the nearest book/assignments."),
]
_Submissions = typer.Argument(
    exists=True,
    help="Notebooks that students handed in, or folders or zip files of them, also as "
    "nbgrader, Moodle and Canvas export them.",
)
_HIDDEN = "Folder of the hidden tests. Default: hidden/ in the assignments."
_Assignment = typer.Option(
    metavar="NAME",
    help="Assignment. Default: the one whose checks the notebook calls.",
)
_Roster = typer.Option(
    metavar="CSV", help="Table with the columns file and student.", exists=True
)
_Resume = typer.Option("--resume", help="Keep reports that are up to date.")
_CallSeconds = typer.Option(help="Time for each call of a function.")


def release_assignments(
    out: Annotated[Path, folder_option("Folder for the copies.")] = Path("release"),
    assignments: _Assignments = None,
) -> None:
    """Write the student copy of every assignment, without solutions."""
    from vlmcore.course.notebooks import find_assignments, release

    for path in release(out, find_assignments(assignments)):
        print(f"{path}: student copy")


def try_question(
    notebook: Annotated[Path, file_argument("A notebook.")],
    question: Annotated[str, typer.Argument(help="Such as a1.q1.")],
) -> None:
    """Run a notebook and one public check; status 1 if the answer is not right."""
    from vlmcore.course.trying import try_answer

    feedback = try_answer(notebook, question)
    print(feedback)
    raise typer.Exit(0 if feedback.right else 1)


def export_assignments(
    kind: Annotated[str, typer.Argument(help="nbgrader, otter, github or gradescope.")],
    out: Annotated[Path, folder_option("Folder for the files.")] = Path("export"),
    assignments: _Assignments = None,
) -> None:
    """Write the assignments in the format of another grader."""
    from vlmcore.course.exports import export
    from vlmcore.course.notebooks import find_assignments

    for name in export(kind, out, find_assignments(assignments)):
        print(out / name)


def publish_book(
    out: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder, such as a public clone.")
    ],
    assignments: _Assignments = None,
) -> None:
    """Write the tree to publish: the book without solutions and hidden tests."""
    from vlmcore.course.notebooks import find_assignments
    from vlmcore.course.public import PRIVATE, publish

    names = publish(out, find_assignments(assignments))
    print(f"{out}: {len(names)} files, without {', '.join(PRIVATE)}")


def rank_peers(
    predictions: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            metavar="CSV",
            help="Table with the columns student, peer, v, low and high.",
        ),
    ],
) -> None:
    """Print the ranking of A4's predictions for class-mates, as CSV."""
    import pandas as pd

    from vlmcore.course.peers import leaderboard

    print(leaderboard(pd.read_csv(predictions)).round(4).to_csv(index=False), end="")


def check_submissions(
    submissions: Annotated[list[Path], _Submissions],
    out: Annotated[Path, folder_option("Folder for the reports.")] = Path("reports"),
    assignments: _Assignments = None,
    hidden: Annotated[Path | None, folder_option(_HIDDEN)] = None,
    assignment: Annotated[str | None, _Assignment] = None,
    roster: Annotated[Path | None, _Roster] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at a time.")] = 1,
    resume: Annotated[bool, _Resume] = False,
    seconds: Annotated[float, typer.Option(help="Time for all cells.")] = 300,
    cell_seconds: Annotated[float, typer.Option(help="Time for each cell.")] = 60,
    call_seconds: Annotated[float, _CallSeconds] = 60,
    memory: Annotated[float, typer.Option(metavar="GB", help="Memory.")] = 2,
) -> None:
    """Grade submissions: each gets reports in OUT, and all of them grades.csv.

    STUDENT.json is for programs, STUDENT.md for the student, STUDENT.txt has what the
    notebook printed, STUDENT_manual.md what a person grades.
    """
    from vlmcore.course.batch import grade_all, plan
    from vlmcore.course.handed_in import find_submissions, read_roster
    from vlmcore.course.limits import Limits
    from vlmcore.course.sandbox import TRUSTED, find_sandbox

    limits = Limits(seconds, cell_seconds, call_seconds, memory_gb=memory)
    items = find_submissions(submissions, read_roster(roster))
    planned = plan(items, assignments, hidden, assignment, limits)
    if not find_sandbox().isolated:
        print(TRUSTED)
    failed = []
    for item, grade in grade_all(planned, out, jobs, resume):
        if grade.failed:
            failed.append(item.report)
        print(
            f"{item.report}: {grade.points:g} of {grade.out_of:g} points, see "
            f"{out / item.report}.md"
        )
    print(f"{len(items)} submissions, all in {out / 'grades.csv'}")
    if failed:
        print(f"could not be graded: {', '.join(failed)}")
        raise typer.Exit(1)
