"""Functions of A3 with one typical mistake each, of which some depend on the right."""

import itertools

import numpy as np
from scipy import optimize

from tests.course.checks.conftest import hidden_module
from vlmcore.course.checks.a3.points import ModelArrays
from vlmcore.scaling import profile

reference = hidden_module("a3")


def searched(residuals, **options):
    return optimize.least_squares(
        residuals, (0.1, 0.03), xtol=1e-14, ftol=1e-14, gtol=1e-14, **options
    ).x


def line(n, v, error, alpha, beta):
    x = n**-alpha * (v + 1) ** -beta
    return np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), error)[0]


def without_projection(n, v, error, **options):
    def residuals(exponents):
        slope, floor = line(n, v, error, *exponents)
        return slope * n ** -exponents[0] * (v + 1) ** -exponents[1] + floor - error

    alpha, beta = searched(residuals, **options)
    slope, floor = line(n, v, error, alpha, beta)
    return slope, alpha, beta, floor


def clipped_afterwards(n, v, error):
    slope, alpha, beta, floor = without_projection(n, v, error, bounds=(1e-4, 5))
    return slope, alpha, beta, max(floor, 0)


def straight_line_of_logarithms(n, v, error):
    design = np.stack([np.ones_like(n), -np.log(n), -np.log(v + 1)], 1)
    k, alpha, beta = np.linalg.lstsq(design, np.log(error))[0]
    return np.exp(k), alpha, beta, 0.0


def least_logarithms(n, v, error):
    def residuals(p):
        law = np.exp(p[0]) * n ** -p[1] * (v + 1) ** -p[2] + p[3]
        return np.log(law) - np.log(error)

    bounds = ([-9, 1e-4, 1e-4, 0], [9, 5, 5, 1])
    k, *rest = optimize.least_squares(
        residuals,
        (-0.5, 0.1, 0.05, 0.05),
        bounds=bounds,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    ).x
    return np.exp(k), *rest


def coarse_grid(n, v, error):
    nodes = [
        (a, b) for a in np.arange(0.03, 0.6, 0.07) for b in np.arange(0.03, 0.6, 0.07)
    ]

    def squares(node):
        slope, floor = line(n, v, error, *node)
        law = slope * n ** -node[0] * (v + 1) ** -node[1] + floor
        return np.sum((law - error) ** 2)

    alpha, beta = min(nodes, key=squares)
    slope, floor = line(n, v, error, alpha, beta)
    return slope, alpha, beta, floor


def stopped_early(right):
    def answer(n, v, error):
        _, alpha, beta, _ = right.fit_product(n, v, error)
        slope, floor = line(n, v, error, 1.006 * alpha, beta)
        if floor < 0:
            x = n ** -(1.006 * alpha) * (v + 1) ** -beta
            slope, floor = x @ error / (x @ x), 0
        return slope, 1.006 * alpha, beta, floor

    return answer


def undivided(alpha, beta, q, largest=576):
    return max(1, beta * q / (alpha - beta) - 1) if alpha > beta else 1


def unclipped(alpha, beta, q, largest=576):
    return beta * q / (alpha - beta) - 1


def kept_exponents(right):
    def answer(n, v, error, floors):
        _, alpha, beta, _ = right.fit_product(n, v, error)
        x = n**-alpha * (v + 1) ** -beta
        return [
            (alpha, beta, np.sum((x * (x @ (error - d)) / (x @ x) - error + d) ** 2))
            for d in floors
        ]

    return answer


def refitted_floor(right):
    def answer(n, v, error, floors):
        a, alpha, beta, d = right.fit_product(n, v, error)
        return [
            (alpha, beta, np.sum((a * n**-alpha * (v + 1) ** -beta + d - error) ** 2))
        ] * len(floors)

    return answer


def divided_ends(n, v, error, level=0.95):
    law = reference.best((n, v, error))
    a, b = (profile(law, name, level) for name in ("alpha", "beta"))
    return a.low / b.high, a.high / b.low


def dropped(right, *subsets):
    """Ratios over the given choices among the listed rows only."""

    def answer(scores, doubtful, task):
        mine = doubtful[doubtful["set"] == task]
        ratios = []
        for subset in subsets:
            kept = scores
            for i in subset:
                row = mine.iloc[i]
                kept = kept[
                    ~(
                        (kept["params"] == row["params_billion"] * 1e9)
                        & (kept["visual_tokens"] == row["visual_tokens"])
                    )
                ]
            _, alpha, beta, _ = right.fit_product(*right.columns(kept))
            ratios.append(alpha / beta)
        return min(ratios), max(ratios)

    return answer


def as_profile(**options):
    """The interval of question 5 with one mistake."""
    return lambda right: (
        lambda n, v, e, level=0.95: reference.interval(
            ModelArrays(n, v, e), level, **options
        )
    )


def strict(both):
    """A frontier of the models that no other beats in both, or in error at a cost."""

    def answer(n, v, error, q):
        cost = 2 * n * (q + v + 1)
        beaten = [
            [
                (c < cost[i]) & (e <= error[i])
                if both == "cost"
                else (c <= cost[i]) & (e < error[i])
                if both == "error"
                else (c < cost[i]) & (e < error[i])
                for c, e in zip(cost, error, strict=True)
            ]
            for i in range(len(n))
        ]
        members = np.flatnonzero(~np.any(beaten, 1))
        return members[np.lexsort((error[members], cost[members]))]

    return lambda right: answer


def logarithms_less_floor(n, v, error, floors):
    design = np.stack([np.ones_like(n), -np.log(n), -np.log(v + 1)], 1)
    rows = []
    for floor in floors:
        above = np.maximum(error - floor, 1e-9)
        k, alpha, beta = np.linalg.lstsq(design, np.log(above))[0]
        fitted = np.exp(k) * n**-alpha * (v + 1) ** -beta
        rows.append((alpha, beta, np.sum((fitted - above) ** 2)))
    return rows


def chosen_subsets(right, keep):
    """The range over the subsets of the listed rows that `keep(number, of)` keeps."""

    def answer(scores, doubtful, task):
        count = int((doubtful["set"] == task).sum())
        every = itertools.product([False, True], repeat=count)
        chosen = [
            list(itertools.compress(range(count), take))
            for take in every
            if keep(sum(take), count)
        ]
        return dropped(right, *chosen)(scores, doubtful, task)

    return answer


def cross_product(right):
    def answer(scores, doubtful, task):
        mine = doubtful[doubtful["set"] == task]
        ratios = []
        for take in itertools.product([False, True], repeat=len(mine)):
            rows = mine[list(take)]
            gone = (scores["params"] / 1e9).round(6).isin(
                rows["params_billion"].round(6)
            ) & scores["visual_tokens"].isin(rows["visual_tokens"])
            _, alpha, beta, _ = right.fit_product(*right.columns(scores[~gone]))
            ratios.append(alpha / beta)
        return min(ratios), max(ratios)

    return answer


def whole_models(right, scores, mine):
    sizes = mine["params_billion"].unique() * 1e9
    subsets = [[], [sizes[0]], [sizes[1]], sizes]
    laws = [
        right.fit_product(*right.columns(scores[~scores["params"].isin(subset)]))
        for subset in subsets
    ]
    return min(a / b for _, a, b, _ in laws), max(a / b for _, a, b, _ in laws)
