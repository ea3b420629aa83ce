"""Hidden tests of A3: 23 points, and 2 by hand. They are left out of the release.

The first test of each question is its public check; the others use points that no
student has seen, some of them drawn for each student. The functions above the tests are
the reference: the public check has its numbers, and those of mistakes, which `tables()`
makes.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from vlmcore import paper
from vlmcore.course.checks import check
from vlmcore.course.checks.a3 import certainty, choosing, deciding, doubting, fitting
from vlmcore.course.checks.a3.points import (
    BENCHMARKS,
    PLANTED,
    SEPARATOR,
    ModelArrays,
    planted,
    predicted,
    published_points,
    small_sample,
    squares,
)
from vlmcore.scaling import Product, fit_law
from vlmcore.scaling import frontier as undominated

NAMES = {
    "q1": "frontier",
    "q2": "fit_product",
    "q3": "optimal_tokens",
    "q4": "profile",
    "q5": "ratio_interval",
    "q6": "doubtful_ratios",
    "q7": "decide",
}
REFUSED = [
    "vlmcore.scaling.fit_law",
    "vlmcore.scaling.frontier",
    "vlmcore.scaling.profile",
    "vlmcore.scaling.profile_path",
    "vlmcore.scaling.plan",
    "vlmcore.scaling.Product.optimal_tokens",
]
BY_HAND = [
    (
        "q7",
        2,
        "One point: the recommendation quotes the interval and follows from it. One "
        "point: a further model is named, N and V, with the reason why it narrows the "
        "interval of the ratio.",
    )
]
SIZES = np.array([0.3, 1.1, 3.0, 8.0, 14.0])  # billions
TOKENS = np.array([1.0, 2, 9, 36, 100, 400])
N, V = (grid.ravel() for grid in np.meshgrid(SIZES, TOKENS))


PARAMETERS = 4


def best(points, **fixed):
    """The product law with D >= 0 of least squares, with parameters fixed."""
    n, v, error = points
    tokens = v + SEPARATOR
    return fit_law(Product, 1e9 * n, tokens, error, fixed=fixed, allow_bound=True)


def ratio(points):
    """alpha / beta of the best law."""
    law = best(points).law
    return float(law.alpha / law.beta)


def least(points, log_ratio, bound):
    """The least sum of squares with alpha = ratio * beta."""

    def squares(log_beta):
        beta = np.exp(log_beta)[:, None]
        logs = np.exp(log_ratio) * np.log(points.n) + np.log(points.v + SEPARATOR)
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


def interval(points, level, k=PARAMETERS, quantile="F", bound=True):
    """The profile interval of alpha / beta, or with a mistake.

    k: parameters by which the degrees of freedom are reduced; quantile: F or chi2, the
    distribution of the limit; bound: whether D >= 0.
    """
    free = len(points.error) - k
    steep = stats.f.ppf(level, 1, free) if quantile == "F" else stats.chi2.ppf(level, 1)
    grid = np.linspace(-4, 4, 81)
    squares = np.array([least(points, r, bound) for r in grid])
    start = int(squares.argmin())
    near = (grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)])
    middle = optimize.minimize_scalar(
        lambda r: least(points, r, bound), bounds=near, options={"xatol": 1e-7}
    )
    limit = middle.fun * (1 + steep / free)
    ends = []
    for side in (grid[grid < middle.x][::-1], grid[grid > middle.x]):
        above = [r for r in side if least(points, r, bound) > limit]
        if not above:
            ends.append(float(side[-1]))
            continue
        ends.append(
            optimize.brentq(
                lambda r: least(points, r, bound) - limit, middle.x, above[0], xtol=1e-6
            )
        )
    return float(np.exp(ends[0])), float(np.exp(ends[1]))


def decision(points, q=deciding.TEXT_TOKENS):
    """The verdict, V, and the ends of the interval at 95 %."""
    low, high = interval(points, 0.95)
    if low > 1:
        tokens = float(np.clip(q / (ratio(points) - 1) - SEPARATOR, 1, 576))
        return "few", tokens, low, high
    return ("all", 576.0, low, high) if high < 1 else ("cannot tell", None, low, high)


def subsets_of(groups):
    """The union of the groups, for every choice of groups."""
    chosen = itertools.product([False, True], repeat=len(groups))
    return [
        [i for group in itertools.compress(groups, take) for i in group]
        for take in chosen
    ]


def ratio_range(points, subsets):
    """The smallest and largest alpha / beta without one of the subsets."""
    ratios = [
        ratio(ModelArrays(*(np.delete(column, subset) for column in points)))
        for subset in subsets
    ]
    return min(ratios), max(ratios)


def rows_of(points, listed):
    """The indices of the points that a table of doubtful points lists."""
    pairs = zip(listed["params_billion"], listed["visual_tokens"], strict=True)
    return [
        int(np.flatnonzero(np.isclose(points.n, n) & (points.v == v))[0])
        for n, v in pairs
    ]


def wrong_subsets(points, mine, others):
    """For each mistake of question 6, the subsets that it drops."""
    alone = [[row] for row in mine]
    every = subsets_of(alone)
    sizes = np.unique(points.n[mine])
    whole_sizes = [np.flatnonzero(points.n == n).tolist() for n in sizes]
    return {
        "nothing was dropped: N is in billions in one table and not in the other, and "
        "floats rarely match exactly.": [[]],
        "you only dropped all of them at once: nobody says that all are wrong. Try "
        "every subset.": [mine],
        "you only compared none with all: a subset in between moves the ratio "
        "further.": [[], mine],
        "you only dropped one point at a time: pairs and all three are ways to doubt, "
        "too.": [[], *alone],
        "you never dropped nothing or several: every subset counts, from none to "
        "all.": alone,
        "you also dropped the points that are doubtful in the other task: keep the "
        "rows of `doubtful` whose set is the task.": subsets_of(
            [[row] for row in sorted({*mine, *others})]
        ),
        "you never drop all of them: every subset counts, from none to all.": [
            subset for subset in every if len(subset) < len(mine)
        ],
        "you always drop at least one: to drop none is one of the subsets, too.": [
            subset for subset in every if subset
        ],
        "you left out none and all: every subset counts, from none to all.": [
            subset for subset in every if 0 < len(subset) < len(mine)
        ],
        "you dropped every V of the list from every N of the list: only the listed "
        "pairs of N and V are in doubt.": [
            np.flatnonzero(
                np.isin(points.n, points.n[subset])
                & np.isin(points.v, points.v[subset])
            ).tolist()
            for subset in every
        ],
        "you dropped whole language models: only the one V of each that is listed is "
        "in doubt.": subsets_of(whole_sizes),
    }


OF_V = "you fitted V: the law is one of T = V + 1."


def intervals(points, level):
    """The row of the table for an interval: right, best ratio, and mistakes."""
    usual = {
        0.95: "that is the interval at 95 %; take the quantile of `level`.",
        0.683: "that is the interval one standard error to either side; take the "
        "quantile of `level`.",
    }
    options = {
        "your noise has n - 2 degrees of freedom: the law has k = 4 parameters, A·B, D "
        "and both exponents.": {"k": 2},
        "you divide by n, not by n - k: k = 4 parameters were fitted to these "
        "points.": {"k": 0},
        "your limit is that of chi-square, as if the noise were known: it is estimated "
        "from few points, so take the quantile of F.": {"quantile": "chi2"},
        "you let D go below zero: the fits of the profile keep D >= 0, as the law "
        "says.": {"bound": False},
    }
    twice = (
        "you took the quantile of (1 + level) / 2. F is a square, so both sides are in "
        "it already: take that of `level`."
    )
    mistakes = {twice: interval(points, (1 + level) / 2)}
    mistakes[OF_V] = interval(points._replace(v=points.v - SEPARATOR), level)
    mistakes |= {
        sentence: interval(points, other)
        for other, sentence in usual.items()
        if other != level
    }
    mistakes |= {
        sentence: interval(points, level, **wrong)
        for sentence, wrong in options.items()
    }
    known = {"right": interval(points, level), "best": ratio(points)}
    return known | {"mistakes": mistakes}


def ranges(scores, doubtful, task):
    """The row of the table for doubtful points: right and mistaken ranges."""
    points = as_points(scores)
    of_task = doubtful["set"] == task
    mine, others = (rows_of(points, doubtful[rows]) for rows in (of_task, ~of_task))
    every = subsets_of([[row] for row in mine])
    wrong = wrong_subsets(points, mine, others)
    return {
        "right": ratio_range(points, every),
        "mistakes": {s: ratio_range(points, subsets) for s, subsets in wrong.items()}
        | {OF_V: ratio_range(points._replace(v=points.v - SEPARATOR), every)},
    }


def as_points(scores):
    """The arrays of a table of scores."""
    names = ("params", "visual_tokens", "error")
    n, v, error = (scores[name].to_numpy(float) for name in names)
    return ModelArrays(n / 1e9, v, error)


def frontiers(q):
    """The row of the table for the frontier of a few models."""
    n, v, error = choosing.MODELS
    t = v + SEPARATOR
    mistaken = {
        "your cost leaves the separator out: the language model reads T = V + 1 tokens "
        "of an image, so a model costs 2N(Q + T).": (n * (q + v), error),
        "your cost leaves Q out: the text has to be read too, so a model costs "
        "2N(Q + T).": (n * t, error),
        "your cost leaves N out: a token costs more in a larger model, 2N(Q + T) in "
        "all.": (q + t, error),
        "your cost leaves the tokens out: it is 2N(Q + T), not a matter of N alone.": (
            n,
            error,
        ),
        "your frontier collects the worst models: an error is better when it is "
        "lower.": (2 * n * (q + t), -error),
    }
    return {
        "q": q,
        "right": undominated(2 * n * (q + t), error).tolist(),
        "mistakes": {s: undominated(*pair).tolist() for s, pair in mistaken.items()},
    }


def optima(alpha, beta, q):
    """The row of the table for the optimal number of tokens."""
    tokens = beta * q / (alpha - beta)
    right = tokens - SEPARATOR
    return {
        "right": right,
        "mistakes": {
            "that is the best T, which counts the separator, too: V = T - 1 is asked "
            "for.": tokens,
            "you rounded: leave V* as it comes out.": round(right),
            "alpha and beta are exchanged in the numerator, or you returned Q + V: V* "
            "grows with beta, and V alone is asked for.": right + q,
            "your fraction is upside down, or you return one token for every Q: V* "
            "grows with Q.": (alpha - beta) / (beta * q) - SEPARATOR,
            "the sign is wrong: alpha / (Q + T) - beta / T = 0 at the minimum.": beta
            * q
            / (alpha + beta)
            - SEPARATOR,
        },
    }


def line_of_logarithms(points, floor):
    """Exponents of a straight line through the logarithms of error - D."""
    n, v, error = points
    design = np.stack([np.ones_like(n), -np.log(n), -np.log(v + SEPARATOR)], 1)
    return np.linalg.lstsq(design, np.log(error - floor))[0][1:].tolist()


def tables():
    """Returns the numbers of the public checks, rounded."""
    law, floors = planted(PLANTED), certainty.FLOORS
    published_sse = {task: best(published_points(task)).sse for task in BENCHMARKS}
    return rounded(
        {
            "a3.q1": [frontiers(q) for q in (choosing.TEXT_TOKENS, 0)],
            "a3.q2": {"bound": best(planted(fitting.BOUND)).sse} | published_sse,
            "a3.q3": optima(*choosing.PRINTED, choosing.TEXT_TOKENS),
            "a3.q4": {
                "line": line_of_logarithms(law, floors[0]),
                "least": [best(law, D=floor).sse for floor in floors],
            },
            "a3.q5": [intervals(*case) for case in certainty.interval_cases()],
            "a3.q6": [ranges(*case) for case in doubting.range_cases()],
            "a3.q7": [decision(points) for points in deciding.decision_cases()],
        }
    )


def rounded(value):
    """Numbers with seven digits, at every depth; rounding errors alone are zero."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    if isinstance(value, float):
        return 0.0 if abs(value) < 1e-12 else float(f"{value:.7g}")
    return value


def law(*values):
    """Errors of a planted product law at N and T."""
    return predicted(Product(*values), N, V)


def noisy(seed=1):
    """Points of a law with some noise."""
    noise = np.random.default_rng(seed).normal(0, 0.004, len(N))
    return law(0.7, 0.12, 0.04, 0.0) + noise


def published(submission, question):
    """Asserts that the public check is content."""
    feedback = check(f"a3.{question}", submission.function(NAMES[question]))
    assert feedback.right, feedback.message


def test_q1_public(submission):
    published(submission, "q1")


def test_q1_many_points(submission, variant):
    """Models of which some have the cost or the error of one on the frontier."""
    rng = variant("q1")
    for q in (0, 30):
        n, v = rng.uniform(1, 9, 40), rng.choice([1.0, 2, 4, 9, 36, 144, 576], 40)
        error = 0.9 - 0.05 * np.log(n * (v + 5)) + rng.uniform(0, 0.2, 40)
        # without the separator, the last of these costs less than the one before it
        n, v = np.append(n, [10, 40]), np.append(v, [5, 1])
        error = np.append(error, error.min() - [0.01, 0.02])
        best = undominated(2 * n * (q + v + SEPARATOR), error)
        n = np.concatenate([n, 2 * n[best], n[best]])
        v = np.concatenate([v, v[best], v[best]])
        error = np.concatenate([error, error[best], error[best] + 0.03])
        mixed = rng.permutation(len(n))
        n, v, error = n[mixed], v[mixed], error[mixed]
        found = submission.function("frontier")(n, v, error, q)
        right = undominated(2 * n * (q + v + SEPARATOR), error)
        assert np.array_equal(found, right), (
            f"on {len(n)} models at Q = {q}, some with equal cost or equal error, the "
            "frontier is another."
        )


def test_q2_public(submission):
    published(submission, "q2")


@pytest.mark.points(2)
def test_q2_planted(submission):
    for values in [(0.5, 0.2, 0.1, 0.15), (0.8, 0.6, 0.3, 0.05), (0.4, 0.1, 0.3, 0.2)]:
        found = submission.function("fit_product")(N, V, law(*values))
        assert np.allclose(found, values, rtol=0.02, atol=2e-3), (
            "a law planted without noise at other sizes and tokens was not found again."
        )


def test_q2_noisy(submission, variant):
    """Noise, a law that pulls D below zero, and the published sizes."""
    for n, v, error in (
        (N, V, noisy()),
        (N, V, law(0.9, 0.1, 0.05, -0.15)),
        with_noise(variant("q2"), "visual"),
        with_noise(variant("q2"), "ocr"),
    ):
        found = submission.function("fit_product")(n, v, error)
        assert min(found[:3]) > 0 and found[3] > -1e-9, (
            "A·B, alpha and beta are above zero, and D is not below it; you found "
            f"{np.round(found, 3).tolist()}."
        )
        points = ModelArrays(n, v, error)
        ours, least_sse = squares(Product(*found), points), best(points).sse
        assert ours <= 1.002 * least_sse + 1e-12, (
            "on noisy points a lower sum of squares can be had."
        )


def with_noise(rng, task):
    """The published points, moved a little."""
    n, v, error = as_points(paper.scores(task))
    return n, v, error + rng.normal(0, 5e-4, len(error))


def test_q3_public(submission):
    published(submission, "q3")


@pytest.mark.points(2)
def test_q3_everywhere(submission):
    cases = itertools.product([0.02, 0.1, 0.4], [0.02, 0.05, 0.3], [0, 7, 200], [64])
    for alpha, beta, q, largest in cases:
        if alpha == beta and q == 0:
            continue  # every V is as good
        tokens = Product(1, alpha, beta, 0).optimal_tokens(
            q, max_visual_tokens=largest + SEPARATOR
        )
        right = max(tokens - SEPARATOR, 1)
        found = submission.function("optimal_tokens")(alpha, beta, q, largest)
        assert found == pytest.approx(right, rel=1e-3), (
            f"at alpha = {alpha}, beta = {beta}, Q = {q} and at most {largest} tokens "
            f"V* is {right:.4g}."
        )


def test_q4_public(submission):
    published(submission, "q4")


@pytest.mark.points(3)
def test_q4_noisy(submission):
    error, floors = noisy(), [-1.0, -0.1, 0.0, 0.1]
    rows = np.asarray(submission.function("profile")(N, V, error, floors))
    for row, floor in zip(rows, floors, strict=True):
        fit = best((N, V, error), D=floor)
        right = [fit.law.alpha, fit.law.beta, fit.sse]
        assert np.allclose(row, right, rtol=0.01), (
            f"on noisy points the profile at D = {floor:g} is another."
        )


def test_q5_public(submission):
    published(submission, "q5")


@pytest.mark.points(3)
def test_q5_few_points(submission, variant):
    """Nine points, on which k, F and the bound of D matter by a tenth and more."""
    rng = variant("q5")
    for level in (0.8, 0.6):
        points = with_bound(rng, level)
        low, high = interval(points, level)
        found = submission.function("ratio_interval")(*points, level)
        off = np.abs(np.subtract(found, (low, high))).max() / (high - low)
        assert off < 0.05, (
            f"on nine points at level {level:g} the interval is {low:.3g} to "
            f"{high:.3g}; one end of yours is off by {off:.0%} of its width."
        )


def with_bound(rng, level):
    """Draws points whose interval is another one if D may be negative."""
    for _ in range(12):
        beta = rng.uniform(0.1, 0.2)
        law = Product(rng.uniform(0.4, 0.6), rng.uniform(1.5, 2.5) * beta, beta, 0.0)
        points = small_sample(law, int(rng.integers(10**6)), 0.03)
        ends = [interval(points, level, bound=bound) for bound in (True, False)]
        if np.abs(np.subtract(*ends)).max() > 0.12 * np.ptp(ends[0]):
            break
    return points


def test_q6_public(submission):
    published(submission, "q6")


SPOILT = {True: [73, 162, 169, 203, 236], False: [31, 106, 116, 146, 147, 176, 205]}
"""Seeds of points whose extremes belong to none and to all of the doubtful ones, or to
neither, by more than half a per cent; points that share their N or V matter, too."""


def spoilt(seed):
    """Noisy points of a law; three are spoilt and a fourth is listed elsewhere."""
    rng = np.random.default_rng(seed)
    scores = paper.scores("visual")[["params", "visual_tokens"]].assign(score=np.nan)
    n, v = (scores[name].to_numpy(float) for name in ("params", "visual_tokens"))
    clean = predicted(Product(0.7, 0.12, 0.06, 0.05), n / 1e9, v)
    rows = rng.choice(len(n), 4, replace=False)
    error = clean * (1 + rng.normal(0, 0.004, len(n)))
    error[rows[:3]] *= 1 + rng.choice([-0.04, 0.04], 3)
    points = ModelArrays(n / 1e9, v, error)
    every = subsets_of([[int(i)] for i in rows[:3]])
    return scores.assign(error=error), rows, ratio_range(points, every)


@pytest.mark.points(2)
def test_q6_planted(submission, variant):
    rng = variant("q6")
    for at_ends in (True, False):
        scores, rows, right = spoilt(rng.choice(SPOILT[at_ends]))
        listed = scores.iloc[rows]
        doubtful = pd.DataFrame(
            {
                "set": ["visual"] * 3 + ["ocr"],
                "params_billion": listed["params"].to_numpy() / 1e9,
                "visual_tokens": listed["visual_tokens"].to_numpy(),
            }
        )
        found = submission.function("doubtful_ratios")(scores, doubtful, "visual")
        assert np.allclose(found, right, rtol=2e-3), (
            "on a law with noise and three spoilt points the range is another."
        )


def test_q7_public(submission):
    published(submission, "q7")


@pytest.mark.points(2)
def test_q7_others(submission, variant):
    for planted_ratio in (2.2, 0.45, 1.0):
        rng = variant(f"q7 {planted_ratio}")
        points = deciding.some_points(rng, planted_ratio)
        mistake = deciding.wrong_decision(
            submission.function("decide"), points, decision(points)
        )
        assert mistake is None, mistake
