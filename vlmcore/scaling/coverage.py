"""Coverage of intervals: planted laws, many draws of noise, all methods on each draw.

    vlmcore coverage --out book/results/laws

One file a setting; a setting that has a file is skipped, so it can be killed and called
again.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vlmcore.scaling.draws import Kind
from vlmcore.scaling.fitting import Fit, fitted
from vlmcore.scaling.intervals import Interval, wilson
from vlmcore.scaling.leaving_out import jackknife
from vlmcore.scaling.model import Model
from vlmcore.scaling.planted import LARGER, N, Setting, V
from vlmcore.scaling.points import Points
from vlmcore.scaling.profiles import allowed, hold, nearest_start
from vlmcore.scaling.quantities import Quantity, fieller, quantity_values, wald
from vlmcore.scaling.resampling import Bootstrap, bootstrap

_LEVEL = 0.95
_REFITS = 399
COMMAND = "vlmcore coverage --simulations {} --with-refits {}"


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
    fits = _fit_all(setting, model, (N, V), error, weights)
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
        if setting.first:
            yield _without_v1(setting, model, error, weights, quantity, truth)
    yield from _resampled(setting, fits[:with_refits], rng)


def _fit_all(
    setting: Setting,
    model: Model,
    points: tuple[np.ndarray, np.ndarray],
    error: np.ndarray,
    weights: np.ndarray,
) -> list[Fit]:
    """Fits all data sets side by side, starting from the truth."""
    problem = model.problem(Points(*points, error[0], weights[0]), error, weights)
    solved = model.solve(problem, nearest_start(problem, setting.law))
    rows = zip(error, weights, solved.parameters, solved.objective, strict=True)
    return [
        fitted(model, Points(*points, e, w), parameters, float(left))
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


def _without_v1(
    setting: Setting,
    model: Model,
    error: np.ndarray,
    weights: np.ndarray,
    quantity: Quantity,
    truth: float,
) -> Coverage:
    """The profile of fits that leave V = 1 out."""
    kept = V > 1
    points, rest = (N[kept], V[kept]), (error[:, kept], weights[:, kept])
    fits = _fit_all(setting, model, points, *rest)
    found = _profile(setting, model, *rest, fits, quantity, truth)
    return found._replace(method="profile without V = 1")


def _resampled(
    setting: Setting, fits: list[Fit], rng: np.random.Generator
) -> Iterator[Coverage]:
    kinds: tuple[Kind, ...] = (
        ("parametric", "pairs")
        if setting.trials
        else ("residual", "pairs", "wild_cluster", "parametric")
    )
    laws = {
        kind: [
            bootstrap(fit, kind, _REFITS, seed, allow_few_sizes=True)
            for seed, fit in enumerate(fits)
        ]
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
    larger = np.array(LARGER[:1]), np.array(LARGER[1:])
    measured = setting.draw(len(laws), rng, larger)[:, 0]
    tables = [
        refits.prediction_interval(*LARGER, _LEVEL, trials=setting.trials)
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
        "truth": setting.truth(),
        "noise": setting.noise(),
        "level": _LEVEL,
        "refits": _REFITS,
        "seed": 0,
        "coverage": rows,
        "seconds": round(time.perf_counter() - start, 1),
        "command": COMMAND.format(simulations, with_refits),
    }
