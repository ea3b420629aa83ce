"""Grading: hidden tests of a submission, and reports for programs and for people.

A hidden test is a pytest function called `test_q1_…` for question q1. It is worth one
point, or as many as `@pytest.mark.points(n)` says; its assertions carry the sentence
that the student reads, and its fixture `submission` reaches the notebook.
"""

import contextlib
import html
import io
import os
import re
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.notebooks import find_assignments, masters
from vlmcore.course.submission import Limits, Submission
from vlmcore.files import write_json, write_text
from vlmcore.folders import files_beside

_PYTEST = (
    "--assert=plain",
    "--import-mode=importlib",
    "-pno:cacheprovider",
    f"-c{os.devnull}",
)


@dataclass(frozen=True)
class TestedQuestion:
    """The outcome of one hidden test."""

    question: str
    points: float
    passed: bool
    message: str


@dataclass(frozen=True)
class QuestionGrade:
    """The points of one question, and a message with one line per mistake."""

    question: str
    points: float
    out_of: float
    message: str


@dataclass(frozen=True)
class Grade:
    """The points of a submission."""

    assignment: str
    submission: str
    points: float
    out_of: float
    notes: dict[str, str]
    """Errors outside the questions, by cell."""
    questions: list[QuestionGrade]

    def write(self, folder: Path, name: str) -> None:
        """Writes `name.json` and `name.md`; each appears complete or not at all."""
        write_json(folder / f"{name}.json", asdict(self))
        write_text(folder / f"{name}.md", self.text())

    def text(self) -> str:
        """Returns the report as Markdown."""
        rows = [
            f"| {q.question} | {q.points:g} of {q.out_of:g} | "
            f"{'<br>'.join(map(_one_line, q.message.splitlines()))} |"
            for q in self.questions
        ]
        notes = [f"- {place}: {_one_line(note)}" for place, note in self.notes.items()]
        table = ["| question | points | |", "|---|---|---|", *rows]
        remarks = ["", "Outside the questions:", "", *notes] if notes else []
        title = f"# {self.assignment}: {self.points:g} of {self.out_of:g} points"
        return (
            "\n".join(
                [title, "", f"Submission: `{self.submission}`", "", *table, *remarks]
            )
            + "\n"
        )


class HiddenTests:
    """A pytest plugin that gives the tests the submission and records outcomes."""

    def __init__(self, submission: Submission):
        self.notebook = submission
        self.outcomes: list[TestedQuestion] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        """Registers the marker."""
        config.addinivalue_line(
            "markers", "points(n): the points of a hidden test, one by default"
        )

    @pytest.fixture(scope="session")
    def submission(self) -> Submission:
        """Returns the submission under test."""
        return self.notebook

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Records a test after it ran or its setup failed."""
        report = yield
        if call.when == "call" or (call.when == "setup" and call.excinfo):
            question = re.match(r"test_(q\d+)_", item.name)
            if question is None:
                raise ValueError(
                    f"{item.name} belongs to no question; call it test_q1_…"
                )
            marker = item.get_closest_marker("points")
            points = marker.args[0] if marker else 1
            self.outcomes.append(
                TestedQuestion(
                    question[1],
                    points,
                    call.excinfo is None,
                    _said(call.excinfo.value) if call.excinfo else "",
                )
            )
        return report


def grade(
    notebook: Path, hidden: Path, output: Path, limits: Limits = Limits()
) -> Grade:
    """Runs a submission and the hidden tests of its assignment.

    Args:
        notebook: the submission.
        hidden: the pytest file, called `test_` and the name of the assignment.
        output: a file for what the submission prints.
        limits: what the submission may use.

    Raises:
        FileNotFoundError: there is no such submission or no such test.
        RuntimeError: the hidden tests themselves are broken.
    """
    for path in (notebook, hidden):
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
    options = [*_PYTEST, f"--rootdir={hidden.parent}"]
    printed = io.StringIO()
    with (
        Submission(notebook, output, limits) as submission,
        contextlib.redirect_stdout(printed),
    ):
        tests = HiddenTests(submission)
        code = pytest.main([str(hidden), *options], plugins=[tests])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(
            f"the hidden tests in {hidden.name} could not run, so nothing was "
            f"graded:\n{printed.getvalue()}"
        )
    questions = _questions(tests.outcomes)
    points, out_of = sum(q.points for q in questions), sum(q.out_of for q in questions)
    return Grade(
        hidden.stem.removeprefix("test_"),
        notebook.name,
        points,
        out_of,
        submission.notes,
        questions,
    )


def grade_all(
    submissions: list[Path],
    out: Path,
    limits: Limits = Limits(),
    assignments: Path | None = None,
    hidden: Path | None = None,
    assignment: str | None = None,
) -> Iterator[Grade]:
    """Grades submissions one after the other and writes their reports.

    Args:
        submissions: notebooks.
        out: folder of the reports.
        limits: what each submission may use.
        assignments: their folder; by default the book's.
        hidden: folder of the hidden tests; by default the one of the assignments.
        assignment: its name; by default the one whose checks a notebook calls.

    Raises:
        ValueError: two submissions would share a report, or a file of someone else's
            would be replaced by one.
        FileNotFoundError: there are no assignments or no hidden test.
    """
    if len({path.stem for path in submissions}) < len(submissions):
        raise ValueError(
            "two submissions have the same file name and would share a report; grade "
            "them into different folders with --out"
        )
    tests = hidden or find_assignments(assignments) / "hidden"
    for path in submissions:
        name = assignment or assignment_of(path, find_assignments(assignments))
        with files_beside(out, whole=False) as reports:
            printed = reports / f"{path.stem}.txt"
            result = grade(path, tests / f"test_{name}.py", printed, limits)
            result.write(reports, path.stem)
        yield result


def assignment_of(submission: Path, assignments: Path) -> str:
    """The assignment whose public checks a submission calls, or the only one there is.

    Raises:
        ValueError: it cannot be told.
    """
    names = [path.stem for path in masters(assignments)]
    text = submission.read_text(errors="replace")
    called = set(re.findall(r'check\(\\?["\'](\w+)\.q\d', text))
    found = [name for name in names if len(names) == 1 or name.split("_")[0] in called]
    if len(found) != 1:
        raise ValueError(
            f"{submission.name} does not show which assignment it is; name it with "
            f"--assignment, one of {', '.join(names)}"
        )
    return found[0]


def _questions(outcomes: list[TestedQuestion]) -> list[QuestionGrade]:
    grades = []
    for question in dict.fromkeys(o.question for o in outcomes):
        mine = [o for o in outcomes if o.question == question]
        # each message once, in order
        messages = dict.fromkeys(o.message for o in mine if not o.passed)
        earned = sum(o.points for o in mine if o.passed)
        grades.append(
            QuestionGrade(
                question,
                earned,
                sum(o.points for o in mine),
                "\n".join(messages) or "right.",
            )
        )
    return grades


def _said(error: BaseException) -> str:
    """Returns the sentence that a student reads about a failed test."""
    match error:
        case NotImplementedError():
            return "not answered yet."
        case AssertionError() | StoppedError() | UnansweredError():
            # pytest may have added what it compared
            sentence, _, _ = str(error).partition("\nassert ")
            return (
                " ".join(sentence.split())
                or "a test without a sentence failed; ask its author."
            )
    return f"a test could not read your answer, {type(error).__name__}: {error}"


def _one_line(text: str) -> str:
    """Escapes a text of a student for a table."""
    return " ".join(html.escape(text, quote=False).replace("|", r"\|").split())[:500]
