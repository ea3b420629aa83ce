"""Commands about the runs of an experiment: their cost, doing them, counting them."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from vlmcore.cli.options import folder_option

_Name = Annotated[
    str, typer.Argument(help="Experiment: easyvqa, comparison, grid, ablation, real.")
]
_Results = Annotated[
    Path | None, folder_option("Folder of the results. Default: book/results/NAME.")
]
_Part = Annotated[
    str, typer.Option(metavar="I/N", help="Only this share, for job arrays.")
]
_HeldOut = Annotated[
    bool,
    typer.Option(
        "--held-out", help="Score on held-out training images, for development."
    ),
]
_Work = Annotated[Path, folder_option("Folder for features, checkpoints and logs.")]
_Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Runs at a time. Default: one per core, or per GPU."),
]


class Engine(StrEnum):
    """Processes of this machine or those of a cluster, which do the runs."""

    LOCAL = "local"
    RAY = "ray"


class _Request(NamedTuple):
    """The runs that were asked for, and where their results are."""

    name: str
    configs: list
    results: Path

    @classmethod
    def of(
        cls, name: str, results: Path | None, part: str, held_out: bool
    ) -> "_Request":
        """Checks the arguments. Held-out scores are kept apart from reported ones."""
        from vlmcore.experiments.suites import EXPERIMENTS
        from vlmcore.experiments.sweep import share

        if name not in EXPERIMENTS:
            raise ValueError(
                f"there is no experiment {name!r}; choose from "
                f"{', '.join(sorted(EXPERIMENTS))}"
            )
        usual = Path("_build/held_out" if held_out else "book/results") / name
        return cls(name, share(EXPERIMENTS[name](held_out), part), results or usual)


def plan_runs(
    name: _Name,
    results: _Results = None,
    workers: _Workers = None,
    part: _Part = "1/1",
    held_out: _HeldOut = False,
) -> None:
    """Print what the missing runs will cost, in FLOPs, hours and memory."""
    from vlmcore.experiments import estimate, sweep
    from vlmcore.experiments.suites import NEEDS_GPU

    request = _Request.of(name, results, part, held_out)
    print(
        estimate.describe_cost(
            request.configs,
            sweep.pending(request.configs, request.results),
            workers or sweep.default_workers(name),
            estimate.GPU if name in NEEDS_GPU else estimate.CPU_THREAD,
        )
    )


def do_runs(
    name: _Name,
    results: _Results = None,
    work: _Work = Path("_build/work"),
    workers: _Workers = None,
    part: _Part = "1/1",
    held_out: _HeldOut = False,
    on: Annotated[
        Engine, typer.Option(help="This machine, or a Ray cluster with a shared disk.")
    ] = Engine.LOCAL,
    address: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Head of the Ray cluster.")
    ] = "auto",
    gpus: Annotated[
        float | None,
        typer.Option(min=0, help="On Ray, GPUs of a run; 0.5 puts two runs on one."),
    ] = None,
) -> None:
    """Do every run of an experiment that has no result yet.

    It can be interrupted at any time: a run resumes from its last checkpoint, and a run
    with a result is not repeated.
    """
    from vlmcore.experiments import cluster, sweep

    request = _Request.of(name, results, part, held_out)
    if on is Engine.RAY:
        if workers:
            raise ValueError("a Ray cluster decides itself how many; omit --workers")
        do = partial(cluster.run_on_cluster, address=address, gpus=gpus)
    else:
        count = workers or sweep.default_workers(name)
        do = partial(sweep.run_pending, workers=count)
    sweep.run_experiment(name, request.configs, request.results, work, do)


def count_runs(
    name: _Name,
    results: _Results = None,
    work: _Work = Path("_build/work"),
    part: _Part = "1/1",
    held_out: _HeldOut = False,
) -> None:
    """Count the runs that have a result, and list what a cluster does for the others.

    A task that is running, failed or died stands there with its log.
    """
    from vlmcore.experiments.cluster_tasks import plan_tasks, state_of
    from vlmcore.experiments.sweep import Job, pending

    _, configs, folder = _Request.of(name, results, part, held_out)
    todo = pending(configs, folder)
    done = len(configs) - len(todo)
    print(f"{name}: {done} of {len(configs)} runs have a result in {folder}")
    for task in plan_tasks(todo, Job(folder, work, "")):
        state, note = state_of(task)
        if state not in ("waiting", "done"):
            print(f"{state:11} {task.log}  {note}")
