"""Laws of N and V: what they say at the measured points and beyond, and how well they are known."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.plots.style import STYLE, colours, size_name, whiskers
from vlmcore.scaling import Interval, Law, Product


def curves(
    scores: pd.DataFrame,
    law: Law | None = None,
    prediction: pd.DataFrame | None = None,
    title: str = "",
    ylabel: str = "mean error",
) -> Figure:
    """Error against V, one colour for each N: measured points, what a law says of them, and what was predicted with its interval.

    Args:
        scores: as from `paper.scores`, or `Grid.mean_errors`, whose standard errors are
            drawn too.
        law: drawn as lines.
        prediction: the columns N, V, `error`, `low` and `high`, as from
            `scaling.hold_out` or `Bootstrap.prediction_interval`.
        title: above the figure.
        ylabel: what the column `error` holds.
    """
    predicted = [] if prediction is None else prediction["N"].unique().tolist()
    dense = np.geomspace(1, scores["visual_tokens"].max(), 60)
    sizes = sorted({*scores["params"], *predicted})
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 4.2))
        for params, colour in zip(sizes, cycle(colours()), strict=False):
            points = scores[scores["params"] == params]
            if params in predicted and prediction is not None:
                _band(axis, prediction[prediction["N"] == params], colour)
            elif law is not None:
                axis.plot(dense, law.predict(params, dense), color=colour)
            face, words = (
                ("white", ", predicted") if params in predicted else (colour, "")
            )
            label = f"{size_name(params)}{words}"
            axis.plot(
                points["visual_tokens"],
                points["error"],
                "o",
                color=colour,
                markerfacecolor=face,
                label=label,
            )
            whiskers(axis, points["visual_tokens"], points, colour)
        axis.set_xscale("log")
        axis.set_xticks(*_ticks(scores["visual_tokens"].unique()))
        axis.minorticks_off()
        axis.set_xlabel("visual tokens V")
        axis.set_ylabel(ylabel)
        axis.set_title(title)
        figure.legend(loc="outside right center", title="language model")
    plt.close(figure)
    return figure


def by_size(panels: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Error against N on logarithmic axes, a panel for each title and in it a line for each way to grow, with standard errors.

    Args:
        panels: by title and label, rows with the columns `params`, `error` and, if
            known, `standard_error`.
    """
    rows = [rows for lines in panels.values() for rows in lines.values()]
    errors = pd.concat([table["error"] for table in rows])
    ticks = sorted({size for table in rows for size in table["params"]})
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(8, 3.3), squeeze=False, sharey=True
        )
        for axis, (name, lines) in zip(axes[0], panels.items(), strict=True):
            for (label, table), colour, mark in zip(
                lines.items(), colours(), cycle("os^"), strict=False
            ):
                axis.plot(
                    table["params"],
                    table["error"],
                    f"{mark}-",
                    color=colour,
                    label=label,
                )
                whiskers(axis, table["params"], table, colour)
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xticks(
                [ticks[0], ticks[-1]], [size_name(ticks[0]), size_name(ticks[-1])]
            )
            axis.minorticks_off()
            axis.set_xlabel("N")
            axis.set_title(name)
        shown = [
            tick
            for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1)
            if errors.min() / 1.5 <= tick <= errors.max() * 1.5
        ]
        axes[0, 0].set_yticks(shown, [f"{tick:g}" for tick in shown])
        axes[0, 0].set_ylabel("error")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    plt.close(figure)
    return figure


def loss_map(
    alphas: np.ndarray, betas: np.ndarray, sse: np.ndarray, laws: Mapping[str, Product]
) -> Figure:
    """How badly the best AB and D fit for each alpha and beta.

    Args:
        alphas: (a,)
        betas: (b,)
        sse: float (a, b)
        laws: laws to mark; a line shows the ratio of the first.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 4))
        levels = np.geomspace(1, 64, 13)
        shades = axis.contourf(
            alphas,
            betas,
            (sse / sse.min()).T,
            levels=levels,
            cmap="cividis_r",
            extend="max",
            norm="log",
        )
        for (name, law), mark in zip(laws.items(), "oDs^", strict=False):
            axis.plot(
                law.alpha,
                law.beta,
                mark,
                color="white",
                markeredgecolor="black",
                markersize=8,
                label=name,
            )
        first = next(iter(laws.values()))
        axis.axline(
            (0, 0),
            slope=1 / first.ratio,
            color="white",
            linestyle="--",
            linewidth=1,
            label=f"α/β = {first.ratio:.2f}",
        )
        axis.set(
            xlim=(alphas[0], alphas[-1]),
            ylim=(betas[0], betas[-1]),
            xlabel="α",
            ylabel="β",
        )
        bar = figure.colorbar(shades, label="SSE, times its least")
        bar.set_ticks(
            [1, 2, 4, 8, 16, 32, 64], labels=["1", "2", "4", "8", "16", "32", "64"]
        )
        bar.minorticks_off()
        axis.legend(
            loc="upper left", facecolor="0.55", frameon=True, labelcolor="white"
        )
        axis.grid(False)
    plt.close(figure)
    return figure


def valley(path: pd.DataFrame, allowed: float) -> Figure:
    """What a fit gives up when D is held elsewhere, and what happens to the exponents.

    Args:
        path: as from `scaling.profile_path` for `D`.
        allowed: the objective at the end of the profile interval.
    """
    start = path.loc[path["value"].abs().idxmin()]
    with plt.style.context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6))
        left.plot(path["value"], path["objective"] / start["objective"])
        left.axhline(
            allowed / start["objective"],
            color=colours()[1],
            linestyle="--",
            label="95 % profile",
        )
        left.set_ylabel(f"SSE, times that at D = {start['value']:g}")
        left.legend(loc="upper left")
        ratio = path["alpha"] / path["beta"]
        for style, label, values in (
            ("-", "α", path["alpha"]),
            ("--", "β", path["beta"]),
            ("-", "α/β", ratio),
        ):
            right.plot(path["value"], values / values[start.name], style, label=label)
        right.set_yscale("log")
        right.set_yticks(*_ticks([0.25, 0.5, 1, 2, 4]))
        right.minorticks_off()
        right.set_ylabel(f"times its value at D = {start['value']:g}")
        right.legend(loc="upper left")
        for axis in (left, right):
            axis.set_xlabel("D, held")
    plt.close(figure)
    return figure


def searches(
    path: pd.DataFrame, found: pd.DataFrame, laws: Mapping[str, Product]
) -> Figure:
    """Where runs of a random search ended, on the map of D and alpha, with the valley.

    Args:
        path: as from `scaling.profile_path` for `D`.
        found: the columns `alpha` and `D`, one row a run.
        laws: laws to mark.
    """
    ends = found.groupby(["alpha", "D"]).size().reset_index(name="runs")
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.8))
        axis.plot(
            path["value"],
            path["alpha"],
            color="0.6",
            label="the valley: best α for each D",
        )
        area = 2000 * ends["runs"] / len(found)
        axis.scatter(
            ends["D"],
            ends["alpha"],
            area,
            alpha=0.5,
            label=f"ends of {len(found)} runs; area: how many",
        )
        for (name, law), mark, colour in zip(
            laws.items(), "D*^v", colours()[1:], strict=False
        ):
            axis.plot(
                law.D,
                law.alpha,
                mark,
                color=colour,
                markersize=11,
                markeredgecolor="black",
                label=name,
            )
        axis.set_xlabel("D")
        axis.set_ylabel("α")
        axis.legend(loc="upper left", markerscale=0.7)
    plt.close(figure)
    return figure


def intervals(panels: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Intervals of the same quantity by several methods, one panel a quantity.

    Args:
        panels: titles; in each, names of methods and what they gave. Both ends of an
            interval have to exist.

    Raises:
        ValueError: an interval has an end that does not exist.
    """
    if open_ended := [
        name
        for rows in panels.values()
        for name, each in rows.items()
        if each.low is None or each.high is None
    ]:
        raise ValueError(
            f"the intervals of {', '.join(open_ended)} have no end on one side and "
            "cannot be drawn; leave them out"
        )
    colour = colours()[0]
    methods = list(dict.fromkeys(name for rows in panels.values() for name in rows))
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(panels),
            figsize=(8.5, 0.36 * len(methods) + 1.2),
            sharey=True,
            squeeze=False,
        )
        for axis, (title, rows) in zip(axes[0], panels.items(), strict=True):
            for name, interval in rows.items():
                y = methods.index(name)
                axis.plot(
                    [interval.low, interval.high],
                    [y, y],
                    color=colour,
                    linewidth=4,
                    alpha=0.5,
                    solid_capstyle="butt",
                )
                axis.plot(interval.value, y, "o", color=colour)
            axis.set_title(title)
        axes[0, 0].set_yticks(range(len(methods)), methods)
        axes[0, 0].invert_yaxis()
    plt.close(figure)
    return figure


def beyond(
    scores: pd.DataFrame, laws: Mapping[str, Law], visual_tokens: float, largest: float
) -> Figure:
    """Where laws go that agree on the measured points: error against N at one V, as far as the largest N."""
    points = scores[scores["visual_tokens"] == visual_tokens]
    params = np.geomspace(points["params"].min(), largest, 200)
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 3.6))
        for (name, law), style in zip(
            laws.items(), ["-", "--", "-.", ":"] * 3, strict=False
        ):
            axis.plot(
                params / 1e9, law.predict(params, visual_tokens), style, label=name
            )
        axis.plot(
            points["params"] / 1e9,
            points["error"],
            "o",
            color="black",
            label="measured",
        )
        axis.set_xscale("log")
        axis.set_xlabel("N, billions of parameters")
        axis.set_ylabel(f"mean error at V = {visual_tokens:g}")
        axis.legend()
    plt.close(figure)
    return figure


def _band(axis: Axes, rows: pd.DataFrame, color: str) -> None:
    axis.plot(rows["V"], rows["error"], color=color, linestyle="--")
    axis.fill_between(
        rows["V"], rows["low"], rows["high"], color=color, alpha=0.18, linewidth=0
    )


def _ticks(values: Sequence[float]) -> tuple[list[float], list[str]]:
    return list(values), [f"{value:g}" for value in values]
