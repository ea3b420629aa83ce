"""Class-mates predict each other's laboratories of A4: the mean interval score."""

import pandas as pd

from vlmcore.course.lab import HELD_OUT, Lab

LEVEL = 0.8
COLUMNS = ("student", "peer", "v", "low", "high")


def interval_score(low: float, high: float, truth: float) -> float:
    """Returns the interval score (Winkler): its width, and ten times what it misses by.

    Example:
        >>> round(interval_score(0.2, 0.3, truth=0.31), 6)
        0.2
    """
    missed = max(low - truth, truth - high, 0.0)
    return (high - low) + 2 / (1 - LEVEL) * missed


def leaderboard(predictions: pd.DataFrame) -> pd.DataFrame:
    """Ranks students by their intervals for one run of the held-out model, seed 0.

    Args:
        predictions: with the columns of `COLUMNS`; `peer` is whose laboratory it is.

    Returns:
        Columns `student`, `predictions`, `held` (the share of intervals that hold what
        came out) and `score`, the mean interval score; the best is first.

    Raises:
        ValueError: a column is missing, or students predicted themselves.
    """
    missing = set(COLUMNS) - set(predictions.columns)
    if missing:
        raise ValueError(f"the table has no column {', '.join(sorted(missing))}")
    own = predictions[predictions["student"] == predictions["peer"]]
    if len(own):
        raise ValueError(f"{own['student'].iloc[0]} predicted their own laboratory")
    rows = []
    for row in predictions.itertuples():
        truth = Lab(row.peer).measure(HELD_OUT, row.v, 0)["error"]
        score = interval_score(row.low, row.high, truth)
        held = row.low <= truth <= row.high
        rows.append({"student": row.student, "held": held, "score": score})
    ranked = pd.DataFrame(rows).groupby("student", as_index=False)
    table = ranked.agg(
        predictions=("score", "size"), held=("held", "mean"), score=("score", "mean")
    )
    return table.sort_values("score", ignore_index=True)
