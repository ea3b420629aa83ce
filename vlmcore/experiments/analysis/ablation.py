"""The training ablation: runs without one part of the grid's training.

The grid trains stage 1 with embedding targets, and each task by itself from one
language model that was pre-trained on text. `vlmcore sweep run ablation` makes the
results.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from vlmcore.experiments import FAMILIES
from vlmcore.experiments.analysis.scaling_grid import Grid
from vlmcore.files import read_results
from vlmcore.scaling import Interval, over_seeds

Change = Literal["mixture", "language modelling", "without stage 1"]
"""One model for all tasks at once; stage 1 with the language-modelling loss; no stage
1, its steps added to stage 2."""


def paired_with_grid(folder: str | Path, grid: Grid) -> pd.DataFrame:
    """Every run of the ablation beside the grid's cell of its task, size, V and seed.

    Args:
        folder: of the result files.
        grid: the baseline.

    Returns:
        Columns `change`, `task`, `visual_tokens`, `seed`, `count`, `error`, and
        `baseline`, the grid's error; a mixture has a row for each of its tasks.
    """
    runs = (each for each in read_results(folder) if "seed" in each)  # images were seen
    rows = pd.DataFrame([row for run in runs for row in _rows(run)])
    keys = ["task", "params", "visual_tokens", "seed"]
    main = pd.concat([grid.main_cells(task, "quecc") for task in FAMILIES])
    main = main[[*keys, "error"]].rename(columns={"error": "baseline"})
    return rows.merge(main, on=keys).drop(columns="params")


def ablation_numbers(table: pd.DataFrame) -> dict[str, Interval]:
    """The increase of the error by each change, by name."""
    found = {}
    for (task, change, v), rows in table.groupby(["task", "change", "visual_tokens"]):
        more = over_seeds(rows["error"] - rows["baseline"])
        name = f"{task}.{change.replace(' ', '_')}.v{v}.error_minus_baseline"
        found[name] = more._replace(count=int(rows["count"].sum()))
    return found


def _rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kinds = pd.DataFrame(result["scores"]["test"]).T.drop("all")
    if result["task"] == "mixture":
        tasks = [_task_of(kind) for kind in kinds.index]
        change: Change = "mixture"
    else:
        tasks = [result["task"]] * len(kinds)
        aligned = result["config"]["training"]["align"]["steps"]
        change = "language modelling" if aligned else "without stage 1"
    kinds["wrong"] = (1 - kinds["value"]) * kinds["count"]
    for task, sums in kinds[["wrong", "count"]].groupby(tasks).sum().iterrows():
        yield {
            "change": change,
            "task": task,
            "visual_tokens": result["visual_tokens"],
            "seed": result["seed"],
            "params": result["parameters"]["language"],
            "count": int(sums["count"]),
            "error": sums["wrong"] / sums["count"],
        }


def _task_of(kind: str) -> str:
    if kind == "fact":
        return "knowledge"
    return "ocr" if "character" in kind else "reasoning"
