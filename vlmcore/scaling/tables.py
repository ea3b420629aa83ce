"""A researcher's own table of errors: read, fitted and summarised in plain values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlmcore.cost import paper_flops
from vlmcore.scaling.choosing import Plan, candidates, plan
from vlmcore.scaling.fitting import Fit, fit_law
from vlmcore.scaling.forms import Product
from vlmcore.scaling.frontier import frontier
from vlmcore.scaling.intervals import Interval
from vlmcore.scaling.law import Law
from vlmcore.scaling.leaving_out import jackknife
from vlmcore.scaling.profiles import profile
from vlmcore.scaling.quantities import Quantity
from vlmcore.scaling.resampling import Bootstrap, bootstrap

_NEEDED = ("N", "V", "error")
_OPTIONAL = ("count", "weight")

TRUST = {
    "jackknife": "Points of one size share a language model, so trust the jackknife; "
    "the profile and the bootstrap are right only if all points are independent.",
    "profile": "There are too few sizes for a jackknife. The profile is right only if "
    "all points are independent, which points of one size are not.",
}
"""The interval to quote, and why."""


def fit_table(path: Path, form: type[Law] = Product, *, billions: bool = False) -> Fit:
    """Fits a law to a CSV file.

    Args:
        path: of a table with the columns `N` (parameters of the language model), `V`
            (visual tokens) and `error` (a share of wrong answers); and `count`, the
            questions of each error, or `weight`, one over its variance up to a factor.
            Other columns are ignored.
        form: of law.
        billions: N is in billions.

    Raises:
        ValueError: a column is missing or holds something that is no number, or its
            points cannot be fitted.
    """
    table = _read(path)
    count, weight = (table.get(name) for name in _OPTIONAL)
    return fit_law(
        form,
        table["N"] * (1e9 if billions else 1),
        table["V"],
        table["error"],
        loss="squared" if count is None else "binomial",
        weights=weight,
        trials=count,
        allow_bound=True,
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, skipinitialspace=True, comment="#")
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path} is no table of comma-separated values") from error
    if missing := [name for name in _NEEDED if name not in table]:
        raise ValueError(
            f"{path} has no column {' or '.join(missing)}; its columns are "
            f"{', '.join(map(str, table))}, and a law needs {', '.join(_NEEDED)}"
        )
    table = table[[name for name in (*_NEEDED, *_OPTIONAL) if name in table]]
    numbers = table.apply(pd.to_numeric, errors="coerce")
    if (wrong := numbers.isna()).any(axis=None):
        row, column = np.argwhere(wrong.to_numpy())[0]
        raise ValueError(
            f"{table.columns[column]} of row {row + 1} is {table.iloc[row, column]}, "
            "which is no number; leave rows without a measurement out"
        )
    return numbers.astype(float)


def summary(
    fit: Fit, text_tokens: float, budget: float | None = None, refits: int = 1000
) -> dict[str, Any]:
    """The law, its intervals, the measured frontier and the choice for a budget.

    Args:
        fit: of a law with the exponents alpha and beta.
        text_tokens: Q, 0 when the text is cached.
        budget: FLOPs for one question; by default the geometric mean of the cheapest
            and the most expensive measured model.
        refits: of the bootstrap.

    Returns:
        Plain values, for JSON.
    """
    points, law = fit.points, fit.law
    sizes_and_tokens = zip(points.N, points.V, strict=True)
    cost = np.array([paper_flops(n, text_tokens, v) for n, v in sizes_and_tokens])
    budget = float(np.sqrt(cost.min() * cost.max())) if budget is None else budget
    laws = bootstrap(
        fit, "parametric" if fit.model.loss == "binomial" else "residual", refits
    )
    best = frontier(cost, points.error)
    columns = {"N": points.N, "V": points.V, "error": points.error, "flops": cost}
    sizes, tokens = (np.unique(each).tolist() for each in (points.N, points.V))
    by_method = _intervals(fit, laws)
    return {
        "form": type(law).__name__,
        "parameters": dict(zip(law.names(), law.parameters.tolist(), strict=True)),
        "unit": law.unit,
        "at_bound": list(fit.at_bound),
        "points": len(points),
        "r2": fit.r2,
        "data": {name: list(ends) for name, ends in points.range._asdict().items()},
        "intervals": by_method,
        "share_refused": laws.share_refused,
        "trust": TRUST["jackknife" if "jackknife" in by_method else "profile"],
        "text_tokens": text_tokens,
        "frontier": pd.DataFrame(columns).iloc[best].to_dict("records"),
        "budget": budget,
        "choice": {
            "measured sizes": _chosen(laws, tokens, text_tokens, budget, sizes),
            "any size": _chosen(laws, tokens, text_tokens, budget, None),
        },
    }


def _intervals(fit: Fit, laws: Bootstrap) -> dict[str, dict[str, Any]]:
    """Intervals by method and quantity; no jackknife of fewer than four sizes."""
    quantities: list[Quantity] = ["alpha", "beta"]
    quantities += ["ratio"] * hasattr(fit.law, "ratio")
    found = {
        "profile": {str(each): profile(fit, each) for each in quantities},
        "bootstrap": {str(each): laws.interval(each) for each in quantities},
    }
    if len(np.unique(fit.points.N)) > 3:
        without = jackknife(fit)
        found["jackknife"] = {str(each): without.interval(each) for each in quantities}
    return {
        method: {name: _plain(each) for name, each in by.items()}
        for method, by in found.items()
    }


def _chosen(
    laws: Bootstrap,
    tokens: Sequence[float],
    q: float,
    budget: float,
    sizes: Sequence[float] | None,
) -> dict[str, Any] | None:
    """The choice among measured sizes or any; None where the budget covers nothing."""
    spent = budget if sizes is None else None
    table = candidates(tokens, q, sizes=sizes, budget=spent)
    if table["cost"].min() > budget:
        return None
    found: Plan = plan(laws, table, budget)
    return {
        "N": found.params,
        "V": found.visual_tokens,
        "flops": found.cost,
        "error": _plain(found.error),
        "agreement": found.agreement,
        "outside": list(found.outside),
    }


def _plain(interval: Interval) -> dict[str, float | None]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
