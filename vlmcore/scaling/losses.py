"""What is minimised: squared errors, Huber's loss of log errors, the distance to a lower edge, or the deviance of counts.

Each loss names the weights under which least squares has the same gradient. Fitting
takes these in turn with least squares until neither changes anything (iteratively
reweighted least squares), so that one engine serves them all.
"""

from typing import Literal, get_args

import numpy as np
from scipy.special import xlogy

Loss = Literal["squared", "huber", "floor", "binomial"]
LOSSES: tuple[Loss, ...] = get_args(Loss)

LIKELIHOODS: tuple[Loss, ...] = ("squared", "binomial")
"""Losses that are a likelihood, and so have criteria, a covariance and a profile."""

TILT = 10
"""How many times dearer a prediction above the measurement is than one below it, for
the lower edge."""

SMALL = 1e-9
"""Predictions are kept this far from where a loss ends; at a sensible optimum it makes
no difference."""


def objective(
    loss: Loss,
    error: np.ndarray,
    predicted: np.ndarray,
    weights: np.ndarray,
    delta: float,
) -> np.ndarray:
    """What is minimised, one number a row.

    Args:
        loss: `squared`, the weighted sum of squares; `huber`, the sum over points of
            Huber's loss of ln error - ln predicted; `floor`, the sum of absolute
            errors, those of predictions above the measurement `TILT` times, which draws
            the law to the lower edge of the points; `binomial`, the deviance, twice the
            log-likelihood that the predictions lack of a perfect fit.
        error: float (rows, points)
        predicted: float (rows, points)
        weights: float (rows, points); for `binomial` the numbers of questions.
        delta: where Huber's loss turns from square to straight.
    """
    if loss == "squared":
        return (weights * (error - predicted) ** 2).sum(-1)
    if loss == "huber":
        size = np.abs(np.log(error) - np.log(np.maximum(predicted, SMALL)))
        return (
            weights * np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
        ).sum(-1)
    if loss == "floor":
        away = error - predicted
        return (weights * np.where(away < 0, -TILT * away, away)).sum(-1)
    share = np.clip(predicted, SMALL, 1 - SMALL)
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
    """Weights under which the gradient of the sum of squares is that of the loss, up to a factor; shapes as in `objective`."""
    if loss == "squared":
        return weights
    if loss == "huber":
        predicted = np.maximum(predicted, SMALL)
        away = np.log(error) - np.log(predicted)
        bend = np.minimum(1, delta / np.maximum(np.abs(away), SMALL * delta))
        # ln error - ln predicted over error - predicted tends to 1 / predicted as the
        # two meet
        apart = np.abs(error - predicted) > SMALL * predicted
        secant = np.where(
            apart, away / np.where(apart, error - predicted, 1), 1 / predicted
        )
        return weights * bend * secant / predicted
    if loss == "floor":
        away = error - predicted
        return (
            weights
            * np.where(away < 0, TILT, 1)
            / np.maximum(np.abs(away), SMALL * np.abs(error))
        )
    share = np.clip(predicted, SMALL, 1 - SMALL)
    return weights / (share * (1 - share))
