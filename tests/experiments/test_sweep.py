"""A sweep that is killed repeatedly ends with the table of an undisturbed one."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.book.conftest import ROOT
from vlmcore.cli import app
from vlmcore.config import (
    replace,
)
from vlmcore.experiments import sweep
from vlmcore.experiments.run_config import (
    SCHEMA,
    identity,
    method,
    weights_of,
)
from vlmcore.experiments.suites import EXPERIMENTS
from vlmcore.experiments.suites.comparison import COMPARISON
from vlmcore.files import write_json


def start(folder):
    program = f"from tests.experiments.tiny_sweep import *; locally({str(folder)!r})"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )


def table(folder):
    results = [
        json.loads(path.read_text())
        for path in sorted((folder / "results").glob("*.json"))
    ]
    return [
        {name: value for name, value in result.items() if name != "seconds"}
        for result in results
    ]


def workers(process):
    children = (
        Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    )
    return [
        int(child)
        for child in children
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]


@pytest.mark.slow
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers are found in /proc"
)
def test_sigkill_of_the_sweep_or_of_a_worker_loses_and_doubles_no_cell(tmp_path):
    assert start(tmp_path / "whole").wait(timeout=1200) == 0
    assert len(table(tmp_path / "whole")) == 8 + 2  # runs and language models

    results = tmp_path / "killed" / "results"
    for done, of_worker in ((1, False), (4, True)):
        process = start(tmp_path / "killed")
        while len(list(results.glob("*.json"))) < done:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.05)
        victim = workers(process)[0] if of_worker else process.pid
        os.kill(victim, signal.SIGKILL)
        assert process.wait(timeout=600) != 0
    assert start(tmp_path / "killed").wait(timeout=1200) == 0
    assert table(tmp_path / "killed") == table(tmp_path / "whole")
    assert not list((tmp_path / "killed" / "results").glob("*partial*"))


def test_every_worker_has_a_gpu_of_its_own_and_none_where_there_is_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert sweep.gpus() == ["2", "5"]
    devices = multiprocessing.get_context("spawn").SimpleQueue()
    monkeypatch.setattr(sweep, "_end_with_the_parent", lambda: None)
    for name in (*sweep.gpus(), ""):
        devices.put(name)
    taken = [
        sweep._start_worker(devices) or os.environ["CUDA_VISIBLE_DEVICES"]
        for _ in range(3)
    ]
    assert taken == ["2", "5", ""]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert sweep.gpus() == ["0", "1"]


@pytest.mark.parametrize(
    ("name", "expected"), [("grid-gpu", (2, "auto")), ("grid", (os.cpu_count(), "cpu"))]
)
def test_an_experiment_for_gpus_has_one_worker_on_each(
    monkeypatch, tmp_path, name, expected
):
    started = []
    monkeypatch.setattr(
        sweep,
        "run_pending",
        lambda configs, job, workers: started.append(
            (workers, job.accelerator, job.command)
        ),
    )
    monkeypatch.setattr(sweep, "run_question_only", lambda *arguments: None)
    monkeypatch.setattr(sweep, "gpus", lambda: ["0", "1"])
    assert CliRunner().invoke(app, ["sweep", "run", name]).exit_code == 0
    assert started == [(*expected, f"vlmcore sweep run {name}")]


def test_a_result_is_described_in_one_line():
    score = {"value": 0.5, "count": 10}
    result = {
        "id": "a",
        "task": "ocr",
        "name": "b",
        "scores": {"test": {"all": score}},
        "seconds": {"train": 1.0},
        "parameters": {"language": 1_053_808},
    }
    said = sweep.describe(result)
    assert "N =   1,054k" in said and "0.5000 right of 10" in said


def test_runs_that_share_weights_are_done_by_one_worker_and_trained_once():
    configs = EXPERIMENTS["comparison"]()
    assert (
        len({identity(config) for config in configs})
        == len(configs)
        == 2 * 3 * (1 + 6 * 3 + 6 * 2)
    )
    groups = sweep.by_weights(configs)
    assert sorted(identity(c) for group in groups for c in group) == sorted(
        map(identity, configs)
    )
    by_method = {
        tuple(sorted({method(c.model.compressor) for c in group})) for group in groups
    }
    assert ("mlp", "prumerge") in by_method and ("m3",) in by_method
    assert all(
        len({c.training.seed for c in group}) == len({c.task for c in group}) == 1
        for group in groups
    )
    assert all(weights_of(weights_of(c)) == weights_of(c) for c in configs)
    assert COMPARISON.training == replace(configs[0].training, seed=0)


def test_pending_runs_are_those_without_a_result(tmp_path):
    configs = EXPERIMENTS["easyvqa"]()
    path, name = tmp_path / f"{identity(configs[3])}.json", identity(configs[3])
    write_json(path, {"id": name, "schema": SCHEMA})
    assert sweep.pending(configs, tmp_path) == configs[:3] + configs[4:]
    write_json(path, {"id": identity(configs[2]), "schema": SCHEMA})
    with pytest.raises(ValueError, match=rf"{name}.json.*\(different here: id\)"):
        sweep.pending(configs, tmp_path)


def test_parts_of_a_sweep_are_disjoint_and_complete():
    configs = EXPERIMENTS["easyvqa"]()
    parts = [sweep.share(configs, f"{i}/4") for i in (1, 2, 3, 4)]
    names = [identity(config) for part in parts for config in part]
    assert (
        sorted(names) == sorted(map(identity, configs))
        and sweep.share(configs, "1/1") == configs
    )
    for wrong in ("0/4", "5/4", "a/b", "3", ""):
        with pytest.raises(ValueError, match="is no part"):
            sweep.share(configs, wrong)


def test_workers_end_with_the_sweep(tmp_path):
    """A killed sweep leaves no worker behind that goes on training."""
    script = tmp_path / "sweep.py"
    script.write_text(
        "import multiprocessing, os, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from vlmcore.experiments.sweep import _end_with_the_parent\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), "
        "_end_with_the_parent)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    pool.submit(time.sleep, 600).result()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    )
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    for _ in range(100):
        time.sleep(0.1)
        if (
            not Path(f"/proc/{worker}").exists()
            or "zombie" in Path(f"/proc/{worker}/status").read_text()
        ):
            return
    pytest.fail("the worker is still alive ten seconds after its sweep was killed")
