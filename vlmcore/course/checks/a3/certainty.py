"""Questions 4 and 5 of A3: profiles and intervals."""

from collections.abc import Callable

import numpy as np

from vlmcore.course.checks.a3.points import (
    PLANTED,
    ModelArrays,
    best,
    planted,
    published_points,
)
from vlmcore.course.checks.a3.ratios import MISTAKES, few_points, interval
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
    if mistake := _of_logarithms(rows, floors, points):
        return mistake
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


def _of_logarithms(
    rows: np.ndarray, floors: list[float], points: ModelArrays
) -> str | None:
    """The mistake of a straight line through the logarithms of error - D."""
    low = rows[0], floors[0]  # the line exists for a floor below all errors
    design = np.stack([np.ones_like(points.n), -np.log(points.n), -np.log(points.v)], 1)
    line = np.linalg.lstsq(design, np.log(points.error - low[1]))[0]
    if np.allclose(low[0][:2], line[1:], rtol=1e-3):
        return (
            "you fitted a straight line to the logarithms of error - D: that minimises "
            "another sum of squares. Minimise that of the errors themselves."
        )
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
    """Checks intervals for a few points and for the published ones, at three levels."""
    few, visual = few_points(), published_points("visual")
    found = []
    for points, level in ((few, 0.8), (few, 0.5), (visual, 0.95)):
        low, high = map(float, answer(*points, level))
        found.append((low, high))
        if mistake := _wrong_interval(low, high, level, points):
            return (
                f"on {len(points.error)} points at level {level:g} you have {low:.3g} "
                f"to {high:.3g}: {mistake}"
            )
    return None


def _wrong_interval(
    low: float, high: float, level: float, points: ModelArrays
) -> str | None:
    """The mistake in an interval that differs from the profile's by too much."""
    right = np.array(interval(points, level))
    width = np.ptp(right)

    def near(ends: tuple[float, float], share: float = 0.005) -> bool:
        return bool(np.abs(np.subtract((low, high), ends)).max() < share * width)

    if near(tuple(right), 0.03):
        return None
    if near(tuple(right[::-1])):
        return "return the lower end first."
    if near(interval(points, (1 + level) / 2)):
        return (
            "you took the quantile of (1 + level) / 2. F is a square, so both sides "
            "are in it already: take that of `level`."
        )
    usual = {0.95: "at 95 %", 0.683: "one standard error to either side"}
    for other, name in usual.items():
        if other != level and near(interval(points, other)):
            return f"that is the interval {name}; take the quantile of `level`."
    for sentence, options in MISTAKES.items():
        if near(interval(points, level, **options)):
            return sentence
    middle = estimate(best(points), "ratio")
    if not low < middle < high:
        return f"the best ratio itself, {middle:.3g}, is not in there."
    share = (high - low) / width
    if share > 1.3:
        return (
            f"that is {share:.1f} times too wide. Did you divide the ends of two "
            "intervals? alpha and beta move together, so take the ratio in each fit. "
            "Or is the limit not relative to the noise, S_min/(n - k)?"
        )
    return (
        f"{right[0]:.3g} to {right[1]:.3g} is right. Hold the ratio, fit all the rest "
        "again, and look where the sum of squares crosses the limit on either side."
    )
