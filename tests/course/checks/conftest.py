"""Assignments graded in this process: answers are functions, not notebooks."""

import contextlib
import io
import runpy
from functools import cache
from types import SimpleNamespace

import nbformat
import pytest

from tests.book.conftest import ROOT
from vlmcore.course.checks.feedback import UnansweredError
from vlmcore.course.grading import PYTEST
from vlmcore.course.hidden_tests import HiddenTests

ASSIGNMENTS = ROOT / "book" / "assignments"
MASTERS = {
    path.stem.split("_")[0]: path for path in (ASSIGNMENTS / "masters").glob("*.ipynb")
}


@cache
def hidden_module(assignment):
    """The names of an assignment's hidden tests, such as those of its reference."""
    path = ASSIGNMENTS / "hidden" / f"test_{MASTERS[assignment].stem}.py"
    return SimpleNamespace(**runpy.run_path(str(path)))


class Answers:
    """In place of a submission: functions of this process."""

    def __init__(self, names):
        self.names = names

    def function(self, name):
        if name not in self.names:
            raise UnansweredError(f"there is no {name}")
        return self.names[name]

    def value(self, name):
        return self.names[name]


def solved(assignment):
    """The names that the imports and solutions of a master define."""
    names = {"__name__": "master"}
    for cell in nbformat.read(MASTERS[assignment], 4).cells:
        if cell.cell_type == "code" and (
            "### BEGIN SOLUTION" in cell.source or "import check\n" in cell.source
        ):
            exec(cell.source, names)
    return names


@pytest.fixture(scope="session")
def a3():
    return SimpleNamespace(**solved("a3"))


@pytest.fixture(scope="session")
def hidden():
    """Runs hidden tests of a question: `hidden("a3", names, "q1", student)`."""

    def run(assignment, names, chosen, student="ada"):
        path = ASSIGNMENTS / "hidden" / f"test_{MASTERS[assignment].stem}.py"
        tests = HiddenTests(Answers(names), assignment, student)
        options = [*PYTEST, f"--rootdir={path.parent}", "-k", chosen]
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([str(path), *options], plugins=[tests])
        return tests.grades()

    return run
