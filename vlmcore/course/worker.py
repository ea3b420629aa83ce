"""The process of a submission: runs a notebook, then answers calls of its functions.

`submission.py` starts it with `python -m vlmcore.course.worker`. The limits are set
before a line of the notebook runs. Hidden tests are never loaded here, so that a
submission can neither find them in memory nor change how they judge.
"""

import resource
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

from vlmcore.course.notebooks import read_notebook
from vlmcore.course.wire import pack, unpack


def serve(
    line: Connection, notebook: str, memory: int, cpu_seconds: int, file_bytes: int
) -> None:
    """Runs the notebook, reports the errors of its cells, and answers calls.

    Args:
        line: to the process that grades.
        notebook: its path.
        memory: address space in bytes.
        cpu_seconds: processor time in all; wall-clock time is limited from outside.
        file_bytes: size of the largest file that may be written.
    """
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))
    shell = InteractiveShell.instance(
        config=Config({"HistoryManager": {"enabled": False}})
    )
    errors = {}
    cells = [
        cell.source
        for cell in read_notebook(Path(notebook)).cells
        if cell.cell_type == "code"
    ]
    line.send_bytes(pack("ready"))
    for number, source in enumerate(cells, 1):
        line.send_bytes(pack({"cell": number}))
        if error := _error(shell.run_cell(source, store_history=False)):
            errors[number] = error
    line.send_bytes(pack({"errors": errors}))
    while request := line.recv_bytes():
        line.send_bytes(_reply(shell.user_ns, *unpack(request)))


def _error(result: ExecutionResult) -> str | None:
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else f"{type(error).__name__}: {error}"


def _reply(namespace: dict[str, Any], name: str, arguments: list[Any]) -> bytes:
    if name not in namespace:
        return pack({"missing": name})
    if not callable(namespace[name]):
        return pack({"missing": name, "instead": type(namespace[name]).__name__})
    try:
        return pack({"value": namespace[name](*arguments)})
    except BaseException as error:
        return pack({"error": type(error).__name__, "message": str(error)})


if __name__ == "__main__":
    fd, path, *numbers = sys.argv[1:]
    with suppress(EOFError):  # the grader hangs up when it is done
        serve(Connection(int(fd)), path, *map(int, numbers))
