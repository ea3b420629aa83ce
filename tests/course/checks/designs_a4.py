"""Right and wrong ways to choose the runs of A4, all at once or one by one."""

import itertools

import numpy as np

from tests.course.checks.conftest import hidden_module
from tests.course.checks.runs_a4 import bought, least, spread
from vlmcore.course.lab import HELD_OUT, SIZES, TOKENS, price_of_run

prediction_variance = hidden_module("a4").prediction_variance


def all_of(cells):
    return lambda right: lambda menu, budget: bought(cells, budget)


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
