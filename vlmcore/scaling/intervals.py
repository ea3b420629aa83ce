"""Quantities of a fitted law and their intervals from its curvature: plain, and Fieller's for a ratio.

A quantity is a parameter by its name, `"ratio"` for alpha / beta, or a `Contrast` alpha
- c beta. An end of an interval that does not exist is None: the points do not exclude
any value on that side.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from vlmcore.scaling.fitting import Fit


class Contrast(NamedTuple):
    """alpha - c beta. With c = 1 its sign decides whether a finite V is best when the text costs something."""

    c: float = 1.0


Quantity = str | Contrast


class Interval(NamedTuple):
    """An estimate and its interval; an end that does not exist is None. `f"{interval:.2f}"` gives `0.36 [0.21, 0.51]`."""

    value: float
    low: float | None
    high: float | None
    level: float
    method: str

    def __format__(self, spec: str) -> str:
        low, high = (
            "∞" if end is None else format(end, spec) for end in (self.low, self.high)
        )
        return f"{self.value:{spec}} [{'−' * (self.low is None)}{low}, {high}]"


def quantity_values(
    parameters: np.ndarray, names: tuple[str, ...], quantity: Quantity
) -> np.ndarray:
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
        raise ValueError(
            f"a law of {', '.join(names)} has no {quantity!r}; ask for one of these, "
            "'ratio', or a Contrast"
        )
    return column[quantity]


def estimate(fit: Fit, quantity: Quantity) -> float:
    """A quantity of the fitted law."""
    return float(
        quantity_values(fit.law.parameters[None], fit.law.names(), quantity)[0]
    )


def wald(fit: Fit, quantity: Quantity, level: float = 0.95) -> Interval:
    """The estimate plus and minus a quantile of Student's t times the standard error, by the delta method for a ratio.

    Parameters at a bound are taken as known, which makes it too narrow where they are
    not: see `profile`.

    Raises:
        ValueError: the quantity is held or at a bound, or the fit has no covariance.
    """
    value = estimate(fit, quantity)
    half = quantile(fit, level, fit.degrees_of_freedom) * standard_error(fit, quantity)
    return Interval(
        value, value - half, value + half, level, "Wald, by the delta method"
    )


def fieller(fit: Fit, level: float = 0.95) -> Interval:
    """Fieller's interval of alpha / beta: all ratios r for which alpha - r beta could be 0. Exact for a straight line with normal errors.

    Where beta itself could be 0 the ratios have no end, and both ends are None.
    """
    alpha, beta = estimate(fit, "alpha"), estimate(fit, "beta")
    reach = quantile(fit, level, fit.degrees_of_freedom)
    spread = (
        fit.covariance.reindex(
            index=["alpha", "beta"], columns=["alpha", "beta"], fill_value=0.0
        ).to_numpy()
        * reach**2
    )
    return Interval(alpha / beta, *fieller_ends(alpha, beta, spread), level, "Fieller")


def fieller_ends(
    above: float, below: float, spread: np.ndarray
) -> tuple[float | None, float | None]:
    """The two ratios r at which above - r below is as far from 0 as its own uncertainty reaches; None where there is no end.

    Args:
        above: estimate.
        below: estimate.
        spread: float (2, 2), their covariance times the square of how many standard
            errors an interval reaches.
    """
    # (above - r below)^2 = its variance times the reach squared, a quadratic in r
    square, linear, constant = (
        below**2 - spread[1, 1],
        -2 * (above * below - spread[0, 1]),
        above**2 - spread[0, 0],
    )
    root = linear**2 - 4 * square * constant
    if square <= 0 or root < 0:
        return None, None
    low, high = ((-linear + sign * np.sqrt(root)) / (2 * square) for sign in (-1, 1))
    return float(low), float(high)


def standard_error(fit: Fit, quantity: Quantity) -> float:
    """The standard error of a quantity by the delta method; parameters that did not move are taken as known.

    Raises:
        ValueError: nothing in the quantity moved.
    """
    law, free = vars(fit.law), fit.free
    gradient = pd.Series(0.0, free)
    if isinstance(quantity, Contrast):
        parts = {"alpha": 1.0, "beta": -quantity.c}
    elif quantity == "ratio":
        parts = {"alpha": 1 / law["beta"], "beta": -law["alpha"] / law["beta"] ** 2}
    else:
        parts = {quantity: 1.0}
    if not set(parts) & set(free):
        raise ValueError(
            f"{' and '.join(parts)} did not move in this fit, so there is no standard "
            f"error; free were {', '.join(free)}"
        )
    for name, part in parts.items():
        if name in free:
            gradient[name] = part
    return float(np.sqrt(gradient @ fit.covariance @ gradient))


def quantile(fit: Fit, level: float, degrees_of_freedom: int) -> float:
    """How many standard errors an interval reaches: Student's t where the variance is estimated, normal where counts give it.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(
            f"a level of {level} is no share; give one between 0 and 1, such as 0.95"
        )
    tail = (1 + level) / 2
    return float(
        stats.norm.ppf(tail)
        if fit.model.loss == "binomial"
        else stats.t.ppf(tail, degrees_of_freedom)
    )
