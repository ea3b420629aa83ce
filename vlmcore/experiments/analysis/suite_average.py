"""Families averaged as a suite of benchmarks is averaged.

A law of the mean score over several benchmarks has exponents of the mixture: with other
weights they are others.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vlmcore.experiments.analysis.scaling_grid import Grid


def suite_cells(
    grid: Grid, weights: Mapping[str, float], compressor: str = "quecc"
) -> pd.DataFrame:
    """Cells whose error is a weighted mean over families.

    Args:
        grid: with the same sizes, V and seeds for each family.
        weights: of each family; they add up to 1.
        compressor: its name in the results.

    Returns:
        Columns `seed`, `params`, `visual_tokens`, `error` and `wrong`, the weighted
        marks of the families' first questions, second questions, and so on.

    Raises:
        ValueError: the weights do not add up to 1.
    """
    if not np.isclose(total := sum(weights.values()), 1):
        raise ValueError(f"the weights add up to {total:g}; divide them by it")
    keys = ["seed", "params", "visual_tokens"]
    parts = [
        weight * grid.main_cells(task, compressor).set_index(keys)[["error", "wrong"]]
        for task, weight in weights.items()
    ]
    return sum(parts[1:], start=parts[0]).dropna().reset_index()
