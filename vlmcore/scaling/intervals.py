"""Intervals of a fitted law: from its curvature, from its profile, and Fieller's for a ratio.

A quantity is a parameter by its name, `"ratio"` for alpha / beta, or a `Contrast` alpha - c beta. The profile of a quantity is the best
objective that is left when it is held at each value: it follows a curved valley and a bound, and curvature at the optimum sees neither.
An end that does not exist is None: the points do not exclude any value on that side.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from vlmcore.scaling.fitting import Fit
from vlmcore.scaling.projection import Problem

FARTHEST = 1e6
"""Standard errors after which a profile that has not risen enough is taken for unbounded."""


class Contrast(NamedTuple):
    """alpha - c beta. With c = 1 its sign decides whether a finite V is best when the text costs something."""

    c: float = 1.0


Quantity = str | Contrast


class Interval(NamedTuple):
    """An estimate and its interval; an end that does not exist is None."""

    value: float
    low: float | None
    high: float | None
    level: float
    method: str


def evaluate(parameters: np.ndarray, names: tuple[str, ...], quantity: Quantity) -> np.ndarray:
    """A quantity of many laws, float (laws,), from their parameters, float (laws, parameters).

    Raises:
        ValueError: these laws have no such quantity.
    """
    column = dict(zip(names, parameters.T, strict=True))
    if isinstance(quantity, Contrast):
        return column["alpha"] - quantity.c * column["beta"]
    if quantity == "ratio":
        return column["alpha"] / column["beta"]
    if quantity not in column:
        raise ValueError(f"a law of {', '.join(names)} has no {quantity!r}; ask for one of these, 'ratio', or a Contrast")
    return column[quantity]


def estimate(fit: Fit, quantity: Quantity) -> float:
    """A quantity of the fitted law."""
    return float(evaluate(fit.law.parameters[None], fit.law.names(), quantity)[0])


def wald(fit: Fit, quantity: Quantity, level: float = 0.95) -> Interval:
    """The estimate plus and minus a quantile of Student's t times the standard error, by the delta method for a ratio.

    Parameters at a bound are taken as known, which makes it too narrow where they are not: see `profile`.

    Raises:
        ValueError: the quantity is held or at a bound, or the fit has no covariance.
    """
    value = estimate(fit, quantity)
    half = _quantile(fit, level, fit.degrees_of_freedom) * _standard_error(fit, quantity)
    return Interval(value, value - half, value + half, level, "Wald, by the delta method")


def fieller(fit: Fit, level: float = 0.95) -> Interval:
    """Fieller's interval of alpha / beta: all ratios r for which alpha - r beta could be 0. Exact for a straight line with normal errors.

    Where beta itself could be 0 the ratios have no end, and both ends are None.
    """
    alpha, beta = estimate(fit, "alpha"), estimate(fit, "beta")
    quantile = _quantile(fit, level, fit.degrees_of_freedom)
    spread = fit.covariance.reindex(index=["alpha", "beta"], columns=["alpha", "beta"], fill_value=0.0).to_numpy() * quantile**2
    # (alpha - r beta)^2 = variance of it times the quantile squared, a quadratic in r
    square, linear, constant = beta**2 - spread[1, 1], -2 * (alpha * beta - spread[0, 1]), alpha**2 - spread[0, 0]
    root = linear**2 - 4 * square * constant
    if square <= 0 or root < 0:
        return Interval(alpha / beta, None, None, level, "Fieller")
    low, high = ((-linear + sign * np.sqrt(root)) / (2 * square) for sign in (-1, 1))
    return Interval(alpha / beta, float(low), float(high), level, "Fieller")


def profile(fit: Fit, quantity: Quantity, level: float = 0.95) -> Interval:
    """All values that, held, raise the objective by no more than chance would: by t^2 residual variances, or z^2 of deviance for counts.

    All other parameters move within their bounds, D at 0 too. An end at a bound is that bound. For a `LogLinear` law it is exact, and
    found in closed form.

    Raises:
        ValueError: the quantity is held, or Huber's loss was minimised.
    """
    if fit.model.loss == "huber":
        raise ValueError("Huber's loss is no likelihood, so its profile has no level; use vlmcore.scaling.bootstrap")
    _check_free(fit, quantity)
    if not fit.model.form.EXPONENTS:
        exact = fieller(fit, level) if quantity == "ratio" else wald(fit, quantity, level)
        return exact._replace(method="profile")
    value = estimate(fit, quantity)
    # a parameter at its bound moves off it along the profile, so it is counted here
    left = len(fit.points) - len(fit.model.free)
    scale = 1.0 if fit.model.loss == "binomial" else fit.objective / left
    allowed = fit.objective + _quantile(fit, level, left) ** 2 * scale
    ends = [_end(fit, quantity, value, side, allowed) for side in (-1, 1)]
    return Interval(value, ends[0], ends[1], level, "profile")


def profile_path(fit: Fit, quantity: Quantity, values: ArrayLike) -> pd.DataFrame:
    """The best law for each value at which a quantity is held: one row a value, with its parameters and what is left of the loss.

    Args:
        fit: the fit; its law must have exponents.
        quantity: what is held.
        values: (rows,)

    Returns:
        A table with the columns `value`, the law's parameters, and `objective`.

    Raises:
        ValueError: the quantity was held in the fit already, or the law has no exponents.
    """
    _check_free(fit, quantity)
    if not fit.model.form.EXPONENTS:
        raise ValueError(
            f"a law of type {fit.model.form.__name__} has no exponents, so its profile is a parabola: see `wald` and `fieller`"
        )
    values = np.asarray(values, float)
    error, weights = (np.tile(each, (len(values), 1)) for each in (fit.points.error, fit.points.weights))
    problem = _hold(fit, fit.model.problem(fit.points, error, weights), quantity, values)
    start = np.array([vars(fit.law)[name] for name in fit.model.form.EXPONENTS])
    # the nearest point of what may be searched
    solved = fit.model.solve(problem, np.einsum("re,res->rs", start - problem.offset, np.linalg.pinv(problem.basis)))
    table = pd.DataFrame(solved.parameters, columns=list(fit.model.form.names()))
    return pd.concat([pd.Series(values, name="value"), table, pd.Series(solved.objective, name="objective")], axis=1)


def _check_free(fit: Fit, quantity: Quantity) -> None:
    parts = {"alpha", "beta"} if isinstance(quantity, Contrast) or quantity == "ratio" else {quantity}
    estimate(fit, quantity)
    if held := parts - set(fit.model.free):
        raise ValueError(f"{' and '.join(sorted(held))} was held in this fit, so nothing can be said about it; leave it out of fixed=")


def _hold(fit: Fit, problem: Problem, quantity: Quantity, values: np.ndarray) -> Problem:
    """The problem with a quantity held at one value a row."""
    form = fit.model.form
    if quantity in form.LINEAR:
        lower = problem.lower.copy()
        upper = problem.upper.copy()
        lower[:, form.LINEAR.index(quantity)] = upper[:, form.LINEAR.index(quantity)] = values
        return problem._replace(lower=lower, upper=upper)
    searched = [name for name in form.EXPONENTS if name in fit.model.free]
    held = quantity if isinstance(quantity, str) and quantity != "ratio" else "alpha"
    where = form.EXPONENTS.index(held)
    offset, basis = problem.offset.copy(), np.delete(problem.basis, searched.index(held), 1)
    offset[:, where] = 0 if quantity == "ratio" else values
    if held != quantity:
        # alpha follows beta: as a multiple of it, or at a distance; the larger of the two is what is searched, so that neither explodes
        follows = np.full(len(values), quantity.c) if isinstance(quantity, Contrast) else values
        line = [name for name in searched if name != held].index("beta")
        basis[:, line, where] = follows
        basis[:, line] /= np.maximum(1, np.abs(follows))[:, None]
    return problem._replace(offset=offset, basis=basis, box=np.delete(problem.box, searched.index(held), 1))


def _end(fit: Fit, quantity: Quantity, value: float, side: int, allowed: float) -> float | None:
    """Where the profile passes what is allowed: walks away in growing steps, then narrows the last one down."""
    limit = _limit(fit, quantity, side)
    steps = _step(fit, quantity) * np.concatenate([np.arange(0, 4, 0.5), np.geomspace(4, FARTHEST, 36)])
    inside, outside = value, None
    grid = value + side * steps
    grid = np.append(grid[side * grid < side * limit], limit if np.isfinite(limit) else [])
    for _ in range(5):
        above = np.flatnonzero(profile_path(fit, quantity, grid)["objective"].to_numpy() > allowed)
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
        return (
            sum(max(side * end for end in np.multiply(part, bounds[name])) for part, name in ((1, "alpha"), (-quantity.c, "beta"))) * side
        )
    return bounds[quantity][(side + 1) // 2]


def _step(fit: Fit, quantity: Quantity) -> float:
    """About a standard error; for a parameter at its bound, which has none, a hundredth of the largest error."""
    if isinstance(quantity, str) and quantity in fit.at_bound:
        return 0.01 * float(np.abs(fit.points.error).max())
    return _standard_error(fit, quantity)


def _standard_error(fit: Fit, quantity: Quantity) -> float:
    """By the delta method."""
    law, free = vars(fit.law), fit.free
    gradient = pd.Series(0.0, free)
    if isinstance(quantity, Contrast):
        parts = {"alpha": 1.0, "beta": -quantity.c}
    elif quantity == "ratio":
        parts = {"alpha": 1 / law["beta"], "beta": -law["alpha"] / law["beta"] ** 2}
    else:
        parts = {quantity: 1.0}
    if not set(parts) & set(free):
        raise ValueError(f"{' and '.join(parts)} did not move in this fit, so there is no standard error; free were {', '.join(free)}")
    for name, part in parts.items():
        if name in free:
            gradient[name] = part
    return float(np.sqrt(gradient @ fit.covariance @ gradient))


def _quantile(fit: Fit, level: float, degrees_of_freedom: int) -> float:
    """Of Student's t where the variance is estimated, of the normal where counts give it."""
    if not 0 < level < 1:
        raise ValueError(f"a level of {level} is no share; give one between 0 and 1, such as 0.95")
    tail = (1 + level) / 2
    return float(stats.norm.ppf(tail) if fit.model.loss == "binomial" else stats.t.ppf(tail, degrees_of_freedom))
