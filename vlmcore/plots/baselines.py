"""What a score is without the image, in pictures; the tables come from `vlmcore.experiments.analysis.blind_baselines` and the laws from `vlmcore.scaling`."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmcore.plots.style import STYLE, colours
from vlmcore.scaling import Fit

_TRAINED = {"blind": 2, "shuffled": 4, "seeing": 0}
"""Numbers of the style's colours; guesses that need no model are grey."""

_TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def ladder(
    table: pd.DataFrame, title: str = "", baselines: tuple[str, ...] | None = None
) -> Figure:
    """Scores with intervals as rungs, the lowest at the bottom, one panel a kind of question; a dotted line goes up from chance.

    Args:
        table: as from `baselines.ladder`: the columns `baseline`, `kind`, `value`, `low`
            and `high`; ends may be missing.
        title: above the figure.
        baselines: names of all rows from the bottom up, so that figures with fewer keep
            their places; those of the table if None.

    Raises:
        ValueError: the table has a rung that is not among the names.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    names = list(baselines or dict.fromkeys(table["baseline"]))
    if strange := sorted({*table["baseline"]} - {*names}):
        raise ValueError(
            f"{', '.join(strange)} are not among the rungs {', '.join(names)}"
        )
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1, len(kinds), figsize=(8.2, 2.9), sharex=True, sharey=True, squeeze=False
        )
        for axis, kind in zip(axes[0], kinds, strict=True):
            _rungs(axis, table[table["kind"] == kind], names)
            axis.set_title(kind, fontsize=9 if len(kinds) > 4 else 11)
        axes[0, 0].set_yticks(range(len(names)), names)
        axes[0, 0].set_xlim(0, 1.02)
        axes[0, 0].set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        figure.supxlabel("accuracy", fontsize=10)
        figure.suptitle(title, fontsize=11)
    plt.close(figure)
    return figure


def bent(fits: Mapping[str, Fit]) -> Figure:
    """Errors against N on logarithmic axes with the lines of laws fitted to them, one panel a case, one colour a V.

    Args:
        fits: laws by title.
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            1, len(fits), figsize=(8.2, 3.1), sharey=True, squeeze=False
        )
        for axis, (title, fit) in zip(axes[0], fits.items(), strict=True):
            points = fit.points
            along = np.geomspace(points.N.min(), points.N.max(), 60)
            for v, colour in zip(np.unique(points.V), colours(), strict=False):
                rows = v == points.V
                axis.plot(
                    points.N[rows],
                    points.error[rows],
                    "o",
                    color=colour,
                    label=f"V = {v:g}",
                )
                axis.plot(
                    along, fit.law.predict(along, v), "--", color=colour, linewidth=1.1
                )
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xlabel("N, parameters")
            axis.set_title(title)
        low, high = axes[0, 0].get_ylim()
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        axes[0, 0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes[0, 0].minorticks_off()
        axes[0, 0].set_ylabel("error")
        axes[0, -1].legend(loc="lower left")
    plt.close(figure)
    return figure


def _rungs(axis: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    palette = colours()
    for row in rows.itertuples():
        colour = palette[_TRAINED[row.baseline]] if row.baseline in _TRAINED else "0.5"
        y = names.index(row.baseline)
        axis.barh(y, row.value, height=0.62, color=colour, alpha=0.35)
        axis.plot(row.value, y, "o", color=colour)
        if np.isfinite([row.low, row.high]).all():
            axis.plot([row.low, row.high], [y, y], color=colour, linewidth=2.2)
        if row.baseline == "chance":
            axis.axvline(row.value, color="0.4", linestyle=":", linewidth=1)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.grid(axis="y", visible=False)
