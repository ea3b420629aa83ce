"""Two task families side by side: error at the same compute, and the optimal V."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vlmcore.plots.style import (
    colours,
    log_ticks,
    panel,
    panels,
    size_name,
)
from vlmcore.scaling import Interval, Law

_MOST = 576
"""Visual tokens of an image that is not compressed."""


def similar_compute(
    tables: Mapping[str, pd.DataFrame], spread: Mapping[str, ArrayLike], title: str = ""
) -> Figure:
    """Bars of the models that cost about the same, one panel a task.

    They begin at 0, unless all bars of the figure are nearly as long.

    Args:
        tables: by title; rows as from `paper.scores`, the same models in each.
        spread: half the length of a bar's whisker, by title; one for all bars or one
            for each.
        title: above the figure.
    """
    cut = all(rows["error"].min() > rows["error"].max() / 2 for rows in tables.values())
    with panels(1, len(tables), figsize=(8, 3.4)) as (figure, axes):
        for axis, (name, rows) in zip(axes[0], tables.items(), strict=True):
            error, pairs = rows["error"], rows[["params", "visual_tokens"]].to_numpy()
            labels = [f"{size_name(N)}\nV = {V:g}" for N, V in pairs]
            colour = np.where(error == error.min(), colours()[0], colours()[5])
            axis.bar(labels, error, yerr=spread[name], color=colour, capsize=4)
            low, high = (error - spread[name]).min(), (error + spread[name]).max()
            bottom = max(0, low - 0.4 * (high - low)) if cut else 0
            axis.set_ylim(bottom, high + 0.1 * (high - low))
            axis.grid(axis="x", visible=False)
            axis.set_title(name)
        note = " (axis does not start at 0)" if cut else ""
        axes[0, 0].set_ylabel(f"mean error{note}")
        figure.suptitle(title, fontsize=11)
    return figure


def tasks_at_budget(
    laws: Mapping[str, Law],
    text_tokens: Mapping[str, float],
    budget: float,
    sizes: tuple[float, float],
    ticks: Sequence[int] = (1, 4, 16, 64, _MOST),
) -> Figure:
    """Error against V when N spends the rest of a budget, one panel a task, a line a Q.

    Args:
        laws: one a task.
        text_tokens: labels and Q of the lines.
        budget: FLOPs of the language model.
        sizes: smallest and largest N that were measured; lines are dashed outside.
        ticks: values of V on the axis, up to the most there can be.
    """
    tokens = np.geomspace(ticks[0], ticks[-1], 200)
    with panels(1, len(laws), figsize=(8, 3.4)) as (figure, axes):
        for axis, (task, law) in zip(axes[0], laws.items(), strict=True):
            for (label, q), colour in zip(text_tokens.items(), colours(), strict=False):
                params = budget / (2 * (q + tokens))
                error = law.predict(params, tokens)
                inside = (params >= sizes[0]) & (params <= sizes[1] * (1 + 1e-9))
                best = error.argmin()
                axis.plot(tokens, error, "--", color=colour, linewidth=1)
                axis.plot(tokens[inside], error[inside], color=colour, label=label)
                axis.plot(tokens[best], error[best], "o", color=colour, markersize=8)
            log_ticks(axis, "x", ticks)
            axis.set_xlabel("visual tokens V")
            axis.set_title(task)
        axes[0, 0].set_ylabel("predicted error")
        axes[0, 0].legend()
    return figure


def optimal_tokens_by_ratio(ratios: Mapping[str, Interval], q: float) -> Figure:
    """The optimal V as a function of alpha / beta alone, with each task's interval.

    Args:
        ratios: one a task.
        q: Q, text tokens.
    """
    ratio = np.linspace(0.4, 8, 761)
    best = np.full(len(ratio), float(_MOST))
    above = ratio > 1
    best[above] = np.clip(q / (ratio[above] - 1), 1, _MOST)
    with panel(7, 3.6) as (figure, axis):
        axis.plot(ratio, best, color="black", label=f"optimal V at Q = {q:g}")
        axis.axvline(1, color="0.6", linestyle="--", linewidth=1)
        for (task, interval), colour in zip(ratios.items(), colours(), strict=False):
            low = ratio[0] if interval.low is None else interval.low
            high = ratio[-1] if interval.high is None else interval.high
            look = {"color": colour, "alpha": 0.2, "linewidth": 0}
            axis.axvspan(low, high, label=f"{task}: {interval.value:.2f}", **look)
        log_ticks(axis, "y", [1, 4, 16, 64, _MOST])
        axis.set_xlabel("α/β")
        axis.set_ylabel("optimal visual tokens V")
        axis.legend()
    return figure


def task_mixtures(table: pd.DataFrame, q: float) -> Figure:
    """The ratio alpha / beta and the optimal V as two tasks are mixed.

    Args:
        table: the columns `share` of OCR questions, `ratio`, `low`, `high` and
            `tokens`.
        q: Q, text tokens.
    """
    share = table["share"]
    with panels(1, 2, figsize=(8.5, 3.2)) as (figure, axes):
        left, right = axes[0]
        left.plot(share, table["ratio"])
        left.fill_between(share, table["low"], table["high"], alpha=0.2, linewidth=0)
        left.axhline(1, color="0.6", linestyle="--", linewidth=1)
        left.set_ylabel("α/β")
        log_ticks(left, "y", [0.5, 1, 2, 4])
        right.plot(share, table["tokens"])
        log_ticks(right, "y", [4, 16, 64, _MOST])
        right.set_ylabel(f"optimal visual tokens V at Q = {q:g}")
        for axis in axes[0]:
            axis.set_xlabel("share of OCR questions")
    return figure
