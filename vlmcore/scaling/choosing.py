"""What to buy: of the models that a budget can pay for, the one with the least predicted error, and how sure that is.

A table of candidates says what each costs, in FLOPs or in seconds that were measured; a
law with its refits says what each promises.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from vlmcore.cost import paper_flops
from vlmcore.scaling.resampling import Bootstrap

COLUMNS = ["params", "visual_tokens", "cost"]


class Plan(NamedTuple):
    """What to buy.

    `low` and `high` hold the error that the law predicts at this N and V, not what one
    new measurement would give.
    """

    params: float
    visual_tokens: float
    cost: float
    error: float
    low: float
    high: float
    level: float
    agreement: float
    """Share of the refits that would buy the same."""
    refits: int


def candidates(
    tokens: Sequence[float],
    q: float,
    *,
    sizes: Sequence[float] | None = None,
    budget: float | None = None,
    encoder_flops: float = 0,
    question_pass: bool = False,
) -> pd.DataFrame:
    """Models to choose from, with what one question costs in FLOPs: 2N(Q + V), and what is to be added.

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
    if (sizes is None) == (budget is None):
        raise ValueError(
            "give `sizes` to choose from, or a `budget` that a continuous N spends; "
            "not both"
        )
    given = [*tokens, *(sizes if sizes is not None else [])]
    if (
        not len(tokens)
        or (sizes is not None and not len(sizes))
        or not all(np.isfinite(each) and each > 0 for each in given)
    ):
        raise ValueError(
            f"V = {list(tokens)} and N = {sizes} give nothing to choose from; every "
            "one must be positive"
        )
    if not (q >= 0 and encoder_flops >= 0):
        raise ValueError(
            f"Q = {q} and {encoder_flops} FLOPs of the encoder must not be negative"
        )
    text = q * (1 + question_pass)
    if sizes is not None:
        rows = [
            (N, V, paper_flops(N, text, V) + encoder_flops)
            for N in sizes
            for V in tokens
        ]
    else:
        assert budget is not None
        if not encoder_flops < budget < np.inf:
            raise ValueError(
                f"the encoder's {encoder_flops:g} FLOPs leave nothing of a budget of "
                f"{budget:g}; raise the budget"
            )
        rows = [
            ((budget - encoder_flops) / paper_flops(1, text, V), V, budget)
            for V in tokens
        ]
    return pd.DataFrame(rows, columns=COLUMNS).astype(float)


def plan(
    laws: Bootstrap, candidates: pd.DataFrame, budget: float, level: float = 0.95
) -> Plan:
    """The affordable candidate that the law likes best.

    Args:
        laws: a law with its refits.
        candidates: a table with the columns `params`, `visual_tokens` and `cost`; from
            `candidates`, or measured seconds.
        budget: in the unit of `cost`; what costs exactly as much can be bought.
        level: of the interval, which holds percentiles of the refits.

    Raises:
        ValueError: a column is missing, a number is not finite or not positive, or
            nothing can be bought.

    Example:
        `plan(bootstrap(fit), candidates([1, 16, 576], q=50, sizes=[1.8e9, 7e9]), budget=1e12)`
    """
    if missing := set(COLUMNS) - set(candidates.columns):
        raise ValueError(
            f"the candidates have no {', '.join(sorted(missing))}; a table of "
            f"candidates has {', '.join(COLUMNS)}"
        )
    if not 0 < level < 1:
        raise ValueError(
            f"a level of {level} is no share; give one between 0 and 1, such as 0.95"
        )
    table = candidates[COLUMNS].astype(float)
    if not (np.isfinite(table).all(axis=None) and (table > 0).all(axis=None)):
        raise ValueError(
            "a size, V or cost among the candidates is missing or not positive; leave "
            "such rows out"
        )
    affordable = table[table["cost"] <= budget]
    if affordable.empty:
        raise ValueError(
            f"a budget of {budget:g} buys none of {len(table)} candidates; the "
            f"cheapest costs {table['cost'].min():g}"
        )
    N, V = affordable["params"].to_numpy(), affordable["visual_tokens"].to_numpy()
    error, refits = laws.fit.law.predict(N, V), laws.predict(N, V)
    best = int(np.argmin(error))
    low, high = np.quantile(refits[:, best], [(1 - level) / 2, (1 + level) / 2])
    agreement = float((refits.argmin(1) == best).mean())
    cost = float(affordable["cost"].iloc[best])
    return Plan(
        float(N[best]),
        float(V[best]),
        cost,
        float(error[best]),
        float(low),
        float(high),
        level,
        agreement,
        len(refits),
    )
