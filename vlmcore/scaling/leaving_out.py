"""The jackknife over sizes of language model, and predictions of points held out."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from vlmcore.scaling.fitting import Fit
from vlmcore.scaling.intervals import Interval
from vlmcore.scaling.quantities import Quantity, estimate, quantity_values
from vlmcore.scaling.resampling import bootstrap

_SIZES = 3
"""Sizes that a jackknife needs: without one, two are left for the slope in N."""


class Jackknife(NamedTuple):
    """A fit, and the fits without one size of language model."""

    fit: Fit
    table: pd.DataFrame
    """Parameters, one row a size left out, which is the index."""

    def values(self, quantity: Quantity) -> np.ndarray:
        """A quantity without each size in turn."""
        return quantity_values(self.table.to_numpy(), self.fit.law.names(), quantity)

    def interval(self, quantity: Quantity, level: float = 0.95) -> Interval:
        """The estimate plus and minus Student's t times the jackknife's standard error.

        There is one degree of freedom fewer than sizes. With four sizes the interval is
        rough: the error of the standard error is as large as itself.
        """
        values, sizes = self.values(quantity), len(self.table)
        value = estimate(self.fit, quantity)
        half = stats.t.ppf((1 + level) / 2, sizes - 1) * np.sqrt(
            (sizes - 1) / sizes * ((values - values.mean()) ** 2).sum()
        )
        return Interval(
            value,
            float(value - half),
            float(value + half),
            level,
            f"jackknife over {sizes} sizes of language model",
        )


def jackknife(fit: Fit) -> Jackknife:
    """Fits a law without each size of language model in turn, with all its points.

    Raises:
        ValueError: there are fewer than three sizes, or what is left does not identify
            the law.
    """
    sizes = np.unique(fit.points.N)
    if len(sizes) < _SIZES:
        raise ValueError(
            f"a jackknife over {len(sizes)} sizes of language model has no spread to "
            f"show; it needs {_SIZES}"
        )
    laws = [fit.refit(fit.points.keep(size != fit.points.N)).law for size in sizes]
    return Jackknife(
        fit,
        pd.DataFrame(
            [law.parameters for law in laws],
            pd.Index(sizes, name="N"),
            list(fit.law.names()),
        ),
    )


def hold_out(
    fit: Fit, held: ArrayLike, level: float = 0.95, count: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Predicts some points from a fit to the others.

    Args:
        fit: a fit to all points.
        held: bool (points,), those to predict.
        level: of the interval for a new measurement, by residual (or binomial)
            bootstrap of the fit to the others.
        count: refits.
        seed: of the bootstrap.

    Returns:
        A table with the columns N, V, `error` (predicted), `low`, `high`, `measured`
        and `relative`, the miss as a share of the measured.

    Raises:
        ValueError: nothing is held out, or too few points are left for a fit.
    """
    held = np.asarray(held, bool)
    if held.shape != fit.points.error.shape or not held.any():
        raise ValueError(
            f"{held.sum()} of {held.size} points are held out of {len(fit.points)}; "
            "mark at least one, with one mark a point"
        )
    out = fit.points.keep(held)
    rest = fit.refit(fit.points.keep(~held))
    counts = fit.model.loss == "binomial"
    refits = bootstrap(rest, "parametric" if counts else "residual", count, seed)
    table = refits.prediction_interval(
        out.N, out.V, level, trials=out.weights if counts else None
    )
    return table.assign(measured=out.error, relative=table["error"] / out.error - 1)
