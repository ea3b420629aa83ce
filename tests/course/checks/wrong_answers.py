"""Answers to A3 with one typical mistake each."""

import numpy as np

from tests.course.checks.mistakes_a3 import (
    as_profile,
    chosen_subsets,
    clipped_afterwards,
    coarse_grid,
    cross_product,
    divided_ends,
    dropped,
    kept_exponents,
    least_logarithms,
    logarithms_less_floor,
    refitted_floor,
    stopped_early,
    straight_line_of_logarithms,
    strict,
    unclipped,
    undivided,
    whole_models,
    without_projection,
)


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
