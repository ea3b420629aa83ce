"""The command that trains a model by a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from vlmcore.cli.options import folder_option

_Recipe = typer.Argument(
    help="File of a recipe (TOML or JSON), or the name of one, such as quecc-vicuna-7b."
)
_Out = Annotated[Path, folder_option("Folder for checkpoints and the model.")]
_Logger = typer.Option(
    help="One of Lightning's loggers beside the CSV files, such as WandbLogger."
)


def train_by_recipe(
    config: Annotated[str, _Recipe],
    out: _Out = Path("_build/train"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cost, and train nothing.")
    ] = False,
    checkpoint_every: Annotated[
        int, typer.Option(help="Steps that a killed run repeats at most.")
    ] = 500,
    logger: Annotated[str | None, _Logger] = None,
) -> None:
    """Train a model by a recipe, after its cost in FLOPs, hours and memory."""
    from lightning.pytorch import loggers
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    from vlmcore.config.validation import check_choice
    from vlmcore.training.planning import check_memory, describe_plan
    from vlmcore.training.recipes import (
        open_data,
        plan_recipe,
        read_recipe,
        train_recipe,
    )

    if logger is not None:
        check_choice("logger", logger, loggers.__all__)
    recipe = read_recipe(config)
    named = recipe.align.data is not None and recipe.tune.data is not None
    data = None if dry_run and not named else open_data(recipe)
    plans = plan_recipe(recipe, data)
    rank_zero_only(print)(describe_plan(recipe, plans), flush=True)
    check_memory(recipe, plans)
    if dry_run:
        return
    more = None if logger is None else vars(loggers)[logger](save_dir=str(out))
    train_recipe(recipe, out, data, checkpoint_every=checkpoint_every, logger=more)
