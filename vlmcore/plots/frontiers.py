"""Error against inference cost with the frontier of the points, or of a law."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.cost import paper_flops
from vlmcore.plots.style import legend_beside, panels, size_name, whiskers
from vlmcore.scaling import Law, frontier

LETTER_ROOM = (0.05, 0.035)
"""Shares of a panel's width and height that a number of tokens takes."""


def measured_frontier(
    scores: pd.DataFrame,
    text_tokens: Sequence[float] = (0, 50),
    task: str = "visual reasoning",
) -> Figure:
    """Error against inference cost for every N and V, with the measured frontier.

    Args:
        scores: as from `paper.scores`, or `Grid.mean_errors`, whose standard errors are
            drawn too.
        text_tokens: Q of each panel.
        task: what the scores were measured on, for the axis.
    """
    size = (3.7 * len(text_tokens) + 1.3, 4.2)
    with panels(1, len(text_tokens), figsize=size, sharey=True) as (figure, axes):
        for axis, q in zip(axes[0], text_tokens, strict=True):
            _measured_panel(axis, scores, q)
        axes[0, 0].set_ylabel(f"mean error on {task}")
        legend_beside(figure, axes[0, 0], "language model")
    return figure


def fitted_frontier(
    scores: pd.DataFrame, law: Law, text_tokens: Sequence[float] = (0, 50)
) -> Figure:
    """Error against inference cost: points, a law's curve for each N, and its frontier.

    Points on the frontier of the measured ones have a ring.

    Args:
        scores: as from `paper.scores`.
        law: fitted to them.
        text_tokens: Q of each panel.
    """
    size = (3.7 * len(text_tokens) + 1.4, 4.2)
    with panels(1, len(text_tokens), figsize=size, sharey=True) as (figure, axes):
        for axis, q in zip(axes[0], text_tokens, strict=True):
            _fitted_panel(axis, scores, law, q)
        axes[0, 0].set_ylabel("mean error")
        legend_beside(figure, axes[0, 0])
    return figure


def _measured_panel(axis: Axes, scores: pd.DataFrame, q: float) -> None:
    flops = _flops(scores["params"], q, scores["visual_tokens"])
    error = scores["error"].to_numpy()
    best = frontier(flops, error)
    axis.plot(
        flops[best],
        error[best],
        color="0.25",
        linewidth=5,
        alpha=0.25,
        solid_capstyle="round",
        label="frontier",
    )
    for params, group in scores.groupby("params"):
        x = flops[group.index]
        (line,) = axis.plot(x, group["error"], "o-", label=size_name(params))
        whiskers(axis, x, group, line.get_color())
    _cost_axis(axis, q)
    places = axis.transLimits.transform(
        axis.transScale.transform(np.stack([flops[best], error[best]], 1))
    )
    written: list[np.ndarray] = []  # a number on another could not be read
    for i, place in zip(best, places, strict=True):
        if any((np.abs(place - other) < LETTER_ROOM).all() for other in written):
            continue
        written.append(place)
        axis.annotate(
            f"{scores['visual_tokens'].iloc[i]}",
            (flops[i], error[i]),
            (-3, -5),
            textcoords="offset points",
            fontsize=8,
            ha="right",
            va="top",
        )


def _fitted_panel(axis: Axes, scores: pd.DataFrame, law: Law, q: float) -> None:
    sizes, error = scores["params"], scores["error"].to_numpy()
    cost = _flops(sizes, q, scores["visual_tokens"])
    tokens = np.geomspace(1, scores["visual_tokens"].max(), 200)
    for params, group in scores.groupby("params"):
        curve = _flops(params, q, tokens), law.predict(params, tokens)
        (line,) = axis.plot(*curve, linewidth=1, alpha=0.6)
        x, colour = cost[group.index], line.get_color()
        axis.plot(x, group["error"], "o", color=colour, label=size_name(params))
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
    _cost_axis(axis, q)


def _cost_axis(axis: Axes, q: float) -> None:
    axis.set(xscale="log", xlabel="inference FLOPs, 2N(Q + V)")
    axis.set_title(f"Q = {q:g} text tokens" if q else "Q = 0: text cached")


def _flops(params: Any, q: float, tokens: Any) -> np.ndarray:
    return np.array([paper_flops(n, q, v) for n, v in np.broadcast(params, tokens)])


def _best(
    law: Law, budgets: np.ndarray, q: float, largest: float, tokens: np.ndarray
) -> pd.DataFrame:
    """For each budget the least error, N being no larger than the largest."""
    params = np.minimum(budgets[:, None] / (2 * (q + tokens)), largest)
    errors = law.predict(params, tokens)
    row, best = np.arange(len(budgets)), errors.argmin(1)
    return pd.DataFrame(
        {"budget": budgets, "params": params[row, best], "error": errors[row, best]}
    )
