"""Errors of the miniature grid beside what explains them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.style import legend_beside, log_ticks, panel, panels, size_name


def errors_and_bounds(
    errors: Mapping[str, pd.DataFrame], bounds: Mapping[str, pd.Series]
) -> Figure:
    """Errors against V, a line for each N, and one that does not depend on N.

    Args:
        errors: one panel a title; indexed by N, one column a V.
        bounds: a bound, or another error without N, of the same titles, by V.
    """
    size = (8.2, 3.6)
    with panels(1, len(errors), figsize=size, sharey=True) as (figure, axes):
        for axis, (title, table) in zip(axes[0], errors.items(), strict=True):
            for params, row in table.iterrows():
                axis.plot(row.index, row, "o-", label=size_name(float(str(params))))
            bound = bounds[title]
            axis.plot(bound.index, bound, "k--", linewidth=2, label="without N")
            log_ticks(axis, "x", list(table.columns))
            axis.set(xlabel="visual tokens V", title=title)
        axes[0, 0].set_ylabel("error")
        legend_beside(figure, axes[0, 0], "language model")
    return figure


def error_by_exposures(
    exposures: np.ndarray, wrong: Mapping[float, np.ndarray], edges: Sequence[int]
) -> Figure:
    """Error against the number of times that a fact was stated, a line for each N.

    Args:
        exposures: of the fact of each question.
        wrong: by N, the share of wrong answers to each question.
        edges: of the ranges of exposures whose questions are averaged.
    """
    inside = np.digitize(exposures, edges) - 1
    with panel(7, 3.8) as (figure, axis):
        for params, marks in wrong.items():
            table = pd.DataFrame({"x": np.maximum(exposures, 1), "y": marks})
            means = table[inside >= 0].groupby(inside[inside >= 0]).mean()
            axis.plot(means["x"], means["y"], "o-", label=size_name(params))
        log_ticks(axis, "x", edges)
        axis.axhline(0.5, color="0.5", linestyle="--", linewidth=1)
        axis.set(xlabel="exposures in text pre-training", ylabel="error")
        legend_beside(figure, axis, "language model")
    return figure
