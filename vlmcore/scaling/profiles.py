"""Profile intervals: all values of a quantity that a likelihood-ratio test accepts.

The profile follows a curved valley and a bound; curvature at the optimum, on which
`wald` and `fieller` rest, does not.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vlmcore.scaling.fitting import Fit
from vlmcore.scaling.intervals import Interval
from vlmcore.scaling.law import Law
from vlmcore.scaling.losses import LIKELIHOODS
from vlmcore.scaling.model import Model
from vlmcore.scaling.projection import Problem
from vlmcore.scaling.quantities import (
    Contrast,
    Quantity,
    critical_value,
    estimate,
    fieller,
    standard_error,
    wald,
)

_FARTHEST = 1e6
"""Standard errors after which a profile that has not risen enough is taken for
unbounded."""


def profile(fit: Fit, quantity: Quantity, level: float = 0.95) -> Interval:
    """All values that, held, raise the objective by no more than chance would.

    Chance raises it by t^2 residual variances, or z^2 of deviance for counts. All other
    parameters move within their bounds, D at 0 too. An end at a bound is that bound.
    For a `LogLinear` law it is exact, and found in closed form.

    Raises:
        ValueError: the quantity is held, or the loss is not a likelihood.
    """
    if fit.model.loss not in LIKELIHOODS:
        raise ValueError(
            f"the loss {fit.model.loss!r} is no likelihood, so its profile has no "
            "level; use vlmcore.scaling.bootstrap"
        )
    _check_free(fit, quantity)
    if not fit.model.form.EXPONENTS:
        exact = (
            fieller(fit, level) if quantity == "ratio" else wald(fit, quantity, level)
        )
        return exact._replace(method="profile")
    value = estimate(fit, quantity)
    ends = [_end(fit, quantity, value, side, allowed(fit, level)) for side in (-1, 1)]
    return Interval(value, ends[0], ends[1], level, "profile")


def profile_path(fit: Fit, quantity: Quantity, values: ArrayLike) -> pd.DataFrame:
    """The best law for each value at which a quantity is held, one row a value.

    Args:
        fit: the fit; its law must have exponents.
        quantity: what is held.
        values: (rows,)

    Returns:
        A table with the columns `value`, the law's parameters, and `objective`, the
        remaining loss.

    Raises:
        ValueError: the quantity was held in the fit already, a value is not finite, or
            the law has no exponents.
    """
    _check_free(fit, quantity)
    if not fit.model.form.EXPONENTS:
        raise ValueError(
            f"a law of type {fit.model.form.__name__} has no exponents, so its "
            "profile is a parabola: see `wald` and `fieller`"
        )
    values = np.atleast_1d(np.asarray(values, float))
    if not np.isfinite(values).all():
        raise ValueError(f"{quantity} cannot be held at a value that is not finite")
    error, weights = (
        np.tile(each, (len(values), 1))
        for each in (fit.points.error, fit.points.weights)
    )
    problem = hold(
        fit.model, fit.model.problem(fit.points, error, weights), quantity, values
    )
    # a value that makes no sense has no law, and no finite objective
    with np.errstate(over="ignore", invalid="ignore"):
        solved = fit.model.solve(problem, nearest_start(problem, fit.law))
    possible = (problem.box[0] <= problem.box[1]).all(1)
    table = pd.DataFrame(solved.parameters, columns=list(fit.model.form.names()))
    table.insert(0, "value", values)
    return table.assign(objective=np.where(possible, solved.objective, np.inf))


def hold(
    model: Model, problem: Problem, quantity: Quantity, values: np.ndarray
) -> Problem:
    """Problems of a model with a quantity held at one value a row."""
    form = model.form
    if quantity in form.LINEAR:
        lower = problem.lower.copy()
        upper = problem.upper.copy()
        lower[:, form.LINEAR.index(quantity)] = upper[
            :, form.LINEAR.index(quantity)
        ] = values
        return problem._replace(lower=lower, upper=upper)
    searched = [name for name in form.EXPONENTS if name in model.free]
    offset, basis, box = (
        each.copy() for each in (problem.offset, problem.basis, problem.box)
    )
    if quantity in form.EXPONENTS:
        offset[:, form.EXPONENTS.index(quantity)] = values
        gone = searched.index(quantity)
    else:
        # one number is searched for both exponents: a point on the line of all pairs
        gone, line = searched.index("alpha"), searched.index("beta")
        alpha, beta = (form.EXPONENTS.index(name) for name in ("alpha", "beta"))
        slope = quantity.c if isinstance(quantity, Contrast) else values
        offset[:, alpha] = values if isinstance(quantity, Contrast) else 0
        # that is beta, or alpha where a large ratio leaves next to nothing of beta
        length = np.maximum(1, np.abs(slope)) * np.where(np.less(slope, -1), -1, 1)
        basis[:, line, alpha] = slope / length
        basis[:, line, beta] = 1 / length
        box[:, :, line] = _inside(model, offset, basis[:, line], (alpha, beta))
    return problem._replace(
        offset=offset,
        basis=np.delete(basis, gone, 1),
        box=np.delete(box, gone, 2),
    )


def _inside(
    model: Model, offset: np.ndarray, line: np.ndarray, which: tuple[int, int]
) -> np.ndarray:
    """How far a line stays within the bounds of some exponents, float (2, rows).

    The lower end is above the upper one where it never does.
    """
    ends = []
    for i in which:
        bounds = np.array(model.bounds[model.form.EXPONENTS[i]])
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = (bounds[:, None] - offset[:, i]) / line[:, i]
        # an exponent that stands still does not end the line
        still = np.array([[-np.inf], [np.inf]])
        ends.append(np.sort(np.where(line[:, i] == 0, still, reached), 0))
    return np.stack([np.max(ends, 0)[0], np.min(ends, 0)[1]])


def nearest_start(problem: Problem, law: Law) -> np.ndarray:
    """The point nearest to a law of what may be searched, float (rows, searched)."""
    exponents = np.array([vars(law)[name] for name in problem.form.EXPONENTS])
    return np.einsum(
        "re,res->rs", exponents - problem.offset, np.linalg.pinv(problem.basis)
    )


def allowed(fit: Fit, level: float = 0.95) -> float:
    """The objective up to which a held value is inside the profile interval."""
    # a parameter at its bound moves off it along the profile, so it is counted here
    left = len(fit.points) - len(fit.model.free)
    scale = 1.0 if fit.model.loss == "binomial" else fit.objective / left
    return fit.objective + critical_value(fit, level, left) ** 2 * scale


def _check_free(fit: Fit, quantity: Quantity) -> None:
    parts = (
        {"alpha", "beta"}
        if isinstance(quantity, Contrast) or quantity == "ratio"
        else {quantity}
    )
    estimate(fit, quantity)
    if held := parts - set(fit.model.free):
        raise ValueError(
            f"{' and '.join(sorted(held))} was held in this fit and has no interval; "
            "leave it out of fixed="
        )


def _end(
    fit: Fit, quantity: Quantity, value: float, side: int, allowed: float
) -> float | None:
    """The farthest value within the allowed objective; None if there is none.

    The search walks away in growing steps, then narrows the last one down. It goes on
    behind the first value that is not allowed: where beta may be 0, values of the ratio
    beyond infinity are allowed as well.
    """
    limit = _limit(fit, quantity, side)
    steps = _step(fit, quantity) * np.concatenate(
        [np.arange(0, 4, 0.5), np.geomspace(4, _FARTHEST, 36)]
    )
    grid = value + side * steps
    grid = np.append(
        grid[side * grid < side * limit], limit if np.isfinite(limit) else []
    )
    for _ in range(5):
        within = profile_path(fit, quantity, grid)["objective"].to_numpy() <= allowed
        within[0] = True
        if within[-1]:
            return float(limit) if np.isfinite(limit) else None
        last = int(np.flatnonzero(within)[-1])
        grid = np.linspace(grid[last], grid[last + 1], 33)
    return float(grid[-1])


def _limit(fit: Fit, quantity: Quantity, side: int) -> float:
    """How far a quantity can go within the bounds of the fit."""
    bounds = fit.model.bounds
    if quantity == "ratio":
        return side * np.inf
    if isinstance(quantity, Contrast):
        parts = (1.0, bounds["alpha"]), (-quantity.c, bounds["beta"])
        return side * sum(
            max(side * part * end for end in ends) for part, ends in parts
        )
    return bounds[quantity][(side + 1) // 2]


def _step(fit: Fit, quantity: Quantity) -> float:
    """About a standard error.

    A parameter at its bound has none: a hundredth of the largest error.
    """
    if isinstance(quantity, str) and quantity in fit.at_bound:
        return 0.01 * float(np.abs(fit.points.error).max())
    return standard_error(fit, quantity)
