"""The law of arXiv 2411.03312 refitted to its 28 points, and the numbers about it.

Nothing is fitted when this is imported. All random draws have a fixed seed, so the
numbers are always the same.
"""

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from vlmcore import paper
from vlmcore.scaling import (
    Additive,
    Contrast,
    Fit,
    Interaction,
    Interval,
    Law,
    LogLinear,
    Product,
    bootstrap,
    fieller,
    fit_law,
    hold_out,
    jackknife,
    profile,
)

_LARGER = 14e9
"""The size of language model that the paper's Fig. 2 predicts."""
_REFITS = 4000

_Numbers = Iterator[tuple[str, Interval]]


def fit_published(
    task: paper.Benchmarks,
    form: type[Law] = Product,
    doubtful: paper.Doubtful = "used",
) -> Fit:
    """The fit of a law to the published points of a task.

    The product ends at D = 0, its bound: the fit says so in `at_bound`.

    Args:
        task: `visual` or `ocr`.
        form: of law.
        doubtful: as in `paper.scores`.

    Example:
        >>> round(fit_published("visual").law.ratio, 2)
        4.7
    """
    table = paper.scores(task, doubtful)
    return fit_law(
        form, table["params"], table["visual_tokens"], table["error"], allow_bound=True
    )


@cache
def published_numbers() -> Mapping[str, Interval]:
    """Every number by its name; the first call takes some seconds."""
    found: dict[str, Interval] = {}
    fits: dict[paper.Benchmarks, Fit] = {
        "visual": fit_published("visual"),
        "ocr": fit_published("ocr"),
    }
    for task, fit in fits.items():
        for part in (_parameters, _ratio, _other_forms, _doubtful_points):
            found |= {f"{task}.{name}": each for name, each in part(task, fit)}
    for of_visual in (_optimal_tokens, _predictions):
        found |= {f"visual.{name}": each for name, each in of_visual(fits["visual"])}
    return {
        name: each._replace(count=28) if each.count is None else each
        for name, each in found.items()
    }


def _parameters(task: paper.Benchmarks, fit: Fit) -> _Numbers:
    for parameter in ("AB", "alpha", "beta", "D"):
        yield parameter.lower(), profile(fit, parameter)
    yield "sse", Interval(fit.sse)
    yield "r2", Interval(fit.r2)
    yield "alpha_minus_beta", profile(fit, Contrast(1))


def _ratio(task: paper.Benchmarks, fit: Fit) -> _Numbers:
    """The ratio by every method: they differ in their assumptions."""
    yield "ratio", profile(fit, "ratio")
    for kind in ("residual", "pairs", "wild_cluster"):
        refits = bootstrap(fit, kind, _REFITS, allow_few_sizes=True)
        yield f"ratio.{kind}_bootstrap", refits.interval("ratio")
    without = jackknife(fit)
    ratios = without.values("ratio")
    yield "ratio.jackknife", without.interval("ratio")
    yield "ratio.least_without_a_size", Interval(float(ratios.min()), count=21)
    yield "ratio.most_without_a_size", Interval(float(ratios.max()), count=21)


def _other_forms(task: paper.Benchmarks, fit: Fit) -> _Numbers:
    line = fit_published(task, LogLinear)
    yield "loglinear.ratio", fieller(line)
    yield "loglinear.sse", Interval(line.sse)
    for form in (LogLinear, Additive, Interaction):
        other = fit_published(task, form)
        for suffix, counted in (("", False), ("_counting_bounds", True)):
            gain = fit.criteria(counted).aic - other.criteria(counted).aic
            yield f"{form.__name__.lower()}.aic_gain{suffix}", Interval(gain)


def _doubtful_points(task: paper.Benchmarks, fit: Fit) -> _Numbers:
    """The ratio with other treatments of the doubtful points, and without V = 1."""
    for name, fewer in (
        ("without_doubtful", fit_published(task, doubtful="other_listing")),
        ("doubtful_left_out", fit_published(task, doubtful="left_out")),
        ("without_v1", fit.refit(fit.points.keep(fit.points.V > 1))),
    ):
        ratio = profile(fewer, "ratio")
        yield f"ratio_{name}", ratio._replace(count=len(fewer.points))


def _optimal_tokens(fit: Fit) -> _Numbers:
    """The best V is Q / (ratio - 1); the ratio's interval gives its interval."""
    q, points = paper.TYPICAL_QUESTION, fit.points
    printed = paper.laws().loc["printed"]
    law = Product(AB=1, alpha=printed["alpha"], beta=printed["beta"], D=0)
    yield f"q{q}.optimal_tokens_printed", Interval(law.optimal_tokens(q), count=0)
    ratio = profile(fit, "ratio")
    low, high = (
        None if end is None or end <= 1 else q / (end - 1)
        for end in (ratio.high, ratio.low)
    )
    best, method = fit.law.optimal_tokens(q), "profile of the ratio"
    yield f"q{q}.optimal_tokens", Interval(best, low, high, ratio.level, method)
    yield "q0.optimal_tokens", Interval(fit.law.optimal_tokens(0))
    drawn = Product(**paper.laws().loc["drawn"].to_dict())
    misses = drawn.predict(points.N, points.V) - points.error
    yield "sse_drawn", Interval(float((misses**2).sum()))
    text = fit_law(Product, points.N, points.V + q, points.error, allow_bound=True)
    yield f"sse_with_{q}_text_tokens_in_the_error", Interval(text.sse)


def _predictions(fit: Fit) -> _Numbers:
    largest = fit.points.N.max() == fit.points.N
    table, held = hold_out(fit, largest), int(largest.sum())
    miss = float(table["relative"].abs().max())
    yield "hold_out_7b.largest_relative_error", Interval(miss, count=held)
    inside = float(table["measured"].between(table["low"], table["high"]).mean())
    yield "hold_out_7b.share_inside_95", Interval(inside, count=held)
    refits = bootstrap(fit, "residual", _REFITS)
    predicted = refits.prediction_interval(_LARGER, np.array([1, 16, 576]))
    for row in predicted.itertuples():
        method = "residual bootstrap, a new measurement"
        interval = Interval(row.error, row.low, row.high, 0.95, method)
        yield f"{_LARGER / 1e9:g}b.v{row.V:g}.error", interval
