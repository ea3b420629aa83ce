"""Right answers to A4 by other methods than the master's."""

import itertools

import numpy as np
from scipy import optimize, stats

from tests.course.checks.designs_a4 import by_rounds, left_over, swapped
from tests.course.checks.runs_a4 import SOME, bought, experiment, least, rows_of, spread
from vlmcore.course.lab import HELD_OUT, SIZES, TOKENS, Lab


def searched(results):
    """Nelder and Mead on the logarithms, D as a square."""
    n, v, error, count = rows_of(results)
    rough = np.clip(error, 0.01, 0.99)
    variance = (0.02 * rough) ** 2 + rough * (1 - rough) / count

    def squares(p):
        law = np.exp(p[0]) * (n / 1e6) ** -np.exp(p[1]) * v ** -np.exp(p[2])
        return np.sum((law + p[3] ** 2 - error) ** 2 / variance)

    found = []
    for alpha, beta in ((0.2, 0.1), (0.15, 0.3)):
        p = np.array([np.log(0.3), np.log(alpha), np.log(beta), 0.2])
        for _ in range(4):
            options = {"maxiter": 4_000, "maxfev": 4_000, "xatol": 1e-9, "fatol": 1e-10}
            p = optimize.minimize(squares, p, method="Nelder-Mead", options=options).x
        found.append(p)
    p = min(found, key=squares)
    return np.exp(p[1]), np.exp(p[2]), p[3] ** 2


def projected(results):
    """Only the exponents are searched, on a finer and finer grid."""
    n, v, error, count = rows_of(results)
    rough = np.clip(error, 0.01, 0.99)
    sigma = np.sqrt((0.02 * rough) ** 2 + rough * (1 - rough) / count)

    def floor_of(node):
        x = (n / 1e6) ** -np.exp(node[0]) * v ** -np.exp(node[1])
        design = np.stack([x, np.ones_like(x)], 1) / sigma[:, None]
        (_, floor), norm = optimize.nnls(design, error / sigma)
        return norm, floor

    centre, step = np.log([0.2, 0.12]), 0.4
    around = list(itertools.product((-1, 0, 1), repeat=2))
    while step > 1e-6:
        best = min((centre + step * np.array(a) for a in around), key=floor_of)
        step = step if np.abs(best - centre).max() > 1e-12 else step / 2
        centre = best
    return *np.exp(centre), floor_of(centre)[1]


def resampled(right):
    """The law's uncertainty from repeated noise instead of derivatives."""

    def answer(results, n, v):
        rng = np.random.default_rng(0)
        scale, alpha, beta, floor = least(results)[0]
        middles = []
        for _ in range(40):
            luck = {}
            new = []
            for row in results:
                if row["v"] == 0:
                    continue
                truth = scale * (row["n"] / 1e6) ** -alpha * row["v"] ** -beta + floor
                key = row["n"], row["seed"]
                luck.setdefault(key, rng.normal())
                z = 0.5**0.5 * (luck[key] + rng.normal())
                share = np.clip(truth * (1 + 0.02 * z), 0, 1)
                shown = rng.binomial(row["count"], share) / row["count"]
                new.append(row | {"error": shown})
            p = least(new)[0]
            middles.append(p[0] * (n / 1e6) ** -p[1] * v ** -p[2] + p[3])
        middle = scale * (n / 1e6) ** -alpha * v**-beta + floor
        noise = (0.02 * middle) ** 2 + middle * (1 - middle) / 6000
        half = 1.2816 * np.sqrt(np.var(middles) + noise)
        return middle - half, middle, middle + half

    return answer


def sampled(right):
    """Quantiles of draws: of the law, of the seed's luck and of the test set."""

    def answer(results, n, v):
        best, uncertain = right.weighted_fit(results)
        rng = np.random.default_rng(0)
        scale, alpha, beta, floor = rng.multivariate_normal(best, uncertain, 20_000).T
        middle = scale * (n / 1e6) ** -alpha * v**-beta + floor
        share = np.clip(middle * (1 + 0.02 * rng.normal(size=len(middle))), 0, 1)
        return np.quantile(rng.binomial(6000, share) / 6000, [0.1, 0.5, 0.9])

    return answer


def by_derivatives(results, n, v):
    """From a fit that takes seeds as independent, a little wider for that."""
    (scale, alpha, beta, floor), jacobian = least(results)
    x = (n / 1e6) ** -alpha * v**-beta
    by = np.array([x, -scale * x * np.log(n / 1e6), -scale * x * np.log(v), 1])
    cov = 1.6 * np.linalg.inv(jacobian.T @ jacobian + np.diag([0, 0, 0, 100.0]))
    middle = scale * x + floor
    noise = (0.02 * middle) ** 2 + middle * (1 - middle) / 6000
    half = stats.norm.ppf(0.9) * np.sqrt(by @ cov @ by + noise)
    return [middle - half, middle, middle + half]


def affordable(budget, q, encoder):
    shelf = itertools.product((*SIZES, HELD_OUT), TOKENS)
    return [(n, v) for n, v in shelf if 2 * n * (q + v) + encoder <= budget]


def predicted(p, n, v):
    return p[0] * (n / 1e6) ** -p[1] * v ** -p[2] + p[3]


def buy_with(laws_of):
    """Decides by draws of the law: the best and more of them, one a row."""

    def make(right):
        def answer(results, budget, q, encoder):
            best, draws = laws_of(right, results)
            shelf = affordable(budget, q, encoder)
            first, *rest = sorted(shelf, key=lambda cell: predicted(best, *cell))
            if not rest:
                return first
            gap = [predicted(p, *rest[0]) - predicted(p, *first) for p in draws]
            if np.quantile(gap, 0.1) > 0:
                return first
            return ["cannot tell", *map(list, sorted([first, rest[0]]))]

        return answer

    return make


def drawn(right, results):
    """From the normal distribution of the master's estimates."""
    best, uncertain = right.weighted_fit(results)
    rng = np.random.default_rng(0)
    return best, rng.multivariate_normal(best, uncertain, 4000)


def sandwich(right, results):
    """Seeds fitted as if independent, and that fit's noise with what they share."""
    best, jacobian = least(results)
    n, _, error, count = rows_of(results)
    seeds = np.array([row["seed"] for row in results if row["v"] > 0])
    rough = np.clip(error, 0.01, 0.99)
    sigma = np.sqrt((0.02 * rough) ** 2 + rough * (1 - rough) / count)
    same = (n[:, None] == n) & (seeds[:, None] == seeds)
    shared = 0.5 * same * np.outer(0.02 * rough / sigma, 0.02 * rough / sigma)
    np.fill_diagonal(shared, 1)
    bread = np.linalg.inv(jacobian.T @ jacobian + np.diag([0, 0, 0, 100.0]))
    uncertain = bread @ (jacobian.T @ shared @ jacobian) @ bread
    rng = np.random.default_rng(1)
    return best, rng.multivariate_normal(best, uncertain, 4000)


def without_a_seed(right, results):
    """The jackknife: all runs of one size and seed are left out in turn."""
    best = right.weighted_fit(results)[0]
    rows = [row for row in results if row["v"] > 0]
    groups = sorted({(row["n"], row["seed"]) for row in rows})
    fits = np.array(
        [
            right.weighted_fit([r for r in rows if (r["n"], r["seed"]) != group])[0]
            for group in groups
        ]
    )
    count = len(groups)
    away = (fits - fits.mean(0)) * ((count - 1) / count) ** 0.5
    signs = np.random.default_rng(2).normal(size=(4000, count))
    return best, best + signs @ away


def summed(cells, q, steps, batch, images, encoder_flops):
    seen, total = [], images * encoder_flops
    for n, v, seed in cells:
        if (n, v, seed) not in seen:
            seen.append((n, v, seed))
            total += 6.0 * n * steps * batch * v + 6.0 * n * steps * batch * q
    return total


def in_numpy(cells, q, steps, batch, images, encoder_flops):
    n, v, _ = np.unique(np.array(cells, float), axis=0).T
    return float(6 * steps * batch * (n @ (q + v)) + images * encoder_flops)


def by_dict(cells, q, steps, batch, images, encoder_flops):
    runs = dict.fromkeys(map(tuple, cells))
    samples = steps * batch
    return sum(2 * 3 * n * (q + v) * samples for n, v, _ in runs) + (
        encoder_flops * images
    )


OTHER = {
    "q1": {"summed": summed, "numpy": in_numpy, "dict": by_dict},
    "q2": {
        "rounds": by_rounds,
        "swapped": swapped,
        "left over": left_over,
    },
    "q3": {
        "independent": lambda results: least(results)[0][1:],
        "simplex": searched,
        "projected": projected,
    },
    "q4": {
        "resampled": resampled,
        "derivatives": lambda r: by_derivatives,
        "sampled": sampled,
    },
    "q6": {
        "some": lambda: experiment(Lab("bob"), SOME),
        "a table's numbers": lambda: experiment(Lab("bob"), np.array(SOME)),
        "all": lambda: experiment(Lab("bob"), bought(spread(5), 4.0)),
    },
    "q5": {
        "drawn": buy_with(drawn),
        "sandwich": buy_with(sandwich),
        "jackknife": buy_with(without_a_seed),
    },
}
"""Maps a question to answers by name; those of `MADE` are functions of right ones."""


MADE = ("q2", "q4", "q5")
