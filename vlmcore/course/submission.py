"""A student's notebook in a process of its own, with limits, reached by messages.

`sandbox.py` decides how the process is started. With or without a sandbox it is limited
in time, memory, processes and file size, and only answers come back from it: what is
right is decided here.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from vlmcore.course.checks.feedback import StoppedError, UnansweredError
from vlmcore.course.limits import Limits
from vlmcore.course.notebooks import parse_notebook
from vlmcore.course.sandbox import Sandbox, find_sandbox, kill_group, process_group
from vlmcore.course.text import clean
from vlmcore.course.wire import pack, unpack

ANSWER_BYTES = 10_000_000
START_SECONDS = 60
GRACE = 5
"""Seconds after which a cell or notebook is killed that does not heed its alarm."""
RESTARTS = 3
"""Cells that are left out, one after the other, as they ended the process."""


class Submission:
    """Runs a notebook and calls its functions.

    The notebook runs at the first call, and again after a call that ended its process,
    so that one question cannot affect the next.

    Args:
        content: of the notebook's file.
        output: a file for what the submission prints.
        limits: of time, memory and file size.
        hidden: folders that it must not see.
        refused: functions that it must not call, such as `vlmcore.scaling.fit_law`.
        sandbox: how it is started; by default the safest way that works here.
    """

    def __init__(
        self,
        content: bytes,
        output: Path,
        limits: Limits = Limits(),
        hidden: tuple[Path, ...] = (),
        refused: tuple[str, ...] = (),
        sandbox: Sandbox | None = None,
    ):
        self.content, self.output, self.limits = content, output, limits
        self.hidden, self.refused, self.sandbox = hidden, refused, sandbox
        self.notes: dict[str, str] = {}
        """Errors of the notebook as a whole and of its cells, by cell."""
        self.student: str | None = None
        """The name that the notebook gives itself, once it has run."""
        self._process: subprocess.Popen | None = None
        self._line: Connection | None = None
        self._broken: str | None = None
        self._cells: list[str] | None = None
        self._skip: list[int] = []
        self._late = False
        self._running: int | None = None

    def __enter__(self) -> "Submission":
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="submission-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        memory = int(self.limits.memory_gb * 1e9) + 500_000_000
        limited = process_group(memory, self.limits.processes)
        self._groups = self._stack.enter_context(limited)
        self._stack.callback(self._kill)
        self._end_of_all = time.monotonic() + self.limits.whole_seconds
        self.output.write_bytes(b"")
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def function(self, name: str) -> Callable:
        """Returns a function of the notebook, which runs in the notebook's process.

        It raises `NotImplementedError` where the student wrote nothing, `StoppedError`
        where the function raised something else, and `UnansweredError` where there is
        no answer: the function or the notebook is missing, or a limit was reached.
        """
        return lambda *arguments: self._ask(name, arguments)

    def value(self, name: str) -> Any:
        """Returns a variable of the notebook; errors as those of `function`."""
        return self._ask(name, None)

    def start(self) -> None:
        """Runs the notebook unless it is running.

        Raises:
            UnansweredError: it cannot be run.
        """
        if self._broken:
            raise UnansweredError(self._broken)
        if self._process is not None and self._process.poll() is None:
            return
        try:
            if self._cells is None:
                cells = parse_notebook(self.content).cells
                self._cells = [c.source for c in cells if c.cell_type == "code"]
            self._run_notebook()
        except (ValueError, UnansweredError) as error:
            self._broken = self.notes["notebook"] = clean(str(error))
            raise UnansweredError(self._broken) from error

    def _run_notebook(self) -> None:
        """Runs the cells; one that ends the process is left out the next time."""
        while True:
            self._launch()
            try:
                return self._run_cells()
            except UnansweredError as error:
                if self._running is None or len(self._skip) >= RESTARTS:
                    raise
                self.notes[f"cell {self._running}"] = clean(f"left out: {error}")
                self._skip.append(self._running)

    def _ask(self, name: str, arguments: tuple[Any, ...] | None) -> Any:
        self.start()
        seconds = self.limits.call_seconds
        with self._deadline(seconds):
            self._send(pack([name, arguments]))
            late = f"{name} did not answer within {seconds:g} seconds"
            return self._opened(self._receive(late, name), name)

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
                    f"the notebook does not define {name}; was it renamed, or did its "
                    "cell fail?"
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

    def _launch(self) -> None:
        """Starts the process and sends it the notebook."""
        self._kill()
        self._line, theirs = Pipe()
        self._running, self._late = None, False
        with self.output.open("ab") as output:
            self._process = (self.sandbox or find_sandbox()).start(
                ["-m", "vlmcore.course.worker", f"{theirs.fileno()}"],
                self.folder,
                list(self.hidden),
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
            )
        theirs.close()
        for group in self._groups:
            (group / "cgroup.procs").write_text(f"{self._process.pid}")
        assert self._process.stdin is not None
        self._process.stdin.close()
        task = {
            "cells": self._cells,
            "skip": self._skip,
            "seconds": self.limits.seconds,
            "cell_seconds": self.limits.cell_seconds,
            "limits": self.limits.of_a_process(),
            "refused": self.refused,
        }
        late = f"Python did not start within {START_SECONDS} seconds"
        with self._deadline(START_SECONDS):
            self._send(pack(task))
            self._receive(late, "the start")

    def _run_cells(self) -> None:
        """Waits for the cells, whose alarm is set in the process itself."""
        while True:
            doing = f"cell {self._running}" if self._running else "the notebook"
            seconds = self.limits.cell_seconds + GRACE
            with self._deadline(seconds):
                reply = self._receive(
                    f"{doing} did not end within {seconds:g} seconds", doing
                )
            match reply:
                case {"cell": int() as number}:
                    self._running = number
                case {"errors": dict() as errors, "student": student}:
                    self.student = student if isinstance(student, str) else None
                    break
                case _:
                    raise self._nonsense(doing)
        self.notes |= {
            f"cell {number}": clean(f"{error}")
            for number, error in list(errors.items())[:50]
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
        return UnansweredError(f"the reply from {doing} is not an answer")

    def _end(self) -> str:
        """Returns how the process ended, as the beginning of a sentence."""
        assert self._process is not None
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return f"the process hung up, or sent more than {ANSWER_BYTES:,} bytes,"
        finally:
            self._kill()
        number = -code if code < 0 else code - 128  # a sandbox adds 128
        if number == signal.SIGXCPU:
            return "the processor time was used up"
        if number in set(signal.Signals):
            return f"the process ended with signal {signal.Signals(number).name}"
        return f"the process ended with exit code {code}"

    @contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        """Kills the process when the time is up, which also ends `_receive`.

        Raises:
            UnansweredError: the time for the whole submission is over.
        """
        left = self._end_of_all - time.monotonic()
        if left <= 0:
            self._broken = self.notes["notebook"] = (
                f"the {self.limits.whole_seconds:g} seconds for this submission were "
                "used up"
            )
            raise UnansweredError(self._broken)
        timer = threading.Timer(min(seconds, left), self._too_late)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # what it kills is gone before its group is removed

    def _too_late(self) -> None:
        self._late = True
        self._kill()

    def _kill(self) -> None:
        """Kills the process with everything it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            kill_group(self._groups)
