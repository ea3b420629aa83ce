"""Hidden tests: a pytest plugin that gives them the submission and records outcomes.

A hidden test is a pytest function called `test_q1_…` for question q1. It is worth one
point, or as many as `@pytest.mark.points(n)` says; its assertions carry the sentence
that the student reads. The fixture `submission` reaches the notebook, and
`variant("part")` draws the private numbers of this student. A file of hidden tests may
name functions that answer the assignment in `REFUSED`, and the questions that a person
grades in `BY_HAND`: question, points and rubric.
"""

import ast
import re
from ast import literal_eval as constant
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.reports import QuestionGrade
from vlmcore.course.submission import Submission
from vlmcore.course.variants import course_key, variant


@dataclass(frozen=True)
class TestedQuestion:
    """The outcome of one hidden test."""

    question: str
    points: float
    passed: bool
    message: str


class HiddenTests:
    """Gives the tests the submission and records outcomes.

    Args:
        submission: the notebook under test.
        assignment: its short name, such as `a1`.
        student: the registered name.
    """

    def __init__(self, submission: Submission, assignment: str, student: str):
        self.notebook, self.assignment = submission, assignment
        self.registered = student
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

    @pytest.fixture(scope="session")
    def variant(self) -> Callable[[str], np.random.Generator]:
        """Returns the private numbers of a part for this student."""
        return lambda part: variant(
            self.assignment, self.registered, part, course_key()
        )

    @pytest.fixture(scope="session")
    def student(self) -> str:
        """Returns the registered name."""
        return self.registered

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

    def grades(self) -> list[QuestionGrade]:
        """Returns the points of each question, with each message once, in order."""
        grades = []
        for question in dict.fromkeys(o.question for o in self.outcomes):
            mine = [o for o in self.outcomes if o.question == question]
            messages = dict.fromkeys(o.message for o in mine if not o.passed)
            grades.append(
                QuestionGrade(
                    question,
                    sum(o.points for o in mine if o.passed),
                    sum(o.points for o in mine),
                    "\n".join(messages) or "right.",
                )
            )
        return grades


def declared(hidden: Path, name: str) -> list:
    """Returns a list that a file of hidden tests declares, without running the file.

    Raises:
        ValueError: it is not written out.
    """
    for node in ast.parse(hidden.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return list(constant(node.value))
    return []


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
