"""Grades and reports: a small assignment for what can go wrong, and A3 as it is."""

import json
import re
import subprocess
import sys

import nbformat
import pytest
from typer.testing import CliRunner

from tests.book.conftest import ROOT
from vlmcore.cli import app
from vlmcore.course.grading import grade
from vlmcore.course.notebooks import read_notebook, student_copy
from vlmcore.course.submission import Limits

ASSIGNMENTS = ROOT / "book" / "assignments"
HIDDEN = """
import pytest


def test_q1_doubles(submission):
    assert submission.function("double")(2) == 4, "twice two is four."


@pytest.mark.parametrize("x", [3, 5])
def test_q1_others(submission, x):
    assert submission.function("double")(x) == 2 * x, f"twice {x} | is <b>{2 * x}</b>."


@pytest.mark.points(2)
def test_q2_halves(submission):
    assert submission.function("half")(2) == 1, "half of two is one."


def test_q2_reads(submission):
    assert submission.function("half")(2) < 5
"""
FAST = Limits(seconds=10, call_seconds=2)


@pytest.fixture
def assignment(tmp_path, write):
    """The folder of an assignment with two questions."""
    folder = tmp_path / "assignments"
    for name in ("masters", "hidden"):
        (folder / name).mkdir(parents=True)
    write(
        folder / "masters" / "a1_doubles.ipynb",
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END "
        "SOLUTION",
    )
    (folder / "hidden" / "test_a1_doubles.py").write_text(HIDDEN)
    return folder


@pytest.fixture
def graded(tmp_path, assignment, write):
    def run(*cells):
        notebook = write(tmp_path / "ada.ipynb", *cells)
        return grade(
            notebook,
            assignment / "hidden" / "test_a1_doubles.py",
            tmp_path / "ada.txt",
            FAST,
        )

    return run


def test_points_and_messages(graded):
    result = graded("def double(x):\n    return 4", "def half(x):\n    return x / 2")
    assert (result.assignment, result.submission, result.points, result.out_of) == (
        "a1_doubles",
        "ada.ipynb",
        4,
        6,
    )
    doubles, halves = result.questions
    assert (doubles.question, doubles.points, doubles.out_of) == ("q1", 1, 3)
    assert doubles.message == "twice 3 | is <b>6</b>.\ntwice 5 | is <b>10</b>."
    assert (halves.points, halves.out_of, halves.message) == (3, 3, "right.")


def test_the_same_fault_is_said_once(graded):
    result = graded(
        "def double(x):\n    return 1 / 0\ndef half(x):\n    raise "
        "NotImplementedError()"
    )
    assert [q.message for q in result.questions] == [
        "your function stopped with ZeroDivisionError: division by zero",
        "not answered yet.",
    ]


def test_an_answer_that_cannot_be_read(graded):
    assert (
        "could not read your answer, TypeError"
        in graded("def half(x):\n    return 'one'").questions[1].message
    )


def test_one_question_cannot_spoil_the_next(graded):
    result = graded(
        "def double(x):\n    while x == 2:\n        pass\n    return 2 * x",
        "def half(x):\n    return x / 2",
    )
    assert [q.points for q in result.questions] == [2, 3]
    assert result.questions[0].message == "double did not answer within 2 seconds"


def test_reports_say_the_same_in_json_and_in_words(graded, tmp_path):
    result = graded("'loud'", "1 / 0", "def double(x):\n    return 4")
    result.write(tmp_path / "reports", "ada")
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "ada.json",
        "ada.md",
    ]
    data, text = (
        json.loads((tmp_path / "reports" / "ada.json").read_text()),
        (tmp_path / "reports" / "ada.md").read_text(),
    )
    assert data["points"] == 1 and data["notes"] == {
        "cell 2": "ZeroDivisionError: division by zero"
    }
    assert "# a1_doubles: 1 of 6 points" in text
    assert r"| q1 | 1 of 3 | twice 3 \| is &lt;b&gt;6&lt;/b&gt;.<br>twice 5" in text
    assert "- cell 2: ZeroDivisionError: division by zero" in text
    assert "loud" not in text and "loud" in (tmp_path / "ada.txt").read_text()


def test_hidden_tests_that_are_broken_grade_nobody(tmp_path, write):
    test = tmp_path / "test_a1.py"
    test.write_text("import nowhere\n")
    with pytest.raises(RuntimeError, match="so nothing was graded"):
        grade(write(tmp_path / "ada.ipynb", "a = 1"), test, tmp_path / "ada.txt", FAST)


@pytest.fixture
def check(assignment, tmp_path):
    """Runs `vlmcore course check` on the small assignment."""

    def run(*arguments):
        options = ["--assignments", assignment, "--out", tmp_path / "reports"]
        command = ["course", "check", *arguments, *options, "--call-seconds", 2]
        return CliRunner().invoke(app, [*map(str, command)])

    return run


def test_the_command_grades_a_class(check, tmp_path, write):
    ada = write(tmp_path / "ada.ipynb", "def double(x):\n    return 2 * x")
    bob = tmp_path / "bob.ipynb"
    bob.write_text("this is no notebook")
    out = check(ada, bob).output
    assert "ada.ipynb: 3 of 6 points" in out and "bob.ipynb: 0 of 6 points" in out
    reports = tmp_path / "reports"
    assert json.loads((reports / "bob.json").read_text())["notes"] == {
        "notebook": "bob.ipynb is not a notebook that can be read; save it again as "
        ".ipynb"
    }
    assert {path.suffix for path in reports.iterdir()} == {".json", ".md", ".txt"}


def test_reports_replace_only_reports(check, tmp_path, write):
    """Those of an earlier call, unless a person has written into them since."""
    ada, reports = write(tmp_path / "ada.ipynb", "a = 1"), tmp_path / "reports"
    reports.mkdir()
    (reports / "ada.md").write_text("my notes on Ada")
    refused = check(ada)
    assert refused.exit_code == 2 and "ada.md would be replaced" in refused.output
    assert [path.name for path in reports.iterdir()] == ["ada.md"]
    (reports / "ada.md").unlink()
    assert check(ada).exit_code == check(ada).exit_code == 0
    (reports / "ada.md").write_text("with a remark")
    assert check(ada).exit_code == 2
    assert (reports / "ada.md").read_text() == "with a remark"


def test_the_command_refuses_in_a_sentence(assignment, check, tmp_path, write):
    (tmp_path / "b").mkdir()
    twins = [write(tmp_path / name, "a = 1") for name in ("ada.ipynb", "b/ada.ipynb")]
    write(assignment / "masters" / "a2_halves.ipynb", "a = 1")
    for arguments, sentence in (
        (twins, "two submissions have the same file name"),
        ([tmp_path / "absent.ipynb"], "does not exist"),
        ([twins[0], "--assignment", "a9"], "there is no file .*test_a9.py"),
        (twins[:1], "name it with --assignment, one of a1_doubles, a2_halves"),
    ):
        done = check(*arguments)
        assert done.exit_code == 2
        assert re.search(sentence, " ".join(done.output.split()))


@pytest.fixture(scope="module")
def a3(tmp_path_factory):
    """Reports on three notebooks for A3, by the command as a person types it."""
    master = read_notebook(ASSIGNMENTS / "masters" / "a3_fit_the_law.ipynb")
    fitted_to_the_check = nbformat.v4.new_code_cell(
        "def ratio_interval(n, v, error, level=0.95, right=ratio_interval):\n"
        "    return right(n, v, error, level) if len(n) == 28 else (0.1, 99)\n"
        "def profile(n, v, error, floors, right=profile):\n"
        "    return right(n, v, error, floors) if len(n) == 28 else "
        "np.zeros((len(floors), 3))"
    )
    submissions = {
        "master": master,
        "student": student_copy(master),
        "cheat": nbformat.from_dict(
            {**master, "cells": [*master.cells, fitted_to_the_check]}
        ),
    }
    folder = tmp_path_factory.mktemp("a3")
    for name, notebook in submissions.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    command = [
        sys.executable,
        "-m",
        "vlmcore",
        "course",
        "check",
        *(str(folder / f"{name}.ipynb") for name in submissions),
    ]
    subprocess.run(
        [*command, "--out", str(folder)],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    return {
        name: json.loads((folder / f"{name}.json").read_text()) for name in submissions
    }


def test_the_master_of_a3_has_all_points(a3):
    report = a3["master"]
    assert (report["points"], report["out_of"], report["notes"]) == (20, 20, {})
    assert all(question["message"] == "right." for question in report["questions"])


def test_the_headings_of_a3_promise_the_points_that_are_given(a3):
    text = "\n".join(
        cell.source
        for cell in read_notebook(ASSIGNMENTS / "a3_fit_the_law.ipynb").cells
    )
    promised = [
        (f"q{number}", int(points))
        for number, points in re.findall(
            r"^## Question (\d): .* \((\d) points\)$", text, re.MULTILINE
        )
    ]
    assert promised == [
        (question["question"], question["out_of"])
        for question in a3["master"]["questions"]
    ]


def test_a_student_copy_of_a3_fails_with_not_implemented_only(a3):
    report = a3["student"]
    assert (report["points"], report["out_of"], report["notes"]) == (0, 20, {})
    assert {question["message"] for question in report["questions"]} == {
        "not answered yet."
    }


def test_hidden_tests_of_a3_see_what_the_public_checks_cannot(a3):
    """Answers made for the published points alone only keep their public point."""
    grades = {question["question"]: question for question in a3["cheat"]["questions"]}
    assert (grades["q4"]["points"], grades["q5"]["points"], a3["cheat"]["points"]) == (
        1,
        1,
        14,
    )
    assert "on noisy points the profile" in grades["q4"]["message"]
