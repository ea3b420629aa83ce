"""Question 2 of A3: the fit.

A wrong fit is recognised by the problem that it solves: a fit that recovers a law of
V + 50 has fitted V + Q.
"""

from collections.abc import Callable, Sequence

import numpy as np

from vlmcore.course.checks.a3.points import (
    BENCHMARKS,
    PLANTED,
    SEPARATOR,
    ModelArrays,
    planted,
    predicted,
    published_points,
    squares,
)
from vlmcore.course.checks.tables import stored
from vlmcore.scaling import Product

BOUND = Product(AB=0.9, alpha=0.1, beta=0.05, D=-0.2)
"""A law that pulls D below its bound."""


def q2(answer: Callable) -> str | None:
    """Checks a planted law, a law with a floor below zero, and the published points."""
    return _planted(answer) or _bound(answer) or _published(answer)


def _planted(answer: Callable) -> str | None:
    n, v, error = planted(PLANTED)
    found = _numbers(answer(n, v, error))
    if isinstance(found, str) or _near(found, PLANTED.parameters):
        return found if isinstance(found, str) else None
    slope, alpha, beta, floor = found
    if _near([slope, beta, alpha, floor], PLANTED.parameters):
        return (
            "alpha and beta are exchanged: alpha belongs to N. Return A·B, alpha, "
            "beta, D."
        )
    if _near([slope, -alpha, -beta, floor], PLANTED.parameters):
        return (
            "your exponents are negative: the law has N^-alpha and T^-beta, so "
            "that alpha and beta are positive."
        )
    if _near(answer(*planted(PLANTED, offset=-SEPARATOR)), PLANTED.parameters):
        return (
            "you fitted V: the law is one of T = V + 1, since the separator is a "
            "token, too."
        )
    if _near(answer(*planted(PLANTED, offset=50)), PLANTED.parameters):
        return (
            "you fitted T + Q: the published errors follow T alone, and much "
            "better. Q belongs to the cost."
        )
    if _near(answer(n, v, 1 - error), PLANTED.parameters):
        return (
            "you fitted the score: the law is one of the error, and that is what "
            "the function is given."
        )
    if abs(floor) < 1e-9:
        return (
            f"D came out as 0 on a law planted with D = {PLANTED.D:g}: fit it too. "
            "A straight line through logarithms has no D."
        )
    return (
        f"a law planted without noise, {_said(PLANTED.parameters)}, came back as "
        f"{_said(found)}: the search stopped too early or its grid "
        "is too coarse. Tighten the tolerances, or refine the grid around its best "
        "node."
    )


def _bound(answer: Callable) -> str | None:
    points = planted(BOUND)
    found = _numbers(answer(*points))
    if isinstance(found, str):
        return found
    slope, alpha, beta, floor = found
    if floor < -1e-9:
        return (
            f"your D is negative (D = {floor:.3g} on data that pull it there): "
            "project onto D >= 0. Where the line wants an intercept "
            "below zero, set D = 0 and solve for A·B alone."
        )
    x = points.n**-alpha * (points.v + SEPARATOR) ** -beta
    # at the least squares of a slope alone, what is left over is orthogonal to x
    left = x @ (slope * x - points.error)
    if floor < 1e-9 and abs(left) > 1e-3 * abs(x @ points.error):
        return (
            "you clipped D to 0 but kept the slope that belonged to the negative "
            "D: with D = 0, solve for A·B once more."
        )
    return _not_least(found, points, "bound", "on data that pull D to its bound")


def _published(answer: Callable) -> str | None:
    for task in BENCHMARKS:
        points = published_points(task)
        found = _numbers(answer(*points))
        if isinstance(found, str):
            return found
        if min(found[:3]) <= 0:
            return (
                f"on the {task} points you found {_said(found)}. It may even fit "
                "better, but it is another law, in which larger models "
                "improve ever faster: keep A·B, alpha and beta above zero, by bounds "
                "or by searching their logarithms."
            )
        if mistake := _not_least(found, points, task, f"on the {task} points"):
            return mistake
    return None


def _not_least(
    found: np.ndarray, points: ModelArrays, name: str, where: str
) -> str | None:
    """The mistake in a law that does not minimise the squared error."""
    law = Product(*found)
    ours, least = squares(law, points), stored("a3.q2")[name]
    if ours <= 1.001 * least:
        return None
    if abs(np.sum(np.log(points.error / predicted(law, points.n, points.v)))) < 1e-6:
        return (
            "you minimised the squared error of the logarithms: the question asks "
            "for that of the errors themselves."
        )
    return (
        f"{where} your law has a sum of squares of {ours:.4g}, and {least:.4g} can be "
        "had. Either the search stopped too early, or A·B "
        "and D are not the best for your exponents."
    )


def _numbers(found: Sequence[float]) -> np.ndarray | str:
    """Returns an answer as four numbers, or the mistake in it."""
    numbers = np.asarray(found, float)
    if numbers.shape != (4,):
        return (
            f"you returned something of the shape {numbers.shape}: return four "
            "numbers, A·B, alpha, beta and D."
        )
    return (
        numbers
        if np.isfinite(numbers).all()
        else f"you returned {_said(numbers)}: not all of them are finite."
    )


def _near(found: Sequence[float] | np.ndarray, right: np.ndarray) -> bool:
    return np.shape(found) == (4,) and np.allclose(found, right, rtol=0.01, atol=1e-3)


def _said(numbers: np.ndarray) -> str:
    return "A·B = {:.4g}, alpha = {:.4g}, beta = {:.4g}, D = {:.4g}".format(*numbers)
