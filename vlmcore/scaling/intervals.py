"""The class of all intervals, and intervals of shares, means and ratios.

Seeds are independent runs, so the spread between seeds contains every source of noise
in training.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


class Interval(NamedTuple):
    """An estimate with its confidence interval; a bare number has no ends and no level.

    An end that does not exist is None. `f"{interval:.2f}"` gives `0.36 [0.21, 0.51]`.
    """

    value: float
    low: float | None = None
    high: float | None = None
    level: float | None = None
    method: str | None = None
    count: int | None = None  # type: ignore[assignment]  # of tuple, not needed here
    """Questions, images, cells or points that the value rests on."""

    def __format__(self, spec: str) -> str:
        low, high = (
            "∞" if end is None else format(end, spec) for end in (self.low, self.high)
        )
        return f"{self.value:{spec}} [{'−' * (self.low is None)}{low}, {high}]"

    def clipped(self, low: float = 0.0, high: float = 1.0) -> "Interval":
        """The interval cut to the range of its quantity, by default that of a share."""
        return self._replace(
            low=None if self.low is None else max(self.low, low),
            high=None if self.high is None else min(self.high, high),
        )


def wilson(right: int, count: int, level: float = 0.95) -> Interval:
    """Wilson's interval of a binomial share."""
    found = stats.binomtest(right, count).proportion_ci(level, method="wilson")
    ends = float(found.low), float(found.high)
    return Interval(right / count, *ends, level, "Wilson", count)


def from_draws(
    value: float, draws: ArrayLike, level: float, method: str, count: int | None = None
) -> Interval:
    """An estimate with the percentiles of its redrawn values."""
    low, high = np.quantile(
        np.asarray(draws, float), [(1 - level) / 2, (1 + level) / 2]
    )
    return Interval(float(value), float(low), float(high), level, method, count)


def over_seeds(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean over seeds with Student's t; no interval from fewer than three."""
    values = np.asarray(values, float)
    mean, n = float(values.mean()), len(values)
    if n < 3:
        return Interval(mean, None, None, level, f"{n} seeds")
    half = _student(level, n) * float(stats.sem(values))
    return Interval(mean, mean - half, mean + half, level, f"t over {n} seeds")


def one_more_seed(values: ArrayLike, level: float = 0.95) -> Interval:
    """Prediction interval for one more seed; none from fewer than three."""
    values = np.asarray(values, float)
    mean, n = float(values.mean()), len(values)
    if n < 3:
        return Interval(mean, None, None, level, f"one more seed than {n}")
    half = _student(level, n) * float(values.std(ddof=1) * np.sqrt(1 + 1 / n))
    return Interval(mean, mean - half, mean + half, level, f"one more seed than {n}")


def ratio_over_seeds(
    above: ArrayLike, below: ArrayLike, level: float = 0.95
) -> Interval:
    """Ratio of two means over the same seeds with Fieller's interval.

    It has no ends if the lower mean could be 0.
    """
    above, below = np.asarray(above, float), np.asarray(below, float)
    a, b, n = above.mean(), below.mean(), len(above)
    if n < 3:
        return Interval(float(a / b), None, None, level, f"{n} seeds")
    spread = np.cov(above, below) / n * _student(level, n) ** 2
    ends = fieller_ends(a, b, spread)
    return Interval(float(a / b), *ends, level, f"Fieller over {n} seeds")


def crossed_mean(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean over seeds and questions, with an interval for other seeds and questions.

    It is an interval of the mean; a single further seed may well fall outside. Seeds
    and questions are both random, and crossed. The half-width of the t-interval of the
    seeds' means and that of the questions' means are added in quadrature, each with its
    own degrees of freedom. The interaction of seed and question is counted in
    both, so the interval is a little too wide. Fewer than three seeds give none:
    Student's t for two multiplies by 12.7.

    Args:
        values: float (seeds, questions): right or wrong, or the difference of two
            models.
        level: of the interval.

    Raises:
        ValueError: the values are no such table.
    """
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or not table.size:
        raise ValueError(
            f"values of shape {table.shape} are no table; give one row a seed and one "
            "column a question"
        )
    mean, (seeds, questions) = float(table.mean()), table.shape
    if seeds < 3 or questions < 2:
        return Interval(mean, count=table.size)
    half = float(
        np.hypot(
            _student(level, seeds) * stats.sem(table.mean(1)),
            _student(level, questions) * stats.sem(table.mean(0)),
        )
    )
    method = f"t over {seeds} seeds and the questions"
    return Interval(mean, mean - half, mean + half, level, method, table.size)


def crossed_ratio(above: ArrayLike, below: ArrayLike, level: float = 0.95) -> Interval:
    """Ratio of two means over seeds and questions, with Fieller's interval.

    As in `crossed_mean`, the parts of seeds and of questions are added, here as
    covariances. It has no ends if the lower mean could be 0.

    Args:
        above: float (seeds, questions)
        below: float (seeds, questions)
        level: of the interval.
    """
    tables = np.asarray(above, float), np.asarray(below, float)
    (a, b), (seeds, questions) = (each.mean() for each in tables), tables[0].shape
    if seeds < 3 or questions < 2:
        return Interval(float(a / b), count=tables[0].size)
    spread = sum(
        np.cov([each.mean(axis) for each in tables]) / n * _student(level, n) ** 2
        for axis, n in ((1, seeds), (0, questions))
    )
    method = f"Fieller over {seeds} seeds and the questions"
    ends = fieller_ends(a, b, np.asarray(spread))
    return Interval(float(a / b), *ends, level, method, tables[0].size)


def fieller_ends(
    above: float, below: float, spread: np.ndarray
) -> tuple[float | None, float | None]:
    """The two ratios r at which above - r below is just significantly different from 0.

    They are None where there is no end.

    Args:
        above: estimate.
        below: estimate.
        spread: float (2, 2), their covariance times the square of how many standard
            errors an interval reaches.
    """
    # (above - r below)^2 = its variance times the reach squared, a quadratic in r
    square = below**2 - spread[1, 1]
    linear = -2 * (above * below - spread[0, 1])
    constant = above**2 - spread[0, 0]
    root = linear**2 - 4 * square * constant
    if square <= 0 or root < 0:
        return None, None
    low, high = ((-linear + sign * np.sqrt(root)) / (2 * square) for sign in (-1, 1))
    return float(low), float(high)


def check_level(level: float) -> None:
    """Raises a ValueError unless the level is between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(
            f"a level of {level} is no share; give one between 0 and 1, such as 0.95"
        )


def _student(level: float, values: int) -> float:
    """Standard errors from the mean of so many values to an end of its interval."""
    return float(stats.t.ppf((1 + level) / 2, values - 1))
