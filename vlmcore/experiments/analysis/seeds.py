"""What a few seeds say: a seed is a whole history of a model, and all noise there is shows in how much seeds differ."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from vlmcore.scaling import Interval
from vlmcore.scaling.intervals import fieller_ends

LEVEL = 0.95


def over_seeds(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Mean over seeds with Student's t; no interval from fewer than three."""
    values = np.asarray(values, float)
    mean = float(values.mean())
    if len(values) < 3:
        return Interval(mean, None, None, level, f"{len(values)} seeds")
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * stats.sem(values))
    return Interval(
        mean, mean - half, mean + half, level, f"t over {len(values)} seeds"
    )


def one_more_seed(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Where one more seed will fall, if seeds scatter like those that are there; no interval from fewer than three."""
    values = np.asarray(values, float)
    mean, name = float(values.mean()), f"one more seed than {len(values)}"
    if len(values) < 3:
        return Interval(mean, None, None, level, name)
    half = float(
        stats.t.ppf((1 + level) / 2, len(values) - 1)
        * values.std(ddof=1)
        * np.sqrt(1 + 1 / len(values))
    )
    return Interval(mean, mean - half, mean + half, level, name)


def ratio_over_seeds(
    above: ArrayLike, below: ArrayLike, level: float = LEVEL
) -> Interval:
    """Ratio of two means over the same seeds with Fieller's interval; no ends where the lower mean could be 0."""
    above, below = np.asarray(above, float), np.asarray(below, float)
    a, b = above.mean(), below.mean()
    if len(above) < 3:
        return Interval(float(a / b), None, None, level, f"{len(above)} seeds")
    spread = (
        np.cov(above, below)
        / len(above)
        * stats.t.ppf((1 + level) / 2, len(above) - 1) ** 2
    )
    return Interval(
        float(a / b),
        *fieller_ends(a, b, spread),
        level,
        f"Fieller over {len(above)} seeds",
    )
