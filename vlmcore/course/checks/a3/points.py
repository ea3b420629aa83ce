"""Points that the checks of A3 use: published ones, and points of a law.

The law of A3 is one of T = V + 1: the visual tokens and the separator behind them.
"""

from typing import NamedTuple

import numpy as np

from vlmcore import paper
from vlmcore.scaling import Product

PLANTED = Product(AB=0.6, alpha=0.4, beta=0.2, D=0.1)
"""A law that 28 noise-free points identify."""

SEPARATOR = 1
"""Tokens behind an image that the language model reads as well."""

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
    """Returns a law's predictions at the published N and T, or at T + offset."""
    n, v, _ = published_points("visual")
    return ModelArrays(n, v, predicted(law, n, v + offset))


def few_points() -> ModelArrays:
    """Returns nine points of a law, on which k, F and the bound of D all matter."""
    return small_sample(Product(0.5, 0.3, 0.15, 0.0), seed=16, noise=0.03)


def small_sample(law: Product, seed: int, noise: float) -> ModelArrays:
    """Returns points of a law at three sizes and three V, with relative noise."""
    sizes, tokens = np.meshgrid([0.4, 1.5, 6.0], [1.0, 16, 256])
    n, v = sizes.ravel(), tokens.ravel()
    spread = np.random.default_rng(seed).normal(0, noise, len(n))
    return ModelArrays(n, v, predicted(law, n, v) * (1 + spread))


def squares(law: Product, points: ModelArrays) -> float:
    """Returns the sum of squared errors of a law."""
    return float(np.sum((predicted(law, points.n, points.v) - points.error) ** 2))


def predicted(law: Product, n: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Returns the errors of a law of T = V + 1, N in billions."""
    return law.predict(1e9 * n, v + SEPARATOR)
