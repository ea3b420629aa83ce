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
    table = pd.DataFrame(solved.parameters, columns=list(fit.model.form.names()))
    return pd.concat(
        [
            pd.Series(values, name="value"),
            table,
            pd.Series(solved.objective, name="objective"),
        ],
        axis=1,
    )


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
    held = quantity if isinstance(quantity, str) and quantity != "ratio" else "alpha"
    where = form.EXPONENTS.index(held)
    offset, basis = (
        problem.offset.copy(),
        np.delete(problem.basis, searched.index(held), 1),
    )
    offset[:, where] = 0 if quantity == "ratio" else values
    if held != quantity:
        # alpha follows beta: as a multiple of it, or at a distance
        line = [name for name in searched if name != held].index("beta")
        basis[:, line, where] = quantity.c if isinstance(quantity, Contrast) else values
    return problem._replace(
        offset=offset, basis=basis, box=np.delete(problem.box, searched.index(held), 1)
    )


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
    """Where the profile passes the allowed objective; None if it never does.

    The search walks away in growing steps, then narrows the last one down.
    """
    limit = _limit(fit, quantity, side)
    steps = _step(fit, quantity) * np.concatenate(
        [np.arange(0, 4, 0.5), np.geomspace(4, _FARTHEST, 36)]
    )
    inside, outside = value, None
    grid = value + side * steps
    grid = np.append(
        grid[side * grid < side * limit], limit if np.isfinite(limit) else []
    )
    for _ in range(5):
        above = np.flatnonzero(
            ~(profile_path(fit, quantity, grid)["objective"].to_numpy() <= allowed)
        )
        if not len(above):
            return float(limit) if outside is None and np.isfinite(limit) else outside
        inside, outside = float(grid[max(above[0] - 1, 0)]), float(grid[above[0]])
        grid = np.linspace(inside, outside, 33)
    return outside


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
