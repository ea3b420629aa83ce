"""Question 2 of A3: the fit.

Wrong fits are recognised by what they would be right for: one that recovers a law of V + 50 has fitted V + Q.
"""

from collections.abc import Callable, Sequence

import numpy as np

from vlmcore.checks.a3.product_law import PLANTED, TASKS, Law, Points, fit, line, planted, published, squares


def q2(answer: Callable) -> str | None:
    """A planted law, a law whose floor would be below zero, and the published points."""
    return _q2_planted(answer) or _q2_bound(answer) or _q2_published(answer)


def _q2_planted(answer: Callable) -> str | None:
    found = _law(answer(*planted(PLANTED)))
    if isinstance(found, str):
        return found
    if _near(found, PLANTED):
        return None
    n, v, error = planted(PLANTED)
    if _near((found.amplitude, found.beta, found.alpha, found.floor), PLANTED):
        return "alpha and beta are exchanged: alpha belongs to N. Return A·B, alpha, beta, D."
    if _near((found.amplitude, -found.alpha, -found.beta, found.floor), PLANTED):
        return "your exponents are negative: the law has N^-alpha and V^-beta, so that alpha and beta are positive."
    if _near(answer(n, v, PLANTED.predict(n, v + 50)), PLANTED):
        return "you fitted V + Q: the text of the paper says so, its numbers do not. The error depends on V alone; Q belongs to the cost."
    if _near(answer(n, v, 1 - error), PLANTED):
        return "you fitted the score: the law is one of the error, and the function is given the error already."
    if abs(found.floor) < 1e-9:
        return f"D came out as 0 on a law planted with D = {PLANTED.floor:g}: fit it too. A straight line through logarithms has no D."
    return (
        f"a law planted without noise, {_said(PLANTED)}, came back as {_said(found)}: the search stopped too early or its grid is "
        "too coarse. Tighten the tolerances, or refine the grid around its best node."
    )


def _q2_bound(answer: Callable) -> str | None:
    points = planted(Law(0.9, 0.1, 0.05, -0.2))
    found = _law(answer(*points))
    if isinstance(found, str):
        return found
    if found.floor < -1e-9:
        return (
            f"your D is negative (D = {found.floor:.3g} on data that pull it there): project onto D >= 0. Where the line wants an intercept "
            "below zero, set D = 0 and solve for A·B alone."
        )
    best = line(points, found.alpha, found.beta)
    if found.floor < 1e-9 and abs(found.amplitude / best.amplitude - 1) > 1e-3:
        return "you clipped D to 0 but kept the slope that belonged to the negative D: with D = 0, solve for A·B once more."
    return _not_least(found, points, "on data that pull D to its bound")


def _q2_published(answer: Callable) -> str | None:
    for task in TASKS:
        points = published(task)
        found = _law(answer(*points))
        if isinstance(found, str):
            return found
        if found.amplitude <= 0 or min(found.alpha, found.beta) <= 0:
            return (
                f"on the {task} points you found {_said(found)}. It may even fit better, but in such a law larger models improve ever faster: "
                "keep A·B, alpha and beta above zero, by bounds or by searching their logarithms."
            )
        logs = np.log(points.error) - np.log(found.predict(points.n, points.v))
        if abs(logs.sum()) < 1e-6 and squares(found, points) > 1.0005 * squares(line(points, found.alpha, found.beta), points):
            return "you minimised the squared error of the logarithms: the question asks for that of the errors themselves."
        if mistake := _not_least(found, points, f"on the {task} points"):
            return mistake
    return None


def _law(found: Sequence[float]) -> Law | str:
    """An answer as a law, or what is wrong with its shape."""
    numbers = np.asarray(found, float)
    if numbers.shape != (4,):
        return f"you returned something of the shape {numbers.shape}: return four numbers, A·B, alpha, beta and D."
    if not np.isfinite(numbers).all():
        return f"you returned {_said(Law(*numbers))}: one of them is not finite."
    return Law(*map(float, numbers))


def _near(found: Sequence[float], law: Law) -> bool:
    return np.shape(found) == (4,) and np.allclose(found, law, rtol=0.01, atol=1e-3)


def _not_least(found: Law, points: Points, where: str) -> str | None:
    """What to say about a law that is not the best one of its kind."""
    ours, least = squares(found, points), squares(fit(points), points)
    if ours <= 1.001 * least:
        return None
    return (
        f"{where} your law has a sum of squares of {ours:.4g}, and {least:.4g} can be had. Either the search stopped too early, or A·B and "
        "D are not the best for your exponents."
    )


def _said(law: Law) -> str:
    return f"A·B = {law.amplitude:.4g}, alpha = {law.alpha:.4g}, beta = {law.beta:.4g}, D = {law.floor:.4g}"
