"""Measured errors with laws of N and V: by V, by N, and extrapolated to larger N."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.plots.style import (
    colours,
    log_ticks,
    panel,
    panels,
    size_name,
    whiskers,
)
from vlmcore.scaling import Law

_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1)


def error_by_tokens(
    scores: pd.DataFrame,
    law: Law | None = None,
    prediction: pd.DataFrame | None = None,
    title: str = "",
    ylabel: str = "mean error",
) -> Figure:
    """Error against V, one colour for each N: measured, fitted and predicted.

    Args:
        scores: as from `paper.scores`, or `Grid.mean_errors`, whose standard errors are
            drawn too.
        law: drawn as lines.
        prediction: the columns N, V, `error`, `low` and `high`, as from
            `scaling.hold_out` or `Bootstrap.prediction_interval`.
        title: above the figure.
        ylabel: what the column `error` holds.
    """
    held_out = {} if prediction is None else dict(list(prediction.groupby("N")))
    dense = np.geomspace(1, scores["visual_tokens"].max(), 60)
    sizes = sorted({*scores["params"], *held_out})
    with panel(7, 4.2) as (figure, axis):
        for params, colour in zip(sizes, cycle(colours()), strict=False):
            look, label = {"color": colour}, size_name(params)
            if params in held_out:
                _band(axis, held_out[params], colour)
                look, label = look | {"markerfacecolor": "white"}, f"{label}, predicted"
            elif law is not None:
                axis.plot(dense, law.predict(params, dense), color=colour)
            points = scores[scores["params"] == params]
            V = points["visual_tokens"]
            axis.plot(V, points["error"], "o", label=label, **look)
            whiskers(axis, V, points, colour)
        log_ticks(axis, "x", scores["visual_tokens"].unique().tolist())
        axis.set_xlabel("visual tokens V")
        axis.set_ylabel(ylabel)
        axis.set_title(title)
        figure.legend(loc="outside right center", title="language model")
    return figure


def error_by_size(panel_lines: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Error against N on logarithmic axes, one panel a title, one line a label.

    Args:
        panel_lines: by title and label, rows with the columns `params`, `error` and, if
            known, `standard_error`.
    """
    rows = pd.concat(each for lines in panel_lines.values() for each in lines.values())
    low, high = rows["error"].min() / 1.5, rows["error"].max() * 1.5
    ends = [rows["params"].min(), rows["params"].max()]
    with panels(1, len(panel_lines), figsize=(8, 3.3), sharey=True) as (figure, axes):
        for axis, (name, lines) in zip(axes[0], panel_lines.items(), strict=True):
            for (label, table), colour, mark in zip(
                lines.items(), colours(), cycle("os^"), strict=False
            ):
                N, error = table["params"], table["error"]
                axis.plot(N, error, f"{mark}-", color=colour, label=label)
                whiskers(axis, N, table, colour)
            axis.set(xscale="log", yscale="log", xlabel="language-model parameters N")
            axis.set_xticks(ends, [size_name(end) for end in ends])
            axis.minorticks_off()
            axis.set_title(name)
        log_ticks(axes[0, 0], "y", [tick for tick in _TICKS if low <= tick <= high])
        axes[0, 0].set_ylabel("error")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def extrapolation(
    scores: pd.DataFrame, laws: Mapping[str, Law], visual_tokens: float, largest: float
) -> Figure:
    """Error against N at one V by several laws, up to an N beyond the measured ones."""
    points = scores[scores["visual_tokens"] == visual_tokens]
    params = np.geomspace(points["params"].min(), largest, 200)
    with panel(7, 3.6) as (figure, axis):
        styles = cycle(["-", "--", "-.", ":"])
        for (name, law), style in zip(laws.items(), styles, strict=False):
            error = law.predict(params, visual_tokens)
            axis.plot(params / 1e9, error, style, label=name)
        look = {"color": "black", "label": "measured"}
        axis.plot(points["params"] / 1e9, points["error"], "o", **look)
        axis.set_xscale("log")
        axis.set_xlabel("language-model parameters N, billions")
        axis.set_ylabel(f"mean error at V = {visual_tokens:g}")
        axis.legend()
    return figure


def _band(axis: Axes, rows: pd.DataFrame, colour: str) -> None:
    axis.plot(rows["V"], rows["error"], color=colour, linestyle="--")
    V, low, high = rows["V"], rows["low"], rows["high"]
    axis.fill_between(V, low, high, color=colour, alpha=0.18, linewidth=0)
