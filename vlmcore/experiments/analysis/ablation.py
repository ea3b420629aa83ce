"""The grid's recipe beside other ways to the same end: what `vlmcore sweep run ablation` found, each run beside the grid's.

The recipe aligns by words and tunes each family by itself from one text checkpoint. The
other ways leave one of this out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from vlmcore.experiments.analysis.scaling_grid import FAMILIES, Grid
from vlmcore.experiments.analysis.seeds import over_seeds
from vlmcore.files import read_results
from vlmcore.paper.refit import Number

Way = Literal["mixture", "language modelling", "without stage 1"]
"""All families at once; stage 1 language modelling instead of words; no stage 1, and its steps
in stage 2."""


def other_ways(folder: str | Path, grid: Grid) -> pd.DataFrame:
    """Every run of the comparison beside the cell of the grid that has its family, size, V and seed.

    Args:
        folder: of the result files.
        grid: with the other side of each comparison.

    Returns:
        Columns `way`, `task`, `visual_tokens`, `seed`, `count`, `error`, and `usual`,
        the error by the recipe; a mixture has a row for each of its families.
    """
    runs = (
        result for result in read_results(folder) if "seed" in result
    )  # and not what schools or guesses have without images
    rows = pd.DataFrame([row for run in runs for row in _rows(run)])
    keys = ["task", "params", "visual_tokens", "seed"]
    usual = pd.concat([grid.ladder(task, "quecc") for task in FAMILIES])[
        [*keys, "error"]
    ].rename(columns={"error": "usual"})
    return rows.merge(usual, on=keys).drop(columns="params")


def numbers(table: pd.DataFrame) -> Iterator[Number]:
    """How much more each way errs than the recipe, for the ledger."""
    for (task, way, v), rows in table.groupby(["task", "way", "visual_tokens"]):
        name = f"{FAMILIES[task]}.{way.replace(' ', '_')}.v{v}.error_minus_baseline"
        yield Number(
            name, *over_seeds(rows["error"] - rows["usual"]), int(rows["count"].sum())
        )


def _rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    steps = result["config"]["training"]["align"]["steps"]
    way: Way = (
        "mixture"
        if result["task"] == "mixture"
        else "language modelling"
        if steps
        else "without stage 1"
    )
    kinds = pd.DataFrame(result["scores"]["test"]).T.drop("all")
    family = (
        [_family_of(kind) for kind in kinds.index]
        if way == "mixture"
        else [result["task"]] * len(kinds)
    )
    wrong = ((1 - kinds["value"]) * kinds["count"]).groupby(family).sum()
    for task, count in kinds["count"].groupby(family).sum().items():
        yield {
            "way": way,
            "task": task,
            "visual_tokens": result["visual_tokens"],
            "seed": result["seed"],
            "params": result["parameters"]["language"],
            "count": int(count),
            "error": wrong[task] / count,
        }


def _family_of(kind: str) -> str:
    return (
        "knowledge" if kind == "fact" else "ocr" if "character" in kind else "reasoning"
    )
