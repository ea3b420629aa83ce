"""What a budget should buy: frontiers, the best V, and what else has to be paid for."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.cost import paper_flops
from vlmcore.plots.style import STYLE, colours, size_name
from vlmcore.scaling import Bootstrap, Law, Product, frontier

TOKENS = np.geomspace(1, 576, 200)
"""Values of V along a curve."""


def frontiers(
    scores: pd.DataFrame, law: Law, text_tokens: Sequence[float] = (0, 50)
) -> Figure:
    """Error against cost: measured points, the law's curve through those of each N, and the best that the law promises for each budget.

    Points on the frontier of the measured ones have a ring.

    Args:
        scores: as from `paper.scores`.
        law: fitted to them.
        text_tokens: Q of each panel.
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(text_tokens),
            figsize=(3.7 * len(text_tokens) + 1.4, 4.2),
            sharey=True,
            squeeze=False,
        )
        for axis, q in zip(axes[0], text_tokens, strict=True):
            _frontier_panel(axis, scores, law, q)
        axes[0, 0].set_ylabel("mean error")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center")
    plt.close(figure)
    return figure


def _frontier_panel(axis: Axes, scores: pd.DataFrame, law: Law, q: float) -> None:
    sizes, error = scores["params"], scores["error"].to_numpy()
    cost = _flops(sizes, q, scores["visual_tokens"])
    tokens = np.geomspace(1, scores["visual_tokens"].max(), 200)
    for params, group in scores.groupby("params"):
        (line,) = axis.plot(
            _flops(params, q, tokens),
            law.predict(params, tokens),
            linewidth=1,
            alpha=0.6,
        )
        axis.plot(
            cost[group.index],
            group["error"],
            "o",
            color=line.get_color(),
            label=size_name(params),
        )
    best = _best(law, np.geomspace(cost.min(), cost.max(), 400), q, sizes.max(), tokens)
    best = best[best["params"] >= sizes.min()]
    axis.plot(
        best["budget"],
        best["error"],
        color="black",
        linewidth=6,
        alpha=0.2,
        solid_capstyle="round",
        label="frontier of the law",
    )
    rings = frontier(cost, error)
    axis.plot(
        cost[rings],
        error[rings],
        "o",
        color="black",
        markerfacecolor="none",
        markersize=9,
        label="frontier, measured",
    )
    axis.set_xscale("log")
    axis.set_xlabel("FLOPs to answer, 2N(Q + V)")
    axis.set_title(f"Q = {q:g} text tokens" if q else "Q = 0: text cached")


def _flops(params: Any, q: float, tokens: Any) -> np.ndarray:
    return np.array([paper_flops(n, q, v) for n, v in np.broadcast(params, tokens)])


def _best(
    law: Law, budgets: np.ndarray, q: float, largest: float, tokens: np.ndarray
) -> pd.DataFrame:
    """For each budget the N and V with the least error, N being no larger than the largest."""
    params = np.minimum(budgets[:, None] / (2 * (q + tokens)), largest)
    errors = law.predict(params, tokens)
    row, best = np.arange(len(budgets)), errors.argmin(1)
    return pd.DataFrame(
        {"budget": budgets, "params": params[row, best], "error": errors[row, best]}
    )


def error_at_budget(
    law: Law, budgets: Sequence[float], text_tokens: Sequence[float] = (0, 50)
) -> Figure:
    """Error against V when N spends what is left of a budget: one curve a budget, one panel for each Q; triangles mark the least error."""
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1, len(text_tokens), figsize=(8.2, 3.6), sharey=True, squeeze=False
        )
        for axis, q in zip(axes[0], text_tokens, strict=True):
            for budget in budgets:
                error = law.predict(budget / (2 * (q + TOKENS)), TOKENS)
                (line,) = axis.plot(TOKENS, error, label=f"{budget:.0e}")
                choice = law.optimum(budget, q)
                axis.plot(
                    choice.visual_tokens,
                    choice.error,
                    "^",
                    color=line.get_color(),
                    markersize=8,
                )
            _token_axis(axis)
            axis.set_title(f"Q = {q:g}")
        axes[0, 0].set_ylabel("predicted error")
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(),
            loc="outside right center",
            title="budget, FLOPs",
        )
    plt.close(figure)
    return figure


def best_tokens(
    laws: Mapping[str, Product],
    refits: Bootstrap,
    text_tokens: np.ndarray,
    level: float = 0.95,
) -> Figure:
    """The best V against Q: a line for each law, a band for the middle of the refits.

    Args:
        laws: names and laws.
        refits: of one of them.
        text_tokens: float (n,), values of Q.
        level: share of the refits inside the band.
    """
    ratios = np.quantile(refits.values("ratio"), [(1 - level) / 2, (1 + level) / 2])
    if ratios[0] <= 1:
        raise ValueError(
            f"some refits have alpha/beta = {ratios[0]:.2f} and want every token, so "
            "V* has no upper end; draw another figure"
        )
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.8))
        for (name, law), style in zip(laws.items(), ["-", "--", ":"], strict=False):
            axis.plot(
                text_tokens,
                [law.optimal_tokens(q) for q in text_tokens],
                style,
                label=rf"{name}, $\alpha/\beta$ = {law.ratio:.2f}",
            )
        few, many = (
            np.clip(text_tokens / (ratio - 1), 1, 576) for ratio in ratios[::-1]
        )
        axis.fill_between(
            text_tokens,
            few,
            many,
            color=colours()[0],
            alpha=0.2,
            linewidth=0,
            label=f"{level:.0%} of the refits",
        )
        axis.set_xlabel("text tokens Q")
        axis.set_ylabel("best V")
        axis.legend(loc="upper left")
    plt.close(figure)
    return figure


def tokens_by_budget(laws: Mapping[str, Law], budgets: np.ndarray, q: float) -> Figure:
    """The best V against the budget, by several laws."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.6))
        for (name, law), style in zip(
            laws.items(), ["-", "--", "-.", ":"], strict=False
        ):
            axis.plot(
                budgets,
                [law.optimal_tokens(q, budget) for budget in budgets],
                style,
                label=name,
            )
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_xlabel("budget, FLOPs of the language model")
        axis.set_ylabel(f"best V at Q = {q:g}")
        axis.legend()
    plt.close(figure)
    return figure


def shares_of_cost(table: pd.DataFrame) -> Figure:
    """What a bill is made of: one bar a row, one colour a column, in shares; the total is written beside it."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(8.2, 0.42 * len(table) + 1.1))
        total = table.sum(axis=1)
        shares, left = table.div(total, axis=0), np.zeros(len(table))
        for column in table:
            axis.barh(
                range(len(table)), shares[column], left=left, label=column, height=0.7
            )
            left = left + shares[column].to_numpy()
        for place, value in enumerate(total):
            axis.text(1.01, place, f"{value / 1e12:.2f} TFLOPs", va="center")
        axis.set_yticks(range(len(table)), table.index)
        axis.invert_yaxis()
        axis.set(xlim=(0, 1), xlabel="share of the operations")
        axis.grid(False)
        figure.legend(loc="outside upper center", ncols=len(table.columns))
    plt.close(figure)
    return figure


def flops_and_seconds(table: pd.DataFrame) -> Figure:
    """Operations and time, each as a share of what the largest V takes.

    Args:
        table: indexed by V, a column for each thing counted or measured.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.6))
        for column, style in zip(table, ["o--", "s-", "^-", "D-"], strict=False):
            axis.plot(
                table.index, table[column] / table[column].iloc[-1], style, label=column
            )
        _token_axis(axis)
        axis.set_yscale("log")
        axis.set_ylabel(f"share of that at V = {table.index[-1]}")
        axis.legend()
    plt.close(figure)
    return figure


def _token_axis(axis: Axes) -> None:
    ticks = [1, 4, 16, 64, 144, 576]
    axis.set_xscale("log")
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.minorticks_off()
    axis.set_xlabel("visual tokens V")
