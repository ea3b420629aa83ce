"""Many runs at a time: all runs of an experiment that have no result yet.

    vlmcore sweep run easyvqa               # one worker per core
    vlmcore sweep run easyvqa --part 3/20   # the third of twenty shares, for a job array
    vlmcore sweep status easyvqa
    vlmcore sweep plan grid                 # the cost, before anything is started
    vlmcore sweep run grid-gpu              # one worker per GPU

A sweep can be interrupted at any time: a run resumes from its last checkpoint, and a
run with a result is never repeated. Language models and image features are made once,
before the workers start, and shared.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import cycle, groupby, islice
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from vlmcore.cost import language_parameters
from vlmcore.experiments.estimate import (
    CPU_THREAD,
    GPU,
    WORKER_BYTES,
    Machine,
    feature_bytes,
    of_all,
    peak_bytes,
)
from vlmcore.experiments.run_config import (
    RunConfig,
    identity,
    language_identity,
    weights_of,
)
from vlmcore.experiments.runner import language_model, prepare, run_cell
from vlmcore.experiments.suites import NEEDS_GPU
from vlmcore.experiments.tasks import find_task
from vlmcore.experiments.without_images import run_question_only, run_text_only


def pending(configs: list[RunConfig], results: Path) -> list[RunConfig]:
    """The runs without a result file."""
    return [
        config
        for config in configs
        if not (results / f"{identity(config)}.json").exists()
    ]


def by_weights(configs: list[RunConfig]) -> list[list[RunConfig]]:
    """The runs in groups that use the same training, in the order of their first: one worker does a group."""
    groups: dict[str, list[RunConfig]] = {}
    for config in configs:
        groups.setdefault(identity(weights_of(config)), []).append(config)
    return list(groups.values())


def share(configs: list[RunConfig], part: str) -> list[RunConfig]:
    """Part `i/n` of the runs: every n-th group with the same training, from the i-th on.

    Raises:
        ValueError: the part is no such fraction.
    """
    number, _, parts = part.partition("/")
    if not (
        number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)
    ):
        raise ValueError(
            f"{part!r} is no part; give i/n with i from 1 to n, such as 3/20"
        )
    return [
        config
        for group in by_weights(configs)[int(number) - 1 :: int(parts)]
        for config in group
    ]


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (
        named.split(",")
        if named
        else [str(number) for number in range(torch.cuda.device_count())]
    )


def run(
    configs: list[RunConfig],
    results: Path,
    work: Path,
    workers: int,
    command: str,
    accelerator: str = "cpu",
) -> None:
    """Does all runs that have no result, `workers` at a time, and prints each as it is done.

    Args:
        configs: the runs.
        results: folder of the result files.
        work: folder for what can be made again: features, language models, checkpoints.
        workers: processes. On a CPU each has one thread: for models this small two of
            them are several times faster than two threads of one. With GPUs each has
            one of them, in turn, and its share of the threads.
        command: written into the results.
        accelerator: as Lightning's.
    """
    on_cpu = accelerator == "cpu"
    threads = 1 if on_cpu else max(1, (os.cpu_count() or 1) // workers)
    # read by the workers before they start torch
    os.environ.update(
        OMP_NUM_THREADS=str(threads),
        OMP_WAIT_POLICY="passive",
        TOKENIZERS_PARALLELISM="false",
    )
    todo = pending(configs, results)
    if not todo:
        print(f"all {len(configs)} runs have a result in {results}")
        return
    spawn = multiprocessing.get_context("spawn")
    devices: SimpleQueue[str] = spawn.SimpleQueue()
    for gpu in islice(cycle([""] if on_cpu else gpus() or [""]), workers):
        devices.put(gpu)
    with ExitStack() as stack:
        pool = stack.enter_context(
            ProcessPoolExecutor(workers, spawn, _start_worker, (devices,))
        )
        for first in {
            (config.task, attends(config)): config for config in sorted(todo, key=sees)
        }.values():
            pool.submit(
                prepare,
                first,
                work,
                # the features; one after the other, so that they are not made twice
            ).result()
        bar = stack.enter_context(
            tqdm(total=len(configs), initial=len(configs) - len(todo), unit="run")
        )
        groups = list[Future[list[dict[str, Any]]]]()
        for wave in waves(todo):
            models = {
                language_identity(config): config
                for config in wave
                if config.pretrained is None
            }.values()
            largest_first = sorted(
                models, key=lambda config: -language_parameters(config.model.language)
            )
            list(
                pool.map(
                    partial(
                        pretrain_text,
                        results=results,
                        work=work,
                        command=command,
                        accelerator=accelerator,
                    ),
                    largest_first,
                )
            )
            for group in by_weights(wave):
                groups.append(
                    pool.submit(run_group, group, results, work, command, accelerator)
                )
                groups[-1].add_done_callback(partial(_show, bar))
        for done in groups:
            done.result()  # raises what a run raised


def waves(configs: list[RunConfig]) -> Iterator[list[RunConfig]]:
    """Runs that follow each other with the same seed: their language models are made first, while the wave before is still being done."""
    for _, wave in groupby(configs, key=lambda config: config.training.seed):
        yield list(wave)


def _show(bar: tqdm, group: Future[list[dict[str, Any]]]) -> None:
    """Prints the results of a finished group; what a failed one raised is raised later."""
    if group.cancelled() or group.exception():
        return
    for result in group.result():
        bar.write(describe(result))
        bar.update()


def pretrain_text(
    config: RunConfig, results: Path, work: Path, command: str, accelerator: str
) -> None:
    """Pre-trains the language model of a run and writes its scores without images."""
    language_model(config, work, progress=False, accelerator=accelerator)
    run_text_only(config, results, work, command, accelerator)


def run_group(
    configs: list[RunConfig], results: Path, work: Path, command: str, accelerator: str
) -> list[dict[str, Any]]:
    """Runs that use the same training, one after the other: the first does it, the others find it done."""
    return [
        run_cell(config, results, work, accelerator=accelerator, command=command)
        for config in configs
    ]


def _start_worker(devices: "SimpleQueue[str]") -> None:
    """Gives a worker its GPU, before torch looks for one, and an end with the sweep; the name of no GPU is empty."""
    os.environ["CUDA_VISIBLE_DEVICES"] = devices.get()
    _end_with_the_parent()


def _end_with_the_parent() -> None:
    """Ends a worker when the sweep is killed; it would otherwise go on with runs that are already handed to it."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        """Returns never: it ends with the parent, and the process with it."""
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def plan(
    configs: list[RunConfig],
    todo: list[RunConfig],
    workers: int,
    machine: Machine = CPU_THREAD,
) -> str:
    """The cost of runs without a result: operations, hours of one device, memory."""
    groups = of_all(todo, machine)
    lines = [
        f"{len(configs)} runs, {len(todo)} without a result; features take "
        f"{feature_bytes(configs[0].model) / 1e9:.1f} GB"
    ]
    lines += [
        f"{name:26}{part.runs:5} x {part.seconds / part.runs:6.0f} s "
        f"{part.flops / 1e15:8.3f} PFLOP"
        for name, part in groups.items()
    ]
    hours = sum(part.seconds for part in groups.values()) / 3600
    lines.append(
        f"{hours:.1f} hours of one {machine.name}; with {workers} workers "
        f"{hours / workers:.1f} hours"
    )
    peak = max(map(peak_bytes, todo), default=0.0)
    lines.append(
        f"memory: {peak / 1e9:.2f} GB for the tensors of the largest run, beside "
        f"{WORKER_BYTES / 1e9:.1f} GB that a worker holds anyway"
    )
    if machine is GPU:
        lines.append(
            "the tensors are on the GPU; times are those of an H100 that one worker "
            "has to itself"
        )
    return "\n".join(lines)


def sees(config: RunConfig) -> bool:
    """Whether a run looks at images, and so needs their features."""
    return config.model.compressor is not None


def attends(config: RunConfig) -> bool:
    """Whether its features have the CLS token's attention."""
    return (
        config.model.compressor is not None and config.model.compressor.sees_attention
    )


def describe(result: dict[str, Any]) -> str:
    """One line about a result."""
    test, thousands = (
        result["scores"]["test"]["all"],
        result["parameters"]["language"] / 1000,
    )
    score = (
        f"{test['value']:.4f} right of {test['count']}, trained in "
        f"{result['seconds']['train']:.0f} s"
    )
    return (
        f"{result['id']} {result['task']:9} {result['name']:22} N = "
        f"{thousands:7,.0f}k  {score}"
    )


def default_workers(name: str) -> int:
    """One worker per core, or one per GPU for an experiment that needs GPUs."""
    return (len(gpus()) if name in NEEDS_GPU else os.cpu_count()) or 1


def machine_of(name: str) -> Machine:
    """The device whose times an estimate for an experiment uses."""
    return GPU if name in NEEDS_GPU else CPU_THREAD


def run_experiment(
    name: str, configs: list[RunConfig], results: Path, work: Path, workers: int
) -> None:
    """Does the runs of an experiment, and scores the baseline that sees no image."""
    command = f"vlmcore sweep run {name}"
    for task in sorted(
        {part.name for config in configs for part in find_task(config.task).parts}
    ):
        run_question_only(task, results, command)
    accelerator = "auto" if name in NEEDS_GPU else "cpu"
    run(configs, results, work, workers, command, accelerator)
