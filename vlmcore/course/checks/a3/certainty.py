"""Questions 4 and 5 of A3: profiles and intervals."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vlmcore.course.checks.a3.points import (
    PLANTED,
    SEPARATOR,
    ModelArrays,
    few_points,
    planted,
    published_points,
)
from vlmcore.course.checks.tables import stored

FLOORS = (-0.5, PLANTED.D, 0.2)


def interval_cases() -> list[tuple[ModelArrays, float]]:
    """Returns the points and levels on which intervals are checked."""
    few, visual = few_points(), published_points("visual")
    return [(few, 0.8), (few, 0.5), (visual, 0.95)]


def q4(answer: Callable) -> str | None:
    """Checks profiles of a planted law, at its own floor and at others."""
    rows = np.asarray(answer(*planted(PLANTED), list(FLOORS)), float)
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
    known = stored("a3.q4")
    if np.allclose(rows[0, :2], known["line"], rtol=1e-3):
        return (
            "you fitted a straight line to the logarithms of error - D: that minimises "
            "another sum of squares. Minimise that of the errors themselves."
        )
    own = rows[1]
    if np.allclose(own[:2], (PLANTED.beta, PLANTED.alpha), rtol=0.01):
        return "alpha and beta are exchanged: a row is alpha, beta, sum of squares."
    if not np.allclose(own[:2], (PLANTED.alpha, PLANTED.beta), rtol=0.01):
        of_tokens = planted(PLANTED, offset=-SEPARATOR)
        row = np.asarray(answer(*of_tokens, [PLANTED.D]), float)[0]
        if np.allclose(row[:2], (PLANTED.alpha, PLANTED.beta), rtol=0.01):
            return "you fitted V: the law is one of T = V + 1."
        return (
            f"with D held at the planted {PLANTED.D:g} the planted alpha = "
            f"{PLANTED.alpha:g} should return; you have {own[0]:.4g}."
        )
    for row, floor, least in zip(rows, FLOORS, known["least"], strict=True):
        if mistake := _not_least(row[2], floor, least):
            return mistake
    return None


def _not_least(total: float, floor: float, least: float) -> str | None:
    """The mistake in a sum of squares that is not the least one."""
    if abs(total - least) <= 1e-3 * least + 1e-9:
        return None
    mistaken = {
        "you returned the mean of the squares: the question asks for their sum.": least
        / len(planted(PLANTED).error),
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
    for (points, level), known in zip(interval_cases(), stored("a3.q5"), strict=True):
        low, high = map(float, answer(*points, level))
        if mistake := _wrong_interval(low, high, known):
            return (
                f"on {len(points.error)} points at level {level:g} you have {low:.3g} "
                f"to {high:.3g}: {mistake}"
            )
    return None


def _wrong_interval(low: float, high: float, known: dict[str, Any]) -> str | None:
    """The mistake in an interval that differs from the profile's by too much."""
    right = np.array(known["right"])
    width = np.ptp(right)

    def near(ends: Sequence[float] | np.ndarray, share: float = 0.005) -> bool:
        return bool(np.abs(np.subtract((low, high), ends)).max() < share * width)

    if near(right, 0.03):
        return None
    if near(right[::-1]):
        return "return the lower end first."
    for sentence, ends in known["mistakes"].items():
        if near(ends):
            return sentence
    if not low < known["best"] < high:
        return f"the best ratio itself, {known['best']:.3g}, is not in there."
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
