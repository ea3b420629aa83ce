"""Commands about the runs of an experiment: their cost, doing them, counting them."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

_Name = Annotated[
    str, typer.Argument(help="Experiment: easyvqa, comparison, grid, ablation, real.")
]
_Results = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Folder of the results. Default: book/results/NAME."
    ),
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
_Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Runs at a time. Default: one per core, or per GPU."),
]


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
    work: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Folder for features and checkpoints."),
    ] = Path("_build/work"),
    workers: _Workers = None,
    part: _Part = "1/1",
    held_out: _HeldOut = False,
) -> None:
    """Do every run of an experiment that has no result yet.

    It can be interrupted at any time: a run resumes from its last checkpoint, and a run
    with a result is not repeated.
    """
    from vlmcore.experiments import sweep

    request = _Request.of(name, results, part, held_out)
    sweep.run_experiment(
        name,
        request.configs,
        request.results,
        work,
        workers or sweep.default_workers(name),
    )


def count_runs(
    name: _Name,
    results: _Results = None,
    part: _Part = "1/1",
    held_out: _HeldOut = False,
) -> None:
    """Count the runs that have a result."""
    from vlmcore.experiments.sweep import pending

    _, configs, folder = _Request.of(name, results, part, held_out)
    done = len(configs) - len(pending(configs, folder))
    print(f"{name}: {done} of {len(configs)} runs have a result in {folder}")
