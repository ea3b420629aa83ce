"""A student's notebook in a process of its own, with limits, reached by messages.

This protects from endless loops, too much memory, crashes, large files, and points
forged by patching the tests. It does not protect your files: the process has the rights
of the person who grades, can read their files and use the network. Grade code that you
do not trust in a container, or as a user that owns nothing.
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.notebooks import read_notebook
from vlmcore.course.wire import pack, unpack

ANSWER_BYTES = 10_000_000
START_SECONDS = 60
NOTHING_TO_DO = "def set_up(part):\n    pass\n"
"""For Python and its imports, before the first cell."""


@dataclass(frozen=True)
class Limits:
    """Limits of time, memory and file size for a submission."""

    seconds: float = 120
    """For all cells of the notebook."""
    call_seconds: float = 60
    """For each call of a function by a test."""
    memory_gb: float = 2
    file_mb: float = 50
    """Size of the largest file written."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value:g}; a limit is above zero")


class Submission:
    """Runs a notebook and calls its functions.

    The notebook runs at the first call, and again after a call that ended its process,
    so that one question cannot affect the next.

    Args:
        notebook: the file; it is copied and left as it is.
        output: a file for what the submission prints.
        limits: of time, memory and file size.
    """

    def __init__(self, notebook: Path, output: Path, limits: Limits = Limits()):
        self.notebook, self.output, self.limits = notebook, output, limits
        self.notes: dict[str, str] = {}
        """Errors of the notebook as a whole and of its cells, by cell."""
        self._process: subprocess.Popen | None = None
        self._line: Connection | None = None
        self._broken: str | None = None
        self._late = False

    def __enter__(self) -> "Submission":
        self.folder = Path(tempfile.mkdtemp(prefix="submission-"))
        self.output.write_bytes(b"")
        return self

    def __exit__(self, *failure: object) -> None:
        self._kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def function(self, name: str) -> Callable:
        """Returns a function of the notebook, which runs in the notebook's process.

        It raises `NotImplementedError` where the student wrote nothing, `StoppedError`
        where the function raised something else, and `UnansweredError` where there is
        no answer: the function or the notebook is missing, or a limit was reached.
        """

        def call(*arguments: Any) -> Any:
            self._start()
            seconds = self.limits.call_seconds
            with self._deadline(seconds):
                self._send(pack([name, arguments]))
                return self._opened(
                    self._receive(
                        f"{name} did not answer within {seconds:g} seconds", name
                    ),
                    name,
                )

        return call

    def _opened(self, reply: Any, name: str) -> Any:
        """Returns the value of a reply, or raises its exception."""
        match reply:
            case {"value": value}:
                return value
            case {"missing": _, "instead": kind}:
                raise UnansweredError(
                    f"{name} is of type {kind} in this notebook, not a function"
                )
            case {"missing": _}:
                raise UnansweredError(
                    f"the notebook defines no function {name}; was it renamed, or did "
                    "its cell fail?"
                )
            case {"error": "MemoryError"}:
                raise UnansweredError(
                    f"{name} asked for more than {self.limits.memory_gb:g} GB of memory"
                )
            case {"error": "NotImplementedError", "message": message}:
                raise NotImplementedError(message)
            case {"error": kind, "message": message}:
                raise StoppedError(f"your function stopped with {kind}: {message}")
        raise self._nonsense(name)

    def _start(self) -> None:
        """Runs the notebook unless it is running or is known to fail."""
        if self._broken:
            raise UnansweredError(self._broken)
        if self._process is not None and self._process.poll() is None:
            return
        try:
            read_notebook(self.notebook)
            self._launch()
            self._run_cells()
        except (ValueError, UnansweredError) as error:
            self._broken = self.notes["notebook"] = str(error)
            raise UnansweredError(self._broken) from error

    def _launch(self) -> None:
        # the mark of a checkout, so that the set-up cell has nothing to do
        work = self.folder / "book" / "assignments"
        work.mkdir(parents=True, exist_ok=True)
        (self.folder / "book" / "_ext").mkdir(exist_ok=True)
        (self.folder / "book" / "_ext" / "set_up.py").write_text(NOTHING_TO_DO)
        shutil.copy(self.notebook, work / "submission.ipynb")
        self._line, theirs = Pipe()
        # processor time only catches what escapes the deadlines
        bounds = (
            self.limits.memory_gb * 1e9,
            10 * (self.limits.seconds + self.limits.call_seconds),
            self.limits.file_mb * 1e6,
        )
        arguments = [
            f"{theirs.fileno()}",
            "submission.ipynb",
            *(f"{math.ceil(bound)}" for bound in bounds),
        ]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "vlmcore.course.worker", *arguments],
                cwd=work,
                env=_environment(self.folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        theirs.close()
        self._late = False
        with self._deadline(START_SECONDS):
            self._receive(
                f"Python did not start within {START_SECONDS} seconds", "the start"
            )

    def _run_cells(self) -> None:
        doing = "the first cell"
        errors: dict[str, object] | None = None
        with self._deadline(self.limits.seconds):
            while errors is None:
                late = (
                    f"the notebook did not end within {self.limits.seconds:g} "
                    f"seconds: {doing} was running"
                )
                match self._receive(late, doing):
                    case {"cell": number}:
                        doing = f"cell {number}"
                    case {"errors": dict() as found}:
                        errors = found
                    case _:
                        raise self._nonsense(doing)
        self.notes |= {
            f"cell {number}": f"{error}"
            for number, error in errors.items()
            if not f"{error}".startswith("NotImplementedError")
        }

    def _send(self, data: bytes) -> None:
        assert self._line is not None
        with suppress(OSError):  # if nobody is there, the next receive says why
            self._line.send_bytes(data)

    def _receive(self, late: str, doing: str) -> Any:
        """Returns the next message.

        Args:
            late: the message of the error if the deadline passes.
            doing: what is running.
        """
        assert self._line is not None
        try:
            return unpack(self._line.recv_bytes(ANSWER_BYTES))
        except (EOFError, OSError) as error:
            end = self._end()
            raise UnansweredError(
                late if self._late else f"{end} while {doing} was running"
            ) from error
        except Exception as error:  # made-up bytes can raise anything
            raise self._nonsense(doing) from error

    def _nonsense(self, doing: str) -> UnansweredError:
        self._kill()
        return UnansweredError(f"what came back from {doing} is not an answer")

    def _end(self) -> str:
        """Returns how the process ended, as the beginning of a sentence."""
        assert self._process is not None
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return f"the process hung up, or sent more than {ANSWER_BYTES:,} bytes,"
        finally:
            self._kill()
        if code == -signal.SIGXCPU:
            return "the processor time was used up"
        how = (
            f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        )
        return f"the process ended with {how}"

    @contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        """Kills the process when the time is up, which also ends `_receive`."""
        timer = threading.Timer(seconds, self._too_late)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _too_late(self) -> None:
        self._late = True
        self._kill()

    def _kill(self) -> None:
        """Kills the process with everything it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _environment(home: Path) -> dict[str, str]:
    """Returns the process's environment, without variables of the grader but PATH."""
    # each thread takes address space
    one_thread = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
    )
    here = {
        name: str(home) for name in ("HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR")
    }
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(Path(__file__).parents[2]),  # where vlmcore is imported from
        "MPLBACKEND": "Agg",
        **here,
        **one_thread,
    }
