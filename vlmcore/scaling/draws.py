"""Data drawn around a fit: residuals, points, clusters of a size, or a distribution."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from vlmcore.scaling.fitting import Fit

Kind = Literal["residual", "pairs", "wild_cluster", "parametric"]

_WEBB = np.sqrt([0.5, 1.0, 1.5])
"""Sizes of Webb's six-point distribution (mean 0, variance 1), made for few clusters:
two signs would give four clusters 16 data sets."""


def draw(
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
        return measure(fit, predicted, rng, points.weights), weights
    if kind == "residual" and fit.model.loss != "binomial":
        return measure(fit, predicted, rng, None, 1 / np.sqrt(weights)), weights
    if kind == "wild_cluster" and fit.model.loss == "squared":
        sizes, cluster = np.unique(points.N, return_inverse=True)
        by_cluster = rng.choice(np.concatenate([-_WEBB, _WEBB]), (count, len(sizes)))
        return predicted + by_cluster[:, cluster] * fit.residuals, weights
    raise ValueError(
        f"there is no {kind!r} bootstrap for the loss {fit.model.loss!r}: choose "
        "residual, pairs, wild_cluster or parametric for squared, "
        "residual or pairs for huber and floor, pairs or parametric for binomial"
    )


def measure(
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
