"""Whatever a submission does, the grader gets an answer or a sentence."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from vlmcore.course import submission as submission_module
from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.limits import Limits
from vlmcore.course.sandbox import SCRATCH, Sandbox, find_sandbox
from vlmcore.course.submission import Submission

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
STUDENT = "ada"
""",
]
LIMITS = Limits(seconds=20, call_seconds=2, memory_gb=2, file_mb=2)


@pytest.fixture(scope="module", params=[None, Sandbox()], ids=["sandbox", "limits"])
def submission(request, tmp_path_factory, write):
    folder = tmp_path_factory.mktemp("submission")
    os.environ["HUSH"] = "a secret of the grader"
    content = write(folder / "s.ipynb", *CELLS).read_bytes()
    with Submission(
        content, folder / "s.txt", LIMITS, sandbox=request.param
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
    isolated = (submission.sandbox or find_sandbox()).isolated
    own = str(SCRATCH if isolated else submission.folder)
    assert (secret, home) == (None, own) and folder.startswith(own)


def test_a_variable_and_the_name_of_the_student(submission):
    assert submission.value("constant") == 3
    assert submission.student == "ada"


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
        ("absent", UnansweredError, "the notebook does not define absent"),
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
        ("forges", UnansweredError, "the reply from forges is not an answer"),
        ("made_up", UnansweredError, "the reply from made_up is not an answer"),
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
    if (submission.sandbox or find_sandbox()).isolated:
        return  # its processes have numbers of their own: see test_sandbox.py
    (note,) = submission.folder.rglob("beside")
    command = Path(f"/proc/{note.read_text().strip()}/cmdline")

    def runs():
        return command.exists() and command.read_text()  # empty once it has ended

    waits = iter(range(2_000))
    while runs() and next(waits, None) is not None:
        time.sleep(0.01)
    assert not runs()


SEND = (
    "import gc\nfrom multiprocessing.connection import Connection\n"
    "next(o for o in gc.get_objects() if isinstance(o, Connection))"
    ".send_bytes(b'[1]')"
)


@pytest.mark.parametrize("sandbox", [None, Sandbox()], ids=["sandbox", "limits"])
@pytest.mark.parametrize(
    ("cell", "note"),
    [
        ("while True: pass", "TimeoutError: the cell was stopped after 1 seconds"),
        (SEND, "left out: the reply from cell 2 is not an answer"),
        (
            "import os\nos._exit(0)",
            "left out: the process ended with exit code 0 while cell 2 was running",
        ),
        (
            "import signal\nsignal.signal(signal.SIGALRM, lambda *_: 0)\n"
            "while True: pass",
            "left out: cell 2 did not end within 1.5 seconds",
        ),
    ],
    ids=["late", "forges", "exits", "deaf"],
)
def test_a_bad_cell_costs_no_function(
    tmp_path, write, sandbox, cell, note, monkeypatch
):
    if "SIGALRM" in cell:
        monkeypatch.setattr(submission_module, "GRACE", 0.5)
    source = write(tmp_path / "s.ipynb", "def f(): return 1", cell, "def g(): return 2")
    with Submission(
        source.read_bytes(),
        tmp_path / "s.txt",
        Limits(cell_seconds=1),
        sandbox=sandbox,
    ) as submission:
        assert submission.function("f")() + submission.function("g")() == 3
        assert submission.notes == {"cell 2": note}
    assert not submission.folder.exists()


def test_cells_that_all_end_the_process_are_given_up(tmp_path, write):
    cells = ["import os\nos._exit(0)"] * 5
    source = write(tmp_path / "s.ipynb", *cells)
    with Submission(source.read_bytes(), tmp_path / "s.txt") as submission:
        for _ in range(2):  # known the second time
            with pytest.raises(UnansweredError, match="while cell 4 was running"):
                submission.function("f")()


def test_the_time_of_all_cells_and_of_the_whole(tmp_path, write):
    cells = ["def f():\n    import time\n    time.sleep(9)", *["while True: pass"] * 3]
    source = write(tmp_path / "s.ipynb", *cells).read_bytes()
    limits = Limits(seconds=1, cell_seconds=0.6, whole_seconds=6)
    with Submission(source, tmp_path / "s.txt", limits) as submission:
        for sentence in ("f did not answer", "seconds for this submission were used"):
            with pytest.raises(UnansweredError, match=sentence):
                submission.function("f")()
        assert "the time for all cells was used up" in submission.notes["cell 4"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not json",
        b"[]",
        b'{"cells": 3}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}',
        b"[" * 200_000,
        b"\x89PNG\r\n",
        b" " * 30_000_000,
    ],
    ids=["empty", "text", "list", "number", "cell", "brackets", "image", "large"],
)
def test_what_is_not_a_notebook(tmp_path, text):
    with (
        Submission(text, tmp_path / "s.txt") as submission,
        pytest.raises(UnansweredError, match=r"this file (is not a notebook|has 30)"),
    ):
        submission.function("double")(1)


def test_a_function_that_answers_the_assignment_is_refused(tmp_path, write):
    name = "vlmcore.scaling.frontier"
    cells = [
        "def f():\n    from vlmcore.scaling import frontier\n    return "
        "frontier([1.0], [1.0])",
        "from vlmcore import plots, paper\nplots.measured_frontier("
        "paper.scores('visual'))",
        "from vlmcore.scaling import Product\nlaw = Product(1.0, 0.2, 0.1, 0.0)\n"
        "def g():\n    return law.optimal_tokens(50)",
        "def h():\n    return law.predict(1e9, 36.0)",
    ]
    source = write(tmp_path / "s.ipynb", *cells).read_bytes()
    refused = (name, name, "vlmcore.scaling.Product.optimal_tokens")
    with Submission(source, tmp_path / "s.txt", refused=refused) as submission:
        with pytest.raises(StoppedError, match=r"Product\.optimal_tokens answers this"):
            submission.function("g")()
        assert submission.function("h")() > 0
        with pytest.raises(StoppedError, match=f"{name} answers this assignment"):
            submission.function("f")()
        assert not submission.notes  # what the package does itself goes on


def test_limits_are_above_zero():
    with pytest.raises(ValueError, match="memory_gb is 0"):
        Limits(memory_gb=0)
