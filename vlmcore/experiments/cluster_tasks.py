"""The tasks of a sweep on a cluster: what needs what, their logs, how far they are.

A task is what a worker of a local sweep does. It writes a log into the folder of work,
and beside it a note of where it runs or why it failed. While it runs, its process holds
a lock; so nobody but the disk is asked how far a sweep is.
"""

import os
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from vlmcore.experiments import sweep
from vlmcore.experiments.run_config import (
    RunConfig,
    identity,
    language_identity,
    split_of,
    weights_of,
)
from vlmcore.files import make_folder, read_json, write_json


class ClusterTask(NamedTuple):
    """A piece of a sweep that one process does."""

    log: Path
    """Named after the run whose weights it trains, the language model or features."""
    do: Callable[[], list[dict[str, Any]] | None]
    """Returns the results of runs."""
    needs: frozenset[str] = frozenset()
    """Names of the tasks that come before."""
    on_gpu: bool = True
    """Whether it uses a GPU if runs have one."""

    @property
    def name(self) -> str:
        """The name of its log, without the ending."""
        return self.log.stem


class TaskState(NamedTuple):
    """How far a task is."""

    state: str
    """`waiting`, `running`, `interrupted` (its process died), `failed` or `done`."""
    note: str
    """Where it runs, or why it failed."""


def plan_tasks(todo: list[RunConfig], job: sweep.Job) -> list[ClusterTask]:
    """The tasks of runs, each behind those that it needs.

    The language models of a seed stand before its runs, as in a local sweep, so that
    the first results come early.
    """
    log, tasks = job.work / "logs", list[ClusterTask]()
    by_data = sorted(sweep.one_for_each_feature_set(todo), key=_features)
    for name, configs in groupby(by_data, _features):
        path = log / f"{name}.log"
        do = partial(job.prepare, list(configs))
        tasks.append(ClusterTask(path, do, on_gpu=False))
    for _, wave in groupby(sorted(todo, key=_seed), _seed):
        of_seed = list(wave)
        for config in sweep.one_for_each_language_model(of_seed):
            path = log / f"{_language(config)}.log"
            tasks.append(ClusterTask(path, partial(job.pretrain, config)))
        for group in sweep.by_weights(of_seed):
            name = f"run-{identity(weights_of(group[0]))}"
            seeing = {_features(run) for run in group if run.model.compressor}
            made = {_language(run) for run in group if run.pretrained is None}
            path, needs = log / f"{name}.log", frozenset(seeing | made)
            tasks.append(ClusterTask(path, partial(job.run, group), needs))
    return tasks


def _seed(config: RunConfig) -> int:
    return config.training.seed


def _features(config: RunConfig) -> str:
    return f"features-{config.task}-{split_of(config).seed}"


def _language(config: RunConfig) -> str:
    return f"language-{language_identity(config)}"


def do_with_log(task: ClusterTask, header: str) -> list[dict[str, Any]] | None:
    """Does a task; what it prints and raises stands in its log.

    Args:
        task: the task. Another process that does it, too, is waited for.
        header: stands in the first line.

    Returns:
        The results of runs.
    """
    make_folder(task.log.parent)
    note = partial(write_json, task.log.with_suffix(".json"))
    where = f"on {socket.gethostname()}, process {os.getpid()}"
    with (
        FileLock(task.log.with_suffix(".lock")),
        task.log.open("a", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {where}; {header}")
        note({"state": "running", "note": where})
        try:
            results = task.do()
        except Exception as error:
            traceback.print_exc()
            note({"state": "failed", "note": f"{type(error).__name__}: {error}"})
            raise
        note({"state": "done", "note": where})
    return results


def state_of(task: ClusterTask) -> TaskState:
    """How far a task is, by its note and its lock."""
    note = task.log.with_suffix(".json")
    if not note.exists():
        return TaskState("waiting", "")
    state = TaskState(**read_json(note))
    if state.state == "running":
        with suppress(Timeout), FileLock(task.log.with_suffix(".lock"), timeout=0):
            return state._replace(state="interrupted")
    return state
