"""Questions 4 to 6 of A3: profiles, intervals, and the effect of doubtful points."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from vlmcore import paper
from vlmcore.course.checks.a3.points import (
    BENCHMARKS,
    PLANTED,
    ModelArrays,
    best,
    planted,
    published_points,
)
from vlmcore.scaling import profile
from vlmcore.scaling.quantities import estimate


def q4(answer: Callable) -> str | None:
    """Checks profiles of a planted law, at its own floor and at others."""
    points, floors = planted(PLANTED), [-0.5, PLANTED.D, 0.2]
    rows = np.asarray(answer(*points, floors), float)
    if rows.shape != (3, 3):
        return (
            f"for 3 floors you returned the shape {rows.shape}: return one row for "
            "each floor with alpha, beta and the sum of squares."
        )
    if np.ptp(rows[:, 0]) < 1e-6 and np.ptp(rows[:, 2]) < 1e-9:
        return (
            "all rows are the same: D has to stay at the given value while the "
            "others are fitted, not be fitted again."
        )
    if np.ptp(rows[:, 0]) < 1e-6:
        return (
            "alpha is the same at every floor: you kept the exponents of the free "
            "fit. Fit alpha and beta again for each floor."
        )
    own = rows[1]
    if np.allclose(own[:2], (PLANTED.beta, PLANTED.alpha), rtol=0.01):
        return "alpha and beta are exchanged: a row is alpha, beta, sum of squares."
    if not np.allclose(own[:2], (PLANTED.alpha, PLANTED.beta), rtol=0.01):
        return (
            f"with D held at the planted {PLANTED.D:g} the planted alpha = "
            f"{PLANTED.alpha:g} should return; you have {own[0]:.4g}."
        )
    for row, floor in zip(rows, floors, strict=True):
        if mistake := _not_least(row, floor, points):
            return mistake
    return None


def _not_least(row: np.ndarray, floor: float, points: ModelArrays) -> str | None:
    """The mistake in a row of a profile whose sum of squares is not minimal."""
    total, least = row[2], best(points, D=floor).sse
    if abs(total - least) <= 1e-3 * least + 1e-9:
        return None
    mistaken = {
        "you returned the mean of the squares: the question asks for their sum.": least
        / len(points.error),
        "you returned the root: the question asks for the sum of squares itself.": least
        ** 0.5,
        "you returned half the sum of squares, which is what scipy's `cost` is.": least
        / 2,
    }
    for sentence, value in mistaken.items():
        if abs(total - value) < 1e-3 * value:
            return sentence
    return (
        f"at D = {floor:g} your row says {total:.4g}, and {least:.4g} can be had: "
        "there D may be anything, also below zero, and A·B, alpha "
        "and beta fit the error minus D."
    )


def q5(answer: Callable) -> str | None:
    """Checks intervals for the published points, at two levels."""
    cases: list[tuple[paper.Benchmarks, float]] = [
        ("visual", 0.95),
        ("visual", 0.5),
        ("ocr", 0.95),
    ]
    for task, level in cases:
        points = published_points(task)
        low, high = map(float, answer(*points, level))
        if mistake := _wrong_interval(low, high, level, points):
            return (
                f"on the {task} points at level {level:g} you have {low:.3g} to "
                f"{high:.3g}: {mistake}"
            )
    return None


def _wrong_interval(
    low: float, high: float, level: float, points: ModelArrays
) -> str | None:
    """The mistake in an interval that differs from the profile's by too much."""
    right = profile(best(points), "ratio", level)
    if right.low is None or right.high is None:
        raise ValueError(
            f"alpha / beta of these points has no interval at level {level}; try "
            "answers on others"
        )
    width = right.high - right.low
    share = (high - low) / width
    if low > high:
        return "return the lower end first."
    if not low < right.value < high:
        return f"the best ratio itself, {right.value:.3g}, is not in there."
    if share > 1.3 and level < 0.95:
        return "that is too wide for this level. Use `level` in the quantile."
    if share > 1.3:
        return (
            f"that is {share:.1f} times too wide. Did you divide the ends of two "
            "intervals? alpha and beta move together, so take the "
            "ratio in each fit. Or is the limit not relative to the noise, S_min/(n - "
            "k)?"
        )
    if 0.4 < share < 0.65:
        return (
            "that is about half of the width, as of one standard error to either "
            "side. Use the quantile of the level."
        )
    if share < 0.75 or max(abs(low - right.low), abs(high - right.high)) > 0.2 * width:
        return (
            f"{right.low:.3g} to {right.high:.3g} is right. Hold the ratio, fit all "
            "the rest again, and look where the sum of squares "
            "crosses the limit on either side."
        )
    return None


def q6(answer: Callable) -> str | None:
    """Checks the range over all subsets of the doubtful OCR points."""
    scores, doubtful = paper.scores("ocr"), paper.doubtful_points()
    low, high = map(float, answer(scores.copy(), doubtful.copy(), "ocr"))
    points = published_points("ocr")
    rows = {
        name: _rows(points, doubtful[doubtful["set"] == name]) for name in BENCHMARKS
    }
    mine = rows["ocr"]
    if np.allclose((low, high), _range(points, _subsets(_alone(mine))), rtol=3e-3):
        return None
    for sentence, subsets in _wrong_subsets(points, mine, rows["visual"]).items():
        if np.allclose((low, high), _range(points, subsets), rtol=3e-3):
            return sentence
    if low > high:
        return "return the smallest ratio first."
    return (
        f"{low:.4g} to {high:.4g} is not the range over all {2 ** len(mine)} "
        "subsets; does `fit_product` pass its own check?"
    )


def _wrong_subsets(
    points: ModelArrays, mine: list[int], others: list[int]
) -> dict[str, list[list[int]]]:
    """Returns, for each mistake, the subsets that it leaves out."""
    sizes = np.unique(points.n[mine])
    whole_sizes = [np.flatnonzero(points.n == n).tolist() for n in sizes]
    return {
        "nothing was dropped: N is in billions in one table and not in the other, and "
        "floats rarely match exactly.": [[]],
        "you only dropped all of them at once: nobody says that all are wrong. Try "
        "every subset.": [mine],
        "you only compared none with all: a subset in between moves the ratio "
        "further.": [[], mine],
        "you only dropped one point at a time: pairs and all three are ways to doubt, "
        "too.": [[], *_alone(mine)],
        "you never dropped nothing or several: every subset counts, from none to "
        "all.": _alone(mine),
        "you also dropped the points that are doubtful in the other task: keep the "
        "rows of `doubtful` whose set is the task.": _subsets(
            _alone(sorted({*mine, *others}))
        ),
        "you dropped whole language models: only the one V of each that is listed is "
        "in doubt.": _subsets(whole_sizes),
    }


def _alone(rows: list[int]) -> list[list[int]]:
    return [[row] for row in rows]


def _rows(points: ModelArrays, doubtful: pd.DataFrame) -> list[int]:
    """Returns the indices of the points that a table of doubtful points lists."""
    listed = zip(doubtful["params_billion"], doubtful["visual_tokens"], strict=True)
    return [
        int(np.flatnonzero(np.isclose(points.n, n) & (points.v == v))[0])
        for n, v in listed
    ]


def _subsets(groups: list[list[int]]) -> list[list[int]]:
    """Returns the union of the groups, for every choice of groups."""
    chosen = itertools.product([False, True], repeat=len(groups))
    return [
        [i for group in itertools.compress(groups, take) for i in group]
        for take in chosen
    ]


def _range(points: ModelArrays, subsets: list[list[int]]) -> tuple[float, float]:
    """Returns the smallest and largest alpha / beta without one of the subsets."""
    fits = [
        best(ModelArrays(*(np.delete(column, subset) for column in points)))
        for subset in subsets
    ]
    ratios = [estimate(fit, "ratio") for fit in fits]
    return min(ratios), max(ratios)
