"""How sure is a difference? Two models that answered the same questions are compared by pairs, two published numbers as if by strangers.

A score is one draw: of the questions, for which there are intervals here, and of the
training, for which there are only more seeds
(`vlmcore.experiments.analysis.comparison`). Nothing here imports torch.
"""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats


class Difference(NamedTuple):
    """What two scores differ by, in points or as a share of a range, with an interval for other questions."""

    value: float
    low: float
    high: float
    questions: int


def unpaired(
    first: float, second: float, questions: int, level: float = 0.95
) -> Difference:
    """Difference of two shares of so many questions each, as far as two published numbers tell: the questions might as well be others.

    Raises:
        ValueError: a share is not between 0 and 1, or there is no question.
    """
    _check(first, second)
    if questions < 1:
        raise ValueError(f"{questions} questions have no score; give at least one")
    half = _z(level) * math.sqrt(
        (first * (1 - first) + second * (1 - second)) / questions
    )
    return Difference(
        first - second, first - second - half, first - second + half, questions
    )


def questions_needed(
    first: float, second: float, differ: float | None = None, level: float = 0.95
) -> float:
    """From how many questions on the interval of a difference of two shares leaves out zero.

    Args:
        first: one share.
        second: the other.
        differ: share of questions of which one model answers rightly and the other does
            not, for a comparison by pairs; it is at least the difference. None if
            nothing is known about pairs.
        level: of the interval.

    Raises:
        ValueError: the shares are equal or not between 0 and 1, or fewer questions
            differ than the shares say.
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
) -> Difference:
    """Difference of two models on the same questions, with a percentile interval from questions drawn again, both answers together.

    Args:
        first: float (n,), points of one model.
        second: float (n,), of the other.
        groups: what is drawn as a whole, such as the image of each question; every
            question for itself if None.
        count: times to draw.
        level: of the interval.
        seed: of the draws.

    Raises:
        ValueError: not one pair a question.
    """
    gap = np.subtract(*_pairs(first, second))
    together = _together(groups, gap.size)
    sums, sizes = np.bincount(together, gap), np.bincount(together)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(sums), size=len(sums)) for _ in range(count))
    means = [sums[rows].sum() / sizes[rows].sum() for rows in drawn]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Difference(float(gap.mean()), float(low), float(high), gap.size)


def explained(
    seeing: ArrayLike,
    blind: ArrayLike,
    ceiling: float = 1.0,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Difference:
    """Share of the way from a baseline to the ceiling, (seeing - blind) / (ceiling - blind), on the same questions.

    The interval is that of the delta method: what each question adds to the share, to
    first order, is summed over those that belong together.

    Args:
        seeing: float (n,), points of a model.
        blind: float (n,), of the baseline.
        ceiling: the best score there is to get.
        groups: what would be drawn as a whole, such as the image of each question;
            every question for itself if None.
        level: of the interval.

    Raises:
        ValueError: not one pair a question, or the baseline leaves nothing to be
            explained.

    Example:
        >>> explained([1, 1, 1, 0], [1, 0, 0, 0]).value  # two of the three questions that a guess gets wrong
        0.6666666666666666
    """
    first, second = _pairs(seeing, blind)
    left = ceiling - second.mean()
    if left <= 0:
        raise ValueError(
            f"a baseline of {second.mean():.3f} leaves nothing below a ceiling of "
            f"{ceiling:g} to be explained"
        )
    share = (first.mean() - second.mean()) / left
    adds = np.bincount(
        _together(groups, first.size),
        (first - first.mean() - (1 - share) * (second - second.mean())) / left,
    )
    half = (
        _z(level)
        * math.sqrt((adds @ adds) * adds.size / max(adds.size - 1, 1))
        / first.size
    )
    return Difference(
        float(share), float(share - half), float(share + half), first.size
    )


def coin_f1(yes: ArrayLike, there: float = 0.5) -> np.ndarray:
    """POPE's F1 of a coin that says yes with a probability `yes` where a share `there` of the objects is in the image."""
    share = np.asarray(yes, dtype=float)
    return 2 * share * there / (share + there)


def _pairs(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    if np.ndim(first) != 1 or np.shape(first) != np.shape(second) or not np.size(first):
        raise ValueError(
            f"points of shapes {np.shape(first)} and {np.shape(second)} are no pairs; "
            "give both models the same questions"
        )
    return np.asarray(first, dtype=float), np.asarray(second, dtype=float)


def _together(groups: Sequence[Hashable] | None, questions: int) -> np.ndarray:
    """Number of each question's group, int (questions,)."""
    together = (
        np.arange(questions)
        if groups is None
        else pd.factorize(pd.Series(list(groups), dtype=object))[0]
    )
    if len(together) != questions:
        raise ValueError(f"{len(together)} groups do not go with {questions} questions")
    return together


def _check(*shares: float) -> None:
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"{share} is no share; divide per cent by 100")


def _z(level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2))
