"""How often an interval holds the truth: planted laws, noise drawn again and again, every method on the same data.

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
from vlmcore.scaling.profiles import allowed, hold, nearest
from vlmcore.scaling.quantities import Quantity, fieller, quantity_values, wald
from vlmcore.scaling.resampling import Kind, bootstrap, jackknife

N, V = (
    axis.ravel()
    for axis in np.meshgrid(
        np.array([0.5, 1.8, 4, 7]) * 1e9, [1.0, 4, 16, 36, 64, 144, 576], indexing="ij"
    )
)
"""The 28 points of the paper's grid."""
LARGER = (14e9, 16.0)
"""The new model, twice as large as any of the grid, whose measured error is
predicted."""
LEVEL = 0.95
REFITS = 399


@dataclass(frozen=True)
class Setting:
    """A planted law and the noise around it.

    Attributes:
        name: of the result file.
        about: what it stands for.
        law: the truth.
        sigma: standard deviation of the noise of each point; 0 for counts.
        shared: standard deviation of noise that all points of a size share.
        trials: questions a point, for counts.
        quantities: what intervals are asked for.
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
        "a product whose exponents and floor the points tell well",
        WELL,
        quantities=("alpha", "beta", "D", "ratio"),
    ),
    Setting(
        "additive",
        "a sum whose exponents the points tell well",
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
    """How an interval did."""

    quantity: str
    method: str
    simulations: int
    covered: int
    unbounded: int
    """Intervals that lack an end."""
    median_width: float | None
    """Of those with two ends; None where widths were not needed."""


def simulate(
    setting: Setting, simulations: int, with_refits: int, seed: int = 0
) -> Iterator[Coverage]:
    """Counts how often each interval holds the truth.

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
        truth = float(
            quantity_values(
                setting.law.parameters[None], setting.law.names(), quantity
            )[0]
        )
        if model.form.EXPONENTS:
            yield _profile(setting, model, error, weights, fits, quantity, truth)
        if quantity == "ratio":
            yield _count(
                quantity, "fieller", truth, [fieller(fit, LEVEL) for fit in fits]
            )
        moved = [fit for fit in fits if quantity not in fit.at_bound]
        yield _count(
            quantity, "wald", truth, [wald(fit, quantity, LEVEL) for fit in moved]
        )
    yield from _resampled(setting, fits[:with_refits], rng)


def _fit_all(
    setting: Setting, model: Model, error: np.ndarray, weights: np.ndarray
) -> list[Fit]:
    """All data sets side by side, from the truth."""
    problem = model.problem(Points(N, V, error[0], weights[0]), error, weights)
    solved = model.solve(problem, nearest(problem, setting.law))
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
    """The truth is inside where holding the quantity at it costs no more than is allowed; the ends need not be found."""
    problem = hold(
        model,
        model.problem(fits[0].points, error, weights),
        quantity,
        np.full(len(error), truth),
    )
    held = model.solve(problem, nearest(problem, setting.law)).objective
    inside = sum(
        left <= allowed(fit, LEVEL) for left, fit in zip(held, fits, strict=True)
    )
    return Coverage(str(quantity), "profile", len(fits), int(inside), 0, None)


def _resampled(
    setting: Setting, fits: list[Fit], rng: np.random.Generator
) -> Iterator[Coverage]:
    kinds: tuple[Kind, ...] = (
        ("parametric", "pairs")
        if setting.trials
        else ("residual", "pairs", "wild_cluster", "parametric")
    )
    laws = [
        {kind: bootstrap(fit, kind, REFITS, seed) for kind in kinds}
        for seed, fit in enumerate(fits)
    ]
    left_out = [jackknife(fit) for fit in fits]
    for quantity in setting.quantities:
        truth = float(
            quantity_values(
                setting.law.parameters[None], setting.law.names(), quantity
            )[0]
        )
        for kind in kinds:
            yield _count(
                quantity,
                f"{kind} bootstrap",
                truth,
                [refits[kind].interval(quantity, LEVEL) for refits in laws],
            )
        yield _count(
            quantity,
            "jackknife over sizes",
            truth,
            [left.interval(quantity, LEVEL) for left in left_out],
        )
    measured = setting.draw(
        len(fits), rng, (np.array(LARGER[:1]), np.array(LARGER[1:]))
    )[:, 0]
    for kind in kinds[:1]:
        tables = [
            refits[kind].prediction_interval(*LARGER, LEVEL, trials=setting.trials)
            for refits in laws
        ]
        inside = sum(
            bool(table["low"][0] <= new <= table["high"][0])
            for table, new in zip(tables, measured, strict=True)
        )
        width = float(
            np.median([table["high"][0] - table["low"][0] for table in tables])
        )
        yield Coverage("prediction", f"{kind} bootstrap", len(fits), inside, 0, width)


def _count(
    quantity: Quantity, method: str, truth: float, intervals: list[Interval]
) -> Coverage:
    """An end that does not exist excludes nothing."""
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
    """What a result file holds."""
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
        "level": LEVEL,
        "refits": REFITS,
        "seed": 0,
        "coverage": rows,
        "seconds": round(time.perf_counter() - start, 1),
        "command": f"vlmcore coverage --simulations {simulations} "
        f"--with-refits {with_refits}",
    }
