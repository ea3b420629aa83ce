"""Runs `vlmcore evaluate` in processes that are killed twice, and without being killed.

    python -m tests.evaluation.killed_twice MODEL DATA OUT BENCHMARK...

The results are in OUT/killed and OUT/whole. Processes are forked, so that the imports
and the model, which nothing changes, are loaded once for all of them.
"""

import os
import signal
import sys
from pathlib import Path

from vlmcore.cli import app
from vlmcore.evaluation import benchmarks, hub_models

TORN = '{"question_id": "to'
OPTIONS = ["--batch", "1", "--max-new-tokens", "3", "--workers", "0"]
LIMITS = {"mmbench": 1, "mme": 2}
"""Questions, 3 of other benchmarks; those that count together are one."""


def die_behind(batches):
    """Kills this process when it has written some batches and a part of the next."""
    append, written = benchmarks.append_answers, []

    def last_words(path, answers):
        append(path, answers)
        written.append(path)
        if len(written) == batches:
            with Path(path).open("a") as file:
                file.write(TORN)
            os.kill(os.getpid(), signal.SIGKILL)

    benchmarks.append_answers = last_words


def evaluate(model, name, data, out, dies_behind=None):
    """Returns the status of a process that runs the command."""
    if not (child := os.fork()):
        if dies_behind:
            die_behind(dies_behind)
        places = ["--data", data, "--out", out]
        limit = ["--limit", str(LIMITS.get(name, 3))]
        command = ["evaluate", model, name, *places, *limit, *OPTIONS]
        app(command, standalone_mode=False)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    model, data, out, *names = sys.argv[1:]
    loaded = hub_models.load_model(model, "cpu")
    hub_models.load_model = lambda *_: loaded
    for name in names:
        for dies_behind in (1, 1, None):
            status = evaluate(model, name, data, f"{out}/killed", dies_behind)
            assert status == (-signal.SIGKILL if dies_behind else 0), (name, status)
        assert evaluate(model, name, data, f"{out}/whole") == 0
