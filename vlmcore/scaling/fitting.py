"""Fitting a law to errors at N and V: deterministic, from a grid of starts, by variable projection.

A fit whose optimum sits at a bound raises, unless that parameter is held or the caller
says that a bound is welcome; then the result names it. Nothing random happens here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from vlmcore.scaling.law import Bounds, Law
from vlmcore.scaling.losses import LIKELIHOODS, LOSSES, Loss, least_squares_weights
from vlmcore.scaling.model import Model, limits
from vlmcore.scaling.points import Points, check_points

Form = TypeVar("Form", bound=Law)

RUNAWAY = 1e3
"""A term of the law this many times the largest error has left for infinity, and
another one with it to make up for it."""

UNTOLD = 1e-9
"""Directions of the parameters along which the predictions change this little, beside
the others, are not told by the points."""


class Criteria(NamedTuple):
    """Information criteria; only differences between fits to the same points mean something."""

    k: int
    """What was counted: parameters of the law and, for squared errors, their
    variance."""
    aic: float
    aicc: float
    bic: float


@dataclass(frozen=True, eq=False)
class Fit(Generic[Form]):
    """A fitted law with what it was fitted to.

    Attributes:
        law: the law.
        points: what it was fitted to.
        model: form, bounds, loss.
        at_bound: parameters that ended at a bound; they are not counted as free.
        objective: what was minimised: the weighted SSE, Huber's loss, or the deviance.
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
        n, weights = len(self.points), self.points.weights
        k = len(self.model.free) if count_at_bound else len(self.free)
        if self.model.loss not in LIKELIHOODS:
            raise ValueError(
                f"the loss {self.model.loss!r} is no likelihood, so it has no AIC; "
                f"compare fits with {' or '.join(LIKELIHOODS)}"
            )
        if self.model.loss == "squared":
            k += 1
            likelihood = (
                -n / 2 * (math.log(2 * math.pi * max(self.sse, 1e-300) / n) + 1)
                + np.log(weights).sum() / 2
            )
        else:
            wrong = weights * self.points.error
            perfect = special.xlogy(wrong, self.points.error) + special.xlog1py(
                weights - wrong, -self.points.error
            )
            choose = (
                special.gammaln(weights + 1)
                - special.gammaln(wrong + 1)
                - special.gammaln(weights - wrong + 1)
            )
            likelihood = float((choose + perfect).sum()) - self.objective / 2
        aic = 2 * k - 2 * likelihood
        aicc = aic + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf
        return Criteria(
            k, float(aic), float(aicc), float(k * math.log(n) - 2 * likelihood)
        )

    @cached_property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the free parameters from the curvature at the optimum; those held or at a bound are taken as known.

        For squared errors the variance is estimated from the residuals, for counts it
        is binomial.

        Raises:
            ValueError: the loss is not a likelihood; its curvature says little.
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
        """Derivatives of the predicted error by the free parameters, float (points, free parameters)."""
        form, law = self.model.form, vars(self.law)
        n, v = (
            np.log(np.asarray(N, float) / self.law.unit),
            np.log(np.asarray(V, float)),
        )
        exponents, linear = (
            [law[name] for name in form.EXPONENTS],
            [law[name] for name in form.LINEAR],
        )
        columns = [*form.terms(exponents, n, v), *form.slopes(exponents, linear, n, v)]
        by_name = dict(zip((*form.LINEAR, *form.EXPONENTS), columns, strict=True))
        return np.stack([by_name[name] for name in self.free], 1)

    def refit(self, points: Points) -> "Fit[Form]":
        """The same kind of fit to other points, with the same bounds; ending at one is welcome."""
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
) -> Fit[Form]:
    """Fits a law.

    Args:
        form: Product, Additive, LogLinear or Interaction.
        N: parameters of the language model, (points,)
        V: visual tokens, (points,)
        error: (points,)
        loss: `squared`; `huber`, the sum of Huber's losses of ln error - ln predicted,
            as in Chinchilla (arXiv 2203.15556); `floor`, for the lower edge of the
            points; or `binomial`, the likelihood of wrong answers counted in `trials`
            questions.
        weights: one over the variance of each error, up to a factor; (points,) or one
            for all.
        trials: questions that each error is a share of, for the binomial loss;
            (points,) or one number for all.
        delta: where Huber's loss turns from square to straight.
        fixed: parameters to hold, and at what.
        bounds: other bounds than the form's `BOUNDS`, for some parameters.
        allow_bound: accept an optimum at a bound and name it in the result.
        unit: of N.

    Raises:
        ValueError: the points cannot be fitted, do not tell the parameters apart, or
            the optimum sits at a bound.

    Example:
        >>> from vlmcore.scaling import Product, fit_law
        >>> N, V = np.meshgrid([1e9, 2e9, 4e9, 8e9], [1, 4, 16, 64])
        >>> truth = Product(AB=0.6, alpha=0.3, beta=0.05, D=0.1)
        >>> round(fit_law(Product, N.ravel(), V.ravel(), truth.predict(N, V).ravel()).law.ratio, 6)
        6.0
    """
    if not (isinstance(form, type) and issubclass(form, Law) and form.names()):
        raise ValueError(
            f"{form!r} is no form of law; give the class itself: Product, Additive, "
            "LogLinear or Interaction"
        )
    if loss not in LOSSES:
        raise ValueError(f"there is no loss {loss!r}; choose from {', '.join(LOSSES)}")
    if not (delta > 0 and unit > 0):
        raise ValueError(f"delta = {delta} and unit = {unit} must be positive")
    model = Model(form, limits(form, fixed or {}, bounds or {}), loss, delta, unit)
    return fit_model(
        model, check_points(N, V, error, weights, trials, loss), allow_bound
    )


def fit_model(model: Model, points: Points, allow_bound: bool) -> Fit:
    """As `fit`, for points that were checked."""
    _check_enough(model, points)
    problem = model.problem(points, points.error[None], points.weights[None])
    solved = model.solve(problem, model.starts(problem))
    best = int(np.argmin(solved.objective))
    found = fitted(
        model, points, solved.parameters[best], float(solved.objective[best])
    )
    _check_told(found)
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
    at_bound = tuple(
        name for name in model.free if _at_end(values[name], model.bounds[name])
    )
    return Fit(
        model.form(**values, unit=model.unit), points, model, at_bound, objective
    )


def _check_enough(model: Model, points: Points) -> None:
    if not model.free:
        raise ValueError(
            "every parameter is held, so nothing is left to fit; take some out of "
            "fixed="
        )
    if len(points) <= len(model.free):
        raise ValueError(
            f"{len(points)} points do not determine {len(model.free)} parameters and "
            f"their spread; give at least {len(model.free) + 1}, "
            f"or hold some of {', '.join(model.free)} with fixed="
        )
    for name, symbol, column in (("alpha", "N", points.N), ("beta", "V", points.V)):
        if name in model.free and np.ptp(column) == 0:
            raise ValueError(
                f"all points have {symbol} = {column[0]:g}, which tells nothing of "
                f"{name}; vary {symbol}, or hold {name} with fixed="
            )


def _check_told(found: Fit) -> None:
    """Raises a sentence where the points leave a parameter open."""
    form, law, points = found.model.form, vars(found.law), found.points
    n, v = np.log(points.N / found.law.unit), np.log(points.V)
    for name, term in zip(
        form.LINEAR,
        form.terms([law[each] for each in form.EXPONENTS], n, v),
        strict=True,
    ):
        if (
            form.EXPONENTS
            and np.abs(law[name] * term).max() > RUNAWAY * np.abs(points.error).max()
        ):
            raise ValueError(
                f"the fit runs away along its valley, to {name} = {law[name]:.3g}; "
                "hold D with fixed=, or give it bounds"
            )
    slopes = np.sqrt(points.weights)[:, None] * found.jacobian(points.N, points.V)
    sizes = np.linalg.norm(slopes, axis=0)
    if not sizes.all() or np.linalg.svd(slopes / sizes, compute_uv=False)[-1] < UNTOLD:
        raise ValueError(
            f"these points do not tell {', '.join(found.free)} apart; vary N and V "
            "separately, or hold some with fixed="
        )


def _at_end(value: float, ends: Bounds) -> bool:
    return any(
        abs(value - end) <= 1e-9 * max(1, abs(end)) for end in ends if np.isfinite(end)
    )
