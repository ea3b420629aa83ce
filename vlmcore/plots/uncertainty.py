"""How well a law is known: the sum of squares around the optimum, and intervals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vlmcore.plots.style import colours, log_ticks, name_rows, panel, panels, spans
from vlmcore.scaling import Interval, Product


def loss_map(
    alphas: np.ndarray, betas: np.ndarray, sse: np.ndarray, laws: Mapping[str, Product]
) -> Figure:
    """The sum of squared errors for each alpha and beta, with the best AB and D.

    Args:
        alphas: (a,)
        betas: (b,)
        sse: float (a, b)
        laws: laws to mark; a line shows the ratio of the first.
    """
    marked = {"color": "white", "markeredgecolor": "black", "markersize": 8}
    ratio = next(iter(laws.values())).ratio
    line = {"color": "white", "linestyle": "--", "linewidth": 1}
    with panel(7, 4) as (figure, axis):
        shades = axis.contourf(
            alphas,
            betas,
            (sse / sse.min()).T,
            levels=np.geomspace(1, 64, 13),
            cmap="cividis_r",
            extend="max",
            norm="log",
        )
        for (name, law), mark in zip(laws.items(), "oDs^", strict=False):
            axis.plot(law.alpha, law.beta, mark, label=name, **marked)
        axis.axline((0, 0), slope=1 / ratio, label=f"α/β = {ratio:.2f}", **line)
        ends = {"xlim": (alphas[0], alphas[-1]), "ylim": (betas[0], betas[-1])}
        axis.set(xlabel="α", ylabel="β", **ends)
        bar = figure.colorbar(shades, label="SSE, relative to the least")
        ticks = [1, 2, 4, 8, 16, 32, 64]
        bar.set_ticks(ticks, labels=[f"{tick}" for tick in ticks])
        bar.minorticks_off()
        look = {"facecolor": "0.55", "frameon": True, "labelcolor": "white"}
        axis.legend(loc="upper left", **look)
        axis.grid(False)
    return figure


def profile_of_d(path: pd.DataFrame, allowed: float) -> Figure:
    """The sum of squared errors and the exponents when D is fixed elsewhere.

    Args:
        path: as from `scaling.profile_path` for `D`.
        allowed: the objective at the end of the profile interval.
    """
    start = path.loc[path["value"].abs().idxmin()]
    D = path["value"]
    exponents = (
        ("-", "α", path["alpha"]),
        ("--", "β", path["beta"]),
        ("-", "α/β", path["alpha"] / path["beta"]),
    )
    with panels(1, 2, figsize=(8.5, 3.6)) as (figure, axes):
        left, right = axes[0]
        left.plot(D, path["objective"] / start["objective"])
        look = {"color": colours()[1], "linestyle": "--", "label": "95 % profile"}
        left.axhline(allowed / start["objective"], **look)
        left.set_ylabel(f"SSE, relative to that at D = {start['value']:g}")
        for style, label, values in exponents:
            right.plot(D, values / values[start.name], style, label=label)
        log_ticks(right, "y", [0.25, 0.5, 1, 2, 4])
        right.set_ylabel(f"relative to the value at D = {start['value']:g}")
        for axis in axes[0]:
            axis.legend(loc="upper left")
            axis.set_xlabel("fixed D")
    return figure


def random_searches(
    path: pd.DataFrame, ends: pd.DataFrame, laws: Mapping[str, Product]
) -> Figure:
    """The results of repeated random searches in D and alpha, with the profile of D.

    Args:
        path: as from `scaling.profile_path` for `D`.
        ends: the columns `alpha` and `D`, one row a search.
        laws: laws to mark.
    """
    found = ends.groupby(["alpha", "D"]).size().reset_index(name="count")
    area = 2000 * found["count"] / len(ends)
    with panel(7, 3.8) as (figure, axis):
        profile = {"color": "0.6", "label": "profile: best α for each D"}
        axis.plot(path["value"], path["alpha"], **profile)
        label = f"results of {len(ends)} searches; area: how many"
        axis.scatter(found["D"], found["alpha"], area, alpha=0.5, label=label)
        for (name, law), mark, colour in zip(
            laws.items(), "D*^v", colours()[1:], strict=False
        ):
            look = {"color": colour, "markersize": 11, "markeredgecolor": "black"}
            axis.plot(law.D, law.alpha, mark, label=name, **look)
        axis.set_xlabel("D")
        axis.set_ylabel("α")
        axis.legend(loc="upper left", markerscale=0.7)
    return figure


def intervals(quantities: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Intervals of the same quantity by several methods, one panel a quantity.

    Args:
        quantities: titles; in each, names of methods and their intervals. Both ends of
            an interval have to exist.

    Raises:
        ValueError: an interval has an end that does not exist.
    """
    rows = [(name, each) for by in quantities.values() for name, each in by.items()]
    if unbounded := [name for name, each in rows if None in (each.low, each.high)]:
        raise ValueError(
            f"the intervals of {', '.join(unbounded)} have no end on one side and "
            "cannot be drawn; leave them out"
        )
    methods = list(dict.fromkeys(name for name, _ in rows))
    size = (8.5, 0.36 * len(methods) + 1.2)
    look = {"linewidth": 4, "alpha": 0.5, "solid_capstyle": "butt"}
    with panels(1, len(quantities), figsize=size, sharey=True) as (figure, axes):
        for axis, (title, by) in zip(axes[0], quantities.items(), strict=True):
            for name, interval in by.items():
                y = methods.index(name)
                spans(axis, interval[:3], y, color=colours()[0], **look)
            axis.set_title(title)
        name_rows(axes[0, 0], methods)
    return figure
