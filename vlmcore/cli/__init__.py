"""The command `vlmcore`, a thin layer over the package.

Every command imports what it needs when it is called, so that `vlmcore --help` does not
wait for torch. A mistake in what was asked for is one sentence and exit status 2;
`vlmcore --traceback …` shows where it was raised.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vlmcore.cli import assignments, environment, evaluating, results, runs, training

EXTRAS = {
    "course": ("IPython", "nbformat", "pytest"),
    "real": ("accelerate", "gguf", "peft"),
    "submit": ("openpyxl",),
}
"""Extras of the package, and the modules that they bring."""


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
    """The message of an error, with the way to a missing module."""
    if isinstance(error, ModuleNotFoundError):
        for extra, modules in EXTRAS.items():
            if error.name in modules:
                return (
                    f"this command needs {error.name}; install it with: pip install "
                    f"'vlmcore[{extra}]'"
                )
    return str(error)


def _group(description: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, help=description)


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


_RESULTS, _TRAINING = "Results", "Training"
_EVALUATION, _SUPPORT = "Evaluation", "Course and support"

app.command(rich_help_panel=_RESULTS)(results.report)
app.command(rich_help_panel=_RESULTS)(results.rerun)
app.command(rich_help_panel=_RESULTS)(results.coverage)

sweep = _group("Plan, do and count the runs of an experiment.")
sweep.command("plan")(runs.plan)
sweep.command("run")(runs.run)
sweep.command("status")(runs.status)
app.add_typer(sweep, name="sweep", rich_help_panel=_TRAINING)

encoder = _group("Train or probe the miniature vision encoder.")
encoder.command("train")(training.train_encoder)
encoder.command("probe")(training.probe_encoder)
app.add_typer(encoder, name="encoder", rich_help_panel=_TRAINING)
app.command(rich_help_panel=_TRAINING)(training.benchmark_model)
app.command(rich_help_panel=_TRAINING)(training.adapter)

app.command(rich_help_panel=_EVALUATION)(evaluating.sources)
app.command(rich_help_panel=_EVALUATION)(evaluating.factual_probe)

course = _group("Release assignments and grade submissions.")
course.command("release")(assignments.release)
course.command("check")(assignments.check)
app.add_typer(course, name="course", rich_help_panel=_SUPPORT)
app.command(rich_help_panel=_SUPPORT)(environment.env)
