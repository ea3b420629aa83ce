"""Wrong and other right answers to A4, beside those of its tables."""

import itertools
import json

import numpy as np
from scipy import optimize, stats

from tests.course.checks.conftest import hidden_module
from vlmcore.course.lab import HELD_OUT, SIZES, TOKENS, Lab, chained, price_of_run

prediction_variance = hidden_module("a4").prediction_variance


def bought(cells, budget):
    """The cells in turn, as long as they can be paid for."""
    taken, paid = [], 0.0
    for cell in cells:
        price = price_of_run(*cell[:2])
        if list(cell) not in taken and paid + price <= budget:
            taken.append(list(cell))
            paid += price
    return taken


def all_of(cells):
    return lambda right: lambda menu, budget: bought(cells, budget)


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


def line_of_logarithms(results):
    n, v, error, _ = rows_of(results)
    design = np.stack([np.ones_like(n), -np.log(n / 1e6), -np.log(v)], 1)
    _, alpha, beta = np.linalg.lstsq(design, np.log(error))[0]
    return alpha, beta, 0.0


def mean_over_tokens(results):
    n, v, error, count = rows_of(results)
    merged = [
        {
            "n": size,
            "v": np.exp(np.log(v[n == size]).mean()),
            "error": error[n == size].mean(),
            "count": count[n == size].sum(),
            "seed": 0,
        }
        for size in np.unique(n)
    ]
    return least(merged)[0][1:]


def scaled(factor, shift=0.0):
    """The master's interval with another width or place."""

    def change(right):
        def answer(results, n, v):
            low, middle, high = right.predict(results, n, v)
            middle += shift
            half = factor * (high - low) / 2
            return middle - half, middle, middle + half

        return answer

    return change


def of_the_law_only(right):
    def answer(results, n, v):
        (scale, alpha, beta, floor), jacobian = least(results)
        x = (n / 1e6) ** -alpha * v**-beta
        by = np.array([x, -scale * x * np.log(n / 1e6), -scale * x * np.log(v), 1])
        cov = np.linalg.inv(jacobian.T @ jacobian + np.diag([0, 0, 0, 100.0]))
        half = 1.28 * np.sqrt(by @ cov @ by) * 0.6
        middle = scale * x + floor
        return middle - half, middle, middle + half

    return answer


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


def edited(change, again=False):
    """A ledger whose entries were changed, perhaps with hashes made again."""

    def answer():
        ledger = json.loads(experiment(Lab("ada"), SOME))
        change(ledger["entries"])
        before = "ada"
        for entry in ledger["entries"] if again else ():
            entry.pop("hash")
            entry["hash"] = before = chained(entry, before)
        return json.dumps(ledger)

    return lambda right: answer


def better(entries):
    entries[-1]["result"]["error"] -= 0.02


def cheaper(entries):
    entries[-1]["price"] /= 2


WRONG = {
    "q2": {
        "all runs that see have one V": all_of(spread(5, tokens=(4,))),
        "all runs that see have one N": all_of(spread(5, sizes=SIZES[-1:])),
        "are spent, and what is left": all_of(spread(1)[:8]),
        "nobody knows the noise": all_of(spread(1)),
        "breaks the budget": lambda r: lambda menu, budget: spread(5),
        "is not on the menu": lambda r: lambda menu, budget: [[HELD_OUT, 1, 0]],
    },
    "q3": {
        "alpha and beta are exchanged": lambda r: (
            lambda results: np.array(r.fit_cells(results))[[1, 0, 2]]
        ),
        "a line through logarithms has none": lambda r: line_of_logarithms,
        "an error is never below zero": lambda r: (
            lambda results: least(results, floor=-1.0)[0][1:]
        ),
        "a blind model has no V": lambda r: (
            lambda results: least(results, blind=True)[0][1:]
        ),
        "weight each by its variance": lambda r: (
            lambda results: least(results, weights=False)[0][1:]
        ),
        "do not average over either": lambda r: mean_over_tokens,
    },
    "q4": {
        "too sure": of_the_law_only,
        "as wide as an interval at 95 %": scaled(1.53),
        "too careful": lambda r: lambda results, n, v: (0.0, 0.25, 1.0),
        "in this order": lambda r: lambda *a: r.predict(*a)[::-1],
        "that is in per cent": lambda r: (
            lambda *a: tuple(100 * x for x in r.predict(*a))
        ),
        "the middle should be near": scaled(1.0, shift=0.06),
    },
    "q6": {
        "entry 4 of the ledger was changed": edited(better),
        "entry 1 of the ledger was changed, or one before": edited(lambda e: e.pop(1)),
        "and the laboratory": edited(better, again=True),
        "costs": edited(cheaper, again=True),
        "your budget was 40": lambda r: (
            lambda: experiment(Lab("ada", budget=40), spread(5))
        ),
        "`lab.register` comes first": lambda r: (
            lambda: experiment(Lab("ada"), SOME, first=False)
        ),
        "they test a prediction": lambda r: lambda: experiment(Lab("ada"), SOME[:2]),
        "nothing was bought": lambda r: lambda: experiment(Lab("ada"), []),
        "return the text": lambda r: lambda: "I have lost it",
    },
}
"""Maps a question and the sentence of a mistake to a function of the right answers."""


def swapped(right):
    """Starts with the master's and swaps runs as long as that helps."""

    def answer(menu, budget):
        cells = [tuple(cell) for cell in right.design(menu, budget)]
        spent = sum(price_of_run(*cell[:2]) for cell in cells)
        rng = np.random.default_rng(0)
        every = [c for c in spread(5) if c[1] > 0]
        now = prediction_variance(cells)
        for _ in range(150):
            i, new = rng.integers(len(cells)), every[rng.integers(len(every))]
            change = price_of_run(*new[:2]) - price_of_run(*cells[i][:2])
            if new in cells or spent + change > budget:
                continue
            tried = [*cells[:i], new, *cells[i + 1 :]]
            if (variance := prediction_variance(tried)) < now:
                cells, now, spent = tried, variance, spent + change
        return [list(cell) for cell in cells]

    return answer


def left_over(right):
    """Starts with every run and gives back what the prediction misses least."""

    def answer(menu, budget):
        price = {cell: price_of_run(*cell) for cell in itertools.product(SIZES, TOKENS)}
        seeds = dict.fromkeys(price, 5)

        def runs(without=None):
            kept = {c: k - (c == without) for c, k in seeds.items()}
            return [[*c, seed] for c, k in kept.items() for seed in range(k)]

        while sum(k * price[c] for c, k in seeds.items()) > budget:
            now = np.log(prediction_variance(runs()))
            loss = {
                c: (np.log(prediction_variance(runs(c))) - now) / price[c]
                for c, k in seeds.items()
                if k
            }
            seeds[min(loss, key=loss.get)] -= 1
        return runs()

    return answer


def by_rounds(right):
    """Adds what lowers the variance most for its price, from a fixed beginning."""

    def answer(menu, budget):
        begin = [(SIZES[0], 1, 0), (SIZES[0], 144, 0), (SIZES[2], 1, 0)]
        cells = [*begin, (SIZES[0], 16, 0), (SIZES[0], 16, 1)]
        left = budget - sum(price_of_run(*cell[:2]) for cell in cells)
        while True:
            free = [
                next((n, v, s) for s in range(6) if (n, v, s) not in cells)
                for n, v in itertools.product(SIZES, TOKENS)
            ]
            free = [c for c in free if c[2] < 5 and price_of_run(*c[:2]) <= left]
            if not free:
                return cells
            now = prediction_variance(cells)
            best = max(
                free,
                key=lambda c, now=now: (
                    np.log(min(now, 1e9) / prediction_variance([*cells, c]))
                    / price_of_run(*c[:2])
                ),
            )
            cells.append(best)
            left -= price_of_run(*best[:2])

    return answer


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


def as_designed(right):
    """Buys one by one what a design lists."""

    def answer(results, menu, rest):
        paid = sum(price_of_run(row["n"], row["v"]) for row in results)
        wanted = right.design(menu, paid + rest)
        return wanted[len(results)] if len(results) < len(wanted) else None

    return answer


def by_other_fit(right):
    """Looks again where the fit of what is known says, each row as independent."""

    def answer(results, menu, rest):
        runs = [[row["n"], row["v"], row["seed"]] for row in results]
        laws = right.GUESSES if len(runs) < 15 else [least(results)[0]]
        return right.most_useful(runs, menu, rest, laws)

    return answer


def swapped_one_by_one(right):
    """Buys what is missing of a list that swaps improved."""
    listed = {}

    def answer(results, menu, rest):
        paid = sum(price_of_run(row["n"], row["v"]) for row in results)
        if not results:
            listed["cells"] = swapped(right)(menu, paid + rest)
        bought = [[row["n"], row["v"], row["seed"]] for row in results]
        left = [cell for cell in listed["cells"] if list(cell) not in bought]
        return min(left, key=lambda c: -price_of_run(*c[:2]), default=None)

    return answer


NEXT = {
    "as designed": as_designed,
    "other fit": by_other_fit,
    "swapped": swapped_one_by_one,
}
"""Right ways to buy one run after another, functions of the right answers."""


def always(*cells):
    """Buys the runs in this order, whatever is left."""
    return lambda right: lambda results, menu, rest: cells[len(results) % len(cells)]


def stops_at(share):
    def make(right):
        def answer(results, menu, rest):
            paid = sum(price_of_run(row["n"], row["v"]) for row in results)
            done = paid > share * (paid + rest)
            return None if done else right.next_cell(results, menu, rest)

        return answer

    return make


WRONG_NEXT = {
    "is in `results` already": always((SIZES[0], 1, 0)),
    "of 3 is left": always(*[(SIZES[3], 144, seed) for seed in range(5)]),
    "is not on the menu": always((HELD_OUT, 16, 0)),
    "are spent, and what is left": stops_at(0.3),
    "all runs that see have one V": always(
        *[(n, 4, seed) for n in SIZES[::-1] for seed in range(5)], None
    ),
    "or None to stop": lambda right: lambda results, menu, rest: "the best",
}
"""Maps the sentence of a mistake to a way to buy one run after another."""
