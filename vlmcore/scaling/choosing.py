"""The choice of a model: the least predicted error within a budget.

A table of candidates holds the cost of each, in FLOPs or in measured seconds; a law and
its refits predict their errors.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from vlmcore.cost import paper_flops
from vlmcore.scaling.intervals import Interval, check_level, from_draws
from vlmcore.scaling.resampling import Bootstrap

_COLUMNS = ["params", "visual_tokens", "cost"]


class Plan(NamedTuple):
    """The chosen model."""

    params: float
    visual_tokens: float
    cost: float
    error: Interval
    """The interval contains the error that the law predicts at this N and V, not the
    result of one new measurement. Its count is the number of refits."""
    agreement: float
    """Share of the refits that choose the same model."""
    outside: tuple[str, ...] = ()
    """Which of "N" and "V" lie outside of the law's data, where it extrapolates."""


def candidates(
    tokens: Sequence[float],
    q: float,
    *,
    sizes: Sequence[float] | None = None,
    budget: float | None = None,
    encoder_flops: float = 0,
    question_pass: bool = False,
) -> pd.DataFrame:
    """Models to choose from, with the FLOPs of one question: 2N(Q + V) and additions.

    Args:
        tokens: values of V.
        q: Q, text tokens; 0 when the text is cached.
        sizes: language models that exist, in parameters. Without them N is continuous:
            for each V the one that spends the budget.
        budget: FLOPs, where N is continuous.
        encoder_flops: FLOPs of the vision encoder, if they count.
        question_pass: count one more pass of the language model over the question, as
            QueCC needs.

    Returns:
        A table with the columns `params`, `visual_tokens` and `cost`, sizes in the
        order given and V within them.

    Raises:
        ValueError: sizes or V are not positive, there are none, or neither or both of
            sizes and budget are given.

    Example:
        >>> candidates([1, 576], q=50, sizes=[7e9])["cost"].tolist()
        [714000000000.0, 8764000000000.0]
    """
    _check_candidates(tokens, q, sizes, budget, encoder_flops)
    text = q * (1 + question_pass)
    if sizes is not None:
        models = [(N, V) for N in sizes for V in tokens]
    else:
        left = (budget or 0) - encoder_flops
        models = [(left / paper_flops(1, text, V), V) for V in tokens]
    rows = [
        (N, V, paper_flops(N, text, V) + encoder_flops if budget is None else budget)
        for N, V in models
    ]
    return pd.DataFrame(rows, columns=_COLUMNS).astype(float)


def _check_candidates(
    tokens: Sequence[float],
    q: float,
    sizes: Sequence[float] | None,
    budget: float | None,
    encoder_flops: float,
) -> None:
    if (sizes is None) == (budget is None):
        raise ValueError(
            "give `sizes` to choose from, or a `budget` that a continuous N spends; "
            "not both"
        )
    given = [*tokens, *([1] if sizes is None else sizes)]
    some = len(tokens) and (sizes is None or len(sizes))
    if not (some and all(np.isfinite(each) and each > 0 for each in given)):
        raise ValueError(
            f"V = {list(tokens)} and N = {sizes} give nothing to choose from; every "
            "one must be positive"
        )
    if not (q >= 0 and encoder_flops >= 0):
        raise ValueError(
            f"Q = {q} and {encoder_flops} FLOPs of the encoder must not be negative"
        )
    if budget is not None and not encoder_flops < budget < np.inf:
        raise ValueError(
            f"the encoder's {encoder_flops:g} FLOPs leave nothing of a budget of "
            f"{budget:g}; raise the budget"
        )


def plan(
    laws: Bootstrap, candidates: pd.DataFrame, budget: float, level: float = 0.95
) -> Plan:
    """The affordable candidate with the least predicted error.

    Args:
        laws: a law with its refits.
        candidates: a table with the columns `params`, `visual_tokens` and `cost`; from
            `candidates`, or measured seconds.
        budget: in the unit of `cost`; a model that costs exactly as much is within it.
        level: of the interval, which has percentiles of the refits as its ends.

    Raises:
        ValueError: a column is missing, a number is not finite or not positive, a size
            is in another unit than the law's data, or nothing is within the budget.

    Example:
        `plan(bootstrap(fit), candidates([1, 16], q=50, sizes=[7e9]), budget=1e12)`
    """
    check_level(level)
    table = _checked(candidates)
    affordable = table[table["cost"] <= budget]
    if affordable.empty:
        raise ValueError(
            f"a budget of {budget:g} covers none of {len(table)} candidates; the "
            f"cheapest costs {table['cost'].min():g}"
        )
    N, V = affordable["params"].to_numpy(), affordable["visual_tokens"].to_numpy()
    errors, refits = laws.fit.law.predict(N, V), laws.predict(N, V)
    best = int(np.argmin(errors))
    return Plan(
        float(N[best]),
        float(V[best]),
        float(affordable["cost"].iloc[best]),
        from_draws(errors[best], refits[:, best], level, laws.method, len(refits)),
        float((refits.argmin(1) == best).mean()),
        laws.fit.points.range.named_outside(N[best], V[best]),
    )


def _checked(candidates: pd.DataFrame) -> pd.DataFrame:
    if missing := set(_COLUMNS) - set(candidates.columns):
        raise ValueError(
            f"the candidates have no {', '.join(sorted(missing))}; a table of "
            f"candidates has {', '.join(_COLUMNS)}"
        )
    table = candidates[_COLUMNS].astype(float)
    if not (np.isfinite(table).all(axis=None) and (table > 0).all(axis=None)):
        raise ValueError(
            "a size, V or cost among the candidates is missing or not positive; leave "
            "such rows out"
        )
    return table
