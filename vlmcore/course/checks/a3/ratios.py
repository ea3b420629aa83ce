"""The profile interval of alpha / beta, as question 5 of A3 asks for it or mistaken.

A wrong interval is recognised by the mistake that makes exactly this one.
"""

from typing import Any

import numpy as np
from scipy import optimize, stats

from vlmcore.course.checks.a3.points import ModelArrays
from vlmcore.scaling import Product

PARAMETERS = 4


def few_points() -> ModelArrays:
    """Returns nine points of a law, on which k, F and the bound of D all matter."""
    return small_sample(Product(0.5, 0.3, 0.15, 0.0), seed=16, noise=0.03)


def small_sample(law: Product, seed: int, noise: float) -> ModelArrays:
    """Returns points of a law at three sizes and three V, with relative noise."""
    sizes, tokens = np.meshgrid([0.4, 1.5, 6.0], [1.0, 16, 256])
    n, v = sizes.ravel(), tokens.ravel()
    spread = np.random.default_rng(seed).normal(0, noise, len(n))
    return ModelArrays(n, v, law.predict(1e9 * n, v) * (1 + spread))


def interval(
    points: ModelArrays,
    level: float,
    k: int = PARAMETERS,
    quantile: str = "F",
    bound: bool = True,
) -> tuple[float, float]:
    """Returns the profile interval of alpha / beta.

    Args:
        points: at least five.
        level: such as 0.95.
        k: parameters that the noise's degrees of freedom are reduced by.
        quantile: `"F"` or `"chi2"`, the distribution of the limit.
        bound: whether D >= 0.
    """
    free = len(points.error) - k
    steep = stats.f.ppf(level, 1, free) if quantile == "F" else stats.chi2.ppf(level, 1)
    grid = np.linspace(-4, 4, 81)
    squares = np.array([_least(points, r, bound) for r in grid])
    start = int(squares.argmin())
    near = (grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)])
    best = optimize.minimize_scalar(
        lambda r: _least(points, r, bound), bounds=near, options={"xatol": 1e-7}
    )
    limit = best.fun * (1 + steep / free)
    ends = []
    for side in (grid[grid < best.x][::-1], grid[grid > best.x]):
        above = [r for r in side if _least(points, r, bound) > limit]
        if not above:
            ends.append(float(side[-1]))
            continue
        ends.append(
            optimize.brentq(
                lambda r: _least(points, r, bound) - limit, best.x, above[0], xtol=1e-6
            )
        )
    return float(np.exp(ends[0])), float(np.exp(ends[1]))


def _least(points: ModelArrays, log_ratio: float, bound: bool) -> float:
    """The least sum of squares with alpha = ratio * beta."""

    def squares(log_beta: np.ndarray) -> np.ndarray:
        beta = np.exp(log_beta)[:, None]
        logs = np.exp(log_ratio) * np.log(points.n) + np.log(points.v)
        x = np.exp(-beta * logs)
        centred, error = x - x.mean(1, keepdims=True), points.error
        slope = centred @ (error - error.mean()) / (centred**2).sum(1)
        floor = error.mean() - slope * x.mean(1)
        if bound:
            through = x @ error / (x**2).sum(1)
            slope = np.where(floor < 0, through, slope)
            floor = np.maximum(floor, 0)
        return ((slope[:, None] * x + floor[:, None] - error) ** 2).sum(1)

    low, high = np.log(1e-4), np.log(3.0)
    for _ in range(5):  # each time a grid thirty times as fine
        betas = np.linspace(low, high, 61)
        found = squares(betas)
        i = int(found.argmin())
        low, high = betas[max(i - 1, 0)], betas[min(i + 1, 60)]
    return float(found.min())


MISTAKES: dict[str, dict[str, Any]] = {
    "your noise has n - 2 degrees of freedom: the law has k = 4 parameters, A·B, D "
    "and both exponents.": {"k": 2},
    "you divide by n, not by n - k: k = 4 parameters were fitted to these points.": {
        "k": 0
    },
    "your limit is that of chi-square, as if the noise were known: it is estimated "
    "from few points, so take the quantile of F.": {"quantile": "chi2"},
    "you let D go below zero: the fits of the profile keep D >= 0, as the law says.": {
        "bound": False
    },
}
"""Maps a sentence to the options of `interval` that make the same mistake."""
