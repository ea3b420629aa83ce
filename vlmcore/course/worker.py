"""The process of a submission: runs a notebook, then answers calls of its functions.

`submission.py` starts it with `python -m vlmcore.course.worker`. The limits are set
before a line of the notebook runs. Hidden tests are never loaded here, so that a
submission can neither find them in memory nor change how they judge: only answers go
over the line, never points.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

from vlmcore.course.wire import pack, unpack

NOTHING_TO_DO = "def set_up(part):\n    pass\n"
"""The set-up of the book, whose cell has nothing to do here."""


def serve(line: Connection) -> None:
    """Runs the notebook, reports the errors of its cells, and answers calls.

    Args:
        line: to the process that grades. Its first message is the notebook: the code
            `cells`, the numbers of those to `skip`, `seconds` for all and
            `cell_seconds` for each, `limits` by the names of `resource`, and names in
            `refused` modules.
    """
    task = unpack(line.recv_bytes())
    for name, limit in task["limits"].items():
        resource.setrlimit(vars(resource)[name], (limit, limit))
    _make_folder()
    for name in task["refused"]:
        _refuse(name)
    shell = InteractiveShell.instance(
        config=Config({"HistoryManager": {"enabled": False}})
    )
    line.send_bytes(pack("ready"))
    errors: dict[int, str] = {}
    end = time.monotonic() + task["seconds"]
    for number, source in enumerate(task["cells"], 1):
        if number in task["skip"]:
            continue
        seconds = min(task["cell_seconds"], end - time.monotonic())
        if seconds <= 0:
            errors[number] = "the time for all cells was used up; the rest did not run"
            break
        line.send_bytes(pack({"cell": number}))
        if error := _run(shell, source, seconds):
            errors[number] = error
    student = shell.user_ns.get("STUDENT")
    name = student if isinstance(student, str) else None
    line.send_bytes(pack({"errors": errors, "student": name}))
    while request := line.recv_bytes():
        line.send_bytes(_reply(shell.user_ns, *unpack(request)))


def _make_folder() -> None:
    """Makes a folder like the book's, as the set-up cell looks for, and goes there."""
    Path("book/_ext").mkdir(parents=True, exist_ok=True)
    Path("book/_ext/set_up.py").write_text(NOTHING_TO_DO)
    Path("book/assignments").mkdir(exist_ok=True)
    os.chdir("book/assignments")


def _refuse(name: str) -> None:
    """Lets a function that solves a question raise where the notebook calls it.

    This is a speed bump, not security: its source can be copied.
    """
    module, _, attribute = name.rpartition(".")
    above, _, owner = module.rpartition(".")
    of_class = owner[:1].isupper()  # a method, which is named after its class
    holder = importlib.import_module(above if of_class else module)
    holder = vars(holder)[owner] if of_class else holder
    right = getattr(holder, attribute)
    if right.__module__ == __name__:
        return  # under another name, it is refused already

    def refused(*arguments: Any, **options: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") == "__main__":
            raise ImportError(f"{name} answers this assignment; write it yourself")
        return right(*arguments, **options)

    if of_class:
        setattr(holder, attribute, refused)
        return
    for place in list(sys.modules.values()):
        if vars(place).get(attribute) is right:
            vars(place)[attribute] = refused


def _run(shell: InteractiveShell, source: str, seconds: float) -> str | None:
    """Runs a cell and returns its error; it may take so many seconds."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"the cell was stopped after {seconds:.0f} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return _error(shell.run_cell(source, store_history=False))
    except BaseException as error:  # the alarm between two lines of the shell
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _error(result: ExecutionResult) -> str | None:
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    """The text of an exception, which may itself fail."""
    try:
        return str(error)
    except BaseException:
        return "its text cannot be read"


def _reply(namespace: dict[str, Any], name: str, arguments: list[Any] | None) -> bytes:
    if name not in namespace:
        return pack({"missing": name})
    answer: Callable[..., Any] | Any = namespace[name]
    if arguments is not None and not callable(answer):
        return pack({"missing": name, "instead": type(answer).__name__})
    try:
        return pack({"value": answer if arguments is None else answer(*arguments)})
    except BaseException as error:
        return pack({"error": type(error).__name__, "message": _text(error)})


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # die with the grader
    with suppress(EOFError):  # the grader hangs up when it is done
        serve(Connection(int(sys.argv[1])))
