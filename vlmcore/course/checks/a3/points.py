"""What the checks of A3 try answers on: the published points, and points that a known law predicts without noise."""

from typing import NamedTuple

import numpy as np

from vlmcore import paper
from vlmcore.scaling import Fit, Product, fit_law

PLANTED = Product(AB=0.6, alpha=0.4, beta=0.2, D=0.1)
"""A law that 28 points without noise pin down."""

BENCHMARKS: tuple[paper.Benchmarks, ...] = ("visual", "ocr")


class ModelArrays(NamedTuple):
    """Models as A3's functions are given them, each an array of floats: N in billions, V, error."""

    n: np.ndarray
    v: np.ndarray
    error: np.ndarray


def published(task: paper.Benchmarks) -> ModelArrays:
    """The paper's 28 points."""
    scores = paper.scores(task)
    return ModelArrays(
        scores["params"].to_numpy() / 1e9,
        scores["visual_tokens"].to_numpy(float),
        scores["error"].to_numpy(),
    )


def planted(law: Product, offset: float = 0) -> ModelArrays:
    """What a law predicts at the N and V of the paper, or at V + offset."""
    n, v, _ = published("visual")
    return ModelArrays(n, v, law.predict(1e9 * n, v + offset))


def best(points: ModelArrays, **fixed: float) -> Fit:
    """The product law with the least squared error and D >= 0, or with some parameters held."""
    n, v, error = points
    return fit_law(Product, 1e9 * n, v, error, fixed=fixed, allow_bound=True)


def squares(law: Product, points: ModelArrays) -> float:
    """Sum of squared errors."""
    return float(np.sum((law.predict(1e9 * points.n, points.v) - points.error) ** 2))
