"""Whatever a submission does, the grader gets an answer or a sentence."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from vlmcore.course import submission as submission_module
from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.submission import Limits, Submission

CELLS = [
    "import gc, os, signal, time\nimport numpy as np\nfrom multiprocessing.connection "
    "import Connection\nprint('loud' * 10)",
    "1 / 0",
    """
def double(x):
    return 2 * x

def tell():
    return [os.environ.get("HUSH"), os.getcwd(), os.path.expanduser("~")]

def raises():
    raise KeyError("colour")

def unwritten():
    raise NotImplementedError()

def loops():
    while True:
        pass

def sleeps_beside():
    os.system("sleep 60 & echo $! > beside")
    time.sleep(60)

def hoards():
    return float(np.ones(400_000_000).sum())

def dies():
    os.kill(os.getpid(), signal.SIGSEGV)

def leaves():
    os._exit(3)

def quits():
    raise SystemExit("bye")

def large_file():
    with open("large", "wb") as file:
        file.write(bytes(3_000_000))

def a_module():
    return os

def forges():
    line = next(o for o in gc.get_objects() if isinstance(o, Connection))
    line.send_bytes(b"[20, 20]")
    return 0

def made_up():
    line = next(o for o in gc.get_objects() if isinstance(o, Connection))
    line.send_bytes(b'{"array": [1, [2]], "shape": 7, "kind": []}')
    time.sleep(1)

def hangs_up():
    next(o for o in gc.get_objects() if isinstance(o, Connection)).close()
    time.sleep(30)

constant = 3
""",
]
LIMITS = Limits(seconds=20, call_seconds=2, memory_gb=2, file_mb=2)


@pytest.fixture(scope="module")
def submission(tmp_path_factory, write):
    folder = tmp_path_factory.mktemp("submission")
    os.environ["HUSH"] = "a secret of the grader"
    with Submission(
        write(folder / "s.ipynb", *CELLS), folder / "s.txt", LIMITS
    ) as submission:
        yield submission
    del os.environ["HUSH"]


def test_functions_answer_with_arrays_and_numbers(submission):
    assert submission.function("double")(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    assert submission.function("double")(2.5) == 5.0


def test_a_cell_that_fails_is_noted_and_the_others_run(submission):
    assert submission.function("double")(1) == 2
    assert submission.notes == {"cell 2": "ZeroDivisionError: division by zero"}


def test_what_it_prints_goes_elsewhere(submission, capfd):
    submission.function("double")(1)
    assert "loud" in submission.output.read_text()
    assert "loud" not in "".join(capfd.readouterr())


def test_it_sees_no_secret_and_works_in_a_temporary_folder(submission):
    secret, folder, home = submission.function("tell")()
    assert secret is None
    assert folder.startswith(str(submission.folder)) and home == str(submission.folder)


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("raises", StoppedError, "your function stopped with KeyError: 'colour'"),
        ("quits", StoppedError, "your function stopped with SystemExit: bye"),
        ("large_file", StoppedError, "File too large"),
        (
            "a_module",
            StoppedError,
            "a module is neither number, text, list, array nor table",
        ),
        ("unwritten", NotImplementedError, "^$"),
        ("absent", UnansweredError, "the notebook defines no function absent"),
        (
            "constant",
            UnansweredError,
            "constant is of type int in this notebook, not a function",
        ),
        ("hoards", UnansweredError, "hoards asked for more than 2 GB of memory"),
        ("loops", UnansweredError, "loops did not answer within 2 seconds"),
        (
            "dies",
            UnansweredError,
            "the process ended with signal SIGSEGV while dies was running",
        ),
        (
            "leaves",
            UnansweredError,
            "the process ended with exit code 3 while leaves was running",
        ),
        ("forges", UnansweredError, "what came back from forges is not an answer"),
        ("made_up", UnansweredError, "what came back from made_up is not an answer"),
        ("hangs_up", UnansweredError, "the process hung up"),
    ],
)
def test_a_sentence_for_every_trouble_and_the_next_question_is_answered(
    submission, name, kind, sentence
):
    with pytest.raises(kind, match=sentence):
        submission.function(name)()
    assert submission.function("double")(3) == 6


def test_a_deadline_ends_what_was_started_too(submission):
    with pytest.raises(UnansweredError, match="did not answer within 2 seconds"):
        submission.function("sleeps_beside")()
    (note,) = submission.folder.rglob("beside")
    command = Path(f"/proc/{note.read_text().strip()}/cmdline")

    def runs():
        return command.exists() and command.read_text()  # empty once it has ended

    waits = iter(range(2_000))
    while runs() and next(waits, None) is not None:
        time.sleep(0.01)
    assert not runs()


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            ["a = 1", "while True: pass"],
            "the notebook did not end within 1 seconds: cell 2 was running",
        ),
        (
            [
                "import gc\nfrom multiprocessing.connection import Connection\n"
                "next(o for o in gc.get_objects() if isinstance(o, "
                "Connection)).send_bytes(b'[1]')"
            ],
            "what came back from cell 1 is not an answer",
        ),
        (
            ["import os\nos._exit(0)"],
            "the process ended with exit code 0 while cell 1 was running",
        ),
    ],
)
def test_a_notebook_that_does_not_end_well(
    tmp_path, write, cells, sentence, monkeypatch
):
    with Submission(
        write(tmp_path / "s.ipynb", *cells), tmp_path / "s.txt", Limits(seconds=1)
    ) as submission:
        with pytest.raises(UnansweredError, match=sentence):
            submission.function("double")(1)
        monkeypatch.delattr(submission_module, "read_notebook")  # it is not run again
        with pytest.raises(UnansweredError, match=sentence):
            submission.function("double")(1)
        assert submission.notes == {"notebook": sentence}
        assert not list(submission.folder.glob("*.ipynb"))
    assert not submission.folder.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        '{"cells": 3}',
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}',
    ],
)
def test_what_is_not_a_notebook(tmp_path, text):
    (tmp_path / "s.ipynb").write_text(text)
    with (
        Submission(tmp_path / "s.ipynb", tmp_path / "s.txt") as submission,
        pytest.raises(UnansweredError, match=r"s\.ipynb is not a notebook"),
    ):
        submission.function("double")(1)


def test_limits_are_above_zero():
    with pytest.raises(ValueError, match="memory_gb is 0"):
        Limits(memory_gb=0)
