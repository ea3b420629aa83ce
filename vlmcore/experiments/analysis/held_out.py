"""Predictions of the largest size of language model from a law of the smaller ones."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vlmcore.scaling import Fit


class Prediction(NamedTuple):
    """The prediction of the largest size from the smaller ones, for one seed and V."""

    seed: int
    visual_tokens: int
    predicted: float
    standard_error: float
    measured: float
    measured_error: float

    @property
    def informative(self) -> bool:
        """Whether the standard error is at most a quarter of the prediction."""
        return self.standard_error <= self.predicted / 4

    @property
    def holds(self) -> bool:
        """Whether it is within two standard errors of the measured value."""
        return abs(self.predicted - self.measured) <= 2 * float(
            np.hypot(self.standard_error, self.measured_error)
        )


def predict_largest(seed: int, law: Fit) -> Iterator[Prediction]:
    """One seed's errors at its largest N, each with the law refitted without them."""
    held = law.points.N.max() == law.points.N
    rest, out = law.refit(law.points.keep(~held)), law.points.keep(held)
    slope, covariance = rest.jacobian(out.N, out.V), rest.covariance.to_numpy()
    # the delta method
    spread = np.sqrt(np.einsum("vp,pq,vq->v", slope, covariance, slope))
    predicted = rest.law.predict(out.N, out.V)
    noise = np.sqrt(out.error * (1 - out.error) / out.weights)
    columns = np.stack([predicted, spread, out.error, noise], 1)
    for v, row in zip(out.V, columns, strict=True):
        yield Prediction(seed, int(v), *row.tolist())
