"""The numbers published with arXiv 2411.03312, read from the CSV files in this folder.

Each file names its source.
"""

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

_FOLDER = Path(__file__).parent

TYPICAL_QUESTION = 50
"""Q of the paper's typical question, in text tokens."""

Benchmarks = Literal["visual", "ocr"]
"""The two sets of benchmarks: visual reasoning, and reading of text."""
Doubtful = Literal["used", "other_listing", "left_out"]


def scores(task: Benchmarks, doubtful: Doubtful = "used") -> pd.DataFrame:
    """Mean accuracies of Qwen-1.5 with TokenPacker, 28 points: a row for each N and V.

    Args:
        task: `visual` for the visual-reasoning benchmarks, `ocr` for those that ask to
            read text.
        doubtful: what to do with the three `doubtful_points` of each task: take them as
            the published figures use them; take the numbers of the other listing,
            without the one point that it lacks; or leave all three out.

    Returns:
        A table with the columns `params` (N, the nominal size of the language model),
        `visual_tokens` (V), `score` and `error`.

    Raises:
        ValueError: the task or the treatment of doubtful points is unknown.
    """
    if task not in get_args(Benchmarks):
        raise ValueError(
            f"no scores were published for {task!r}; choose from visual, ocr"
        )
    if doubtful not in get_args(Doubtful):
        raise ValueError(
            f"{doubtful!r} is no way to treat doubtful points; choose from "
            f"{', '.join(get_args(Doubtful))}"
        )
    wide = _read(f"scores_{task}")
    table = wide.melt("params_billion", var_name="visual_tokens", value_name="score")
    table = pd.DataFrame(
        {
            "params": table["params_billion"] * 1e9,
            "visual_tokens": table["visual_tokens"].str.removeprefix("v").astype(int),
            "score": table["score"],
        }
    )
    if doubtful != "used":
        table = _without_doubt(table, task, doubtful)
    return table.assign(error=1 - table["score"]).sort_values(
        ["params", "visual_tokens"], ignore_index=True
    )


def _without_doubt(
    table: pd.DataFrame, task: Benchmarks, doubtful: Doubtful
) -> pd.DataFrame:
    points = doubtful_points().query("set == @task")
    points = points.assign(params=points["params_billion"] * 1e9)
    table = table.merge(
        points[["params", "visual_tokens", "other_listing", "in_other_listing"]],
        how="left",
    )
    keep = table["in_other_listing"].isna()
    if doubtful == "other_listing":
        keep |= table["in_other_listing"].isin([True])
        table["score"] = table["other_listing"].fillna(table["score"])
    return table.loc[keep, ["params", "visual_tokens", "score"]]


def doubtful_points() -> pd.DataFrame:
    """Points on which the published listings differ or look repeated."""
    return _read("doubtful_points")


def table1() -> pd.DataFrame:
    """Table 1: compressors on Vicuna-1.5-7B, a row for each method and V.

    A score that was not printed is NaN.
    """
    return _read("table1")


def laws() -> pd.DataFrame:
    """The published law of visual reasoning, as `printed` in the figure and as `drawn`.

    A parameter that is not printed is NaN.
    """
    return _read("laws").set_index("where")


def search_grid() -> dict[str, np.ndarray]:
    """The nodes of the published grid search, for each parameter of the law."""
    return {
        f"{name}": np.linspace(low, high, int(nodes))
        for name, low, high, nodes in _read("search_grid").itertuples(index=False)
    }


def sizes_of_tests() -> pd.DataFrame:
    """Sizes of the test sets of Table 1 where a source is known.

    Columns are `benchmark`, `split`, `questions` and `source`.
    """
    return _read("test_sizes")


def training_hours() -> pd.DataFrame:
    """Hours that LLaVA-1.5's authors state for its two stages, about.

    Columns are `model`, `stage`, `gpus`, `device` and `hours`.
    """
    return _read("training_hours")


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(_FOLDER / f"{name}.csv", comment="#")
