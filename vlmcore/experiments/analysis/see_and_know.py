"""Two ways in which N and V can act together, compared without a law.

If seeing and knowing fail independently, probabilities of being right multiply:
1 - error = (1 - bound) (1 - see) (1 - know), where the bound and `see` depend on V
alone and `know` on N alone. In a product of powers the errors themselves multiply. Both
are fitted with a free level for every N and every V.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd


class SeeAndKnow(NamedTuple):
    """The parts of an error whose probabilities of being right multiply."""

    see: pd.Series
    """Error of seeing by V, beyond the bound; 0 at the V at which it is least."""
    know: pd.Series
    """Error of knowing by N."""
    fitted: pd.DataFrame
    """Errors, indexed by N, one column a V."""


def see_and_know(
    errors: pd.DataFrame, bound: Mapping[int, float] | None = None
) -> SeeAndKnow:
    """Splits errors into a part of V and a part of N.

    Only the product of the two parts is measured, so the least error of seeing is taken
    for 0 and what is left there counts as knowing.

    Args:
        errors: between 0 and 1, indexed by N, one column a V.
        bound: for some V an error that no N can avoid; 0 for the others.
    """
    fitted = np.exp(_additive(np.log(1 - errors)))
    avoidable = 1 - pd.Series(bound or {}).reindex(errors.columns).fillna(0.0)
    seen = fitted.iloc[0] / avoidable
    known = fitted[seen.idxmax()] / avoidable[seen.idxmax()]
    return SeeAndKnow(1 - seen / seen.max(), 1 - known, 1 - fitted)


def errors_multiply(errors: pd.DataFrame) -> pd.DataFrame:
    """The errors if they are a product of a part of N and a part of V.

    Args:
        errors: above 0, indexed by N, one column a V.
    """
    return np.exp(_additive(np.log(errors)))


def deviation(errors: pd.DataFrame, fitted: pd.DataFrame) -> float:
    """The root mean square of the differences between errors and fitted ones."""
    return float(np.sqrt(np.square(errors - fitted).to_numpy().mean()))


def _additive(table: pd.DataFrame) -> pd.DataFrame:
    """The sum of a part of the row and a part of the column, by least squares."""
    rows, columns = table.mean(axis="columns"), table.mean()
    return pd.DataFrame(
        np.add.outer(rows.to_numpy(), columns.to_numpy()) - rows.mean(),
        table.index,
        table.columns,
    )
