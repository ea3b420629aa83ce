"""The law of arXiv 2411.03312 fitted again to its 28 points, and every number that the book states about it.

Nothing is fitted when this is imported. All random draws have a fixed seed, so the same
numbers come out each time.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

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

QUESTION = 50
"""Q, text tokens of a typical question in the paper."""
LARGER = 14e9
"""The size of language model that the paper's Fig. 2 predicts."""
REFITS = 4000


class Number(NamedTuple):
    """A number about the published points, with an interval or without."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float | None = None
    interval: str | None = None
    count: int = 28  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    """Points that it rests on."""


def fit_published(
    task: paper.Benchmarks, form: type[Law] = Product, doubtful: paper.Doubtful = "used"
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
def numbers() -> tuple[Number, ...]:
    """Every number; the first call takes some seconds."""
    fits: dict[paper.Benchmarks, Fit] = {
        "visual": fit_published("visual"),
        "ocr": fit_published("ocr"),
    }
    by_task = [
        part(task, found)
        for task, found in fits.items()
        for part in (_law, _ratio, _rivals, _doubts)
    ]
    return tuple(
        number
        for part in (*by_task, _tokens(fits["visual"]), _predictions(fits["visual"]))
        for number in part
    )


def _law(task: paper.Benchmarks, found: Fit) -> Iterator[Number]:
    for parameter, name in (
        ("AB", "ab"),
        ("alpha", "alpha"),
        ("beta", "beta"),
        ("D", "d"),
    ):
        yield _of(f"{task}.{name}", profile(found, parameter))
    yield Number(f"{task}.sse", found.sse)
    yield Number(f"{task}.r2", found.r2)
    yield _of(f"{task}.alpha_minus_beta", profile(found, Contrast(1)))


def _ratio(task: paper.Benchmarks, found: Fit) -> Iterator[Number]:
    """The ratio by every method: they differ in what they take for granted."""
    yield _of(f"{task}.ratio", profile(found, "ratio"))
    yield _of(
        f"{task}.ratio.residual_bootstrap",
        bootstrap(found, "residual", REFITS).interval("ratio"),
    )
    yield _of(
        f"{task}.ratio.pairs_bootstrap",
        bootstrap(found, "pairs", REFITS).interval("ratio"),
    )
    yield _of(
        f"{task}.ratio.wild_cluster_bootstrap",
        bootstrap(found, "wild_cluster", REFITS).interval("ratio"),
    )
    left = jackknife(found)
    yield _of(f"{task}.ratio.jackknife", left.interval("ratio"))
    yield Number(
        f"{task}.ratio.least_without_a_size",
        float(left.values("ratio").min()),
        count=21,
    )
    yield Number(
        f"{task}.ratio.most_without_a_size", float(left.values("ratio").max()), count=21
    )


def _rivals(task: paper.Benchmarks, found: Fit) -> Iterator[Number]:
    line = fit_published(task, LogLinear)
    yield _of(f"{task}.loglinear.ratio", fieller(line))
    yield Number(f"{task}.loglinear.sse", line.sse)
    for form in (LogLinear, Additive, Interaction):
        rival = fit_published(task, form)
        for suffix, counted in (("", False), ("_counting_bounds", True)):
            gain = found.criteria(counted).aic - rival.criteria(counted).aic
            yield Number(f"{task}.{form.__name__.lower()}.aic_gain{suffix}", gain)


def _doubts(task: paper.Benchmarks, found: Fit) -> Iterator[Number]:
    """The ratio with the doubtful points as the other listing has them, without them, and without V = 1."""
    other, left_out = (
        fit_published(task, doubtful="other_listing"),
        fit_published(task, doubtful="left_out"),
    )
    several = found.refit(found.points.keep(found.points.V > 1))
    for name, fewer in (
        ("without_doubtful", other),
        ("doubtful_left_out", left_out),
        ("without_v1", several),
    ):
        yield _of(f"{task}.ratio_{name}", profile(fewer, "ratio"), len(fewer.points))


def _tokens(found: Fit) -> Iterator[Number]:
    """V* = Q / (ratio - 1), so the ends of the ratio's interval are those of V*, the other way round."""
    printed = paper.laws().loc["printed"]
    law = Product(AB=1, alpha=printed["alpha"], beta=printed["beta"], D=0)
    name = f"visual.q{QUESTION}.optimal_tokens"
    yield Number(f"{name}_printed", law.optimal_tokens(QUESTION), count=0)
    ratio = profile(found, "ratio")
    low, high = (
        None if end is None or end <= 1 else QUESTION / (end - 1)
        for end in (ratio.high, ratio.low)
    )
    yield Number(
        name,
        found.law.optimal_tokens(QUESTION),
        low,
        high,
        ratio.level,
        "profile of the ratio",
    )
    yield Number("visual.q0.optimal_tokens", found.law.optimal_tokens(0))
    drawn = Product(**paper.laws().loc["drawn"].to_dict())
    yield Number(
        "visual.sse_drawn",
        float(
            (
                (drawn.predict(found.points.N, found.points.V) - found.points.error)
                ** 2
            ).sum()
        ),
    )
    text = fit_law(
        Product,
        found.points.N,
        found.points.V + QUESTION,
        found.points.error,
        allow_bound=True,
    )
    yield Number(f"visual.sse_with_{QUESTION}_text_tokens_in_the_error", text.sse)


def _predictions(found: Fit) -> Iterator[Number]:
    largest = found.points.N.max() == found.points.N
    table = hold_out(found, largest)
    yield Number(
        "visual.hold_out_7b.largest_relative_error",
        float(table["relative"].abs().max()),
        count=int(largest.sum()),
    )
    inside = float(table["measured"].between(table["low"], table["high"]).mean())
    yield Number("visual.hold_out_7b.share_inside_95", inside, count=int(largest.sum()))
    tokens = np.array([1, 16, 576])
    refits = bootstrap(found, "residual", REFITS).prediction_interval(LARGER, tokens)
    for V, row in zip(tokens, refits.itertuples(), strict=True):
        name = f"visual.{LARGER / 1e9:g}b.v{V}.error"
        yield Number(
            name,
            row.error,
            row.low,
            row.high,
            0.95,
            "residual bootstrap, a new measurement",
        )


def _of(name: str, interval: Interval, count: int = 28) -> Number:
    return Number(name, *interval, count)
