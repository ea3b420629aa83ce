"""The losses: squared errors, Huber's, the distance to a lower edge, binomial deviance.

For each loss there are weights under which least squares has the same gradient. Fitting
alternates between these weights and least squares until neither changes anything
(iteratively reweighted least squares), so that one engine serves them all.
"""

import math
from typing import Literal, get_args

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

Loss = Literal["squared", "huber", "floor", "binomial"]
LOSSES: tuple[Loss, ...] = get_args(Loss)

LIKELIHOODS: tuple[Loss, ...] = ("squared", "binomial")
"""Losses that are a likelihood, and so have criteria, a covariance and a profile."""

_TILT = 10
"""How many times more a prediction above the measurement counts than one below it, for
the lower edge."""

_SMALL = 1e-9
"""Predictions are kept this far from where a loss is not defined; at a sensible optimum
it makes no difference."""


def objective(
    loss: Loss,
    error: np.ndarray,
    predicted: np.ndarray,
    weights: np.ndarray,
    delta: float,
) -> np.ndarray:
    """The minimised loss, one number a row.

    Args:
        loss: `squared`, the weighted sum of squares; `huber`, the sum over points of
            Huber's loss of ln error - ln predicted; `floor`, the sum of absolute
            errors, those of predictions above the measurement ten times, which draws
            the law to the lower edge of the points; `binomial`, the deviance, twice the
            log-likelihood of a perfect fit less that of the predictions.
        error: float (rows, points)
        predicted: float (rows, points)
        weights: float (rows, points); for `binomial` the numbers of questions.
        delta: where Huber's loss turns from square to straight.
    """
    if loss == "squared":
        return (weights * (error - predicted) ** 2).sum(-1)
    if loss == "huber":
        size = np.abs(np.log(error) - np.log(np.maximum(predicted, _SMALL)))
        return (
            weights * np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
        ).sum(-1)
    if loss == "floor":
        away = error - predicted
        return (weights * np.where(away < 0, -_TILT * away, away)).sum(-1)
    share = np.clip(predicted, _SMALL, 1 - _SMALL)
    lacking = (
        xlogy(error, error)
        - xlogy(error, share)
        + xlogy(1 - error, 1 - error)
        - xlogy(1 - error, 1 - share)
    )
    return 2 * (weights * lacking).sum(-1)


def least_squares_weights(
    loss: Loss,
    error: np.ndarray,
    predicted: np.ndarray,
    weights: np.ndarray,
    delta: float,
) -> np.ndarray:
    """Weights under which the sum of squares has the gradient of the loss.

    It has it up to a factor. Shapes are those in `objective`.
    """
    if loss == "squared":
        return weights
    if loss == "huber":
        predicted = np.maximum(predicted, _SMALL)
        away = np.log(error) - np.log(predicted)
        bend = np.minimum(1, delta / np.maximum(np.abs(away), _SMALL * delta))
        # ln error - ln predicted over error - predicted tends to 1 / predicted as the
        # two meet
        apart = np.abs(error - predicted) > _SMALL * predicted
        secant = np.where(
            apart, away / np.where(apart, error - predicted, 1), 1 / predicted
        )
        return weights * bend * secant / predicted
    if loss == "floor":
        away = error - predicted
        return (
            weights
            * np.where(away < 0, _TILT, 1)
            / np.maximum(np.abs(away), _SMALL * np.abs(error))
        )
    share = np.clip(predicted, _SMALL, 1 - _SMALL)
    return weights / (share * (1 - share))


def likelihood(
    loss: Loss, error: np.ndarray, weights: np.ndarray, objective: float
) -> float:
    """Logarithm of the likelihood of a fit, from its sum of squares or its deviance.

    For squared errors the variance is the one that maximises it.
    """
    if loss == "squared":
        n = len(error)
        variance = max(objective, 1e-300) / n
        spread = math.log(2 * math.pi * variance) + 1
        return float(np.log(weights).sum() / 2 - n / 2 * spread)
    wrong = weights * error
    right = weights - wrong
    perfect = xlogy(wrong, error) + xlog1py(right, -error)
    ways = gammaln(weights + 1) - gammaln(wrong + 1) - gammaln(right + 1)
    return float((ways + perfect).sum()) - objective / 2
