"""Points that the checks of A3 use: published ones, and noise-free ones of a law."""

from typing import NamedTuple

import numpy as np

from vlmcore import paper
from vlmcore.scaling import Fit, Product, fit_law

PLANTED = Product(AB=0.6, alpha=0.4, beta=0.2, D=0.1)
"""A law that 28 noise-free points identify."""

BENCHMARKS: tuple[paper.Benchmarks, ...] = ("visual", "ocr")


class ModelArrays(NamedTuple):
    """The arguments of A3's functions, float arrays: N in billions, V and error."""

    n: np.ndarray
    v: np.ndarray
    error: np.ndarray


def published_points(task: paper.Benchmarks) -> ModelArrays:
    """Returns the 28 points of Li et al. (2024)."""
    scores = paper.scores(task)
    return ModelArrays(
        scores["params"].to_numpy() / 1e9,
        scores["visual_tokens"].to_numpy(float),
        scores["error"].to_numpy(),
    )


def planted(law: Product, offset: float = 0) -> ModelArrays:
    """Returns the predictions of a law at the published N and V, or at V + offset."""
    n, v, _ = published_points("visual")
    return ModelArrays(n, v, law.predict(1e9 * n, v + offset))


def best(points: ModelArrays, **fixed: float) -> Fit:
    """Fits the product law with D >= 0, or with the given parameters fixed."""
    n, v, error = points
    return fit_law(Product, 1e9 * n, v, error, fixed=fixed, allow_bound=True)


def squares(law: Product, points: ModelArrays) -> float:
    """Returns the sum of squared errors of a law."""
    return float(np.sum((law.predict(1e9 * points.n, points.v) - points.error) ** 2))
