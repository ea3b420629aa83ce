"""What the checks of A3 compare with: the product law A·B N^-alpha V^-beta + D, planted, fitted and profiled by one-dimensional searches."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from vlmcore import paper


class Points(NamedTuple):
    """Measured models, each an array of floats: N in billions, V, error."""

    n: np.ndarray
    v: np.ndarray
    error: np.ndarray


class Law(NamedTuple):
    """The four numbers of the law, in the order in which A3 asks for them."""

    amplitude: float
    alpha: float
    beta: float
    floor: float

    def predict(self, n: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Errors at N (in billions) and V."""
        return self.amplitude * n**-self.alpha * v**-self.beta + self.floor


PLANTED = Law(0.6, 0.4, 0.2, 0.1)
"""A law that 28 points without noise pin down."""

TASKS: tuple[paper.Task, ...] = ("visual", "ocr")


def published(task: paper.Task) -> Points:
    """The paper's 28 points."""
    scores = paper.scores(task)
    return Points(scores["params"].to_numpy() / 1e9, scores["visual_tokens"].to_numpy(float), scores["error"].to_numpy())


def planted(law: Law) -> Points:
    """The errors of a law without noise, at the N and V of the paper."""
    n, v, _ = published("visual")
    return Points(n, v, law.predict(n, v))


def line(points: Points, alpha: float, beta: float) -> Law:
    """The law with these exponents that fits best, with D >= 0."""
    x = points.n**-alpha * points.v**-beta
    slope = np.cov(x, points.error)[0, 1] / np.var(x, ddof=1)
    floor = points.error.mean() - slope * x.mean()
    return Law(slope, alpha, beta, floor) if floor >= 0 else Law(x @ points.error / (x @ x), alpha, beta, 0.0)


def squares(law: Law, points: Points) -> float:
    """Sum of squared errors."""
    return float(np.sum((law.predict(points.n, points.v) - points.error) ** 2))


def fit_at(ratio: float, points: Points) -> Law:
    """The best law whose alpha is `ratio` times its beta."""
    best = _lowest(lambda beta: squares(line(points, ratio * beta, beta), points), 1e-4, 2)
    return line(points, ratio * best, best)


def fit(points: Points) -> Law:
    """The best law with positive exponents."""
    return fit_at(_lowest(lambda ratio: squares(fit_at(ratio, points), points), 0.05, 50), points)


def ratio_interval(points: Points, level: float) -> tuple[float, float]:
    """Profile interval of alpha / beta, with three parameters counted."""
    law = fit(points)
    ratio, free = law.alpha / law.beta, len(points.error) - 3
    limit = squares(law, points) * (1 + stats.f.ppf(level, 1, free) / free)
    low, high = (optimize.brentq(lambda r: squares(fit_at(r, points), points) - limit, ratio, ratio * far) for far in (0.2, 5))
    return low, high


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest; searched on a logarithmic scale."""
    found = optimize.minimize_scalar(
        lambda z: function(float(np.exp(z))), bounds=np.log([low, high]), method="bounded", options={"xatol": 1e-7}
    )
    return float(np.exp(found.x))
