"""The laboratory of A4: runs that are looked up instead of trained.

A planted law gives the error of a model with N parameters and V visual tokens, and two
noises are added: one of the seed, which all V of a size share in part, and the binomial
one of the test set. Their sizes are those of converged runs of the book's grid. The
largest size is on the menu for nobody. Anybody who runs this file can read the law from
it; grading therefore depends on functions that are tried on other laboratories.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from vlmcore.course.variants import PUBLIC, variant

SIZES = (24_672, 83_280, 196_672, 384_480)
"""Parameters of the models that can be trained."""
HELD_OUT = 1_053_808
"""Parameters of the model whose error is to be predicted."""
TOKENS = (1, 4, 16, 36, 144)
BLIND = 0.75
"""Error of a model without an image, V = 0, at every size."""
TEXT_TOKENS = 12
SEEDS = 5
SEED_NOISE = 0.02
"""Standard deviation of the error over seeds, as a share of the error."""
SHARED = 0.5
"""Share of its variance that all V of a size and seed have in common."""

Task = Literal["reasoning", "ocr", "knowledge"]
"""The tasks of the real runs."""


class Law(NamedTuple):
    """The planted law: error = scale / (N / million)^alpha / V^beta + floor."""

    scale: float
    alpha: float
    beta: float
    floor: float

    def error(self, n: float, v: float) -> float:
        """Returns the error without noise; that of V = 0 is not the law's."""
        if v == 0:
            return BLIND
        return self.scale * (n / 1e6) ** -self.alpha * v**-self.beta + self.floor


class BudgetError(ValueError):
    """A run costs more than is left."""


class Lab:
    """A laboratory with a budget, and the ledger of what was bought.

    Args:
        student: whose laboratory; the law follows from the name.
        budget: in units of the most expensive run on the menu.
        key: of the law; students have the public one.

    Example:
        >>> lab = Lab("ada", budget=1.5)
        >>> lab.run(83_280, 4, seed=0)["count"]
        6000
    """

    def __init__(self, student: str, budget: float = 4.0, key: str = PUBLIC):
        self.student, self.budget, self.key = student, budget, key
        self._law = planted_law(variant("a4", student, "law", key))
        self.entries: list[dict[str, Any]] = []

    def menu(self) -> list[dict[str, float]]:
        """Returns what can be run: n, v and the price of one seed."""
        return [
            {"n": n, "v": v, "price": price_of_run(n, v)}
            for n in SIZES
            for v in (0, *TOKENS)
        ]

    @property
    def left(self) -> float:
        """The rest of the budget."""
        return self.budget - sum(entry.get("price", 0) for entry in self.entries)

    def run(self, n: int, v: int, seed: int = 0) -> dict[str, float]:
        """Buys a run, or returns again what was bought.

        Raises:
            ValueError: it is not on the menu.
            BudgetError: it costs more than is left.
        """
        if n not in SIZES or v not in (0, *TOKENS) or seed not in range(SEEDS):
            raise ValueError(
                f"N = {n}, V = {v}, seed {seed} is not on the menu: N is one of "
                f"{SIZES}, V is 0 or one of {TOKENS}, the seed is below {SEEDS}"
            )
        for entry in self.entries:
            if (entry.get("n"), entry.get("v"), entry.get("seed")) == (n, v, seed):
                return entry["result"]
        n, v, seed = int(n), int(v), int(seed)  # those of a table are of numpy
        price = price_of_run(n, v)
        if price > self.left + 1e-9:
            raise BudgetError(
                f"N = {n} with V = {v} costs {price:.3f} and {self.left:.3f} of "
                f"{self.budget:g} is left"
            )
        result = self.measure(n, v, seed)
        self._write({"n": n, "v": v, "seed": seed, "price": price, "result": result})
        return result

    def register(self, text: str, predictions: dict[str, float]) -> None:
        """Writes a prediction into the ledger, before the runs that test it."""
        self._write({"text": text, "predictions": predictions})

    def ledger(self) -> str:
        """Returns the ledger as JSON: student, budget, and entries in their order.

        Each entry has a hash of itself and of those before it.
        """
        whole = {"student": self.student, "budget": self.budget}
        return json.dumps(whole | {"entries": self.entries}, indent=1)

    def swap(self, student: str) -> "Lab":
        """Returns a class-mate's laboratory, with the same budget and a new ledger.

        Raises:
            ValueError: it is one's own.
        """
        if student.strip().casefold() == self.student.strip().casefold():
            raise ValueError(f"{student} is this laboratory; name a class-mate")
        return Lab(student, self.budget, self.key)

    def measure(self, n: int, v: int, seed: int) -> dict[str, float]:
        """Returns the error of a run with its noises, without paying."""
        name = f"{n} {seed}"
        size = variant("a4", self.student, f"size {name}", self.key).normal()
        own = variant("a4", self.student, f"run {name} {v}", self.key)
        luck = SHARED**0.5 * size + (1 - SHARED) ** 0.5 * own.normal()
        error = self._law.error(n, v) * (1 + SEED_NOISE * luck)
        count = int(own.choice([600, 6000], p=[0.3, 0.7]))
        wrong = own.binomial(count, float(np.clip(error, 0, 1)))
        return {"n": n, "v": v, "seed": seed, "error": wrong / count, "count": count}

    def _write(self, entry: dict[str, Any]) -> None:
        entry = json.loads(json.dumps(entry))  # as it is read again: keys are texts
        before = self.entries[-1]["hash"] if self.entries else self.student
        self.entries.append(entry | {"hash": chained(entry, before)})


def chained(entry: dict[str, Any], before: str) -> str:
    """Returns the hash of an entry after the hash before it, or the student's name."""
    text = json.dumps(entry, sort_keys=True)
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()[:16]


def real_results(task: Task) -> list[dict[str, float]]:
    """Returns real runs of this book, QueCC's and blind ones, in the form of results.

    They are those of the grid of chapter 19, the largest models included.
    """
    rows = pd.read_csv(Path(__file__).parent / "checks" / "a4" / "grid.csv")
    mine = rows[rows["task"] == task].drop(columns="task")
    return mine.to_dict("records")


def price_of_run(n: float, v: float) -> float:
    """Returns the training FLOPs of a run, in units of the most expensive one."""
    return n * (TEXT_TOKENS + v) / (SIZES[-1] * (TEXT_TOKENS + TOKENS[-1]))


def planted_law(rng: np.random.Generator) -> Law:
    """Draws a law; in one of three alpha is below beta."""
    alpha = float(rng.uniform(0.10, 0.35))
    ratio = float(
        rng.choice([rng.uniform(1.5, 4), rng.uniform(0.4, 0.8)], p=[2 / 3, 1 / 3])
    )
    return Law(
        float(rng.uniform(0.22, 0.34)),
        alpha,
        alpha / ratio,
        float(rng.uniform(0.02, 0.1)),
    )
