"""The numbers published with arXiv 2411.03312, read from the CSV files in `vlmcore/published`, each of which names its source."""

from pathlib import Path
from typing import Literal

import pandas as pd

FOLDER = Path(__file__).parent / "published"

Task = Literal["visual", "ocr"]


def scores(task: Task) -> pd.DataFrame:
    """Mean accuracies of Qwen-1.5 language models with TokenPacker, 28 points: one row for each N and V.

    Args:
        task: `visual` for the visual-reasoning benchmarks, `ocr` for those that ask to read text.

    Returns:
        A table with the columns `params` (N, the nominal size of the language model), `visual_tokens` (V), `score` and `error`.

    Raises:
        ValueError: the task is unknown.
    """
    path = FOLDER / f"scores_{task}.csv"
    if not path.exists():
        raise ValueError(f"no scores were published for {task!r}; choose from visual, ocr")
    wide = pd.read_csv(path, comment="#")
    table = wide.melt("params_billion", var_name="visual_tokens", value_name="score")
    return pd.DataFrame(
        {
            "params": table["params_billion"] * 1e9,
            "visual_tokens": table["visual_tokens"].str.removeprefix("v").astype(int),
            "score": table["score"],
            "error": 1 - table["score"],
        }
    ).sort_values(["params", "visual_tokens"], ignore_index=True)


def doubtful_points() -> pd.DataFrame:
    """Points on which the published listings differ from each other or look repeated."""
    return pd.read_csv(FOLDER / "doubtful_points.csv", comment="#")


def table1() -> pd.DataFrame:
    """Table 1: compressors on Vicuna-1.5-7B, one row for each method and V, one column for each benchmark; NaN where none was printed."""
    return pd.read_csv(FOLDER / "table1.csv", comment="#")
