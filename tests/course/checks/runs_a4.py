"""Runs of A4, what they cost, their ledger, and a plain fit of their errors."""

import itertools

import numpy as np
from scipy import optimize

from vlmcore.course.lab import SIZES, TOKENS, price_of_run


def bought(cells, budget):
    """The cells in turn, as long as they can be paid for."""
    taken, paid = [], 0.0
    for cell in cells:
        price = price_of_run(*cell[:2])
        if list(cell) not in taken and paid + price <= budget:
            taken.append(list(cell))
            paid += price
    return taken


def spread(seeds, sizes=SIZES, tokens=TOKENS):
    return list(itertools.product(sizes, tokens, range(seeds)))


def rows_of(results, blind=False):
    rows = [r for r in results if blind or r["v"] > 0]
    return [np.array([r[k] for r in rows], float) for k in ("n", "v", "error", "count")]


def least(results, weights=True, floor=None, blind=False):
    """A fit without the luck that a seed's runs share."""
    n, v, error, count = rows_of(results, blind)
    v = np.maximum(v, 0.5)
    rough = np.clip(error, 0.01, 0.99)
    sigma = np.sqrt((0.02 * rough) ** 2 + rough * (1 - rough) / count)
    sigma = sigma if weights else np.full_like(sigma, 0.01)

    def residuals(p):
        return (p[0] * (n / 1e6) ** -p[1] * v ** -p[2] + p[3] - error) / sigma

    low = 0.0 if floor is None else floor
    bounds = ([0, 0.005, 0.005, low], [2, 2, 2, 1])
    starts = [(0.3, 0.2, 0.1, 0.05), (0.3, 0.15, 0.3, 0.05), (0.4, 0.1, 0.06, 0.01)]
    tight = {"xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12}
    fits = [
        optimize.least_squares(residuals, s, bounds=bounds, **tight) for s in starts
    ]
    best = min(fits, key=lambda fit: fit.cost)
    return best.x, best.jac


def experiment(lab, runs, first=True):
    """A ledger of runs, with a prediction before or after them."""
    if first:
        lab.register("few tokens", {"held-out": 0.2})
    for cell in runs:
        lab.run(*cell)
    if not first:
        lab.register("as I said", {"held-out": 0.2})
    return lab.ledger()


SOME = [(SIZES[0], 0, 0), (SIZES[0], 4, 1), (SIZES[2], 1, 0), (SIZES[3], 4, 0)]
