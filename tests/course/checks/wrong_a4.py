"""Wrong answers to A4, beside those of its tables."""

import json

import numpy as np

from tests.course.checks.designs_a4 import all_of
from tests.course.checks.runs_a4 import SOME, experiment, least, rows_of, spread
from vlmcore.course.lab import HELD_OUT, SIZES, Lab, chained


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
