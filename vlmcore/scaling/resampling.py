"""The bootstrap of a fit.

Refits start at the original fit and are solved side by side; bounds hold for them too.
A refit that `fit_law` would refuse is refused here, and their share is reported. Points
that share an N share a language model, so their errors are not independent: of the
bootstraps only that of clusters respects it, and it needs many sizes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vlmcore.scaling.draws import Kind, draw, measure
from vlmcore.scaling.fitting import Fit
from vlmcore.scaling.identification import refused
from vlmcore.scaling.intervals import Interval, from_draws
from vlmcore.scaling.quantities import Quantity, estimate, quantity_values

_SIZES = 12
"""Sizes that the cluster bootstrap needs. A law fits the mean of a few sizes almost
exactly, so that hardly any residual is left to be flipped."""

_MOST_REFUSED = 0.5
"""Share of the draws that may be refused."""


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """A fit and its refits.

    Attributes:
        fit: the original.
        kind: how the data were resampled.
        replicates: parameters of the refits, float (count, parameters)
        seed: of the draws.
        share_refused: of the draws, those that do not identify the law. They are no
            refits.
    """

    fit: Fit
    kind: Kind
    replicates: np.ndarray
    seed: int
    share_refused: float = 0.0

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Parameters of the refits, one a row."""
        return pd.DataFrame(self.replicates, columns=list(self.fit.law.names()))

    def values(self, quantity: Quantity) -> np.ndarray:
        """A quantity (see `intervals`) of each refit, float (count,)."""
        return quantity_values(self.replicates, self.fit.law.names(), quantity)

    def interval(self, quantity: Quantity, level: float = 0.95) -> Interval:
        """The estimate with the percentiles of the refits."""
        value = estimate(self.fit, quantity)
        return from_draws(value, self.values(quantity), level, self.method)

    @property
    def method(self) -> str:
        """A name for its intervals, with the share refused where there is one."""
        lost = self.share_refused
        note = f", {lost:.1%} of the draws refused" if lost else ""
        return f"{self.kind} bootstrap, percentiles{note}"

    def predict(self, N: ArrayLike, V: ArrayLike) -> np.ndarray:
        """Errors that the refits predict, float (count, points)."""
        N, V = np.broadcast_arrays(np.asarray(N, float), np.asarray(V, float))
        law = self.fit.law
        if law.data is not None:
            law.data.check_unit(N)
        return type(law).errors(self.replicates, N.ravel(), V.ravel(), law.unit)

    def prediction_interval(
        self,
        N: ArrayLike,
        V: ArrayLike,
        level: float = 0.95,
        noise: bool = True,
        trials: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Predicted errors with percentiles of the refits.

        Args:
            N: parameters of the language model.
            V: visual tokens; broadcasts with N.
            level: of the interval.
            noise: for a new measurement, with an error drawn from the residuals or a
                binomial; otherwise for the law itself.
            trials: questions of the new measurement, where the fit was binomial.

        Returns:
            A table with the columns N, V, `error`, `low` and `high`.

        Raises:
            ValueError: noise in counts of an unknown number of questions.
        """
        N, V = np.broadcast_arrays(np.atleast_1d(N), np.asarray(V, float))
        predicted = self.predict(N, V)
        if noise:
            if (trials is None) == (self.fit.model.loss == "binomial"):
                raise ValueError(
                    "noise of a binomial fit, and of no other, needs `trials`: give "
                    "them, or noise=False"
                )
            predicted = measure(
                self.fit, predicted, np.random.default_rng([self.seed, 1]), trials
            )
        low, high = np.quantile(predicted, [(1 - level) / 2, (1 + level) / 2], axis=0)
        columns = {"N": N.ravel(), "V": V.ravel()}
        columns["error"] = self.fit.law.predict(N, V).ravel()
        return pd.DataFrame(columns | {"low": low, "high": high})

    def to_json(self) -> dict[str, Any]:
        """Plain lists for a page: the law and its refits, at full precision."""
        law = self.fit.law
        names = list(law.names())
        return {
            "form": type(law).__name__,
            "unit": law.unit,
            "names": names,
            "law": law.parameters.tolist(),
            "replicates": self.replicates.tolist(),
        }


def bootstrap(
    fit: Fit,
    kind: Kind = "residual",
    count: int = 1000,
    seed: int = 0,
    *,
    allow_few_sizes: bool = False,
) -> Bootstrap:
    """Resamples the data and refits the law.

    Args:
        fit: the original.
        kind: `residual` adds residuals, drawn with replacement, to the predictions;
            `pairs` draws points; `wild_cluster` multiplies the residuals of all points
            that share an N by one random number; `parametric` draws from the normal or
            binomial law of the loss.
        count: refits.
        seed: of the draws.
        allow_few_sizes: accept a `wild_cluster` bootstrap of fewer sizes than it needs.

    Raises:
        ValueError: the kind is unknown, does not go with the loss or needs more sizes,
            or half of the draws do not identify the law.
    """
    if count < 1:
        raise ValueError(f"{count} refits give no distribution; ask for a few hundred")
    if kind == "wild_cluster" and not allow_few_sizes:
        _check_clusters(len(np.unique(fit.points.N)))
    error, weights = draw(fit, kind, count, np.random.default_rng(seed))
    problem = fit.model.problem(fit.points, error, weights)
    start = [
        vars(fit.law)[name]
        for name in fit.model.form.EXPONENTS
        if name in fit.model.free
    ]
    found = fit.model.solve(problem, np.tile(start, (count, 1))).parameters
    lost = refused(fit.model, fit.points, weights, found)
    if lost.mean() > _MOST_REFUSED:
        raise ValueError(
            f"{lost.sum()} of {count} draws of the {kind} bootstrap do not identify "
            f"{', '.join(fit.free)}, so what is left is no sample of them; give more "
            "points, or hold a parameter with fixed="
        )
    return Bootstrap(fit, kind, found[~lost], seed, float(lost.mean()))


def _check_clusters(sizes: int) -> None:
    if sizes < _SIZES:
        raise ValueError(
            f"{sizes} sizes of language model are too few clusters: a wild cluster "
            f"bootstrap needs {_SIZES}, and its intervals of four cover 70 % instead "
            "of 95; use vlmcore.scaling.jackknife, or accept it with "
            "allow_few_sizes=True"
        )
