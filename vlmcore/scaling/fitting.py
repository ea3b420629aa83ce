"""Fitting a law to errors at N and V, by variable projection from a grid of starts.

A fit whose optimum lies at a bound raises, unless that parameter is held or the caller
allows it; then the result names it. Nothing here is random.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vlmcore.scaling.identification import at_bound, runaway, unidentified
from vlmcore.scaling.law import Bounds, Law
from vlmcore.scaling.losses import (
    LIKELIHOODS,
    Loss,
    least_squares_weights,
    likelihood,
)
from vlmcore.scaling.model import Model, make_model
from vlmcore.scaling.points import Points, check_points

Form = TypeVar("Form", bound=Law)


class Criteria(NamedTuple):
    """Information criteria, to be compared between fits to the same points."""

    k: int
    """Counted parameters: those of the law and, for squared errors, the variance."""
    aic: float
    aicc: float
    bic: float


@dataclass(frozen=True, eq=False)
class Fit(Generic[Form]):
    """A fitted law with its points.

    Attributes:
        law: the law.
        points: those it was fitted to.
        model: form, bounds, loss.
        at_bound: parameters that ended at a bound; they are not counted as free.
        objective: the minimised weighted SSE, Huber's loss, or deviance.
    """

    law: Form
    points: Points
    model: Model
    at_bound: tuple[str, ...]
    objective: float

    @property
    def free(self) -> list[str]:
        """Parameters that are neither held nor at a bound."""
        return [name for name in self.model.free if name not in self.at_bound]

    @property
    def degrees_of_freedom(self) -> int:
        """Points less free parameters."""
        return len(self.points) - len(self.free)

    @cached_property
    def predicted(self) -> np.ndarray:
        """Errors that the law predicts at the points."""
        return self.law.predict(self.points.N, self.points.V)

    @property
    def residuals(self) -> np.ndarray:
        """Measured less predicted errors."""
        return self.points.error - self.predicted

    @property
    def sse(self) -> float:
        """Sum of squared residuals, weighted."""
        return float(self.points.weights @ self.residuals**2)

    @property
    def r2(self) -> float:
        """Share of the (weighted) variance of the errors that the law explains."""
        weights, error = self.points.weights, self.points.error
        return 1 - self.sse / float(
            weights @ (error - np.average(error, weights=weights)) ** 2
        )

    def criteria(self, count_at_bound: bool = False) -> Criteria:
        """AIC, AICc and BIC from the Gaussian or binomial likelihood.

        Args:
            count_at_bound: count parameters that ended at a bound, which are otherwise
                taken as held there.

        Raises:
            ValueError: the loss is not a likelihood.
        """
        n, loss = len(self.points), self.model.loss
        if loss not in LIKELIHOODS:
            raise ValueError(
                f"the loss {loss!r} is no likelihood, so it has no AIC; compare fits "
                f"with {' or '.join(LIKELIHOODS)}"
            )
        k = len(self.model.free if count_at_bound else self.free)
        k += loss == "squared"  # the variance
        log_likelihood = likelihood(
            loss, self.points.error, self.points.weights, self.objective
        )
        aic = 2 * k - 2 * log_likelihood
        aicc = aic + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf
        bic = k * math.log(n) - 2 * log_likelihood
        return Criteria(k, float(aic), float(aicc), float(bic))

    @cached_property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the free parameters from the curvature at the optimum.

        Parameters that are held or at a bound are taken as known. For squared errors
        the variance is estimated from the residuals, for counts it is binomial.

        Raises:
            ValueError: the loss is not a likelihood.
        """
        if self.model.loss not in LIKELIHOODS:
            raise ValueError(
                f"the loss {self.model.loss!r} has no covariance from its curvature; "
                "use vlmcore.scaling.bootstrap"
            )
        weights = least_squares_weights(
            self.model.loss,
            self.points.error,
            self.predicted,
            self.points.weights,
            self.model.delta,
        )
        slopes = np.sqrt(weights)[:, None] * self.jacobian(self.points.N, self.points.V)
        scale = (
            self.sse / self.degrees_of_freedom if self.model.loss == "squared" else 1.0
        )
        return pd.DataFrame(
            scale * np.linalg.pinv(slopes.T @ slopes, rcond=1e-15, hermitian=True),
            self.free,
            self.free,
        )

    def jacobian(self, N: ArrayLike, V: ArrayLike) -> np.ndarray:
        """Derivatives of the prediction, float (points, free parameters)."""
        law = self.law
        found = law.derivatives(law.parameters[None], N, V, law.unit)[0]
        return found[:, [law.names().index(name) for name in self.free]]

    def refit(self, points: Points) -> "Fit[Form]":
        """The same kind of fit to other points; the optimum may lie at a bound."""
        return fit_model(self.model, points, allow_bound=True)


def fit_law(
    form: type[Form],
    N: ArrayLike,
    V: ArrayLike,
    error: ArrayLike,
    *,
    loss: Loss = "squared",
    weights: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    delta: float = 1e-3,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, Bounds] | None = None,
    allow_bound: bool = False,
    unit: float = 1e9,
    shares: bool = True,
) -> Fit[Form]:
    """Fits a law to `error`, (points,), at N parameters and V visual tokens.

    Args:
        form: Product, Additive, LogLinear or Interaction.
        N: parameters of the language model, (points,)
        V: visual tokens, (points,)
        error: (points,)
        loss: see `losses.objective`; `binomial` for wrong answers among `trials`.
        weights: one over the variance of each error, up to a factor, or one for all.
        trials: questions that each error is a share of; or one number for all.
        delta: where Huber's loss turns from square to straight.
        fixed: parameters to hold, and at what.
        bounds: other bounds than the form's `BOUNDS`, for some parameters.
        allow_bound: accept an optimum at a bound and name it in the result.
        unit: of N.
        shares: the errors are shares of wrong answers, which lie between 0 and 1; give
            False for another measure, such as a loss in nats.

    Raises:
        ValueError: the points cannot be fitted, do not identify the parameters, or the
            optimum lies at a bound.

    Example:
        `fit_law(Product, [1e9, 2e9, ...], [1, 4, ...], [0.6, 0.5, ...]).law.ratio`
    """
    model = make_model(form, loss, delta, unit, fixed or {}, bounds or {})
    points = check_points(N, V, error, weights, trials, loss, shares)
    return fit_model(model, points, allow_bound)


def fit_model(model: Model, points: Points, allow_bound: bool) -> Fit:
    """Fits a model to points that were checked, as `fit_law` does."""
    model.check_enough(points)
    problem = model.problem(points, points.error[None], points.weights[None])
    solved = model.solve(problem, model.starts(problem))
    best = int(np.argmin(solved.objective))
    found = fitted(
        model, points, solved.parameters[best], float(solved.objective[best])
    )
    _check_identified(found)
    if found.at_bound and not allow_bound:
        ends = ", ".join(
            f"{name} = {vars(found.law)[name]:g}" for name in found.at_bound
        )
        raise ValueError(
            f"the best fit has {ends} at its bound; hold it with fixed=, widen "
            "bounds=, or accept it with allow_bound=True"
        )
    return found


def fitted(
    model: Model, points: Points, parameters: np.ndarray, objective: float
) -> Fit:
    """The result for parameters that were solved for, in the order of the law."""
    values = dict(zip(model.form.names(), parameters.tolist(), strict=True))
    ended = at_bound(model, parameters[None])[0]
    law = model.form(**values, unit=model.unit, data=points.range)
    names = tuple(np.array(model.form.names())[ended].tolist())
    return Fit(law, points, model, names, objective)


def _check_identified(found: Fit) -> None:
    """Raises a ValueError where the points do not identify the parameters."""
    parameters, points = found.law.parameters[None], found.points
    diverging = runaway(found.model, points, parameters)[0]
    for name, far in zip(found.model.form.LINEAR, diverging, strict=True):
        if far:
            raise ValueError(
                f"the fit runs away along its valley, to {name} = "
                f"{vars(found.law)[name]:.3g}; hold D with fixed=, or give it bounds"
            )
    if unidentified(found.model, points, points.weights[None], parameters)[0]:
        raise ValueError(
            f"{', '.join(found.free)} are not identified by these points; vary N and V "
            "separately, or hold some with fixed="
        )
