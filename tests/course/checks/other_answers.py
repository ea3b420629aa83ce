"""Right answers to A3 by other methods than the master's."""

import itertools

import numpy as np
import pandas as pd
from scipy import optimize, stats

from tests.course.checks.subsets_a3 import by_bits, combined, grown, subsets_by


def all_pairs(n, v, error, q):
    cost = 2 * n * (q + v + 1)
    no_worse = (cost[:, None] <= cost) & (error[:, None] <= error)
    better = (cost[:, None] < cost) | (error[:, None] < error)
    members = np.flatnonzero(~(no_worse & better).any(0))
    return members[np.argsort(cost[members])]


def running_minimum(n, v, error, q):
    table = pd.DataFrame({"cost": 2 * n * (q + v + 1), "error": error})
    table = table.sort_values(["cost", "error"])
    before = table["error"].cummin().shift(fill_value=np.inf)
    return table.index[table["error"] < before].tolist()


def by_cost(n, v, error, q):
    cost = n * (q + v + 1)
    best = {c: min(error[cost == c]) for c in cost}
    return [
        i
        for i in sorted(range(len(n)), key=lambda i: cost[i])
        if error[i] == best[cost[i]]
        and all(best[c] > error[i] for c in best if c < cost[i])
    ]


def law(p, n, v):
    return np.exp(p[0]) * n ** -np.exp(p[1]) * (v + 1) ** -np.exp(p[2])


def simplex(n, v, error):
    """Nelder and Mead over all four, D by its square."""

    def squares(p):
        return np.sum((law(p, n, v) + p[3] ** 2 - error) ** 2)

    starts = [(-0.5, np.log(a), np.log(b), 0.3) for a, b in ((0.1, 0.03), (0.4, 0.2))]
    options = {"xatol": 1e-12, "fatol": 1e-15, "maxiter": 20_000, "maxfev": 20_000}
    found = []
    for start in starts:
        for _ in range(4):
            start = optimize.minimize(
                squares, start, method="Nelder-Mead", options=options
            ).x
        found.append(start)
    p = min(found, key=squares)
    return np.exp(p[0]), np.exp(p[1]), np.exp(p[2]), p[3] ** 2


def four_at_once(n, v, error):
    """All four by least squares, bounded."""
    bounds = ([1e-6, 1e-5, 1e-5, 0], [9, 5, 5, 1])
    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 5_000}
    fits = [
        optimize.least_squares(
            lambda p: p[0] * n ** -p[1] * (v + 1) ** -p[2] + p[3] - error,
            start,
            bounds=bounds,
            x_scale=[0.5, 0.1, 0.1, 0.1],
            **tight,
        )
        for start in ((0.6, 0.1, 0.03, 0.05), (0.5, 0.4, 0.2, 0.1), (0.9, 0.1, 0.3, 0))
    ]
    return tuple(min(fits, key=lambda fit: fit.cost).x)


def finer_and_finer(n, v, error, ratio=None):
    """A grid of both exponents, each time around its best node."""
    centre, step = np.log([0.15, 0.06]), 0.5
    while step > 1e-7:
        around = [centre + step * np.array(s) for s in NODES]
        tried = [solved_for(np.exp(node), n, v, error) for node in around]
        best = min(range(len(tried)), key=lambda i: tried[i][0])
        moved = not np.allclose(around[best], centre, atol=1e-12)
        centre = around[best]
        step = step if moved else step / 3
    alpha, beta = np.exp(centre)
    _, slope, floor = solved_for((alpha, beta), n, v, error)
    return slope, alpha, beta, floor


NODES = list(itertools.product((-2, -1, 0, 1, 2), repeat=2))


def solved_for(exponents, n, v, error, floor=None):
    x = n ** -exponents[0] * (v + 1) ** -exponents[1]
    if floor is None:
        slope, floor = np.polyfit(x, error, 1)
        if floor < 0:
            slope, floor = x @ error / (x @ x), 0.0
    else:
        slope = x @ (error - floor) / (x @ x)
    return np.sum((slope * x + floor - error) ** 2), slope, floor


def searched_tokens(alpha, beta, q, largest=576):
    """Numerically, in the logarithm of V."""
    grid = np.linspace(0, np.log(largest), 20_001)
    t = np.exp(grid) + 1
    return t[np.argmin(alpha * np.log(q + t) - beta * np.log(t))] - 1


def cases(alpha, beta, q, largest=576):
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.float64(beta) * q / (np.float64(alpha) - beta) - 1
    return float(np.clip(inner, 1, largest)) if alpha > beta else largest


def root(alpha, beta, q, largest=576):
    def slope(v):
        return alpha * (v + 1) - beta * (q + v + 1)

    if slope(largest) <= 0:
        return largest
    return 1 if slope(1) >= 0 else optimize.brentq(slope, 1, largest)


def profile_with(search):
    def answer(n, v, error, floors):
        rows = []
        for floor in floors:
            alpha, beta = search(
                lambda p, floor=floor: solved_for(np.exp(p), n, v, error, floor)[0]
            )
            rows.append((alpha, beta, solved_for((alpha, beta), n, v, error, floor)[0]))
        return np.array(rows)

    return answer


def nelder(squares):
    start = np.log([0.1, 0.05])
    for _ in range(3):
        start = optimize.minimize(
            squares,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-16},
        ).x
    return np.exp(start)


def powell(squares):
    start = np.log([0.1, 0.05])
    for _ in range(3):
        start = optimize.minimize(
            squares, start, method="Powell", options={"xtol": 1e-9, "ftol": 1e-15}
        ).x
    return np.exp(start)


def gridded(squares):
    centre, step = np.log([0.1, 0.05]), 0.5
    while step > 1e-7:
        around = [centre + step * np.array(s) for s in NODES]
        best = min(around, key=squares)
        step = step if not np.allclose(best, centre, atol=1e-12) else step / 3
        centre = best
    return np.exp(centre)


def interval_by(search):
    """The interval of question 5, with another way to the least sum of squares."""

    def answer(n, v, error, level=0.95):
        def least(log_ratio):
            def squares(log_beta):
                beta = np.exp(log_beta)
                return solved_for((np.exp(log_ratio) * beta, beta), n, v, error)[0]

            return search(squares)

        grid = np.linspace(-2, 2, 41)
        values = np.array([least(r) for r in grid])
        centre = grid[values.argmin()]
        fine = np.linspace(centre - 0.1, centre + 0.1, 21)
        limit = min(least(r) for r in fine) * (
            1 + stats.f.ppf(level, 1, len(n) - 4) / (len(n) - 4)
        )
        inside = np.flatnonzero(values <= limit)
        first = fine[int(np.argmin([least(r) for r in fine]))] if not len(inside) else 0
        low = grid[inside[0]] if len(inside) else first
        high = grid[inside[-1]] if len(inside) else first
        ends = [(low - 0.1, low), (high + 0.1, high)]
        return tuple(
            np.exp(optimize.brentq(lambda r: least(r) - limit, *sorted(e), xtol=1e-5))
            for e in ends
        )

    return answer


def over_grid(squares):
    low, high = np.log(1e-3), np.log(2)
    for _ in range(4):
        tried = np.linspace(low, high, 25)
        values = [squares(b) for b in tried]
        i = int(np.argmin(values))
        low, high = tried[max(i - 1, 0)], tried[min(i + 1, 24)]
    return min(values)


def parabola(squares):
    """The lowest point of a parabola through the best of a fine grid."""
    betas = np.linspace(-6, 0.7, 90)
    values = np.array([squares(b) for b in betas])
    i = int(np.clip(values.argmin(), 1, 88))
    near = np.linspace(betas[i - 1], betas[i + 1], 9)
    curve = np.polyfit(near - betas[i], [squares(b) for b in near], 4)
    fine = np.linspace(near[0], near[-1], 201) - betas[i]
    return squares(betas[i] + fine[np.polyval(curve, fine).argmin()])


def bounded(squares):
    start = min(np.linspace(-5, 0, 12), key=squares)
    return optimize.minimize_scalar(
        squares, bounds=(start - 0.6, start + 0.6), options={"xatol": 1e-7}
    ).fun


def decide_by(interval):
    def answer(n, v, error, q):
        low, high = interval(n, v, error)
        if low <= 1 <= high:
            return ["cannot tell", None, low, high]
        _, alpha, beta, _ = four_at_once(n, v, error)
        tokens = cases(alpha, beta, q) if low > 1 else 576
        return ["few" if low > 1 else "all", tokens, low, high]

    return answer


OTHER = {
    "q1": {"pairs": all_pairs, "cummin": running_minimum, "by cost": by_cost},
    "q2": {"simplex": simplex, "four": four_at_once, "grid": finer_and_finer},
    "q3": {"search": searched_tokens, "cases": cases, "root": root},
    "q4": {
        "simplex": profile_with(nelder),
        "Powell": profile_with(powell),
        "grid": profile_with(gridded),
    },
    "q5": {
        "grid": interval_by(over_grid),
        "parabola": interval_by(parabola),
        "bounded": interval_by(bounded),
    },
    "q6": {
        "combinations": subsets_by(combined, four_at_once),
        "bits": subsets_by(by_bits, four_at_once),
        "grown": subsets_by(grown, finer_and_finer),
    },
    "q7": {
        "grid": decide_by(interval_by(over_grid)),
        "parabola": decide_by(interval_by(parabola)),
        "bounded": decide_by(interval_by(bounded)),
    },
}
"""Maps a question to answers by name."""
