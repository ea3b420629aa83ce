"""Grades and reports: a small assignment for what can go wrong."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from vlmcore.cli import app
from vlmcore.course.grading import Task, grade
from vlmcore.course.limits import Limits
from vlmcore.course.reports import from_json
from vlmcore.course.sandbox import TRUSTED, find_sandbox

HIDDEN = """
import pytest

BY_HAND = [("q3", 2, "One point a sentence.")]

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


ENDS = (".json", ".md", ".txt", "_manual.md")


FAST = Limits(call_seconds=2)


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
        hidden = assignment / "hidden" / "test_a1_doubles.py"
        task = Task(hidden, "ada", notebook.name, FAST)
        return grade(notebook.read_bytes(), task, tmp_path / "ada.txt")

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
    data, text = json.loads(json.dumps(result.as_json())), result.text()
    assert from_json(data) == result
    assert data["points"] == 1 and data["notes"] == {
        "cell 2": "ZeroDivisionError: division by zero"
    }
    assert "# a1_doubles: 1 of 6 points" in text
    assert "| q3 | by hand, 2 | |" in text
    assert text.startswith(TRUSTED) != find_sandbox().isolated
    assert r"| q1 | 1 of 3 | twice 3 \| is &lt;b&gt;6&lt;/b&gt;.<br>twice 5" in text
    assert "- cell 2: ZeroDivisionError: division by zero" in text
    assert "loud" not in text and "loud" in (tmp_path / "ada.txt").read_text()


def test_hidden_tests_that_are_broken_grade_nobody(tmp_path, write):
    test = tmp_path / "test_a1.py"
    test.write_text("import nowhere\n")
    with pytest.raises(RuntimeError, match="so nothing was graded"):
        grade(b"", Task(test, "ada", "ada.ipynb", FAST), tmp_path / "ada.txt")


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
    assert "ada: 3 of 6 points" in out and "bob: 0 of 6 points" in out
    reports = tmp_path / "reports"
    assert json.loads((reports / "bob.json").read_text())["notes"] == {
        "notebook": "this file is not a notebook that can be read; save it again as "
        ".ipynb"
    }
    names = {f"{name}{end}" for name in ("ada", "bob") for end in ENDS}
    assert {path.name for path in reports.iterdir()} == {
        *names,
        "grades.csv",
        "vlmcore-files.json",
    }
    assert (reports / "grades.csv").read_text().splitlines()[:2] == [
        "student,file,assignment,points,out_of,by_hand_out_of,q1,q2,notes",
        "ada,ada.ipynb,a1_doubles,3,6,2,3,0,",
    ]


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
    ada = write(tmp_path / "ada.ipynb", "a = 1")
    for arguments, sentence in (
        ([tmp_path / "absent.ipynb"], "does not exist"),
        ([ada, "--assignment", "a9"], "there is no file .*test_a9.py"),
        ([ada, "--roster", ada], "needs the columns file and student"),
    ):
        done = check(*arguments)
        assert done.exit_code == 2
        assert re.search(sentence, " ".join(done.output.replace("│", " ").split()))


def test_an_error_is_one_submission_s_and_the_others_are_graded(
    assignment, check, tmp_path, write
):
    (assignment / "hidden" / "test_a2_halves.py").write_text("")
    for name in ("a\n\x1b[2Jb: 6 of 6 points.ipynb", "ada.ipynb"):
        write(
            tmp_path / "in" / name,
            "def double(x): return 2 * x\nraise ValueError('\\ud800')",
            "check('a1.q1', double)",
        )
    write(tmp_path / "in" / "cy.ipynb", "a = 1")
    done = check(tmp_path / "in")
    assert done.exit_code == 1
    assert "ada: 3 of 6 points" in done.output and "\x1b" not in done.output
    assert "could not be graded: cy" in done.output
    assert "6 of 6 points" not in done.output
    assert "a_x1b_2Jb_6_of_6_points: 3 of 6 points" in done.output


def test_what_is_up_to_date_is_kept(check, tmp_path, write, assignment):
    sources = [
        write(tmp_path / "in" / f"s{i}.ipynb", f"def half(x):\n    return x / 2 + {i}")
        for i in range(3)
    ]

    def lines(*options):
        found = re.findall("^s\\d", check(*options).output, re.MULTILINE)
        return sorted(found)

    assert lines(tmp_path / "in") == ["s0", "s1", "s2"]
    before = (tmp_path / "reports" / "grades.csv").read_text()
    assert lines(tmp_path / "in", "--resume", "--jobs", 2) == []
    assert (tmp_path / "reports" / "grades.csv").read_text() == before
    write(sources[1], "def half(x):\n    return x / 2")
    (tmp_path / "reports" / "s2.txt").unlink()
    assert lines(tmp_path / "in", "--resume") == ["s1", "s2"]
    assert lines(tmp_path / "in", "--resume", "--memory", 3) == ["s0", "s1", "s2"]


@pytest.mark.slow
def test_a_killed_call_loses_and_doubles_nobody(tmp_path, write, assignment):
    names = [f"s{i}" for i in range(6)]
    for name in names:
        write(tmp_path / "in" / f"{name}.ipynb", "def half(x):\n    return x / 2")
    out = tmp_path / "reports"
    command = [sys.executable, "-m", "vlmcore", "course", "check", tmp_path / "in"]
    command += ["--assignments", assignment, "--out", out, "--resume"]
    for finished in (1, 3):
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        while process.poll() is None and len(list(out.glob("s?.json"))) < finished:
            time.sleep(0.05)
        process.kill()
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("s?.json")}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert len(re.findall("^s", done.stdout, re.MULTILINE)) == 6 - len(kept)
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    rows = (out / "grades.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == names


def test_a_grader_whose_batch_is_gone_grades_nothing(tmp_path, write, assignment):
    notebook = write(tmp_path / "ada.ipynb", "def half(x):\n    return x / 2")
    hidden = assignment / "hidden" / "test_a1_doubles.py"
    result = tmp_path / "g.json"
    command = [sys.executable, "-m", "vlmcore.course.grading", notebook]
    command += [tmp_path / "ada.txt", result, Task(hidden, "ada", "a").as_argument()]
    for batch, written in ((1, False), (os.getpid(), True)):
        subprocess.run([*map(str, command), f"{batch}"], check=True)
        assert result.exists() == written
