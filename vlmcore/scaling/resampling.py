"""The bootstrap, the jackknife over sizes of language model, and held-out predictions.

Refits start at the original fit and are solved side by side; bounds hold for them too.
Points that share an N share a language model, so their errors are not independent: the
cluster bootstrap and the jackknife respect that, the others do not. But a handful of
sizes is too few for either to be exact (their intervals assume many), so read them as a
range and not as exact.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from vlmcore.scaling.fitting import Fit
from vlmcore.scaling.intervals import Interval, from_draws
from vlmcore.scaling.quantities import Quantity, estimate, quantity_values

Kind = Literal["residual", "pairs", "wild_cluster", "parametric"]

_WEBB = np.sqrt([0.5, 1.0, 1.5])
"""Sizes of Webb's six-point distribution (mean 0, variance 1), made for few clusters:
two signs would give four clusters 16 data sets."""


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """A fit and its refits.

    Attributes:
        fit: the original.
        kind: how the data were resampled.
        replicates: parameters of the refits, float (count, parameters)
        seed: of the draws.
    """

    fit: Fit
    kind: Kind
    replicates: np.ndarray
    seed: int

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Parameters of the refits, one a row."""
        return pd.DataFrame(self.replicates, columns=list(self.fit.law.names()))

    def values(self, quantity: Quantity) -> np.ndarray:
        """A quantity (see `intervals`) of each refit, float (count,)."""
        return quantity_values(self.replicates, self.fit.law.names(), quantity)

    def interval(self, quantity: Quantity, level: float = 0.95) -> Interval:
        """The estimate with the percentiles of the refits."""
        value, method = estimate(self.fit, quantity), f"{self.kind} bootstrap"
        return from_draws(value, self.values(quantity), level, f"{method}, percentiles")

    def predict(self, N: ArrayLike, V: ArrayLike) -> np.ndarray:
        """Errors that the refits predict, float (count, points)."""
        N, V = np.broadcast_arrays(np.asarray(N, float), np.asarray(V, float))
        return type(self.fit.law).errors(
            self.replicates, N.ravel(), V.ravel(), self.fit.law.unit
        )

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
            predicted = _measure(
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
    fit: Fit, kind: Kind = "residual", count: int = 1000, seed: int = 0
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

    Raises:
        ValueError: the kind is unknown, or does not go with the loss.
    """
    if count < 1:
        raise ValueError(f"{count} refits give no distribution; ask for a few hundred")
    error, weights = _draw(fit, kind, count, np.random.default_rng(seed))
    problem = fit.model.problem(fit.points, error, weights)
    start = [
        vars(fit.law)[name]
        for name in fit.model.form.EXPONENTS
        if name in fit.model.free
    ]
    return Bootstrap(
        fit, kind, fit.model.solve(problem, np.tile(start, (count, 1))).parameters, seed
    )


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
        ValueError: too few points are left for a fit.
    """
    sizes = np.unique(fit.points.N)
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


def _draw(
    fit: Fit, kind: Kind, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Errors and weights of new data, float (count, points) each."""
    points = fit.points
    predicted, weights = (
        np.tile(each, (count, 1)) for each in (fit.predicted, points.weights)
    )
    if kind == "pairs":
        times = rng.multinomial(
            len(points), np.full(len(points), 1 / len(points)), count
        )
        return np.tile(points.error, (count, 1)), weights * times
    if kind == "parametric" and fit.model.loss == "squared":
        return predicted + rng.normal(size=predicted.shape) * np.sqrt(
            fit.sse / fit.degrees_of_freedom / weights
        ), weights
    if kind == "parametric" and fit.model.loss == "binomial":
        return _measure(fit, predicted, rng, points.weights), weights
    if kind == "residual" and fit.model.loss != "binomial":
        return _measure(fit, predicted, rng, None, 1 / np.sqrt(weights)), weights
    if kind == "wild_cluster" and fit.model.loss == "squared":
        sizes, cluster = np.unique(points.N, return_inverse=True)
        by_cluster = rng.choice(np.concatenate([-_WEBB, _WEBB]), (count, len(sizes)))
        return predicted + by_cluster[:, cluster] * fit.residuals, weights
    raise ValueError(
        f"there is no {kind!r} bootstrap for the loss {fit.model.loss!r}: choose "
        "residual, pairs, wild_cluster or parametric for squared, "
        "residual or pairs for huber and floor, pairs or parametric for binomial"
    )


def _measure(
    fit: Fit,
    predicted: np.ndarray,
    rng: np.random.Generator,
    trials: ArrayLike | None,
    scale: ArrayLike = 1.0,
) -> np.ndarray:
    """Simulated measurements of predictions.

    Residuals are drawn from those of the fit, or errors are shares of questions.
    """
    if fit.model.loss == "binomial":
        trials = np.asarray(trials)
        return rng.binomial(trials.astype(int), np.clip(predicted, 0, 1)) / trials
    if fit.model.loss == "huber":
        return predicted * np.exp(
            rng.choice(np.log(fit.points.error / fit.predicted), predicted.shape)
        )
    own = fit.residuals * np.sqrt(fit.points.weights)
    if fit.model.loss == "squared":
        # residuals are smaller than errors by the share of the parameters; other losses
        # leave residuals whose mean need not be 0
        own = (own - own.mean()) * np.sqrt(len(own) / fit.degrees_of_freedom)
    return predicted + rng.choice(own, predicted.shape) * scale
