"""A sweep on a Ray cluster whose processes are killed ends as a local one.

`make cluster` runs the tests with the marker; Ray is in an environment of their own.
"""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from tests.book.conftest import ROOT
from vlmcore.cli import app
from vlmcore.experiments import sweep
from vlmcore.experiments.cluster_tasks import do_with_log, plan_tasks, state_of
from vlmcore.experiments.run_config import SCHEMA, identity, language_identity
from vlmcore.experiments.suites import EXPERIMENTS
from vlmcore.files import write_json

NO_RAY = importlib.util.find_spec("ray") is None
needs_ray = pytest.mark.skipif(NO_RAY, reason="Ray is not installed; see make cluster")
LIMIT = 1200
"""Seconds after which a sweep is taken to hang."""


def job(folder):
    return sweep.Job(folder / "results", folder / "work", "a test")


@pytest.mark.parametrize("name", ["comparison", "grid2", "ablation", "real"])
def test_tasks_are_planned_once_each_and_behind_what_they_need(name, tmp_path):
    configs = EXPERIMENTS[name](False)
    before, runs = set(), []
    for task in plan_tasks(configs, job(tmp_path)):
        assert task.needs <= before and task.name not in before
        before.add(task.name)
        if task.name.startswith("run-"):
            (group,) = task.do.args
            runs += map(identity, group)
            for run in group:
                language = f"language-{language_identity(run)}"
                assert (run.pretrained is None) == (language in task.needs)
                blind = run.model.compressor is None
                assert blind or any(n.startswith("features-") for n in task.needs)
    assert sorted(runs) == sorted(map(identity, configs))


def test_what_is_done_is_not_planned_again(tmp_path):
    configs, todo = EXPERIMENTS["easyvqa"](False), job(tmp_path)
    done = {"id": identity(configs[0]), "schema": SCHEMA}
    write_json(todo.results / f"{done['id']}.json", done)
    tasks = plan_tasks(sweep.pending(configs, todo.results), todo)
    groups = (t.do.args[0] for t in tasks if t.name.startswith("run-"))
    planned = [identity(run) for run in chain(*groups)]
    assert sorted(planned) == sorted(map(identity, configs[1:]))


def test_only_what_computes_on_a_gpu_asks_for_one(tmp_path):
    tasks = plan_tasks(EXPERIMENTS["grid-gpu"](False)[:4], job(tmp_path))
    assert {t.name.split("-")[0]: t.on_gpu for t in tasks} == {
        "features": False,
        "language": True,
        "run": True,
    }


def test_a_task_tells_how_far_it_is(tmp_path):
    task = plan_tasks(EXPERIMENTS["easyvqa"](False), job(tmp_path))[0]
    assert state_of(task).state == "waiting"
    seen = []
    assert (
        do_with_log(task._replace(do=lambda: seen.append(state_of(task))), "") is None
    )
    assert seen[0].state == "running" and f"process {os.getpid()}" in seen[0].note
    assert state_of(task).state == "done"

    with pytest.raises(ZeroDivisionError):
        do_with_log(task._replace(do=lambda: print("hello") or 1 / 0), "a header")
    assert state_of(task) == ("failed", "ZeroDivisionError: division by zero")
    log = task.log.read_text()
    assert "a header\nhello\nTraceback" in log and "1 / 0" in log


def test_the_state_of_a_killed_task_is_told_from_that_of_a_running_one(tmp_path):
    task = plan_tasks(EXPERIMENTS["easyvqa"](False), job(tmp_path))[0]
    write_json(task.log.with_suffix(".json"), {"state": "running", "note": "on a node"})
    with FileLock(task.log.with_suffix(".lock")):
        assert state_of(task) == ("running", "on a node")
    assert state_of(task) == ("interrupted", "on a node")


def test_the_status_lists_what_is_not_done_with_its_log(tmp_path):
    waiting, failed, *_ = plan_tasks(EXPERIMENTS["easyvqa"](False), job(tmp_path))
    note = {"state": "failed", "note": "ValueError: no"}
    write_json(failed.log.with_suffix(".json"), note)
    folders = ["--results", tmp_path / "results", "--work", tmp_path / "work"]
    said = invoke("sweep", "status", "easyvqa", *folders).output
    assert f"failed      {failed.log}  ValueError: no" in said
    assert "easyvqa: 0 of" in said and waiting.name not in said


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_without_ray_a_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(sweep, "run_question_only", lambda *arguments: None)
    done = invoke("sweep", "run", "easyvqa", "--on", "ray", "--results", tmp_path)
    assert done.exit_code == 2
    assert "needs ray; install it with: pip install 'vlmcore[cluster]'" in done.output


def test_a_cluster_decides_how_many_runs_there_are_at_a_time(tmp_path):
    options = ["--on", "ray", "--workers", 3, "--results", tmp_path]
    done = invoke("sweep", "run", "easyvqa", *options)
    assert done.exit_code == 2 and "omit --workers" in done.output


def start(code, **options):
    """A process that does a small sweep."""
    program = f"from tests.experiments.tiny_sweep import *; {code}"
    return subprocess.Popen([sys.executable, "-c", program], env=ENVIRONMENT, **options)


ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT),
    "RAY_worker_niceness": "0",  # the machine may do other work, too
    "RAY_USAGE_STATS_ENABLED": "0",
}


RAY = Path(sys.executable).parent / "ray"


class Node:
    """A node of a cluster, in processes of its own."""

    def __init__(self, *options):
        small = ["--num-cpus=1", "--object-store-memory=100000000"]
        self.process = subprocess.Popen(
            [RAY, "start", "--block", *small, *options],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def processes(self):
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def kill(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def address():
    """The head of a cluster, a node with one core."""
    address = "127.0.0.1:6397"
    head = Node("--head", "--port=6397", "--include-dashboard=false")
    check = [RAY, "health-check", "--address", address]
    wait_for(lambda: subprocess.run(check, capture_output=True).returncode == 0)
    yield address
    head.kill()


@pytest.fixture
def node(address):
    """A second node of the cluster."""
    node = Node(f"--address={address}")
    yield node
    if node.process.poll() is None:
        node.kill()


def wait_for(true, process=None):
    start = time.monotonic()
    while not (found := true()):
        assert process is None or process.poll() is None, "it ended too early"
        assert time.monotonic() - start < LIMIT
        time.sleep(0.05)
    return found


def results(folder):
    return sorted((folder / "results").glob("*.json"))


def runs_of(folder):
    return [path for path in results(folder) if not path.name.startswith("text-")]


def table(folder):
    return [{**json.loads(p.read_text()), "seconds": None} for p in results(folder)]


def running(folder, among=None):
    """Processes of runs that are training."""
    notes = (json.loads(p.read_text()) for p in folder.glob("work/logs/run-*.json"))
    found = [
        int(note["note"].split()[-1]) for note in notes if note["state"] == "running"
    ]
    return [pid for pid in found if among is None or pid in among]


@needs_ray
@pytest.mark.cluster
def test_a_failed_task_is_named_with_its_log_and_the_others_go_on(tmp_path, address):
    code = f"on_ray({str(tmp_path)!r}, {address!r}, SpoiledJob)"
    process = start(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said, errors = process.communicate(timeout=LIMIT)
    for name, why in (("language", "text"), ("run", "image")):
        pattern = rf"({name}-\w+) failed: ValueError: there is no {why}; see (\S+)"
        ((task, log),) = re.findall(pattern, said)
        assert Path(log) == tmp_path / "work" / "logs" / f"{task}.log"
        assert f"ValueError: there is no {why}" in Path(log).read_text()
    assert said.count("is left out: it needs language-") == 4
    assert "6 of 11 tasks failed or were left out" in errors
    assert process.returncode == 1 and len(runs_of(tmp_path)) == 3


@needs_ray
@pytest.mark.cluster
def test_sigkill_of_a_worker_and_a_node_loses_and_doubles_no_cell(
    tmp_path, address, node
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(f"locally({str(whole)!r})").wait(LIMIT) == 0
    process = start(f"on_ray({str(killed)!r}, {address!r})")

    wait_for(lambda: len(runs_of(killed)) >= 1, process)
    os.kill(wait_for(lambda: running(killed), process)[0], signal.SIGKILL)
    wait_for(lambda: len(runs_of(killed)) >= 3, process)
    wait_for(lambda: running(killed, node.processes()), process)
    early = {path: path.stat().st_mtime_ns for path in results(killed)}
    node.kill()
    assert process.wait(LIMIT) == 0

    assert table(killed) == table(whole)
    assert {path: path.stat().st_mtime_ns for path in early} == early
    starts = Counter()
    for log in killed.glob("work/logs/*.log"):
        starts[log.stem.split("-")[0]] += log.read_text().count("; Ray's logs: ")
    assert (starts["run"], starts["language"]) == (len(runs_of(killed)) + 2, 2)
