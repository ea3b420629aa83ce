"""Other ways to the optimum of the published product law, to compare `fit_law` with."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from vlmcore import paper

GRID = paper.search_grid()
"""Five million nodes, of which the published search draws some at random."""


def published_points():
    """N, V and error of the 28 published models."""
    table = paper.scores("visual")
    columns = ("params", "visual_tokens", "error")
    return tuple(table[name].to_numpy(float) for name in columns)


def whole_grid(points):
    """The SSE of all nodes: a quadratic in AB and D for each pair of exponents."""
    n, v, e = np.log(points[0] / 1e9), np.log(points[1]), points[2]
    axes = np.meshgrid(GRID["alpha"], GRID["beta"], indexing="ij")
    alpha, beta = (axis.reshape(-1, 1) for axis in axes)
    power = np.exp(-alpha * n - beta * v)
    AB, D = GRID["AB"][:, None], GRID["D"]
    sums = (power.sum(1), (power**2).sum(1), power @ e)
    along, square, with_error = (each[:, None, None] for each in sums)
    constant = e @ e - 2 * D * e.sum() + D**2 * len(e)
    return constant - 2 * AB * with_error + AB**2 * square + 2 * AB * D * along


def multi_start(points, starts=20):
    """The least SSE of scipy's `least_squares` from random starts."""
    rng = np.random.default_rng(0)
    bounds = ([0, -1, -1, 0], [np.inf, 4, 4, np.inf])

    def residuals(p):
        return p[0] * (points[0] / 1e9) ** -p[1] * points[1] ** -p[2] + p[3] - points[2]

    return min(
        2 * least_squares(residuals, rng.uniform(0.01, 0.5, 4), bounds=bounds).cost
        for _ in range(starts)
    )


def plain_loop(points, nodes):
    """The least SSE node by node and point by point, as published."""
    best = np.inf
    for AB, alpha, beta, D in nodes:
        sse = 0
        for N, V, error in zip(*points, strict=True):
            sse += (AB / (N / 1e9) ** alpha / V**beta + D - error) ** 2
        best = min(best, sse)
    return best


def chinchilla_runs():
    """N, D and loss of the example in the README of PyPI's chinchilla."""
    path = Path(__file__).parent / "chinchilla_runs.csv"
    table = pd.read_csv(path, comment="#")
    return tuple(table[name].to_numpy(float) for name in ("N", "D", "loss"))
