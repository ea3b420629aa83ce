"""Answers to A3 with one typical mistake each."""

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


def changed_decision(change):
    """An answer to question 7 whose result is changed."""
    return lambda right: lambda n, v, e, q: change(right.decide(n, v, e, q), right, q)


def always_decided(answer, right, q):
    verdict, tokens, low, high = answer
    if verdict != "cannot tell":
        return answer
    ratio = (low * high) ** 0.5
    tokens = right.optimal_tokens(ratio, 1, q)
    return ("few" if ratio > 1 else "all"), tokens, low, high


OTHER_WAY = {"few": "all", "all": "few", "cannot tell": "cannot tell"}
WRONG = {
    "q1": {
        "of two models with equal cost": strict("cost"),
        "of two models with equal error": strict("error"),
        "ties are kept on your frontier": strict("both"),
        "begin at 0": lambda r: lambda *a: [i + 1 for i in r.frontier(*a)],
        "leaves the separator out": lambda r: (
            lambda n, v, e, q: r.frontier(n, v - 1, e, q)
        ),
        "leaves Q out": lambda r: lambda n, v, e, q: r.frontier(n, v, e, 0),
        "leaves N out": lambda r: (
            lambda n, v, e, q: r.frontier(np.ones_like(n), v, e, q)
        ),
        "leaves the tokens out": lambda r: (
            lambda n, v, e, q: r.frontier(n, np.ones_like(v), e, q)
        ),
        "worst models": lambda r: lambda n, v, e, q: r.frontier(n, v, -e, q),
        "another order": lambda r: lambda n, v, e, q: sorted(r.frontier(n, v, e, q)),
        "indices": lambda r: (
            lambda n, v, e, q: np.isin(np.arange(len(n)), r.frontier(n, v, e, q))
        ),
        "as good as itself": lambda r: lambda n, v, e, q: [],
        "is on your frontier, but another": lambda r: (
            lambda n, v, e, q: [*r.frontier(n, v, e, q), 8]
        ),
        "is missing": lambda r: lambda n, v, e, q: r.frontier(n, v, e, q)[:-1],
    },
    "q2": {
        "you fitted V:": lambda r: lambda n, v, e: r.fit_product(n, v - 1, e),
        "you fitted T + Q": lambda r: lambda n, v, e: r.fit_product(n, v + 50, e),
        "you fitted the score": lambda r: lambda n, v, e: r.fit_product(n, v, 1 - e),
        "alpha and beta are exchanged": lambda r: (
            lambda n, v, e: np.array(r.fit_product(n, v, e))[[0, 2, 1, 3]]
        ),
        "your exponents are negative": lambda r: (
            lambda n, v, e: r.fit_product(n, v, e) * np.array([1, -1, -1, 1])
        ),
        "project onto D >= 0": lambda r: (
            lambda n, v, e: without_projection(n, v, e, bounds=(1e-4, 5))
        ),
        "you clipped D to 0 but kept the slope": lambda r: clipped_afterwards,
        "it is another law": lambda r: (
            lambda n, v, e: (
                without_projection(n, v, e)
                if e.mean() > 0.7 and e.min() > 0.6
                else r.fit_product(n, v, e)
            )
        ),
        "A straight line through logarithms has no D": lambda r: (
            straight_line_of_logarithms
        ),
        "squared error of the logarithms": lambda r: least_logarithms,
        "its grid is too coarse": lambda r: coarse_grid,
        "can be had": stopped_early,
        "return four numbers": lambda r: lambda n, v, e: r.fit_product(n, v, e)[:3],
        "not all of them are finite": lambda r: lambda n, v, e: [np.nan] * 4,
        "your function stopped with LinAlgError": lambda r: (
            lambda n, v, e: np.linalg.inv(np.zeros((2, 2)))
        ),
    },
    "q3": {
        "you forgot the clip at one token": lambda r: unclipped,
        "alpha < beta you returned 1": lambda r: (
            lambda a, b, q, largest=576: min(undivided(a, b, q), largest)
        ),
        "you forgot `largest`": lambda r: undivided,
        "you ignored the argument `largest`": lambda r: (
            lambda a, b, q, largest=576: r.optimal_tokens(a, b, q)
        ),
        "you divide by zero": lambda r: (
            lambda a, b, q, largest=576: (
                largest
                if a < b
                else min(
                    max(np.float64(b) * q / (a - b) - 1 if a != b else 1 / (a - b), 1),
                    largest,
                )
            )
        ),
        "counts the separator": lambda r: (
            lambda a, b, q, largest=576: min(
                r.optimal_tokens(a, b, q, 1e9) + 1, largest
            )
        ),
        "you rounded": lambda r: (
            lambda a, b, q, largest=576: round(r.optimal_tokens(a, b, q, largest))
        ),
        "alpha and beta are exchanged": lambda r: (
            lambda a, b, q, largest=576: a * q / (a - b) - 1
        ),
        "upside down": lambda r: lambda a, b, q, largest=576: max((a - b) / (b * q), 1),
        "the sign is wrong": lambda r: (
            lambda a, b, q, largest=576: max(b * q / (a + b) - 1, 1)
        ),
    },
    "q4": {
        "the logarithms of error - D": lambda r: logarithms_less_floor,
        "all rows are the same": refitted_floor,
        "you kept the exponents": kept_exponents,
        "alpha and beta are exchanged": lambda r: (
            lambda *p: r.profile(*p)[:, [1, 0, 2]]
        ),
        "you fitted V:": lambda r: lambda n, v, e, d: r.profile(n, v - 1, e, d),
        "half the sum of squares": lambda r: lambda *p: r.profile(*p) * [1, 1, 0.5],
        "the mean of the squares": lambda r: lambda *p: r.profile(*p) * [1, 1, 1 / 28],
        "also below zero": lambda r: (
            lambda n, v, e, floors: r.profile(n, v, e, np.maximum(floors, 0))
        ),
        "one row for each floor": lambda r: lambda *p: r.profile(*p).T[:2],
    },
    "q5": {
        "both sides are in it already": lambda r: (
            lambda n, v, e, level=0.95: r.ratio_interval(n, v, e, (1 + level) / 2)
        ),
        "you fitted V:": lambda r: (
            lambda n, v, e, level=0.95: r.ratio_interval(n, v - 1, e, level)
        ),
        "n - 2 degrees of freedom": as_profile(k=2),
        "you divide by n, not by n - k": as_profile(k=0),
        "that of chi-square": as_profile(quantile="chi2"),
        "you let D go below zero": as_profile(bound=False),
        "is right. Hold the ratio": lambda r: lambda n, v, e, level=0.95: (1.93, 2.03),
        "one standard error": lambda r: (
            lambda n, v, e, level=0.95: r.ratio_interval(n, v, e, 0.68)
        ),
        "Did you divide the ends of two intervals?": lambda r: divided_ends,
        "the interval at 95 %": lambda r: (
            lambda n, v, e, level=0.95: r.ratio_interval(n, v, e)
        ),
        "return the lower end first": lambda r: lambda *p: r.ratio_interval(*p)[::-1],
        "is not in there": lambda r: (
            lambda *p: np.divide(1, r.ratio_interval(*p))[::-1]
        ),
        "look where the sum of squares": lambda r: (
            lambda *p: np.array(r.ratio_interval(*p)) * 1.03
        ),
    },
    "q6": {
        "you never drop all": lambda r: chosen_subsets(r, lambda k, n: k < n),
        "always drop at least one": lambda r: chosen_subsets(r, lambda k, n: k > 0),
        "you left out none and all": lambda r: chosen_subsets(
            r, lambda k, n: 0 < k < n
        ),
        "only the listed pairs": cross_product,
        "only dropped all": lambda r: dropped(r, [0, 1, 2]),
        "only compared none with all": lambda r: dropped(r, [], [0, 1, 2]),
        "one point at a time": lambda r: dropped(r, [], [0], [1], [2]),
        "nothing was dropped": lambda r: dropped(r, []),
        "doubtful in the other task": lambda r: (
            lambda s, d, task: r.doubtful_ratios(s, d.assign(set=task), task)
        ),
        "whole language models": lambda r: (
            lambda s, d, task: whole_models(r, s, d[d["set"] == task])
        ),
        "you fitted V:": lambda r: (
            lambda s, d, task: r.doubtful_ratios(
                s.assign(visual_tokens=s["visual_tokens"] - 1),
                d.assign(visual_tokens=d["visual_tokens"] - 1),
                task,
            )
        ),
        "smallest ratio first": lambda r: lambda *p: r.doubtful_ratios(*p)[::-1],
    },
    "q7": {
        "no reason to decide": changed_decision(always_decided),
        "the other way round": changed_decision(
            lambda a, r, q: (OTHER_WAY[a[0]], *a[1:])
        ),
        "your interval of alpha / beta is": changed_decision(
            lambda a, r, q: (*a[:2], a[2] * 0.9, a[3] * 1.1)
        ),
        "the verdict is right and V is not": changed_decision(
            lambda a, r, q: (a[0], a[1] and r.optimal_tokens(a[3], 1, q), *a[2:])
        ),
        "these data do decide": changed_decision(
            lambda a, r, q: ("cannot tell", None, *a[2:])
        ),
        "return None, and a number": changed_decision(
            lambda a, r, q: (a[0], a[1] or 1, *a[2:])
        ),
        "return four things": changed_decision(lambda a, r, q: a[:3]),
    },
}


def whole_models(right, scores, mine):
    sizes = mine["params_billion"].unique() * 1e9
    subsets = [[], [sizes[0]], [sizes[1]], sizes]
    laws = [
        right.fit_product(*right.columns(scores[~scores["params"].isin(subset)]))
        for subset in subsets
    ]
    return min(a / b for _, a, b, _ in laws), max(a / b for _, a, b, _ in laws)
