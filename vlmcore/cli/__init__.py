"""The command `vlmcore`, a thin layer over the package.

Every command imports what it needs when it is called, so that `vlmcore --help` does not
wait for torch. A mistake in what was asked for is one sentence and exit status 2;
`vlmcore --traceback …` shows where it was raised.
"""

import errno
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vlmcore.cli import (
    asking,
    assignments,
    environment,
    evaluating,
    ladder,
    latency,
    laws,
    recipes,
    results,
    runs,
    training,
)

_EXTRAS = {
    "cluster": ("ray",),
    "course": ("IPython", "nbformat", "pytest"),
    "real": ("accelerate", "gguf", "peft"),
    "submit": ("openpyxl",),
    "world": ("babel", "countryinfo", "emoji"),
}
"""Extras of the package, and the modules that they bring."""
_WAYS_OUT = {
    errno.EACCES: "change its permissions, or choose another place",
    errno.ENOSPC: "make room on the disk, or choose another folder",
    errno.EROFS: "choose another folder",
}
"""Ways out of errors of the operating system."""


class OneSentenceErrors(TyperGroup):
    """A group of commands that reports an expected error as one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; an error of its arguments or files ends with status 2."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (ValueError, OSError, ModuleNotFoundError) as error:
            if ctx.params["traceback"]:
                raise
            print(f"vlmcore: {_sentence(error)}", file=sys.stderr)
            raise typer.Exit(2) from error


def _sentence(error: Exception) -> str:
    """The message of an error, with the way to a missing module or out of its cause."""
    if isinstance(error, ModuleNotFoundError):
        for extra, modules in _EXTRAS.items():
            if error.name in modules:
                return (
                    f"this command needs {error.name}; install it with: pip install "
                    f"'vlmcore[{extra}]'"
                )
    if isinstance(error, OSError) and error.errno in _WAYS_OUT:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}; {_WAYS_OUT[error.errno]}"
    return str(error)


app = typer.Typer(
    cls=OneSentenceErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error was raised.")
    ] = False,
) -> None:
    """Vision-language models whose image is compressed to V visual tokens."""


_Command = Callable[..., None]


def _group(description: str, commands: dict[str, _Command]) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help=description)
    for name, command in commands.items():
        group.command(name)(command)
    return group


def _add(panel: str, commands: dict[str, _Command | typer.Typer]) -> None:
    """Adds commands, and groups of commands, under one heading of the help."""
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=panel)
        else:
            app.command(name, rich_help_panel=panel)(command)


_add("Models", {"ask": asking.ask_model, "latency": latency.print_latency})
_add(
    "Results",
    {
        "report": results.print_report,
        "rerun": results.repeat_run,
        "coverage": results.simulate_coverage,
    },
)
_add("Your own data", {"law": laws.fit_own_table, "vqa-set": training.make_vqa_set})
_add(
    "Training",
    {
        "train": recipes.train_by_recipe,
        "sweep": _group(
            "Plan, do and count the runs of an experiment.",
            {
                "plan": runs.plan_runs,
                "run": runs.do_runs,
                "status": runs.count_runs,
            },
        ),
        "encoder": _group(
            "Train or probe the miniature vision encoder.",
            {"train": training.train_encoder, "probe": training.probe_encoder},
        ),
        "ladder": _group(
            "Frozen pretrained language models of three sizes, asked about flags.",
            {
                "archive": ladder.build_archive,
                "encoder": ladder.train_encoder,
                "probe": ladder.probe_encoder,
                "run": ladder.run_ladder,
                "status": ladder.count_ladder,
            },
        ),
        "weights": ladder.assemble_weights,
        "benchmark-model": training.train_benchmark_model,
        "adapter": training.make_adapter,
    },
)
_add(
    "Evaluation",
    {
        "evaluate": evaluating.evaluate_model,
        "compare": evaluating.compare_results,
        "sources": evaluating.list_sources,
        "factual-probe": evaluating.probe_facts_in_text,
    },
)
_add(
    "Course and support",
    {
        "course": _group(
            "Release assignments and grade submissions.",
            {
                "release": assignments.release_assignments,
                "check": assignments.check_submissions,
                "try": assignments.try_question,
                "public": assignments.publish_book,
                "export": assignments.export_assignments,
                "leaderboard": assignments.rank_peers,
            },
        ),
        "env": environment.print_environment,
    },
)
