"""Quantities of a fitted law, and their intervals from its curvature.

A quantity is a parameter by its name, `"ratio"` for alpha / beta, or a `Contrast`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from vlmcore.scaling.fitting import Fit
from vlmcore.scaling.intervals import Interval, check_level, fieller_ends


class Contrast(NamedTuple):
    """The difference alpha - c beta.

    If it is positive for c = 1, a finite V is best where text has a cost.
    """

    c: float = 1.0


Quantity = str | Contrast


def quantity_values(
    parameters: np.ndarray, names: tuple[str, ...], quantity: Quantity
) -> np.ndarray:
    """A quantity of many laws, float (laws,).

    Args:
        parameters: float (laws, parameters)
        names: of the parameters.
        quantity: which.

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
    law = fit.law
    return float(quantity_values(law.parameters[None], law.names(), quantity)[0])


def wald(fit: Fit, quantity: Quantity, level: float = 0.95) -> Interval:
    """The estimate plus and minus a quantile of Student's t times the standard error.

    The standard error of a ratio is that of the delta method. Parameters at a bound are
    taken as known, which makes the interval too narrow if they are not: see `profile`.

    Raises:
        ValueError: the quantity is held or at a bound, or the fit has no covariance.
    """
    value = estimate(fit, quantity)
    half = standard_error(fit, quantity) * critical_value(
        fit, level, fit.degrees_of_freedom
    )
    return Interval(
        value, value - half, value + half, level, "Wald, by the delta method"
    )


def fieller(fit: Fit, level: float = 0.95) -> Interval:
    """Fieller's interval: all ratios r for which alpha - r beta could be 0.

    It is exact for a straight line with normal errors. Where beta itself could be 0 the
    ratios have no end, and both ends are None.
    """
    alpha, beta = estimate(fit, "alpha"), estimate(fit, "beta")
    both = ["alpha", "beta"]
    covariance = fit.covariance.reindex(index=both, columns=both, fill_value=0.0)
    reach = critical_value(fit, level, fit.degrees_of_freedom)
    ends = fieller_ends(alpha, beta, covariance.to_numpy() * reach**2)
    return Interval(alpha / beta, *ends, level, "Fieller")


def standard_error(fit: Fit, quantity: Quantity) -> float:
    """The standard error of a quantity by the delta method.

    Parameters that are held or at a bound are taken as known.

    Raises:
        ValueError: no parameter in the quantity is free.
    """
    law, free = vars(fit.law), fit.free
    if isinstance(quantity, Contrast):
        slopes = {"alpha": 1.0, "beta": -quantity.c}
    elif quantity == "ratio":
        slopes = {"alpha": 1 / law["beta"], "beta": -law["alpha"] / law["beta"] ** 2}
    else:
        slopes = {quantity: 1.0}
    if not set(slopes) & set(free):
        raise ValueError(
            f"{' and '.join(slopes)} did not move in this fit, so there is no standard "
            f"error; free were {', '.join(free)}"
        )
    gradient = pd.Series(slopes).reindex(free, fill_value=0.0)
    return float(np.sqrt(gradient @ fit.covariance @ gradient))


def critical_value(fit: Fit, level: float, degrees_of_freedom: int) -> float:
    """Standard errors from an estimate to an end of its interval.

    They are Student's if the variance is estimated, and normal for counts.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    check_level(level)
    tail = (1 + level) / 2
    if fit.model.loss == "binomial":
        return float(stats.norm.ppf(tail))
    return float(stats.t.ppf(tail, degrees_of_freedom))
