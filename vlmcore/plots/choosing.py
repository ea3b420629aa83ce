"""Choosing V: error when a budget is spent, the optimal V, and the other costs."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.style import (
    colours,
    legend_beside,
    log_ticks,
    name_rows,
    panel,
    panels,
)
from vlmcore.scaling import Bootstrap, Law, Product

_TOKENS = np.geomspace(1, 576, 200)
"""Values of V along a curve."""

_TICKS = (1, 4, 16, 64, 144, 576)


def error_at_budget(
    law: Law, budgets: Sequence[float], text_tokens: Sequence[float] = (0, 50)
) -> Figure:
    """Error against V when N spends the rest: one curve a budget, one panel a Q.

    Triangles mark the least error.
    """
    size = (8.2, 3.6)
    with panels(1, len(text_tokens), figsize=size, sharey=True) as (figure, axes):
        for axis, q in zip(axes[0], text_tokens, strict=True):
            for budget in budgets:
                error = law.predict(budget / (2 * (q + _TOKENS)), _TOKENS)
                (line,) = axis.plot(_TOKENS, error, label=f"{budget:.0e}")
                best = law.optimum(budget, q)
                look = {"color": line.get_color(), "markersize": 8}
                axis.plot(best.visual_tokens, best.error, "^", **look)
            log_ticks(axis, "x", _TICKS)
            axis.set_xlabel("visual tokens V")
            axis.set_title(f"Q = {q:g}")
        axes[0, 0].set_ylabel("predicted error")
        legend_beside(figure, axes[0, 0], "budget, FLOPs")
    return figure


def optimal_tokens_by_text(
    laws: Mapping[str, Product],
    refits: Bootstrap,
    text_tokens: np.ndarray,
    level: float = 0.95,
) -> Figure:
    """The optimal V against Q: a line for each law, a band for most of the refits.

    Args:
        laws: names and laws.
        refits: of one of them.
        text_tokens: float (n,), values of Q.
        level: share of the refits inside the band.

    Raises:
        ValueError: some refits have no optimum below the most tokens there are.
    """
    ratios = np.quantile(refits.values("ratio"), [(1 - level) / 2, (1 + level) / 2])
    if ratios[0] <= 1:
        raise ValueError(
            f"some refits have alpha/beta = {ratios[0]:.2f} and use every token, so "
            "V* has no upper end; draw another figure"
        )
    with panel(7, 3.8) as (figure, axis):
        for (name, law), style in zip(laws.items(), ["-", "--", ":"], strict=False):
            best = [law.optimal_tokens(q) for q in text_tokens]
            label = rf"{name}, $\alpha/\beta$ = {law.ratio:.2f}"
            axis.plot(text_tokens, best, style, label=label)
        low, high = (np.clip(text_tokens / (r - 1), 1, 576) for r in ratios[::-1])
        look = {"color": colours()[0], "alpha": 0.2, "linewidth": 0}
        label = f"{level:.0%} of the refits"
        axis.fill_between(text_tokens, low, high, label=label, **look)
        axis.set_xlabel("text tokens Q")
        axis.set_ylabel("optimal V")
        axis.legend(loc="upper left")
    return figure


def optimal_tokens_by_budget(
    laws: Mapping[str, Law], budgets: np.ndarray, q: float
) -> Figure:
    """The optimal V against the budget, by several laws."""
    with panel(7, 3.6) as (figure, axis):
        styles = ["-", "--", "-.", ":"]
        for (name, law), style in zip(laws.items(), styles, strict=False):
            best = [law.optimal_tokens(q, budget) for budget in budgets]
            axis.plot(budgets, best, style, label=name)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_xlabel("budget, FLOPs of the language model")
        axis.set_ylabel(f"optimal V at Q = {q:g}")
        axis.legend()
    return figure


def cost_shares(
    table: pd.DataFrame,
    *,
    absolute: bool = False,
    unit: Literal["TFLOPs", "EFLOPs"] = "TFLOPs",
    of: str = "one answer",
) -> Figure:
    """The parts of a cost: one bar a row, one colour a column, totals beside them.

    Args:
        table: FLOPs.
        absolute: whether a bar is as long as its total; all are as long otherwise.
        unit: of the totals; an EFLOP is a million TFLOPs.
        of: what costs so much.
    """
    total, size = table.sum(axis=1), {"TFLOPs": 1e12, "EFLOPs": 1e18}[unit]
    parts = table / size if absolute else table.div(total, axis=0)
    starts = parts.cumsum(axis=1) - parts
    length = parts.sum(axis=1)
    with panel(8.2, 0.42 * len(table) + 1.1) as (figure, axis):
        at = range(len(table))
        for part in table:
            axis.barh(at, parts[part], left=starts[part], label=part, height=0.7)
        for y, (end, value) in enumerate(zip(length, total, strict=True)):
            room = 0.01 * length.max()
            axis.text(end + room, y, f"{value / size:.2f} {unit}", va="center")
        name_rows(axis, table.index)
        label = f"{unit} of {of}" if absolute else "share of the FLOPs"
        axis.set(xlim=(0, 1.2 * length.max() if absolute else 1), xlabel=label)
        axis.grid(False)
        figure.legend(loc="outside upper center", ncols=len(table.columns))
    return figure


def flops_and_seconds(table: pd.DataFrame) -> Figure:
    """FLOPs and latency, each as a share of its value at the largest V.

    Args:
        table: indexed by V, a column for each quantity counted or measured.
    """
    with panel(7, 3.6) as (figure, axis):
        for column, style in zip(table, ["o--", "s-", "^-", "D-"], strict=False):
            shares = table[column] / table[column].iloc[-1]
            axis.plot(table.index, shares, style, label=column)
        log_ticks(axis, "x", _TICKS)
        axis.set_xlabel("visual tokens V")
        axis.set_yscale("log")
        axis.set_ylabel(f"share of that at V = {table.index[-1]}")
        axis.legend()
    return figure
