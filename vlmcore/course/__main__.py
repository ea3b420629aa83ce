"""The two commands of a course.

    python -m vlmcore.course release --out release            # student copies of all assignments
    python -m vlmcore.course check ada.ipynb --out reports    # grades submissions

A submission called `ada.ipynb` gets `ada.json`, `ada.md` and, with what it printed,
`ada.txt`.
"""

import argparse
import re
import sys
from pathlib import Path

from vlmcore.course.notebooks import ASSIGNMENTS, masters, release


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "release":
            for path in release(options.out, options.assignments):
                print(f"{path}: student copy")
        else:
            _check(options)
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"{options.command}: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vlmcore.course", description=(__doc__ or "").splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    out = commands.add_parser(
        "release", help="write the student copies of all assignments"
    )
    out.add_argument(
        "--out",
        type=Path,
        default=Path("release"),
        metavar="FOLDER",
        help="default: release",
    )
    check = commands.add_parser("check", help="grade submissions")
    check.add_argument("submissions", type=Path, nargs="+", metavar="SUBMISSION.ipynb")
    check.add_argument(
        "--out",
        type=Path,
        default=Path("reports"),
        metavar="FOLDER",
        help="default: reports",
    )
    check.add_argument(
        "--hidden",
        type=Path,
        metavar="FOLDER",
        help="hidden tests; default: those of the assignments' folder",
    )
    check.add_argument(
        "--assignment",
        metavar="NAME",
        help="default: the one whose checks the notebook calls",
    )
    check.add_argument(
        "--seconds", type=float, default=120, help="for all cells; default: 120"
    )
    check.add_argument(
        "--call-seconds",
        type=float,
        default=60,
        help="for each call of a function; default: 60",
    )
    check.add_argument(
        "--memory", type=float, default=2, metavar="GB", help="default: 2"
    )
    for command in (out, check):
        command.add_argument(
            "--assignments",
            type=Path,
            default=ASSIGNMENTS,
            metavar="FOLDER",
            help="default: the book's",
        )
    return parser


def _check(options: argparse.Namespace) -> None:
    try:
        from vlmcore.course.grading import grade
        from vlmcore.course.submission import Limits
    except ModuleNotFoundError as error:
        raise RuntimeError(
            f"grading needs {error.name}; install vlmcore with its extra: pip install "
            "'vlmcore[course]'"
        ) from error
    limits = Limits(options.seconds, options.call_seconds, options.memory)
    hidden = options.hidden or options.assignments / "hidden"
    if missing := [str(path) for path in options.submissions if not path.is_file()]:
        raise ValueError(f"there is no file {', '.join(missing)}")
    if len({path.stem for path in options.submissions}) < len(options.submissions):
        raise ValueError(
            "two submissions have the same file name and would share a report; grade "
            "them into different folders with --out"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    for path in options.submissions:
        test = (
            hidden
            / f"test_{options.assignment or _assignment(path, options.assignments)}.py"
        )
        result = grade(path, test, options.out / f"{path.stem}.txt", limits)
        result.write(options.out, path.stem)
        print(
            f"{path.name}: {result.points:g} of {result.out_of:g} points, see "
            f"{options.out / path.stem}.md"
        )


def _assignment(submission: Path, folder: Path) -> str:
    """The assignment whose public checks a submission calls; where there is only one, that one.

    Raises:
        ValueError: it cannot be told.
    """
    names = [path.stem for path in masters(folder)]
    called = set(
        re.findall(r'check\(\\?["\'](\w+)\.q\d', submission.read_text(errors="replace"))
    )
    found = [name for name in names if len(names) == 1 or name.split("_")[0] in called]
    if len(found) != 1:
        raise ValueError(
            f"{submission.name} does not show which assignment it is; name it with "
            f"--assignment, one of {', '.join(names)}"
        )
    return found[0]


if __name__ == "__main__":
    main()
