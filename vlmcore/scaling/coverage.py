"""Coverage of intervals: planted laws, many draws of noise, all methods on each draw.

    vlmcore coverage --out book/results/laws

One file a setting; a setting that has a file is skipped, so it can be killed and called
again.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from vlmcore.scaling.fitting import Fit, fitted
from vlmcore.scaling.forms import Additive, Interaction, LogLinear, Product
from vlmcore.scaling.intervals import Interval, wilson
from vlmcore.scaling.law import Law
from vlmcore.scaling.model import Model
from vlmcore.scaling.points import Points
from vlmcore.scaling.profiles import allowed, hold, nearest_start
from vlmcore.scaling.quantities import Quantity, fieller, quantity_values, wald
from vlmcore.scaling.resampling import Bootstrap, Kind, bootstrap, jackknife

N, V = (
    axis.ravel()
    for axis in np.meshgrid(
        np.array([0.5, 1.8, 4, 7]) * 1e9, [1.0, 4, 16, 36, 64, 144, 576], indexing="ij"
    )
)
"""The 28 points of the paper's grid."""
_LARGER = (14e9, 16.0)
"""A new model, twice as large as any of the grid, whose error is predicted."""
_LEVEL = 0.95
_REFITS = 399
COMMAND = "vlmcore coverage --simulations {} --with-refits {}"


@dataclass(frozen=True)
class Setting:
    """A planted law and the noise around it.

    Attributes:
        name: of the result file.
        about: a description.
        law: the truth.
        sigma: standard deviation of the noise of each point; 0 for counts.
        shared: standard deviation of noise that all points of a size share.
        trials: questions a point, for counts.
        quantities: those whose intervals are simulated.
    """

    name: str
    about: str
    law: Law
    sigma: float = 0.004
    shared: float = 0.0
    trials: int | None = None
    quantities: tuple[Quantity, ...] = ("alpha", "beta", "ratio")

    def draw(
        self,
        count: int,
        rng: np.random.Generator,
        points: tuple[np.ndarray, np.ndarray] = (N, V),
    ) -> np.ndarray:
        """Measured errors, float (count, points)."""
        truth = np.tile(self.law.predict(*points), (count, 1))
        if self.trials:
            return rng.binomial(self.trials, truth) / self.trials
        sizes, size = np.unique(points[0], return_inverse=True)
        together = self.shared * rng.normal(size=(count, len(sizes)))[:, size]
        return truth + together + self.sigma * rng.normal(size=truth.shape)


WELL = Product(AB=0.6, alpha=0.4, beta=0.1, D=0.1)
SETTINGS = [
    Setting(
        "product",
        "a product whose exponents and floor are well identified",
        WELL,
        quantities=("alpha", "beta", "D", "ratio"),
    ),
    Setting(
        "additive",
        "a sum whose exponents are well identified",
        Additive(A=0.4, B=0.3, alpha=0.6, beta=0.4, D=0.1),
    ),
    Setting(
        "loglinear",
        "the straight line fitted to the published points",
        LogLinear(k=0.59, alpha=0.038, beta=0.0081),
    ),
    Setting(
        "interaction",
        "a product with interaction",
        Interaction(AB=0.6, alpha=0.4, beta=0.1, gamma=0.02, D=0.1),
        quantities=("alpha", "beta", "gamma"),
    ),
    Setting(
        "published",
        "the product fitted to the published points: its floor is 0, the bound",
        Product(0.5908, 0.0709, 0.0151, 0.0),
    ),
    Setting(
        "shared",
        "as product, with noise that all points of a size share",
        WELL,
        sigma=0.003,
        shared=0.003,
    ),
    Setting(
        "counts",
        "as product, from 2,000 questions a point",
        WELL,
        sigma=0.0,
        trials=2000,
    ),
]


class Coverage(NamedTuple):
    """How often one kind of interval contained the truth."""

    quantity: str
    method: str
    simulations: int
    covered: int
    unbounded: int
    """Intervals that lack an end."""
    median_width: float | None
    """Of the intervals with two ends; None where no widths were computed."""


def simulate(
    setting: Setting, simulations: int, with_refits: int, seed: int = 0
) -> Iterator[Coverage]:
    """Counts how often each interval contains the truth.

    Args:
        setting: law and noise.
        simulations: data sets for intervals in closed form and profiles.
        with_refits: data sets, the first of the same, for the bootstrap and the
            jackknife.
        seed: of all draws.
    """
    rng = np.random.default_rng(seed)
    model = Model(
        type(setting.law),
        dict(setting.law.BOUNDS),
        "binomial" if setting.trials else "squared",
    )
    error = setting.draw(simulations, rng)
    weights = np.full_like(error, setting.trials or 1)
    fits = _fit_all(setting, model, error, weights)
    for quantity in setting.quantities:
        truth = _truth(setting, quantity)
        if model.form.EXPONENTS:
            yield _profile(setting, model, error, weights, fits, quantity, truth)
        if quantity == "ratio":
            found = [fieller(fit, _LEVEL) for fit in fits]
            yield _count(quantity, "fieller", truth, found)
        moved = [fit for fit in fits if quantity not in fit.at_bound]
        found = [wald(fit, quantity, _LEVEL) for fit in moved]
        yield _count(quantity, "wald", truth, found)
    yield from _resampled(setting, fits[:with_refits], rng)


def _fit_all(
    setting: Setting, model: Model, error: np.ndarray, weights: np.ndarray
) -> list[Fit]:
    """Fits all data sets side by side, starting from the truth."""
    problem = model.problem(Points(N, V, error[0], weights[0]), error, weights)
    solved = model.solve(problem, nearest_start(problem, setting.law))
    rows = zip(error, weights, solved.parameters, solved.objective, strict=True)
    return [
        fitted(model, Points(N, V, e, w), parameters, float(left))
        for e, w, parameters, left in rows
    ]


def _profile(
    setting: Setting,
    model: Model,
    error: np.ndarray,
    weights: np.ndarray,
    fits: list[Fit],
    quantity: Quantity,
    truth: float,
) -> Coverage:
    """Whether profile intervals contain the truth, without finding their ends.

    They do if holding the quantity at the truth raises the objective by no more than is
    allowed.
    """
    problem = hold(
        model,
        model.problem(fits[0].points, error, weights),
        quantity,
        np.full(len(error), truth),
    )
    held = model.solve(problem, nearest_start(problem, setting.law)).objective
    inside = sum(
        left <= allowed(fit, _LEVEL) for left, fit in zip(held, fits, strict=True)
    )
    return Coverage(str(quantity), "profile", len(fits), int(inside), 0, None)


def _truth(setting: Setting, quantity: Quantity) -> float:
    law = setting.law
    return float(quantity_values(law.parameters[None], law.names(), quantity)[0])


def _resampled(
    setting: Setting, fits: list[Fit], rng: np.random.Generator
) -> Iterator[Coverage]:
    kinds: tuple[Kind, ...] = (
        ("parametric", "pairs")
        if setting.trials
        else ("residual", "pairs", "wild_cluster", "parametric")
    )
    laws = {
        kind: [bootstrap(fit, kind, _REFITS, seed) for seed, fit in enumerate(fits)]
        for kind in kinds
    }
    left_out = [jackknife(fit) for fit in fits]
    for quantity in setting.quantities:
        truth = _truth(setting, quantity)
        for kind in kinds:
            found = [refits.interval(quantity, _LEVEL) for refits in laws[kind]]
            yield _count(quantity, f"{kind} bootstrap", truth, found)
        found = [left.interval(quantity, _LEVEL) for left in left_out]
        yield _count(quantity, "jackknife over sizes", truth, found)
    yield _prediction(setting, laws[kinds[0]], rng)


def _prediction(
    setting: Setting, laws: list[Bootstrap], rng: np.random.Generator
) -> Coverage:
    """Coverage of the prediction interval of one new measurement at a larger size."""
    larger = np.array(_LARGER[:1]), np.array(_LARGER[1:])
    measured = setting.draw(len(laws), rng, larger)[:, 0]
    tables = [
        refits.prediction_interval(*_LARGER, _LEVEL, trials=setting.trials)
        for refits in laws
    ]
    low, high = np.array([[t["low"][0], t["high"][0]] for t in tables]).T
    inside = int(((low <= measured) & (measured <= high)).sum())
    method, width = f"{laws[0].kind} bootstrap", float(np.median(high - low))
    return Coverage("prediction", method, len(laws), inside, 0, width)


def _count(
    quantity: Quantity, method: str, truth: float, intervals: list[Interval]
) -> Coverage:
    """Counts intervals that contain the truth; a missing end excludes nothing."""
    inside = sum(
        (i.low is None or i.low <= truth) and (i.high is None or truth <= i.high)
        for i in intervals
    )
    widths = [
        i.high - i.low for i in intervals if i.low is not None and i.high is not None
    ]
    open_ended = len(intervals) - len(widths)
    return Coverage(
        str(quantity),
        method,
        len(intervals),
        int(inside),
        open_ended,
        float(np.median(widths)) if widths else None,
    )


def result(setting: Setting, simulations: int, with_refits: int) -> dict[str, Any]:
    """The contents of a result file."""
    start = time.perf_counter()
    rows = []
    for row in simulate(setting, simulations, with_refits):
        share = wilson(row.covered, row.simulations)
        ends = {"share": share.value, "low": share.low, "high": share.high}
        rows.append(row._asdict() | ends)
    return {
        "name": setting.name,
        "about": setting.about,
        "form": type(setting.law).__name__,
        "truth": asdict(setting.law),
        "noise": {
            "sigma": setting.sigma,
            "shared": setting.shared,
            "trials": setting.trials,
        },
        "level": _LEVEL,
        "refits": _REFITS,
        "seed": 0,
        "coverage": rows,
        "seconds": round(time.perf_counter() - start, 1),
        "command": COMMAND.format(simulations, with_refits),
    }
