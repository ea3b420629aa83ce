"""Many runs at a time: all runs of an experiment that have no result yet.

    vlmcore sweep run easyvqa               # one worker per core
    vlmcore sweep run easyvqa --part 3/20   # the third of twenty, for a job array
    vlmcore sweep status easyvqa
    vlmcore sweep plan grid                 # the cost, before anything is started
    vlmcore sweep run grid-gpu              # one worker per GPU
    vlmcore sweep run grid --on ray         # on a cluster, see `cluster`

A sweep can be interrupted at any time: a run resumes from its last checkpoint, and a
run with a result is never repeated. Language models and image features are made once,
before the workers start, and shared.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import cycle, groupby, islice
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from vlmcore.cost import language_parameters
from vlmcore.experiments.run_config import (
    SCHEMA,
    RunConfig,
    identity,
    language_identity,
    split_of,
    weights_of,
)
from vlmcore.experiments.runner import language_model, prepare, run_cell
from vlmcore.experiments.suites import NEEDS_GPU
from vlmcore.experiments.tasks import find_task
from vlmcore.experiments.without_images import run_question_only, run_text_only
from vlmcore.files import stored_result


class Job(NamedTuple):
    """Where the runs of a sweep read and write, and on what device they run."""

    results: Path
    """Folder of the result files."""
    work: Path
    """Folder for what can be made again: features, language models, checkpoints."""
    command: str
    """Written into the results."""
    accelerator: str = "cpu"
    """As Lightning's."""

    def prepare(self, configs: list[RunConfig]) -> None:
        """Computes the features of runs, one run after the other: none made twice."""
        for config in configs:
            prepare(config, self.work)

    def pretrain(self, config: RunConfig) -> None:
        """Pre-trains a run's language model and writes its scores without images."""
        language_model(config, self.work, progress=False, accelerator=self.accelerator)
        run_text_only(config, self.results, self.work, self.command, self.accelerator)

    def run(self, configs: list[RunConfig]) -> list[dict[str, Any]]:
        """Does runs that share weights one after the other; the first trains them."""
        do = partial(run_cell, accelerator=self.accelerator, command=self.command)
        return [do(config, self.results, self.work) for config in configs]


def pending(configs: list[RunConfig], results: Path) -> list[RunConfig]:
    """The runs without a result file.

    Raises:
        ValueError: a file of a run's name holds something else.
    """
    names = {identity(config): config for config in configs}
    files = {name: results / f"{name}.json" for name in names}
    return [
        names[name]
        for name, path in files.items()
        if stored_result(path, id=name, schema=SCHEMA) is None
    ]


def by_weights(configs: list[RunConfig]) -> list[list[RunConfig]]:
    """Groups of runs that share weights, in the order of their first."""
    groups: dict[str, list[RunConfig]] = {}
    for config in configs:
        groups.setdefault(identity(weights_of(config)), []).append(config)
    return list(groups.values())


def share(configs: list[RunConfig], part: str) -> list[RunConfig]:
    """Part `i/n` of the runs: every n-th group with shared weights, from the i-th on.

    Raises:
        ValueError: the part is no such fraction.
    """
    i, _, n = part.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise ValueError(
            f"{part!r} is no part; give i/n with i from 1 to n, such as 3/20"
        )
    groups = by_weights(configs)[int(i) - 1 :: int(n)]
    return [config for group in groups for config in group]


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (
        named.split(",") if named else list(map(str, range(torch.cuda.device_count())))
    )


def default_workers(name: str) -> int:
    """One worker per core, or one per GPU for an experiment that needs GPUs."""
    return (len(gpus()) if name in NEEDS_GPU else os.cpu_count()) or 1


def run_experiment(
    name: str,
    configs: list[RunConfig],
    results: Path,
    work: Path,
    do: Callable[[list[RunConfig], Job], None],
) -> None:
    """Does the runs of an experiment and scores its question-only baselines.

    Args:
        name: of the experiment.
        configs: its runs, or a part of them.
        results: folder of the result files.
        work: folder for what can be made again.
        do: does the runs that have no result, such as `run_pending`.
    """
    accelerator = "auto" if name in NEEDS_GPU else "cpu"
    job = Job(results, work, f"vlmcore sweep run {name}", accelerator)
    parts = (part for config in configs for part in find_task(config.task).parts)
    for task in sorted({part.name for part in parts}):
        run_question_only(task, results, job.command)
    do(configs, job)


def run_pending(configs: list[RunConfig], job: Job, workers: int) -> None:
    """Does all runs that have no result, and prints each as it is done.

    Args:
        configs: the runs.
        job: folders and device.
        workers: processes. On a CPU each has one thread: for models this small two of
            them are several times faster than two threads of one. With GPUs each has
            one of them, in turn, and its share of the threads.
    """
    todo = pending(configs, job.results)
    if not todo:
        print(f"all {len(configs)} runs have a result in {job.results}")
        return
    done = len(configs) - len(todo)
    with (
        _workers(workers, on_cpu=job.accelerator == "cpu") as pool,
        tqdm(total=len(configs), initial=done, unit="run") as bar,
    ):
        pool.submit(job.prepare, one_for_each_feature_set(todo)).result()
        groups = list[Future[list[dict[str, Any]]]]()
        # the language models of a seed are made while the seed before is still running
        for _, wave in groupby(todo, key=lambda config: config.training.seed):
            of_seed = list(wave)
            list(pool.map(job.pretrain, one_for_each_language_model(of_seed)))
            for group in by_weights(of_seed):
                groups.append(pool.submit(job.run, group))
                groups[-1].add_done_callback(partial(_show_group, bar))
        for group_done in groups:
            group_done.result()  # raises what a run raised


def _workers(count: int, *, on_cpu: bool) -> ProcessPoolExecutor:
    """Processes with their threads and GPU set before torch starts in them."""
    os.environ.update(
        environment(1 if on_cpu else max(1, (os.cpu_count() or 1) // count))
    )
    spawn = multiprocessing.get_context("spawn")
    devices: SimpleQueue[str] = spawn.SimpleQueue()
    for gpu in islice(cycle([""] if on_cpu else gpus() or [""]), count):
        devices.put(gpu)
    return ProcessPoolExecutor(count, spawn, _start_worker, (devices,))


def environment(threads: int) -> dict[str, str]:
    """The environment of a worker with so many threads."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",
        "TOKENIZERS_PARALLELISM": "false",
    }


def one_for_each_feature_set(configs: list[RunConfig]) -> list[RunConfig]:
    """A run for each data set with and without CLS attention; blind runs need none."""
    seeing = [config for config in configs if config.model.compressor is not None]
    sets = {
        (config.task, split_of(config), config.model.compressor.sees_attention): config
        for config in seeing
        if config.model.compressor is not None
    }
    return list(sets.values())


def one_for_each_language_model(configs: list[RunConfig]) -> list[RunConfig]:
    """A run for each miniature language model, the largest first."""
    miniatures = [config for config in configs if config.pretrained is None]
    models = {language_identity(config): config for config in miniatures}.values()
    return sorted(models, key=lambda run: -language_parameters(run.model.language))


def _start_worker(devices: "SimpleQueue[str]") -> None:
    """Gives a worker its GPU (the empty name is none) and an end with the sweep."""
    os.environ["CUDA_VISIBLE_DEVICES"] = devices.get()
    _end_with_the_parent()


def _end_with_the_parent() -> None:
    """Ends a worker when the sweep is killed; it would go on with runs it holds."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _show_group(bar: tqdm, group: Future[list[dict[str, Any]]]) -> None:
    """Prints the results of a finished group; a failed one raises later."""
    if not (group.cancelled() or group.exception()):
        show(bar, group.result())


def show(bar: tqdm, results: list[dict[str, Any]]) -> None:
    """Prints results above a progress bar, which counts them."""
    for result in results:
        bar.write(describe(result))
        bar.update()


def describe(result: dict[str, Any]) -> str:
    """One line about a result."""
    test, n = result["scores"]["test"]["all"], result["parameters"]["language"] / 1000
    return (
        f"{result['id']} {result['task']:10} {result['name']:22} N = {n:7,.0f}k  "
        f"{test['value']:.4f} right of {test['count']}, trained in "
        f"{result['seconds']['train']:.0f} s"
    )
