"""Intervals of differences between two scores, for other questions than those asked.

Two models that answered the same questions are compared pair by pair; of two published
numbers only the unpaired difference is known. A score also varies with the seed of its
training: for that there are only more seeds (`vlmcore.scaling.crossed_mean`). Nothing
here imports torch.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from vlmcore.scaling.intervals import Interval, from_draws


def unpaired(
    first: float, second: float, questions: int, level: float = 0.95
) -> Interval:
    """Difference of two shares, each of so many questions, as of independent samples.

    Raises:
        ValueError: a share is not between 0 and 1, or there is no question.
    """
    _check(first, second)
    if questions < 1:
        raise ValueError(f"{questions} questions have no score; give at least one")
    gap = first - second
    variance = first * (1 - first) + second * (1 - second)
    half = _z(level) * math.sqrt(variance / questions)
    return Interval(gap, gap - half, gap + half, level, "unpaired, normal", questions)


def questions_needed(
    first: float, second: float, differ: float | None = None, level: float = 0.95
) -> float:
    """Questions from which on the interval of a difference of shares excludes zero.

    Args:
        first: one share.
        second: the other.
        differ: share of questions on which exactly one of the models is right, for a
            paired comparison; it is at least the difference. None if nothing is known
            about pairs.
        level: of the interval.

    Raises:
        ValueError: the shares are equal or not between 0 and 1, or fewer questions
            differ than the shares imply.
    """
    _check(first, second)
    gap = abs(first - second)
    if gap == 0 or (differ is not None and differ < gap - 1e-12):
        raise ValueError(
            f"shares of {first} and {second} cannot come from {differ} of the "
            "questions; they need a difference, and at least it"
        )
    variance = (
        first * (1 - first) + second * (1 - second)
        if differ is None
        else differ - gap**2
    )
    return _z(level) ** 2 * variance / gap**2


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[Hashable] | None = None,
    count: int = 4000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Paired difference of two models, with percentiles of resampled questions.

    Both answers to a question are drawn together.

    Args:
        first: float (n,), points of one model.
        second: float (n,), of the other.
        groups: what is drawn as a whole, such as the image of each question; every
            question for itself if None.
        count: times to draw.
        level: of the interval.
        seed: of the draws.

    Raises:
        ValueError: the two models have not answered the same questions.
    """
    gap = np.subtract(*_pairs(first, second))
    group = _group_numbers(groups, gap.size)
    sums, sizes = np.bincount(group, gap), np.bincount(group)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(sums), size=len(sums)) for _ in range(count))
    means = [sums[rows].sum() / sizes[rows].sum() for rows in drawn]
    return from_draws(gap.mean(), means, level, "paired bootstrap", gap.size)


def explained(
    seeing: ArrayLike,
    blind: ArrayLike,
    ceiling: float = 1.0,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Interval:
    """Share of the gap below the ceiling that sight closes on the same questions.

    That is (seeing - blind) / (ceiling - blind). The interval is that of the delta
    method: the first-order contributions of the questions to the share are summed over
    those that belong together.

    Args:
        seeing: float (n,), points of a model.
        blind: float (n,), of the baseline.
        ceiling: the best possible score.
        groups: what would be drawn as a whole, as in `paired_bootstrap`.
        level: of the interval.

    Raises:
        ValueError: the two have not answered the same questions, or the baseline
            leaves nothing to be explained.

    Example:
        >>> explained([1, 1, 1, 0], [1, 0, 0, 0]).value  # two of three guessed wrong
        0.6666666666666666
    """
    first, second = _pairs(seeing, blind)
    left = ceiling - second.mean()
    if left <= 0:
        raise ValueError(
            f"a baseline of {second.mean():.3f} leaves nothing below a ceiling of "
            f"{ceiling:g} to be explained"
        )
    n, share = first.size, float((first.mean() - second.mean()) / left)
    parts = (first - first.mean() - (1 - share) * (second - second.mean())) / left
    sums = np.bincount(_group_numbers(groups, n), parts)
    half = _z(level) * math.sqrt(sums @ sums * sums.size / max(sums.size - 1, 1)) / n
    return Interval(share, share - half, share + half, level, "delta method", n)


def coin_f1(yes: ArrayLike, there: float = 0.5) -> np.ndarray:
    """POPE's expected F1 of a coin that says yes with probability `yes`.

    A share `there` of the objects is present.
    """
    share = np.asarray(yes, dtype=float)
    return 2 * share * there / (share + there)


def _pairs(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    if np.ndim(first) != 1 or np.shape(first) != np.shape(second) or not np.size(first):
        raise ValueError(
            f"points of shapes {np.shape(first)} and {np.shape(second)} are no pairs; "
            "give both models the same questions"
        )
    return np.asarray(first, dtype=float), np.asarray(second, dtype=float)


def _group_numbers(groups: Sequence[Hashable] | None, questions: int) -> np.ndarray:
    """Number of each question's group, int (questions,)."""
    if groups is None:
        return np.arange(questions)
    if len(groups) != questions:
        raise ValueError(f"{len(groups)} groups do not go with {questions} questions")
    return pd.factorize(pd.Series(list(groups), dtype=object))[0]


def _check(*shares: float) -> None:
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"{share} is no share; divide per cent by 100")


def _z(level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2))
