"""Two families of tasks side by side: what the same compute buys in each, and how many tokens each wants."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vlmcore.plots.style import STYLE, colours, size_name
from vlmcore.scaling import Interval, Law

MOST = 576
"""Visual tokens of an image that is not compressed."""


def similar_compute(
    panels: Mapping[str, pd.DataFrame], spread: Mapping[str, ArrayLike], title: str = ""
) -> Figure:
    """Bars of the models that cost about the same, one panel a task. They begin at 0, unless all bars of the figure are nearly as long.

    Args:
        panels: titles; rows as from `paper.scores`, the models to compare, the same in
            each panel.
        spread: half the length of a bar's whisker, by title; one for all bars or one
            for each.
        title: above the figure.
    """
    cut = all(rows["error"].min() > rows["error"].max() / 2 for rows in panels.values())
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(panels), figsize=(8, 3.4), squeeze=False)
        for axis, (name, rows) in zip(axes[0], panels.items(), strict=True):
            labels = [
                f"{size_name(n)}\nV = {v}"
                for n, v in zip(rows["params"], rows["visual_tokens"], strict=True)
            ]
            best = rows["error"].to_numpy() == rows["error"].min()
            axis.bar(
                labels,
                rows["error"],
                yerr=spread[name],
                color=np.where(best, colours()[0], colours()[5]),
                capsize=4,
            )
            low, high = (
                (rows["error"] - spread[name]).min(),
                (rows["error"] + spread[name]).max(),
            )
            axis.set_ylim(
                max(0, low - 0.4 * (high - low)) if cut else 0,
                high + 0.1 * (high - low),
            )
            axis.grid(axis="x", visible=False)
            axis.set_title(name)
        axes[0, 0].set_ylabel(
            "mean error (axis does not start at 0)" if cut else "mean error"
        )
        figure.suptitle(title, fontsize=11)
    plt.close(figure)
    return figure


def along_a_budget(
    laws: Mapping[str, Law],
    text_tokens: Mapping[str, float],
    budget: float,
    sizes: tuple[float, float],
    ticks: Sequence[int] = (1, 4, 16, 64, MOST),
) -> Figure:
    """Error when the whole budget is spent, against V: more tokens leave less for the language model. One panel a task, one line a Q.

    Args:
        laws: one a task.
        text_tokens: labels and Q of the lines.
        budget: FLOPs of the language model.
        sizes: smallest and largest N that were measured; lines are dashed outside.
        ticks: values of V on the axis, up to the most there can be.
    """
    tokens = np.geomspace(ticks[0], ticks[-1], 200)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(laws), figsize=(8, 3.4), squeeze=False)
        for axis, (task, law) in zip(axes[0], laws.items(), strict=True):
            for (label, q), colour in zip(text_tokens.items(), colours(), strict=False):
                params = budget / (2 * (q + tokens))
                error = law.predict(params, tokens)
                measured = (params >= sizes[0]) & (params <= sizes[1] * (1 + 1e-9))
                axis.plot(tokens, error, "--", color=colour, linewidth=1)
                axis.plot(tokens[measured], error[measured], color=colour, label=label)
                axis.plot(
                    tokens[error.argmin()], error.min(), "o", color=colour, markersize=8
                )
            axis.set_xscale("log")
            axis.set_xticks(ticks, [str(tick) for tick in ticks])
            axis.minorticks_off()
            axis.set_xlabel("visual tokens V")
            axis.set_title(task)
        axes[0, 0].set_ylabel("predicted error")
        axes[0, 0].legend()
    plt.close(figure)
    return figure


def tokens_by_ratio(ratios: Mapping[str, Interval], q: float) -> Figure:
    """The best V as a function of alpha / beta alone, with the ratio of each task and its interval.

    Args:
        ratios: one a task.
        q: Q, text tokens.
    """
    ratio = np.linspace(0.4, 8, 761)
    with np.errstate(divide="ignore"):
        best = np.where(
            ratio > 1,
            np.clip(q / np.where(ratio > 1, ratio - 1, np.nan), 1, MOST),
            MOST,
        )
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.6))
        axis.plot(ratio, best, color="black", label=f"best V at Q = {q:g}")
        axis.axvline(1, color="0.6", linestyle="--", linewidth=1)
        for (task, interval), colour in zip(ratios.items(), colours(), strict=False):
            ends = [
                end if end is not None else edge
                for end, edge in ((interval.low, ratio[0]), (interval.high, ratio[-1]))
            ]
            axis.axvspan(
                *ends,
                color=colour,
                alpha=0.2,
                linewidth=0,
                label=f"{task}: {interval.value:.2f}",
            )
        axis.set_yscale("log")
        axis.set_yticks([1, 4, 16, 64, MOST], ["1", "4", "16", "64", f"{MOST}"])
        axis.minorticks_off()
        axis.set_xlabel("α/β")
        axis.set_ylabel("visual tokens to buy")
        axis.legend()
    plt.close(figure)
    return figure


def mixtures(table: pd.DataFrame, q: float) -> Figure:
    """How the ratio and the best V change as tasks are mixed.

    Args:
        table: the columns `share` of questions that ask to read, `ratio`, `low`, `high`
            and `tokens`.
        q: Q, text tokens.
    """
    with plt.style.context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
        left.plot(table["share"], table["ratio"])
        left.fill_between(
            table["share"], table["low"], table["high"], alpha=0.2, linewidth=0
        )
        left.axhline(1, color="0.6", linestyle="--", linewidth=1)
        left.set_ylabel("α/β")
        left.set_yscale("log")
        left.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
        left.minorticks_off()
        right.plot(table["share"], table["tokens"])
        right.set_yscale("log")
        right.set_yticks([4, 16, 64, MOST], ["4", "16", "64", f"{MOST}"])
        right.minorticks_off()
        right.set_ylabel(f"visual tokens to buy at Q = {q:g}")
        for axis in (left, right):
            axis.set_xlabel("share of questions that ask to read")
    plt.close(figure)
    return figure
