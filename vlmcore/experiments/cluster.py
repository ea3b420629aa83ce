"""The runs of a sweep on a Ray cluster whose nodes share a disk.

    vlmcore sweep run grid --on ray --address head:6379
    vlmcore sweep status grid               # needs the disk alone

Ray schedules the tasks, holds a run back until its language model and its features are
there, and repeats a task whose process or node died. The result files are those of a
local sweep, and a repeated task goes on from its last checkpoint.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vlmcore.experiments import sweep
from vlmcore.experiments.cluster_tasks import ClusterTask, do_with_log, plan_tasks
from vlmcore.experiments.run_config import RunConfig
from vlmcore.files import temporary_folder

RETRIES = 3
"""How often Ray repeats a task whose process or node died. One that raised an error
would raise it again and is not repeated."""


def run_on_cluster(
    configs: list[RunConfig],
    job: sweep.Job,
    address: str = "auto",
    gpus: float | None = None,
) -> None:
    """Does all runs that have no result, and prints each as it is done.

    A task that fails stops those that need it; the others go on.

    Args:
        configs: the runs.
        job: folders, which every node must see, and device.
        address: of the cluster's head, `host:port`; `auto` is that of the environment
            variable RAY_ADDRESS or of this machine.
        gpus: GPUs of a run; 0.5 puts two runs on one. Default: one for an experiment
            that needs GPUs, else none. A run has one CPU core.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ConnectionError: there is no cluster at the address.
        ValueError: a task failed, a node does not see the folders, or the cluster has
            fewer GPUs than a run.
    """
    job = job._replace(results=job.results.resolve(), work=job.work.resolve())
    todo = sweep.pending(configs, job.results)
    if not todo:
        print(f"all {len(configs)} runs have a result in {job.results}")
        return
    if gpus is None:
        gpus = 0 if job.accelerator == "cpu" else 1
    tasks, done = plan_tasks(todo, job), len(configs) - len(todo)
    with _connected(address) as ray:
        _check_gpus(ray, gpus)
        _check_disk(ray, job.results)
        _check_disk(ray, job.work)
        with tqdm(total=len(configs), initial=done, unit="run") as bar:
            failed = _follow(ray, _submit(ray, tasks, gpus), bar)
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(tasks)} tasks failed or were left out; the logs "
            f"are in {tasks[0].log.parent}, and the same command tries again"
        )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray's module, connected to a cluster; no statistics of its use are sent."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(
        address,
        log_to_driver=False,
        logging_level="warning",
        runtime_env={"env_vars": sweep.environment(threads=1)},
    )
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_gpus(ray: Any, gpus: float) -> None:
    """Refuses runs that would wait for ever."""
    if gpus > (there := ray.cluster_resources().get("GPU", 0)):
        raise ValueError(
            f"a run asks for {gpus:g} GPUs and the cluster has {there:g}; start its "
            "nodes with `ray start --num-gpus` or give --gpus"
        )


def _check_disk(ray: Any, folder: Path) -> None:
    """Refuses nodes that would write into a folder of their own."""
    near = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    sees = ray.remote(num_cpus=0)(_is_folder)
    with temporary_folder(folder) as probe:
        for node in filter(lambda node: node["Alive"], ray.nodes()):
            there = near(node["NodeID"], soft=False)
            if not ray.get(sees.options(scheduling_strategy=there).remote(probe)):
                raise ValueError(
                    f"the node {node['NodeManagerHostname']} does not see {folder}; "
                    "give --results and --work on a disk that all nodes share"
                )


def _is_folder(path: Path) -> bool:
    return path.is_dir()


def _submit(ray: Any, tasks: list[ClusterTask], gpus: float) -> dict[Any, ClusterTask]:
    """Hands all tasks to Ray, which does one as soon as those that it needs are done.

    Returns:
        The task of each reference to a result.
    """
    do = ray.remote(num_cpus=1, max_retries=RETRIES)(_do)
    references = dict[str, Any]()
    for task in tasks:
        there = do.options(name=task.name, num_gpus=gpus if task.on_gpu else 0)
        needs = [references[name] for name in task.needs]
        references[task.name] = there.remote(task, *needs)
    return {references[task.name]: task for task in tasks}


def _do(task: ClusterTask, *needs: None) -> list[dict[str, Any]] | None:
    """Does a task in a process of the cluster; Ray waits for `needs` before."""
    import ray

    here = ray.get_runtime_context()
    folder = f"{here.get_temp_dir()}/{here.get_session_name()}/logs"
    return do_with_log(task, f"Ray's logs: {folder}/*{here.get_worker_id()}*")


def _follow(ray: Any, tasks: dict[Any, ClusterTask], bar: tqdm) -> set[str]:
    """Shows results and failures as they come.

    Returns:
        The names of failed tasks and of those that need them.
    """
    failed, waiting = set[str](), list(tasks)
    while waiting:
        (reference,), waiting = ray.wait(waiting)
        task = tasks[reference]
        try:
            sweep.show(bar, ray.get(reference) or [])
        except ray.exceptions.RayError as error:
            if missing := sorted(failed & task.needs):
                bar.write(f"{task.name} is left out: it needs {', '.join(missing)}")
            else:
                bar.write(
                    f"{task.name} failed: {_sentence(ray, error)}; see {task.log}"
                )
            failed.add(task.name)
    return failed


def _sentence(ray: Any, error: Any) -> str:
    """An error of a task, or the first line about a process that died."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}"
    return str(error).splitlines()[0]
