"""Grading a class: each submission in a process of its own, reports, and a table.

A submission that the grader itself cannot finish gets a report that says so, and the
others go on. After an interruption the same command grades what is left: a report
carries the fingerprint of all that it was made of.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from vlmcore.course.grading import Task
from vlmcore.course.handed_in import HandedIn
from vlmcore.course.limits import Limits
from vlmcore.course.notebooks import find_assignments
from vlmcore.course.reports import Grade, from_json
from vlmcore.course.sandbox import find_sandbox
from vlmcore.course.text import cell_of_table, clean
from vlmcore.files import write_json, write_text
from vlmcore.folders import files_beside

PRINTED_CHARACTERS = 1_000_000
"""Of what a submission prints, for its `.txt`."""
_SLACK = 120
"""Seconds for Python and the tests, beyond the submission's own."""


def grade_all(
    submissions: list[tuple[HandedIn, Task | str]],
    out: Path,
    jobs: int = 1,
    resume: bool = False,
) -> Iterator[tuple[HandedIn, Grade]]:
    """Grades submissions and writes their reports, and then `grades.csv`.

    Args:
        submissions: and what each is graded by, or why that cannot be told.
        out: folder of the reports.
        jobs: how many are graded at a time.
        resume: keep reports that were made of the same things.

    Yields:
        A submission and its grade, when its reports are written.

    Raises:
        ValueError: a file of someone else's would be replaced by a report.
    """
    find_sandbox()  # once, before there are threads
    grades: dict[str, Grade] = {}
    waiting = []
    for item, task in submissions:
        stored = _stored(out, item, task) if resume else None
        if stored is None:
            waiting.append((item, task))
        else:
            grades[item.report] = stored
    with ThreadPoolExecutor(jobs) as pool, tempfile.TemporaryDirectory() as folder:
        running = {pool.submit(_graded, *pair, Path(folder)): pair for pair in waiting}
        try:
            for future in as_completed(running):
                item, _ = running[future]
                result, printed = future.result()
                _write(out, item.report, result, printed)
                grades[item.report] = result
                yield item, result
        finally:
            for future in running:
                future.cancel()
    done = [grades[item.report] for item, _ in submissions]
    with files_beside(out, whole=False) as reports:
        write_text(reports / "grades.csv", table(done))


def plan(
    submissions: list[HandedIn],
    assignments: Path | None,
    hidden: Path | None = None,
    assignment: str | None = None,
    limits: Limits = Limits(),
) -> list[tuple[HandedIn, Task | str]]:
    """Finds what each submission is graded by.

    Args:
        submissions: what was handed in.
        assignments: their folder; by default the book's.
        hidden: folder of the hidden tests; by default the one of the assignments.
        assignment: its name; by default the one whose checks a notebook calls.
        limits: what each submission may use.

    Raises:
        FileNotFoundError: there are no assignments or no hidden test of this name.
    """
    known = None if hidden and assignment else find_assignments(assignments)
    tests = hidden or find_assignments(assignments) / "hidden"
    if assignment and not (tests / f"test_{assignment}.py").is_file():
        raise FileNotFoundError(f"there is no file {tests / f'test_{assignment}.py'}")
    covered = tuple(folder for folder in (known, tests) if folder)
    planned: list[tuple[HandedIn, Task | str]] = []
    for item in submissions:
        try:
            name = assignment or assignment_of(item.content(), tests)
            test = tests / f"test_{name}.py"
            task = Task(test, item.student, item.name, limits, covered)
            planned.append((item, task))
        except (OSError, ValueError) as error:
            planned.append((item, str(error)))
    return planned


def assignment_of(content: bytes, hidden: Path) -> str:
    """Returns the assignment whose checks a submission calls, or the only one.

    Raises:
        ValueError: it cannot be told.
    """
    names = [path.stem.removeprefix("test_") for path in hidden.glob("test_*.py")]
    text = content.decode(errors="replace")
    called = set(re.findall(r'check\(\\?["\'](\w+)\.q\d', text))
    found = [name for name in names if len(names) == 1 or name.split("_")[0] in called]
    if len(found) != 1:
        raise ValueError(
            "the notebook does not show which assignment it is; name it with "
            f"--assignment, one of {', '.join(sorted(names))}"
        )
    return found[0]


def table(grades: list[Grade]) -> str:
    """Returns the grades as CSV, with the points of each question."""
    names = {q.question: None for g in grades for q in g.questions}
    questions = sorted(names, key=lambda name: int(name[1:]))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    head = ["student", "file", "assignment", "points", "out_of", "by_hand_out_of"]
    rows.writerow([*head, *questions, "notes"])
    for g in sorted(grades, key=lambda g: (g.assignment, g.student.casefold())):
        points = {q.question: f"{q.points:g}" for q in g.questions}
        manual = sum(q.out_of for q in g.by_hand)
        who = [cell_of_table(name) for name in (g.student, g.submission)]
        numbers = [f"{g.points:g}", f"{g.out_of:g}", f"{manual:g}"]
        notes = cell_of_table("; ".join(f"{k}: {v}" for k, v in g.notes.items()))
        scores = [points.get(name, "") for name in questions]
        rows.writerow([*who, g.assignment, *numbers, *scores, notes])
    return text.getvalue()


def _stored(out: Path, item: HandedIn, task: Task | str) -> Grade | None:
    """Returns the grade of an earlier call that was made of the same things."""
    if isinstance(task, str):
        return None
    with suppress(OSError, ValueError, TypeError, KeyError):
        grade = from_json(json.loads((out / f"{item.report}.json").read_text()))
        complete = (out / f"{item.report}.txt").exists() and not grade.failed
        if complete and grade.made_of == task.fingerprint(item.content()):
            return grade
    return None


def _graded(item: HandedIn, task: Task | str, folder: Path) -> tuple[Grade, str]:
    """Grades in a process of its own and returns the grade and what was printed."""
    if isinstance(task, str):
        return _failed(item, "unknown", task), ""
    place = folder / item.report
    place.mkdir()
    submission, output, result = (place / n for n in ("s.ipynb", "s.txt", "g.json"))
    try:
        submission.write_bytes(item.content())
        done = subprocess.run(
            [
                *(sys.executable, "-m", "vlmcore.course.grading"),
                *map(str, (submission, output, result)),
                task.as_argument(),
                f"{os.getpid()}",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=task.limits.whole_seconds + _SLACK,
        )
        if done.returncode == 0:
            printed = output.read_bytes()[:PRINTED_CHARACTERS]
            stored = from_json(json.loads(result.read_text()))
            return stored, clean(printed.decode(errors="replace"), PRINTED_CHARACTERS)
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = " ".join(lines[-1:]) or f"exit code {done.returncode}"
    except Exception as error:  # whatever it is, the others go on
        why = f"{type(error).__name__}: {error}"
    return _failed(item, task.assignment, why), ""


def _failed(item: HandedIn, assignment: str, why: str) -> Grade:
    note = {"grader": f"could not be graded, look at it yourself: {clean(why)}"}
    empty = Grade(assignment, item.student, item.name, 0, 0, note, [])
    return replace(empty, failed=True, sandbox=find_sandbox().isolated)


def _write(out: Path, name: str, grade: Grade, printed: str) -> None:
    """Writes the reports of one submission, all of them or none."""
    with files_beside(out, whole=False) as reports:
        write_json(reports / f"{name}.json", grade.as_json())
        write_text(reports / f"{name}.md", grade.text())
        write_text(reports / f"{name}.txt", printed)
        if grade.by_hand:
            write_text(reports / f"{name}_manual.md", grade.manual())
