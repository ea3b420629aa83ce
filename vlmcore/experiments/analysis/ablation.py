"""The training ablation: runs without one part of the grid's training.

The grid trains stage 1 with embedding targets, and each task by itself from one
language model that was pre-trained on text. `vlmcore sweep run ablation` makes the
results.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from vlmcore.experiments import FAMILIES
from vlmcore.experiments.analysis.by_question import across, by_question, marks_of
from vlmcore.experiments.analysis.scaling_grid import Grid, as_baseline
from vlmcore.files import read_results
from vlmcore.scaling import Interval

Change = Literal["mixture", "language modelling", "without stage 1"]
"""One model for all tasks at once; stage 1 with the language-modelling loss; no stage
1, its steps added to stage 2."""


def paired_with_grid(folder: str | Path, grid: Grid) -> pd.DataFrame:
    """Every run of the ablation beside the grid's cell of its task, size, V and seed.

    Args:
        folder: of the result files.
        grid: the baseline.

    Returns:
        Columns `change`, `task`, `visual_tokens`, `seed`, `count`, `error`, `wrong`
        (the marks of its answers), and `baseline` and `baseline_wrong`, the same of the
        grid; a mixture has a row for each of its tasks.
    """
    runs = (each for each in read_results(folder) if "seed" in each)  # images were seen
    rows = pd.DataFrame([row for run in runs for row in _rows(run)])
    keys = ["task", "params", "visual_tokens", "seed"]
    main = pd.concat([grid.main_cells(task, "quecc") for task in FAMILIES])
    return rows.merge(as_baseline(main, keys), on=keys).drop(columns="params")


def ablation_numbers(table: pd.DataFrame) -> dict[str, Interval]:
    """The increase of the error by each change, by name."""
    found = {}
    for (task, change, v), rows in table.groupby(["task", "change", "visual_tokens"]):
        more = across(by_question(rows) - by_question(rows, "baseline_wrong"))
        name = f"{task}.{change.replace(' ', '_')}.v{v}.error_minus_baseline"
        found[name] = more._replace(count=int(rows["count"].sum()))
    return found


def _rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The row of a run, or the rows of a mixture, which answers the tasks in turn."""
    change: Change = "mixture"
    tasks = list(FAMILIES) if result["task"] == "mixture" else [result["task"]]
    if result["task"] != "mixture":
        aligned = result["config"]["training"]["align"]["steps"]
        change = "language modelling" if aligned else "without stage 1"
    marks = np.split(marks_of(result["right"]), len(tasks))
    for task, wrong in zip(tasks, marks, strict=True):
        yield {
            "change": change,
            "task": task,
            "visual_tokens": result["visual_tokens"],
            "seed": result["seed"],
            "params": result["parameters"]["language"],
            "count": len(wrong),
            "error": float(wrong.mean(dtype=float)),
            "wrong": wrong,
        }
