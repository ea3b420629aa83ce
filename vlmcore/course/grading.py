"""Grading one submission: its notebook, the hidden tests, and what a person grades."""

import contextlib
import ctypes
import hashlib
import io
import json
import os
import re
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from vlmcore.course.checks.feedback import UnansweredError
from vlmcore.course.hidden_tests import HiddenTests, declared
from vlmcore.course.limits import Limits
from vlmcore.course.notebooks import parse_notebook
from vlmcore.course.reports import ByHand, Grade
from vlmcore.course.sandbox import find_sandbox
from vlmcore.course.submission import Submission
from vlmcore.course.variants import NOBODY, course_key

PYTEST = (
    "--assert=plain",
    "--import-mode=importlib",
    "-pno:cacheprovider",
    f"-c{os.devnull}",
)
"""Options by which hidden tests run apart from any other configuration."""


@dataclass(frozen=True)
class Task:
    """Everything that decides a grade, apart from the submission's content.

    Args:
        hidden: the pytest file, called `test_` and the name of the assignment.
        student: the registered name, which decides the variant.
        name: of the file handed in.
        limits: what the submission may use.
        covered: folders that the submission must not see.
    """

    hidden: Path
    student: str
    name: str
    limits: Limits = Limits()
    covered: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def assignment(self) -> str:
        """The name of the assignment, such as `a3_fit_the_law`."""
        return self.hidden.stem.removeprefix("test_")

    def as_argument(self) -> str:
        """Returns the task as an argument for a process."""
        fields = asdict(self) | {"hidden": str(self.hidden.resolve())}
        covered = [str(path.resolve()) for path in self.covered]
        return json.dumps(fields | {"covered": covered})

    @classmethod
    def from_argument(cls, text: str) -> "Task":
        """Returns the task that `as_argument` wrote."""
        fields = json.loads(text)
        return cls(
            Path(fields["hidden"]),
            fields["student"],
            fields["name"],
            Limits(**fields["limits"]),
            tuple(map(Path, fields["covered"])),
        )

    def fingerprint(self, content: bytes) -> str:
        """Returns a hash of all that decides the grade, but the versions of others."""
        decides = [self.student, course_key(), find_sandbox().isolated, self.limits]
        parts = [content, self.hidden.read_bytes(), ascii(decides).encode()]
        sources = sorted(Path(__file__).parent.rglob("*.py"))
        parts += [path.read_bytes() for path in sources]
        digests = [hashlib.sha256(part).digest() for part in parts]
        return hashlib.sha256(b"".join(digests)).hexdigest()[:32]


def grade(content: bytes, task: Task, output: Path) -> Grade:
    """Runs a submission and the hidden tests of its assignment.

    Args:
        content: of the submission's file.
        task: what to grade it by.
        output: a file for what the submission prints.

    Raises:
        FileNotFoundError: there is no such test.
        RuntimeError: the hidden tests themselves are broken.
    """
    if not task.hidden.is_file():
        raise FileNotFoundError(f"there is no file {task.hidden}")
    refused = tuple(declared(task.hidden, "REFUSED"))
    printed = io.StringIO()
    with (
        Submission(content, output, task.limits, task.covered, refused) as submission,
        contextlib.redirect_stdout(printed),
    ):
        with contextlib.suppress(UnansweredError):
            submission.start()
        short = task.assignment.split("_")[0]
        tests = HiddenTests(submission, short, task.student)
        options = [*PYTEST, f"--rootdir={task.hidden.parent}"]
        sys.modules.pop(task.hidden.stem, None)  # another file of this name, if any
        code = pytest.main([str(task.hidden), *options], plugins=[tests])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(
            f"the hidden tests in {task.hidden.name} could not run, so nothing was "
            f"graded:\n{printed.getvalue()}"
        )
    questions = tests.grades()
    return Grade(
        task.assignment,
        task.student,
        task.name,
        sum(q.points for q in questions),
        sum(q.out_of for q in questions),
        submission.notes | _whose(submission.student, task.student),
        questions,
        _by_hand(content, task.hidden),
        find_sandbox().isolated,
        task.fingerprint(content),
    )


def _whose(named: str | None, registered: str) -> dict[str, str]:
    """Returns a note if a notebook names another student than the registered one."""
    if named is None or named.strip().casefold() == registered.strip().casefold():
        return {}
    unset = " (the name that was to be replaced)" if named == NOBODY else ""
    return {
        "STUDENT": f"the notebook says {named!r}{unset}; it was graded as "
        f"{registered!r}, whose numbers may differ"
    }


def _by_hand(content: bytes, hidden: Path) -> list[ByHand]:
    """Returns the texts of the cells that a person grades."""
    questions = declared(hidden, "BY_HAND")
    try:
        cells = parse_notebook(content).cells if questions else []
    except ValueError:
        cells = []
    texts = {
        tag: cell.source
        for cell in cells
        for tag in cell.metadata.get("tags", [])
        if re.fullmatch(r"manual-q\d+", f"{tag}")
    }
    return [
        ByHand(question, points, rubric, texts.get(f"manual-{question}", ""))
        for question, points, rubric in questions
    ]


def _main(submission: str, output: str, result: str, task: str, batch: str) -> None:
    """Grades a submission in this process of its own, for `batch.py`."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # end when the batch ends
    if os.getppid() != int(batch):  # it ended before this line
        return
    content = Path(submission).read_bytes()
    outcome = grade(content, Task.from_argument(task), Path(output))
    Path(result).write_text(json.dumps(outcome.as_json()))


if __name__ == "__main__":
    _main(*sys.argv[1:])
